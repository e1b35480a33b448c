//! The inbox: what waits for a reviewer, judged with the keyboard alone.

use countersign_core::fact::{Judgement, UnixNanos};
use maud::{Markup, html};

use super::words::{count, duration, money};
use super::{Setting, layout};
use crate::publish::figures::{Inbox, InboxOrder, InboxTask, page_path};

/// The script of the page, served as `/assets/inbox.js`.
pub const INBOX_SCRIPT: &str = include_str!("inbox.js");

/// The key of each verdict, its word and what it means to a reviewer.
const KEYS: [(&str, Judgement, &str); 5] = [
    ("a", Judgement::Accepted, "used as it is"),
    ("e", Judgement::Edited, "used after changes"),
    ("r", Judgement::Rejected, "not used, or sent back"),
    ("h", Judgement::Escalated, "handed on to people"),
    ("w", Judgement::Withdrawn, "not wanted any more"),
];

/// Reasons that are offered; any other short code will do.
const REASONS: [&str; 7] =
    ["correct", "incomplete", "wrong", "style", "off_topic", "too_late", "duplicate"];

/// The page.
#[must_use]
pub fn inbox_page(inbox: &Inbox, order: InboxOrder, setting: &Setting, now: UnixNanos) -> Markup {
    let main = html! {
        section.card.wide {
            h1 { (count(inbox.waiting)) " waiting for review" }
            p.orders {
                (order_link("oldest first", "/inbox", order == InboxOrder::Oldest)) " · "
                (order_link("dearest first", "/inbox?by=dearest", order == InboxOrder::Dearest))
            }
            @if inbox.tasks.is_empty() {
                p { "Nothing waits. " a href="/" { "To the outcomes" } }
            } @else {
                ol.inbox { @for task in &inbox.tasks { (row(task)) } }
            }
            p.status #told role="status" {}
            p.caveat {
                kbd { "j" } " and " kbd { "k" } " move, " kbd { "o" } " opens the work. "
                @for (key, judgement, means) in KEYS {
                    kbd { (key) } " " (judgement.as_str()) ": " (means) ". "
                }
            }
            (ask())
            script src="/assets/inbox.js" defer {}
        }
    };
    layout(setting, "Inbox", now, &main)
}

fn order_link(text: &str, to: &str, is_it: bool) -> Markup {
    html! { a href=(to) aria-current=[is_it.then_some("true")] { (text) } }
}

fn row(task: &InboxTask) -> Markup {
    html! {
        li tabindex="0" data-task=(task.id) {
            span.age { (duration(Some(task.age_seconds))) }
            span.cost { (money(task.cost_usd.0)) }
            span.name {
                a.work href=(task.url.clone().unwrap_or_else(|| page_path(&task.id)))
                    rel="noreferrer" { (task.id) }
                @if !task.workflow.is_empty() { " " span.workflow { (task.workflow) } }
                @if task.rounds > 1 { " round " (task.rounds) }
            }
            span.judge {
                @for (_, judgement, _) in KEYS {
                    button type="button" data-state=(judgement.as_str()) tabindex="-1" {
                        (judgement.as_str())
                    }
                }
            }
        }
    }
}

/// What is asked for beside the verdict. It can be sent with Enter alone.
fn ask() -> Markup {
    html! {
        dialog #ask tabindex="-1" aria-labelledby="asked" {
            form {
                h2 #asked { "Verdict" }
                label { "Minutes of review "
                    input #minutes type="number" min="0" max="1440" step="0.5" inputmode="decimal";
                }
                label { "Reason "
                    input #reason type="text" maxlength="64" list="reasons" autocomplete="off";
                }
                datalist #reasons { @for reason in REASONS { option value=(reason) {} } }
                button type="submit" { "Send" }
                " " kbd { "Enter" } " sends, " kbd { "Esc" } " leaves"
            }
        }
    }
}
