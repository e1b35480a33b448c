//! The section `hooks`: which systems may say what became of the work.

use countersign_core::fact::{Basis, Judgement, SourceKind};

use super::section::Section;
use super::{DEFAULT_TENANT, units};
use crate::access::files::{self, Held};
use crate::ingest::hooks::{Hook, Mapping, Secret, VERDICT_SOURCES};

/// A secret, and the one before it.
const SECRETS_MAX: usize = 2;

/// Reads the section.
pub(super) fn read(section: Section<'_>, hooks: &mut Vec<Hook>) {
    for (key, hook) in section.named() {
        let (kind, name) = key.split_once('/').unwrap_or((key, key));
        let Some(source) = VERDICT_SOURCES.iter().find(|source| source.kind == kind) else {
            let kinds: Vec<&str> = VERDICT_SOURCES.iter().map(|source| source.kind).collect();
            hook.reject(&format!("no such source; there are {}", kinds.join(", ")));
            continue;
        };
        let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        if !plain || name.is_empty() || name.len() > 64 {
            hook.reject("expected a name of at most 64 letters, digits, `-`, `_` and `.`");
            continue;
        }
        if hooks.iter().any(|other| other.name == name) {
            hook.reject("the name is taken by another hook");
            continue;
        }
        let mut section = hook;
        let secrets = secrets(&mut section);
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let tenant = section.read("tenant", units::NAME, units::name);
        let only = section.list("only", "a repository, project or account", text);
        let agents = section.list("agents", "a login or id", text);
        let prefixes = section.list("task_prefixes", "what stands before an id", text);
        let mapping = section.section("mapping").and_then(mapping);
        if source.needs_mapping && mapping.is_none() && !section.has("mapping") {
            section.reject("`mapping` is missing: where in the body are task and state?");
        }
        section.end();
        hooks.push(Hook {
            name: name.to_owned(),
            tenant: tenant.unwrap_or_else(|| DEFAULT_TENANT.to_owned()),
            source,
            secrets,
            only: only.unwrap_or_default(),
            agents: agents.unwrap_or_default(),
            prefixes: prefixes.unwrap_or_default(),
            mapping,
        });
    }
}

fn secrets(section: &mut Section<'_>) -> Vec<Secret> {
    let any = |text: &str| Some(text.to_owned());
    let mut texts = section.list("secrets", "a secret", any).unwrap_or_default();
    texts.extend(section.read("secret", "a secret", any));
    if let Some(file) = section.read("secret_file", "a file", any) {
        match files::read(file.as_ref(), Held::Secretly) {
            Ok(bytes) => texts.push(String::from_utf8_lossy(&bytes).into_owned()),
            Err(error) => section.mistake("secret_file", error),
        }
    }
    let secrets: Vec<Secret> = texts.iter().filter_map(|text| Secret::new(text)).collect();
    if secrets.len() != texts.len() {
        section.reject("a secret is empty, or begins with `whsec_` and is not base64 after it");
    } else if secrets.is_empty() {
        let text = "`secret` is missing: what the source signs with, e.g. ${env:GITHUB_SECRET}";
        section.reject(text);
    } else if secrets.len() > SECRETS_MAX {
        section.reject("two secrets at most: the present one and the one before it");
    }
    secrets
}

fn mapping(mut section: Section<'_>) -> Option<Mapping> {
    let place = "a JSON pointer such as /ticket/id";
    let pointer = |text: &str| text.starts_with('/').then(|| text.to_owned());
    let task = section.read("task", place, pointer);
    let prefix = section.read("task_prefix", "a text", |text| Some(text.to_owned()));
    let state = section.read("state", place, pointer);
    let words = Judgement::ALL.map(Judgement::as_str).join(", ");
    let states = section.secrets("states", &format!("one of {words}"), |name, word| {
        Judgement::parse(word).map(|judgement| (name.to_owned(), judgement))
    });
    let time = section.read("time", place, pointer);
    let id = section.read("id", place, pointer);
    let kinds = SourceKind::ALL.map(SourceKind::as_str).join(", ");
    let source = section.read("source", &format!("one of {kinds}"), SourceKind::parse);
    let bases = Basis::ALL.map(Basis::as_str).join(", ");
    let basis = section.read("basis", &format!("one of {bases}"), Basis::parse);
    for (key, is_there) in [
        ("task", section.has("task")),
        ("state", section.has("state")),
        ("states", section.has("states")),
    ] {
        if !is_there {
            section.reject(&format!("`{key}` is missing"));
        }
    }
    section.end();
    Some(Mapping {
        task: task?,
        task_prefix: prefix.unwrap_or_default(),
        state: state?,
        states,
        time,
        id,
        source: source.unwrap_or(SourceKind::System),
        basis: basis.unwrap_or_default(),
    })
}
