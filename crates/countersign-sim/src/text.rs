//! Scripts as text: one line per fact, `at MS KIND key=value …`. Texts hold no blanks.

use std::fmt::{self, Display, Write};
use std::str::FromStr;

use countersign_core::fact::{Judgement, SourceKind, StepKind};

use crate::script::{CallLine, Counts, Line, PointLine, Says, StepLine, VerdictLine, Work};

/// Prints a script.
#[must_use]
pub fn print(script: &[Line]) -> String {
    script.iter().fold(String::new(), |mut text, line| {
        print_line(&mut text, line).expect("a String takes all");
        text.push('\n');
        text
    })
}

/// Reads a script; empty lines and lines that begin with `#` say nothing.
///
/// # Errors
/// Says what is wrong and in which line.
pub fn parse(text: &str) -> Result<Vec<Line>, String> {
    let mut script = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        script.push(parse_line(line).map_err(|error| format!("line {}: {error}", index + 1))?);
    }
    Ok(script)
}

fn print_line(text: &mut String, line: &Line) -> fmt::Result {
    write!(text, "at {}", line.at_ms)?;
    print_says(text, &line.says)
}

/// Prints a fact without its time, after a blank.
pub(crate) fn print_says(text: &mut String, says: &Says) -> fmt::Result {
    match says {
        Says::Call(call) => {
            write!(text, " call")?;
            put_place(text, call.place)?;
            put(text, "rank", &call.rank)?;
            put(text, "sum", &u8::from(call.sum))?;
            put(text, "service", &call.service)?;
            put(text, "record", &call.record)?;
            put(text, "response", &call.response)?;
            put(text, "distance", &call.distance)?;
            put_work(text, &call.work)?;
            put_times(text, call.time_ms)?;
            put(text, "model", &call.model)?;
            put(text, "error", &call.error)?;
            if let Some([input, read, write, output, reasoning]) = call.usage {
                write!(text, " usage={input}/{read}/{write}/{output}/{reasoning}")?;
            }
            put_option(text, "cost", call.cost)
        }
        Says::Step(step) => {
            write!(text, " step")?;
            let (_, kind) = KINDS.iter().find(|(k, _)| *k == step.kind).expect("all are listed");
            write!(text, " kind={kind}")?;
            put_place(text, step.place)?;
            put_work(text, &step.work)?;
            put_times(text, step.time_ms)?;
            put_option(text, "cost", step.cost)?;
            put(text, "retries", &step.retries)
        }
        Says::Links(trace, links) => {
            write!(text, " links trace={trace}")?;
            links.iter().try_for_each(|(span, parent)| write!(text, " {span}={parent}"))
        }
        Says::Point(point) => {
            write!(text, " point")?;
            put(text, "rank", &point.rank)?;
            put(text, "service", &point.service)?;
            put(text, "series", &point.series)?;
            put(text, "cumulative", &u8::from(point.cumulative))?;
            put_times(text, point.time_ms)?;
            let (_, counts) =
                COUNTS.iter().find(|(c, _)| *c == point.counts).expect("all are listed");
            write!(text, " {counts}={}", point.value)?;
            put_option(text, "rate", point.rate)?;
            put_work(text, &point.work)?;
            put(text, "model", &point.model)
        }
        Says::Verdict(verdict) => {
            write!(text, " verdict id={}", verdict.id)?;
            put(text, "task", &verdict.task)?;
            put(text, "trace", &verdict.trace)?;
            write!(text, " state={}", verdict.judgement.as_str())?;
            write!(text, " effective={}", verdict.effective_ms)?;
            write!(text, " source={}", verdict.source.as_str())?;
            put(text, "supersedes", &verdict.supersedes)?;
            put_option(text, "edit", verdict.edit_ppm)?;
            put_option(text, "review", verdict.review_ms)
        }
        Says::Tick => write!(text, " tick"),
    }
}

const KINDS: [(StepKind, &str); 4] = [
    (StepKind::Task, "task"),
    (StepKind::Tool, "tool"),
    (StepKind::Agent, "agent"),
    (StepKind::Other, "other"),
];

const COUNTS: [(Counts, &str); 4] = [
    (Counts::Calls, "calls"),
    (Counts::Input, "input"),
    (Counts::Output, "output"),
    (Counts::Cost, "dollars"),
];

fn put<T: Display + Default + PartialEq>(text: &mut String, key: &str, value: &T) -> fmt::Result {
    if *value == T::default() { Ok(()) } else { write!(text, " {key}={value}") }
}

fn put_option<T: Display>(text: &mut String, key: &str, value: Option<T>) -> fmt::Result {
    value.map_or(Ok(()), |value| write!(text, " {key}={value}"))
}

fn put_place(text: &mut String, (trace, span, parent): (u64, u64, u64)) -> fmt::Result {
    put(text, "trace", &trace)?;
    put(text, "span", &span)?;
    put(text, "parent", &parent)
}

fn put_times(text: &mut String, (start, end): (u64, u64)) -> fmt::Result {
    put(text, "start", &start)?;
    put(text, "end", &end)
}

fn put_work(text: &mut String, work: &Work) -> fmt::Result {
    put(text, "task", &work.task)?;
    put(text, "conversation", &work.conversation)?;
    put(text, "url", &work.url)?;
    put(text, "linked", &work.linked)?;
    put(text, "workflow", &work.workflow)?;
    put(text, "round", &work.round)
}

