//! Pages for people: server-rendered, with a style sheet and a script of our own and nothing
//! from elsewhere. Accepted outcomes come first, tokens last.

mod chart;
mod home;
mod inbox;
mod task;
mod words;

pub use home::home;
pub use inbox::{INBOX_SCRIPT, inbox_page};
pub use task::task_page;

use countersign_core::fact::UnixNanos;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::calendar;
use crate::config::Listen;

/// The style sheet, served as `/assets/countersign.css`.
pub const STYLE: &str = include_str!("countersign.css");
/// The script that keeps a page fresh, served as `/assets/countersign.js`.
pub const SCRIPT: &str = include_str!("countersign.js");

/// What every page says beside its figures.
#[derive(Clone, Debug, Default)]
pub struct Setting {
    /// Why this is measured, as the configuration declares it.
    pub purpose: String,
    /// Where this program listens, for the instructions of an empty page.
    pub listen: Listen,
}

/// A page that says that there is nothing at an address.
#[must_use]
pub fn not_found(setting: &Setting, what: &str, now: UnixNanos) -> Markup {
    let main = html! {
        section.card.empty {
            h1 { "Nothing here" }
            p { (what) }
            p { a href="/" { "Back to the outcomes" } }
        }
    };
    layout(setting, "Not found", now, &main)
}

fn layout(setting: &Setting, title: &str, now: UnixNanos, main: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Countersign" }
                link rel="icon" href="/assets/countersign.svg" type="image/svg+xml";
                link rel="stylesheet" href="/assets/countersign.css";
                script src="/assets/countersign.js" defer {}
                noscript { meta http-equiv="refresh" content="30"; }
            }
            body {
                a.skip href="#main" { "Skip to the figures" }
                header {
                    a.brand href="/" { (mark()) span { "Countersign" } }
                    p.asof { span.live aria-hidden="true" {} "As of " (as_of(now)) " UTC" }
                }
                main #main { (main) }
                footer { (footer(setting)) }
            }
        }
    }
}

fn footer(setting: &Setting) -> Markup {
    html! {
        p {
            strong { "Purpose of this measurement: " }
            @if setting.purpose.is_empty() {
                "not declared. Set " code { "purpose" } " in the configuration to say it here."
            } @else { (setting.purpose) }
        }
        p {
            "No person, no prompt and no ranking: only ids, counts, times and money. "
            a href="/inbox" { "Inbox" } " · "
            a href="/metrics" { "Metrics" } " · "
            a href="/api/v1/totals" { "Totals" } " · "
            a href="/api/v1/outcomes?by=workflow" { "Outcomes" } " · "
            a href="/api/v1/status" { "Status" }
        }
    }
}

/// The mark: a line that was signed.
fn mark() -> Markup {
    PreEscaped(MARK.to_owned())
}

/// The mark as an image.
pub const MARK: &str = concat!(
    r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" class="mark" "##,
    r##"aria-hidden="true"><rect width="32" height="32" rx="8" fill="#0f766e"/>"##,
    r##"<path d="M8 17.5l5 5L24 10" fill="none" stroke="#fff" stroke-width="3.2" "##,
    r##"stroke-linecap="round" stroke-linejoin="round"/></svg>"##,
);

/// The time of the figures; a narrow page leaves the date out.
fn as_of(now: UnixNanos) -> Markup {
    let text = clock(now);
    let (date, time) = text.split_once(' ').unwrap_or(("", &text));
    html! { time { span.date { (date) " " } (time) } }
}

fn clock(now: UnixNanos) -> String {
    let text = calendar::show(now - now % 1_000_000_000);
    text.replace('T', " ").replace('Z', "")
}

/// A panel: what it shows, its figures, and how it can mislead.
fn panel(class: &str, title: &str, caveat: &str, body: &Markup) -> Markup {
    html! {
        section.card.(class) {
            h2 { (title) }
            (body)
            p.caveat { (caveat) }
        }
    }
}

/// One figure with its name.
fn figure(name: &str, value: &str) -> Markup {
    html! { div.figure { dt { (name) } dd { (value) } } }
}

/// A review state with its colour.
fn state(word: &str) -> Markup {
    html! { span.state { span.dot.(format!("s-{word}")) {} (word) } }
}

#[cfg(test)]
mod tests;
