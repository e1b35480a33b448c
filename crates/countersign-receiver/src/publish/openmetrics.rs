//! The page that Prometheus scrapes: OpenMetrics 1.0 with exemplars, or the plain text format.
//!
//! Names are those that Prometheus makes of the same metrics when they come by OTLP, so that a
//! query does not care how they arrived: characters outside `[a-zA-Z0-9:]` become `_`; the unit
//! is appended (`s` as `seconds`, a word like `USD` as it is, `{annotations}` not at all) unless
//! the name has it; counters end in `_total`. Attribute keys have `_` for every other
//! character. Money and durations are printed from integers: no digit is lost on this page.

use std::fmt::Write as _;

use countersign_core::fact::UnixNanos;
use countersign_core::money::Money;
use countersign_core::tally::{Exemplar, Histogram, Kind, Metric, Series, Value};

use super::own::Own;
use super::resource::TENANT;
use crate::keeper::View;

/// How the page is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// OpenMetrics 1.0: units, creation times, exemplars.
    OpenMetrics,
    /// Prometheus' text format 0.0.4, without any of them.
    Plain,
}

impl Format {
    /// What a scraper's `Accept` header asks for; plain text if it does not say.
    #[must_use]
    pub fn negotiate(accept: &str) -> Format {
        let mut best = (Format::Plain, 0);
        for range in accept.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let media = parts.next().unwrap_or("");
            let (mut quality, mut version) = (1000, "");
            for parameter in parts {
                match parameter.split_once('=') {
                    Some(("q", value)) => quality = millis(value),
                    Some(("version", value)) => version = value.trim_matches('"'),
                    Some(_) | None => {}
                }
            }
            let format = match media.to_ascii_lowercase().as_str() {
                "application/openmetrics-text" if matches!(version, "" | "1.0.0" | "0.0.1") => {
                    Format::OpenMetrics
                }
                "text/plain" | "text/*" | "*/*" => Format::Plain,
                _ => continue,
            };
            if quality > best.1 {
                best = (format, quality);
            }
        }
        best.0
    }

    /// The `Content-Type` of the page.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Format::Plain => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// A quality of `0` to `1` in thousandths; what cannot be read counts as 0.
fn millis(quality: &str) -> u32 {
    let (whole, fraction) = quality.trim().split_once('.').unwrap_or((quality.trim(), ""));
    let thousandths: String = fraction.chars().chain("000".chars()).take(3).collect();
    let whole: u32 = whole.parse().unwrap_or(0);
    whole.min(1) * 1000 + thousandths.parse::<u32>().unwrap_or(0)
}

/// Writes the page of one tenant's series.
#[must_use]
pub fn page(view: &View<'_>, format: Format) -> String {
    let mut page = Page::new(format);
    view.tally.visit(view.books, view.now, &mut |series| page.add(&series));
    page.finish()
}

/// Writes the page of the operator: the series of all tenants, with the names of those that are
/// not the default one, and how the program fares.
#[must_use]
pub fn page_of_all(view: &View<'_>, own: &Own, format: Format) -> String {
    let mut page = Page::new(format);
    for (tenant, books, tally) in view.all() {
        tenant.clone_into(&mut page.tenant);
        tally.visit(books, view.now, &mut |series| page.add(&series));
    }
    page.tenant.clear();
    own.visit(&mut |series| page.add(series));
    page.finish()
}

/// A page in the making.
pub struct Page {
    /// Each metric's name, and its part of the page: series of one metric stand together,
    /// whenever they come.
    families: Vec<(&'static str, String)>,
    /// The part that is being written.
    text: String,
    format: Format,
    metric: Option<&'static Metric>,
    family: String,
    /// The tenant whose series come; empty if it is not told.
    tenant: String,
}

impl Page {
    /// An empty page.
    #[must_use]
    pub fn new(format: Format) -> Page {
        Page {
            families: Vec::new(),
            text: String::new(),
            format,
            metric: None,
            family: String::new(),
            tenant: String::new(),
        }
    }