/// The `key=value` words of a line that were not read yet.
struct Words<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Words<'a> {
    fn option<T: FromStr>(&mut self, key: &str) -> Result<Option<T>, String> {
        let Some(index) = self.0.iter().position(|(k, _)| *k == key) else { return Ok(None) };
        let (_, value) = self.0.remove(index);
        value.parse().map(Some).map_err(|_| format!("{key}={value} is not understood"))
    }

    fn get<T: FromStr + Default>(&mut self, key: &str) -> Result<T, String> {
        Ok(self.option(key)?.unwrap_or_default())
    }

    fn text(&mut self, key: &str) -> Result<String, String> {
        self.get(key)
    }

    fn flag(&mut self, key: &str) -> Result<bool, String> {
        Ok(self.get::<u8>(key)? != 0)
    }

    fn place(&mut self) -> Result<(u64, u64, u64), String> {
        Ok((self.get("trace")?, self.get("span")?, self.get("parent")?))
    }

    fn times(&mut self) -> Result<(u64, u64), String> {
        Ok((self.get("start")?, self.get("end")?))
    }

    fn work(&mut self) -> Result<Work, String> {
        Ok(Work {
            task: self.text("task")?,
            conversation: self.text("conversation")?,
            url: self.text("url")?,
            linked: self.get("linked")?,
            workflow: self.text("workflow")?,
            round: self.get("round")?,
        })
    }

    fn usage(&mut self) -> Result<Option<[u64; 5]>, String> {
        let Some(text) = self.option::<String>("usage")? else { return Ok(None) };
        let numbers: Option<Vec<u64>> = text.split('/').map(|n| n.parse().ok()).collect();
        let usage = numbers.and_then(|numbers| numbers.try_into().ok());
        usage.map(Some).ok_or(format!("usage={text} is not five numbers"))
    }
}

fn parse_line(line: &str) -> Result<Line, String> {
    let mut words = line.split_ascii_whitespace();
    let (Some("at"), Some(at), Some(kind)) = (words.next(), words.next(), words.next()) else {
        return Err("a line is: at MS KIND key=value …".to_owned());
    };
    let at_ms = at.parse().map_err(|_| format!("{at} is no time"))?;
    Ok(Line { at_ms, says: parse_says(kind, words)? })
}

/// Reads a fact: its kind and the words after that.
pub(crate) fn parse_says<'a>(
    kind: &str,
    words: impl Iterator<Item = &'a str>,
) -> Result<Says, String> {
    let split = |word: &'static str, text| -> Result<(&str, &str), String> {
        str::split_once(text, '=').ok_or(format!("{text} is no {word}"))
    };
    let pairs: Result<Vec<_>, _> = words.map(|word| split("key=value", word)).collect();
    let mut words = Words(pairs?);
    let says = match kind {
        "call" => Says::Call(parse_call(&mut words)?),
        "step" => Says::Step(parse_step(&mut words)?),
        "links" => parse_links(&mut words)?,
        "point" => Says::Point(parse_point(&mut words)?),
        "verdict" => Says::Verdict(parse_verdict(&mut words)?),
        "tick" => Says::Tick,
        _ => return Err(format!("{kind} is no kind of fact")),
    };
    match words.0.first() {
        None => Ok(says),
        Some((key, _)) => Err(format!("a {kind} has no {key}")),
    }
}

fn parse_call(words: &mut Words<'_>) -> Result<CallLine, String> {
    Ok(CallLine {
        place: words.place()?,
        rank: words.get("rank")?,
        sum: words.flag("sum")?,
        service: words.text("service")?,
        record: words.text("record")?,
        response: words.text("response")?,
        distance: words.get("distance")?,
        work: words.work()?,
        time_ms: words.times()?,
        model: words.text("model")?,
        error: words.text("error")?,
        usage: words.usage()?,
        cost: words.option("cost")?,
    })
}

fn parse_step(words: &mut Words<'_>) -> Result<StepLine, String> {
    let kind = words.text("kind")?;
    let kind = KINDS.iter().find(|(_, word)| *word == kind).ok_or(format!("kind={kind}?"))?.0;
    Ok(StepLine {
        kind,
        place: words.place()?,
        work: words.work()?,
        time_ms: words.times()?,
        cost: words.option("cost")?,
        retries: words.get("retries")?,
    })
}

fn parse_links(words: &mut Words<'_>) -> Result<Says, String> {
    let trace = words.get("trace")?;
    let links: Option<Vec<(u64, u64)>> = std::mem::take(&mut words.0)
        .into_iter()
        .map(|(span, parent)| Some((span.parse().ok()?, parent.parse().ok()?)))
        .collect();
    Ok(Says::Links(trace, links.ok_or("links are SPAN=PARENT")?))
}

fn parse_point(words: &mut Words<'_>) -> Result<PointLine, String> {
    let mut found = None;
    for (counts, word) in COUNTS {
        if let Some(value) = words.option(word)? {
            found = Some((counts, value));
        }
    }
    let (counts, value) = found.ok_or("a point has calls, input, output or dollars")?;
    Ok(PointLine {
        rank: words.get("rank")?,
        service: words.text("service")?,
        series: words.text("series")?,
        cumulative: words.flag("cumulative")?,
        time_ms: words.times()?,
        counts,
        value,
        rate: words.option("rate")?,
        work: words.work()?,
        model: words.text("model")?,
    })
}

fn parse_verdict(words: &mut Words<'_>) -> Result<VerdictLine, String> {
    let state = words.text("state")?;
    let source = words.text("source")?;
    Ok(VerdictLine {
        id: words.text("id")?,
        task: words.text("task")?,
        trace: words.get("trace")?,
        judgement: Judgement::parse(&state).ok_or(format!("state={state}?"))?,
        effective_ms: words.get("effective")?,
        source: SourceKind::parse(&source).ok_or(format!("source={source}?"))?,
        supersedes: words.text("supersedes")?,
        edit_ppm: words.option("edit")?,
        review_ms: words.option("review")?,
    })
}
