//! Pages made from small books: what they say, and what they must not.

use countersign_core::fact::UnixNanos;

use super::super::books::Script;
use super::super::figures::{self, Overview};
use super::*;

fn overview(script: &Script) -> Overview {
    figures::overview(&script.books, &script.tally, script.now)
}

fn home_of(script: &Script) -> String {
    home(&overview(script), &Setting::default()).into_string()
}

fn task_of(script: &Script, id: &str) -> String {
    let view = script.books.find(id).unwrap();
    let shown = figures::task(&view, Some("https://traces.example/{trace_id}"));
    task_page(&shown, &Setting::default(), script.now).into_string()
}

/// Where the texts stand on the page, in this order and once each as a heading.
fn in_order(page: &str, texts: &[&str]) {
    let places: Vec<_> = texts.iter().map(|text| page.find(text).expect(text)).collect();
    assert!(places.is_sorted(), "{texts:?} at {places:?}");
}

fn judged() -> Script {
    let mut script = Script::default();
    for (task, word) in [(1_u128, "accepted"), (2, "edited"), (3, "rejected")] {
        let id = format!("pr-{task}");
        script.call(&id, task, 1);
        script.judge(&id, word, 120);
    }
    script.call("pr-4", 4, 0);
    script
}

#[test]
fn outcomes_come_first_and_tokens_last() {
    let page = home_of(&judged());
    in_order(
        &page,
        &[
            ">Accepted outcomes<",
            ">Cost per accepted outcome<",
            ">Waiting for review<",
            ">Rework<",
            ">Latency<",
            ">Retries<",
            ">Routes<",
            ">Workflows<",
            ">Tokens and models<",
            "Purpose of this measurement",
        ],
    );
    // Three judged tasks of a quarter dollar over two served ones; six minutes at $90 an hour.
    for text in ["<title>2 accepted", "$0.38", "$4.88", "66.7\u{202f}%", "pr-4"] {
        assert!(page.contains(text), "{text}");
    }
}

#[test]
fn an_empty_page_says_what_to_do() {
    let page = home_of(&Script::default());
    assert!(page.contains("OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4317"));
    assert!(page.contains("countersign demo"));
    assert!(!page.contains("Tokens"));
}

#[test]
fn without_a_verdict_there_is_no_cost_per_outcome() {
    let mut script = Script::default();
    script.call("pr-1", 1, 0);
    let page = home_of(&script);
    assert!(page.contains("Needs a first acceptance"));
    assert!(!page.contains("NaN") && !page.contains("inf"));
}

#[test]
fn labels_cannot_become_markup() {
    let mut script = Script::default();
    let evil = "<script>alert(1)</script>\"'onload=x";
    script.call_of(evil, 1, 0, (evil, evil, 10));
    script.judge(evil, "accepted", 1);
    for page in [home_of(&script), task_of(&script, evil)] {
        assert!(!page.contains("<script>") && !page.contains("\"'onload"), "{page}");
        assert!(page.contains("&lt;script&gt;"));
    }
}

#[test]
fn a_task_page_shows_verdicts_and_links_to_the_trace() {
    let page = task_of(&judged(), "pr-2");
    for text in [
        "pr-2",
        "edited",
        "in github",
        "20.0\u{202f}% changed",
        "“style”",
        "https://traces.example/00000000000000000000000000000002",
    ] {
        assert!(page.contains(text), "{text}");
    }
    let waiting = task_of(&judged(), "pr-4");
    assert!(waiting.contains("countersign verdict 'pr-4' accepted"));
}

#[test]
fn nothing_comes_from_elsewhere() {
    let now: UnixNanos = 0;
    let missing = not_found(&Setting::default(), "gone", now).into_string();
    for page in [home_of(&judged()), home_of(&Script::default()), missing] {
        for address in page.split(['"', ' ']).filter(|word| word.contains("://")) {
            assert!(address.contains("127.0.0.1") || address.contains("w3.org"), "{address}");
        }
        assert!(!page.contains(" style="), "the policy forbids inline styles");
    }
    assert!(!STYLE.contains("url(") && !STYLE.contains("@import"));
}
