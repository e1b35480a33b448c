//! Deliveries as the vendors document them, each with what the books are told.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use countersign_core::fact::{Fact, Tie};
use expect_test::expect_file;
use serde_json::Value;

use super::super::{Failed, VERDICT_SOURCES, payload, read_proved};
use super::hook;
use crate::journal::FactReader;
use crate::publish::calendar;

const RECEIVED: u64 = 1_795_600_800_000_000_000;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/hooks")
}

/// What the books are told, a line for each fact.
fn told(kind: &str, delivery: &Value) -> String {
    let mut headers = http::HeaderMap::new();
    for (name, value) in delivery["headers"].as_object().unwrap() {
        let name: http::HeaderName = name.parse().unwrap();
        headers.insert(name, value.as_str().unwrap().parse().unwrap());
    }
    let now = (RECEIVED / 1_000_000).to_string();
    let body = delivery["body"].to_string().replace("\"NOW_MS\"", &now);
    let form =
        form_urlencoded::Serializer::new(String::new()).append_pair("payload", &body).finish();
    let is_form = delivery["headers"]["content-type"].as_str().unwrap().contains("form");
    let sent = if is_form { form } else { body };
    let body = payload(&headers, sent.as_bytes()).unwrap();
    let told = match read_proved(&hook(kind), &headers, &body, RECEIVED) {
        Ok(told) => told,
        Err(Failed::Unproved) => return "refused\n".into(),
        Err(Failed::Malformed) => return "malformed\n".into(),
        Err(Failed::Ignored(status)) => return format!("ignored: {}\n", status.as_u16()),
        Err(Failed::TooLarge) => return "too large\n".into(),
    };
    let bytes = told.into_facts().into_bytes();
    assert!(!bytes.windows(6).any(|window| window == b"CANARY"), "{kind}: text was kept");
    let mut lines = String::new();
    for fact in FactReader::of(&bytes) {
        line(&mut lines, &fact.unwrap());
    }
    lines
}

fn line(lines: &mut String, fact: &Fact<'_>) {
    match fact {
        Fact::Alias(alias) => {
            let tie = match alias.tie {
                Tie::Identity => "is",
                Tie::Container => "may be",
            };
            writeln!(lines, "{} {tie} {}", alias.task, alias.name).unwrap();
        }
        Fact::Verdict(verdict) => {
            let at = match verdict.effective {
                RECEIVED => "now".to_owned(),
                time => calendar::show(time),
            };
            let (state, source) = (verdict.judgement.as_str(), verdict.source.as_str());
            let (basis, reason) = (verdict.basis.as_str(), verdict.reason);
            let edit = verdict.edit_ppm.map_or_else(String::new, |ppm| format!(" edit={ppm}"));
            let back = if verdict.supersedes.is_none() { "" } else { " in place of another" };
            writeln!(
                lines,
                "{state}: {} ({source}, {basis}, {reason}){edit}{back} at {at}",
                verdict.task
            )
            .unwrap();
        }
        Fact::Evaluation(it) => {
            let who = it.identity;
            writeln!(
                lines,
                "evaluation {} {}: {}#{} {} {}@{}",
                it.name,
                it.label,
                who.repository,
                who.change,
                who.artifact,
                who.branch,
                who.revision
            )
            .unwrap();
        }
        Fact::Links(_) | Fact::Call(_) | Fact::Step(_) | Fact::Point(_) => panic!("{fact:?}"),
        Fact::Noticed(_) | Fact::Tick | Fact::BeginAgain => panic!("{fact:?}"),
    }
}

#[test]
fn what_each_delivery_says() {
    for source in VERDICT_SOURCES {
        let folder = folder().join(source.kind);
        let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
            .collect();
        files.sort();
        assert!(files.len() >= 2, "{}", source.kind);
        let mut all = String::new();
        for file in files {
            let delivery: Value =
                serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
            let name = file.file_stem().unwrap().to_str().unwrap();
            writeln!(all, "== {name}\n{}", told(source.kind, &delivery)).unwrap();
        }
        expect_file![folder.join("told.txt")].assert_eq(&all);
    }
}

#[test]
fn any_json_is_read_without_a_panic() {
    let values =
        ["null", "0", "\"\"", "[]", "{}", "[[[]]]", "{\"object_kind\":5}", "{\"data\":[]}"];
    for source in VERDICT_SOURCES {
        let folder = folder().join(source.kind);
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let Ok(delivery) = serde_json::from_slice::<Value>(&std::fs::read(&path).unwrap())
            else {
                continue;
            };
            for wrong in values {
                told(
                    source.kind,
                    &serde_json::json!({"headers": delivery["headers"],
                    "body": serde_json::from_str::<Value>(wrong).unwrap()}),
                );
            }
            // Each field in turn becomes something else.
            let mut places = Vec::new();
            walk(&delivery["body"], String::new(), &mut places);
            for place in places {
                for wrong in [
                    Value::Null,
                    Value::from(-1),
                    Value::from("\u{0}"),
                    Value::from(vec![Value::Null]),
                ] {
                    let mut altered = delivery.clone();
                    *altered["body"].pointer_mut(&place).unwrap() = wrong;
                    told(source.kind, &altered);
                }
            }
        }
    }
}

fn walk(value: &Value, place: String, places: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                walk(value, format!("{place}/{key}"), places);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                walk(value, format!("{place}/{index}"), places);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    if !place.is_empty() {
        places.push(place);
    }
}
