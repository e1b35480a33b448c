//! Spellings: the names under which a model on the wire may be listed.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::limits;
use crate::names::cut;

/// What Bedrock puts before a model's name to say where it may run.
const REGIONS: &[&str] =
    &["us-gov.", "us.", "eu.", "apac.", "global.", "jp.", "au.", "ca.", "sa.", "me.", "af."];

/// What Bedrock puts before a model's name to say who made it.
const VENDORS: &[&str] = &[
    "anthropic.",
    "amazon.",
    "meta.",
    "mistral.",
    "cohere.",
    "deepseek.",
    "openai.",
    "google.",
    "ai21.",
    "qwen.",
    "moonshotai.",
    "moonshot.",
    "minimax.",
    "zai.",
    "nvidia.",
    "writer.",
];

/// The spellings of a model's name, in lower case, the most exact first.
///
/// Quotes around a name are no part of it: some emitters write attributes as JSON. Each step
/// drops or rewrites one thing that a platform adds: a path (`models/gemini-2.5-pro`),
/// Bedrock's region, maker and version (`us.anthropic.claude-sonnet-4-5-20250929-v1:0`), Vertex'
/// `@` before a date, the day of a release (`-20250929`, `-2025-09-29`), a number of a release
/// (`-001`) or `-latest`.
pub(super) fn spellings(name: &str) -> Vec<String> {
    let name = cut(name.trim().trim_matches('"'), limits::NAME_BYTES_MAX).to_lowercase();
    let mut all = Vec::with_capacity(6);
    let mut add = |spelling: &str| {
        if !spelling.is_empty() && !all.iter().any(|known| known == spelling) {
            all.push(spelling.to_string());
        }
    };
    add(&name);
    let last = name.rsplit('/').next().unwrap_or(&name);
    add(last);
    let made = without_prefix(last, REGIONS);
    add(made);
    let bare = without_prefix(made, VENDORS);
    add(bare);
    let plain = without_version(bare);
    add(plain);
    let dashed = plain.replace('@', "-");
    add(&dashed);
    if let Some((head, date)) = split_date(&dashed) {
        if let [y1, y2, y3, y4, m1, m2, d1, d2] = date.as_bytes() {
            let digits = [*y1, *y2, *y3, *y4, b'-', *m1, *m2, b'-', *d1, *d2];
            add(&(head.to_string() + "-" + &String::from_utf8_lossy(&digits)));
        }
        add(head);
    }
    let undated = split_date(&dashed).map_or(dashed.as_str(), |(head, _)| head);
    add(without_release(undated));
    all
}

fn without_prefix<'a>(name: &'a str, prefixes: &[&str]) -> &'a str {
    prefixes.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name)
}

/// Without Bedrock's version: `-v1:0`, `-v2`, `:0`.
fn without_version(name: &str) -> &str {
    let name = match name.rsplit_once(':') {
        Some((head, tail)) if is_digits(tail) => head,
        _ => name,
    };
    match name.rsplit_once("-v") {
        Some((head, tail)) if is_digits(tail) => head,
        _ => name,
    }
}

/// Without the number of a release of three digits, or the word for the newest.
fn without_release(name: &str) -> &str {
    match name.rsplit_once(['-', ':']) {
        Some((head, "latest")) => head,
        Some((head, tail)) if tail.len() == 3 && is_digits(tail) => head,
        _ => name,
    }
}

/// Splits off a day at the end: `-20250929` or `-2025-09-29`, of this century.
fn split_date(name: &str) -> Option<(&str, &str)> {
    for (length, dashes) in [(8, false), (10, true)] {
        let Some(split) = name.len().checked_sub(length + 1) else { continue };
        let Some((head, tail)) = name.split_at_checked(split) else { continue };
        let Some(date) = tail.strip_prefix('-') else { continue };
        let shape = date.bytes().enumerate().all(|(place, byte)| {
            if dashes && (place == 4 || place == 7) { byte == b'-' } else { byte.is_ascii_digit() }
        });
        if shape && date.starts_with("20") && !head.is_empty() {
            return Some((head, date));
        }
    }
    None
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, expected: &[&str]) {
        assert_eq!(spellings(name), expected);
    }

    #[test]
    fn drops_what_platforms_add_step_by_step() {
        check("gpt-4o-mini", &["gpt-4o-mini"]);
        check("GPT-4o-mini ", &["gpt-4o-mini"]);
        check("\"gpt-4o-mini\"", &["gpt-4o-mini"]);
        check("gpt-4o-mini-2024-07-18", &["gpt-4o-mini-2024-07-18", "gpt-4o-mini"]);
        check(
            "claude-sonnet-4-5@20250929",
            &[
                "claude-sonnet-4-5@20250929",
                "claude-sonnet-4-5-20250929",
                "claude-sonnet-4-5-2025-09-29",
                "claude-sonnet-4-5",
            ],
        );
        check(
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            &[
                "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
                "anthropic.claude-sonnet-4-5-20250929-v1:0",
                "claude-sonnet-4-5-20250929-v1:0",
                "claude-sonnet-4-5-20250929",
                "claude-sonnet-4-5-2025-09-29",
                "claude-sonnet-4-5",
            ],
        );
        check(
            "publishers/google/models/gemini-2.5-flash-001",
            &[
                "publishers/google/models/gemini-2.5-flash-001",
                "gemini-2.5-flash-001",
                "gemini-2.5-flash",
            ],
        );
        check("mistral-large-latest", &["mistral-large-latest", "mistral-large"]);
        check("", &[]);
        check("-20250929", &["-20250929"]);
        check("größe-20250929", &["größe-20250929", "größe-2025-09-29", "größe"]);
    }
}
