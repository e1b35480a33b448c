//! Deliveries in, facts out; signatures against codes that were computed elsewhere.

mod deliveries;
mod signatures;

use http::HeaderMap;

use super::{Hook, Mapping, Secret, VERDICT_SOURCES};
use countersign_core::fact::{Basis, Judgement, SourceKind};

/// A hook of this kind, with agents under the id 700.
fn hook(kind: &str) -> Hook {
    let source = VERDICT_SOURCES.iter().find(|source| source.kind == kind).unwrap();
    let mapping = Mapping {
        task: "/conversation/id".into(),
        task_prefix: String::new(),
        state: "/feedback/thumb".into(),
        states: vec![("up".into(), Judgement::Accepted), ("down".into(), Judgement::Rejected)],
        time: Some("/feedback/at".into()),
        id: Some("/event_id".into()),
        source: SourceKind::EndUser,
        basis: Basis::Explicit,
    };
    Hook {
        tenant: "default".to_owned(),
        name: kind.to_owned(),
        source,
        secrets: vec![Secret::new("It's a Secret to Everybody").unwrap()],
        only: Vec::new(),
        agents: vec!["700".into()],
        prefixes: Vec::new(),
        mapping: source.needs_mapping.then_some(mapping),
    }
}

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&str, &str)| {
        (name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap())
    };
    pairs.iter().map(pair).collect()
}