    /// Appends one series, and its metric's head if it is the metric's first.
    pub fn add(&mut self, series: &Series<'_>) {
        if self.metric.is_none_or(|metric| metric.name != series.metric.name) {
            self.turn_to(series.metric);
        }
        let labels = match self.tenant.as_str() {
            "" => labels(series.attributes),
            tenant => labels(&[series.attributes, &[(TENANT, tenant)]].concat()),
        };
        let unit = series.metric.unit;
        match series.value {
            Value::Histogram(histogram) => self.histogram(series, histogram, &labels),
            Value::Count(count) => self.number(series, &labels, &count.to_string()),
            Value::Level(level) => self.number(series, &labels, &level.to_string()),
            Value::Money(money) => self.number(series, &labels, &money.to_string()),
            Value::Share(ppm) => {
                let micros = i128::from(ppm) * 1_000_000;
                self.number(series, &labels, &Money::from_pico(micros).to_string());
            }
            Value::Millis(ms) => {
                let nanos = i128::from(ms) * 1_000_000;
                self.number(series, &labels, &decimal(unit, nanos));
            }
        }
    }

    /// The page's text.
    #[must_use]
    pub fn finish(mut self) -> String {
        self.put_back();
        let parts = std::mem::take(&mut self.families);
        self.text = parts.into_iter().map(|(_, text)| text).collect();
        if self.format == Format::OpenMetrics {
            self.text.push_str("# EOF\n");
        }
        self.text
    }

    /// Goes on with another metric, which may have been begun before.
    fn turn_to(&mut self, metric: &'static Metric) {
        self.put_back();
        self.metric = Some(metric);
        self.family = family(metric);
        match self.families.iter_mut().find(|(name, _)| *name == metric.name) {
            Some((_, text)) => self.text = std::mem::take(text),
            None => {
                self.families.push((metric.name, String::new()));
                self.head(metric);
            }
        }
    }

    fn put_back(&mut self) {
        let Some(metric) = self.metric else { return };
        let family = self.families.iter_mut().find(|(name, _)| *name == metric.name);
        if let Some((_, text)) = family {
            *text = std::mem::take(&mut self.text);
        }
    }

    fn head(&mut self, metric: &'static Metric) {
        let open = self.format == Format::OpenMetrics;
        let kind = match metric.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        // The plain format declares the name that the samples have.
        let total = if metric.kind == Kind::Counter && !open { "_total" } else { "" };
        let family = &self.family;
        let help = escape(metric.help, open);
        line(&mut self.text, format_args!("# HELP {family}{total} {help}"));
        line(&mut self.text, format_args!("# TYPE {family}{total} {kind}"));
        if let (true, Some(unit)) = (open, unit_word(metric)) {
            line(&mut self.text, format_args!("# UNIT {family} {unit}"));
        }
    }

    fn number(&mut self, series: &Series<'_>, labels: &str, value: &str) {
        let family = &self.family;
        if series.metric.kind != Kind::Counter {
            return line(&mut self.text, format_args!("{family}{} {value}", braced(labels, "")));
        }
        let example = self.exemplar(series.exemplar.as_ref(), series.metric);
        let set = braced(labels, "");
        line(&mut self.text, format_args!("{family}_total{set} {value}{example}"));
        self.created(labels, series.start);
    }

    fn histogram(&mut self, series: &Series<'_>, histogram: &Histogram, labels: &str) {
        let metric = series.metric;
        let family = self.family.clone();
        let mut example = series.exemplar.as_ref();
        for exponent in borders(metric) {
            let count = histogram.zeros + up_to(histogram, exponent);
            let border = 2_f64.powi(exponent.into());
            // The exemplar belongs to the first bucket that holds its value.
            let within = example.is_some_and(|one| in_unit(metric.unit, one.value) <= border);
            let shown = if within { self.exemplar(example.take(), metric) } else { String::new() };
            let set = braced(labels, &format!("le=\"{border:?}\""));
            line(&mut self.text, format_args!("{family}_bucket{set} {count}{shown}"));
        }
        let shown = self.exemplar(example, metric);
        let (count, sum) = (histogram.count, decimal(metric.unit, histogram.sum));
        let set = braced(labels, "le=\"+Inf\"");
        line(&mut self.text, format_args!("{family}_bucket{set} {count}{shown}"));
        let set = braced(labels, "");
        line(&mut self.text, format_args!("{family}_count{set} {count}"));
        line(&mut self.text, format_args!("{family}_sum{set} {sum}"));
        self.created(labels, series.start);
    }

    fn created(&mut self, labels: &str, start: UnixNanos) {
        if self.format == Format::OpenMetrics {
            let (family, set) = (&self.family, braced(labels, ""));
            let seconds = decimal("s", i128::from(start));
            line(&mut self.text, format_args!("{family}_created{set} {seconds}"));
        }
    }

