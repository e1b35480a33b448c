//! Planted bugs are for the simulator alone: none is in the program.

/// Stands in every program that was built with them; the command that plants them looks for it
/// in itself.
const MARK: &[u8] = b"countersign-planted-bugs-are-compiled-in";

#[test]
fn no_planted_bug_is_in_the_program() {
    let program = std::fs::read(env!("CARGO_BIN_EXE_countersign-tested")).unwrap();
    let mut places = program.iter().enumerate().filter(|(_, byte)| Some(*byte) == MARK.first());
    assert!(places.clone().next().is_some(), "it is a program");
    assert!(!places.any(|(at, _)| program[at..].starts_with(MARK)));
}
