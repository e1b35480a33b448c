//! The committed code is what the sources give.

use std::path::Path;

#[test]
fn committed_code_is_what_the_sources_give() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources = ["verdicts", "outcomes"]
        .map(|name| root.join("proto/countersign/v1").join(name).with_extension("proto"));
    let descriptors = protox::compile(sources, [root.join("proto")]).expect("the sources compile");
    let fresh = std::env::temp_dir().join(format!("countersign-proto-{}", std::process::id()));
    std::fs::create_dir_all(&fresh).unwrap();
    tonic_prost_build::configure()
        .out_dir(&fresh)
        .compile_fds(descriptors)
        .expect("the descriptors give code");
    let name = "countersign.v1.rs";
    let made = std::fs::read_to_string(fresh.join(name)).unwrap();
    std::fs::remove_dir_all(&fresh).unwrap();
    let committed = root.join("src/generated").join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&committed, &made).unwrap();
    }
    let kept = std::fs::read_to_string(&committed).unwrap_or_default();
    assert!(kept == made, "src/generated is old: run BLESS=1 cargo test -p countersign-proto");
}