    fn exemplar(&self, exemplar: Option<&Exemplar>, metric: &Metric) -> String {
        let (Some(one), Format::OpenMetrics) = (exemplar, self.format) else {
            return String::new();
        };
        if one.trace.is_none() {
            return String::new();
        }
        let span =
            if one.span.is_none() { String::new() } else { format!(",span_id=\"{}\"", one.span) };
        let (value, time) = (decimal(metric.unit, one.value), decimal("s", one.time.into()));
        format!(" # {{trace_id=\"{}\"{span}}} {value} {time}", one.trace)
    }
}

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.write_fmt(arguments).and_then(|()| text.write_char('\n')).expect("a String takes all");
}

/// The name of a metric without `_total`.
fn family(metric: &Metric) -> String {
    let mut words: Vec<&str> = metric
        .name
        .split(|c: char| !c.is_ascii_alphanumeric() && c != ':')
        .filter(|word| !word.is_empty())
        .collect();
    if let Some(unit) = unit_word(metric)
        && !words.contains(&unit)
    {
        words.push(unit);
    }
    if metric.kind == Kind::Counter {
        words.retain(|word| *word != "total");
    }
    words.join("_")
}

/// A unit as it appears in a name.
fn unit_word(metric: &Metric) -> Option<&'static str> {
    match metric.unit {
        "s" => Some("seconds"),
        "ms" => Some("milliseconds"),
        "By" => Some("bytes"),
        "1" if metric.kind == Kind::Gauge => Some("ratio"),
        "" | "1" => None,
        unit if unit.contains(['{', '}']) => None,
        unit => Some(unit),
    }
}

fn labels(attributes: &[(&'static str, &str)]) -> String {
    let mut text = String::new();
    for (key, value) in attributes {
        if !text.is_empty() {
            text.push(',');
        }
        text.extend(key.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }));
        text.push_str("=\"");
        text.push_str(&escape(value, true));
        text.push('"');
    }
    text
}

fn braced(labels: &str, last: &str) -> String {
    match (labels.is_empty(), last.is_empty()) {
        (true, true) => String::new(),
        (false, true) => format!("{{{labels}}}"),
        (true, false) => format!("{{{last}}}"),
        (false, false) => format!("{{{labels},{last}}}"),
    }
}

fn escape(text: &str, quotes: bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => escaped.push_str("\\\\"),
            '\n' => escaped.push_str("\\n"),
            '"' if quotes => escaped.push_str("\\\""),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A raw value in the metric's unit, with every digit: nanoseconds where the unit is `s`,
/// picodollars where it is `USD`, and one elsewhere.
fn decimal(unit: &str, raw: i128) -> String {
    match unit {
        // A nanosecond is to a second what a thousand picodollars are to a dollar.
        "s" => Money::from_pico(raw.saturating_mul(1_000)).to_string(),
        "USD" => Money::from_pico(raw).to_string(),
        _ => raw.to_string(),
    }
}

#[allow(clippy::cast_precision_loss, reason = "chooses a bucket, prints nothing")]
fn in_unit(unit: &str, raw: i128) -> f64 {
    match unit {
        "s" => raw as f64 / 1e9,
        "USD" => raw as f64 / 1e12,
        _ => raw as f64,
    }
}

/// The classic buckets of a histogram, as powers of two: every one is a border of the
/// exponential buckets, so that their counts are exact, and a metric always has the same.
fn borders(metric: &Metric) -> impl Iterator<Item = i16> {
    let (first, last, step) = match metric.unit {
        // 31 ms to 17 minutes for calls; a second to 48 days for work and review.
        "s" if metric.name.starts_with("countersign.call.") => (-5, 10, 1),
        // A millisecond to 16 seconds.
        "s" if metric.name.starts_with("countersign.journal.") => (-10, 4, 1),
        "s" => (0, 22, 2),
        // A fortieth of a cent up to about a thousand dollars.
        "USD" => (-12, 10, 2),
        _ => (0, 6, 1),
    };
    (first..=last).step_by(step)
}

/// How many values above zero are at most 2^exponent: bucket `i` ends at 2^((i+1)/8).
fn up_to(histogram: &Histogram, exponent: i16) -> u64 {
    histogram.buckets.range(..exponent * 8).map(|(_, count)| count).sum()
}

#[cfg(test)]
mod tests;
