//! Marks drawn as SVG on the server: bars over time, and one bar in parts.

use maud::{Markup, html};

use super::words;
use crate::publish::figures::Trend;

/// One part of a bar: its class, its name and its size.
pub(super) struct Part {
    pub(super) class: &'static str,
    pub(super) name: &'static str,
    pub(super) size: f64,
    pub(super) shown: String,
}

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 120.0;

/// Outcomes over time: what was accepted stands on the line, what was not hangs below it.
pub(super) fn trend(trend: &Trend) -> Markup {
    #[allow(clippy::cast_precision_loss, reason = "pixels")]
    let number = |count: u64| count as f64;
    let above = trend.buckets.iter().map(|bucket| bucket.net_served).max().unwrap_or(0);
    let below = trend.buckets.iter().map(|bucket| bucket.not_served).max().unwrap_or(0);
    let unit = HEIGHT / number((above + below).max(1));
    let line = number(above) * unit;
    let step = WIDTH / number(trend.buckets.len().max(1) as u64);
    let accepted: u64 = trend.buckets.iter().map(|bucket| bucket.net_served).sum();
    let label = format!("{accepted} accepted outcomes over time");
    html! {
        svg.trend viewBox=(format!("0 -2 {WIDTH} {}", HEIGHT + 4.0)) preserveAspectRatio="none"
            role="img" aria-label=(label) {
            line.axis x1="0" x2=(WIDTH) y1=(px(line)) y2=(px(line)) {}
            @for (index, bucket) in (0_u64..).zip(&trend.buckets) {
                @let x = number(index) * step + step * 0.14;
                @let (up, down) = (number(bucket.net_served) * unit, number(bucket.not_served) * unit);
                g {
                    title { (bucket.start) ": " (bucket.net_served) " accepted, " (bucket.not_served) " not" }
                    rect.ghost x=(px(number(index) * step)) width=(px(step)) y="0" height=(HEIGHT) {}
                    @if bucket.net_served > 0 {
                        rect.s-accepted x=(px(x)) width=(px(step * 0.72)) y=(px(line - up)) height=(px(up)) rx="2" {}
                    }
                    @if bucket.not_served > 0 {
                        rect.s-rejected x=(px(x)) width=(px(step * 0.72)) y=(px(line + 1.0)) height=(px(down)) rx="2" {}
                    }
                }
            }
        }
    }
}

/// One bar in parts, with a legend that says what each is.
pub(super) fn parts(label: &str, parts: &[Part]) -> Markup {
    let all: f64 = parts.iter().map(|part| part.size).sum();
    let mut at = 0.0;
    let placed: Vec<(f64, f64, &Part)> = parts
        .iter()
        .filter(|part| part.size > 0.0)
        .map(|part| {
            let width = part.size / all * WIDTH;
            at += width;
            (at - width, width, part)
        })
        .collect();
    html! {
        svg.parts viewBox=(format!("0 0 {WIDTH} 14")) preserveAspectRatio="none" role="img"
            aria-label=(label) {
            @for (x, width, part) in &placed {
                rect class=(part.class) x=(px(*x)) width=(px((width - 2.0).max(1.0))) y="0" height="14" {
                    title { (part.name) ": " (part.shown) }
                }
            }
        }
        ul.legend {
            @for (_, width, part) in &placed {
                li { span.dot.(part.class) {} (part.name) " " b { (part.shown) }
                    span.muted { " " (words::share(Some(width / WIDTH))) } }
            }
        }
    }
}

/// How full something is, from 0 to 1.
pub(super) fn meter(label: &str, share: f64) -> Markup {
    let width = share.clamp(0.0, 1.0) * 100.0;
    html! {
        svg.meter viewBox="0 0 100 4" preserveAspectRatio="none" role="img" aria-label=(label) {
            rect.track x="0" y="0" width="100" height="4" {}
            rect.fill x="0" y="0" width=(px(width)) height="4" {}
        }
    }
}

fn px(length: f64) -> String {
    format!("{length:.2}")
}
