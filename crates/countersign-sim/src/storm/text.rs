//! Plans as text: one line for what happens, one for each fact of a parcel.

use std::fmt::{self, Write};
use std::str::FromStr;

use super::plan::{Fate, Parcel, Plan, Step, What};
use crate::disk::{Faults, Survival};
use crate::text::{parse_says, print_says};

const FATES: [(Fate, &str); 3] =
    [(Fate::Answered, "answered"), (Fate::Lost, "lost"), (Fate::Unanswered, "unanswered")];

/// Prints a plan. Parcels that are never sent are left out.
#[must_use]
pub fn print(plan: &Plan) -> String {
    let mut text = String::new();
    print_plan(&mut text, plan).expect("a String takes all");
    text
}

fn print_plan(text: &mut String, plan: &Plan) -> fmt::Result {
    let Plan { segment_bytes, destinations, parcels, steps } = plan;
    writeln!(text, "storm segments={segment_bytes} destinations={destinations}")?;
    let mut used: Vec<usize> = Vec::new();
    for step in steps {
        if let What::Send { parcels, .. } = &step.what {
            used.extend(parcels);
        }
    }
    for (number, parcel) in parcels.iter().enumerate().filter(|(number, _)| used.contains(number)) {
        let Parcel { tenant, after, facts } = parcel;
        write!(text, "parcel {number}")?;
        if !tenant.is_empty() {
            write!(text, " tenant={tenant}")?;
        }
        if let Some(after) = after {
            write!(text, " after={after}")?;
        }
        text.push('\n');
        for says in facts {
            write!(text, "says")?;
            print_says(text, says)?;
            text.push('\n');
        }
    }
    steps.iter().try_for_each(|step| print_step(text, step))
}

fn print_step(text: &mut String, step: &Step) -> fmt::Result {
    write!(text, "at {}", step.at_ms)?;
    match &step.what {
        What::Send { parcels, fate, again } => {
            let parcels: Vec<String> = parcels.iter().map(usize::to_string).collect();
            write!(text, " send parcels={} fate={}", parcels.join(","), word(*fate))?;
            if *again {
                write!(text, " again=1")?;
            }
        }
        What::Disk(faults) => {
            write!(text, " disk")?;
            for (key, value) in faults_of(faults) {
                if let Some(value) = value {
                    write!(text, " {key}={value}")?;
                }
            }
        }
        What::Crash(Survival::Nothing) => write!(text, " crash")?,
        What::Crash(Survival::Everything) => write!(text, " crash keep=all")?,
        What::Crash(Survival::Some(seed)) => write!(text, " crash keep={seed}")?,
        What::Stop => write!(text, " stop")?,
        What::Start => write!(text, " start")?,
        What::Rival => write!(text, " rival")?,
        What::Look => write!(text, " look")?,
        What::Relay { to, fate } => write!(text, " relay to={to} fate={}", word(*fate))?,
        What::Clock(by) => write!(text, " clock by={by}")?,
    }
    text.push('\n');
    Ok(())
}

fn word(fate: Fate) -> &'static str {
    FATES.iter().find(|(other, _)| *other == fate).map_or("", |(_, word)| word)
}

fn faults_of(faults: &Faults) -> [(&'static str, Option<u64>); 7] {
    let Faults { crash, write, sync, read, room, short, slow_ms } = *faults;
    [
        ("crash", crash),
        ("write", write),
        ("sync", sync),
        ("read", read),
        ("room", room),
        ("short", short),
        ("slow", slow_ms),
    ]
}

/// Reads a plan; empty lines and lines that begin with `#` say nothing.
///
/// # Errors
/// Says what is wrong and in which line.
pub fn parse(text: &str) -> Result<Plan, String> {
    let mut plan =
        Plan { segment_bytes: 2_000, destinations: 0, parcels: Vec::new(), steps: Vec::new() };
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        parse_line(&mut plan, line).map_err(|error| format!("line {}: {error}", index + 1))?;
    }
    Ok(plan)
}

/// The value of a key, if the line has it.
fn get<T: FromStr>(words: &[&str], key: &str) -> Result<Option<T>, String> {
    let found = words.iter().find_map(|word| word.strip_prefix(key)?.strip_prefix('='));
    let value = found.map(|text| text.parse().map_err(|_| format!("{key}={text}?")));
    value.transpose()
}

fn parse_line(plan: &mut Plan, line: &str) -> Result<(), String> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    match words.as_slice() {
        ["storm", words @ ..] => {
            plan.segment_bytes = get(words, "segments")?.unwrap_or(plan.segment_bytes);
            plan.destinations = get(words, "destinations")?.unwrap_or(0);
        }
        ["parcel", number, words @ ..] => {
            let number: usize = number.parse().map_err(|_| format!("{number} is no number"))?;
            // Parcels that were left out say nothing.
            plan.parcels.resize(number, Parcel::default());
            let tenant = get(words, "tenant")?.unwrap_or_default();
            plan.parcels.push(Parcel { tenant, after: get(words, "after")?, facts: Vec::new() });
        }
        ["says", kind, words @ ..] => {
            let says = parse_says(kind, words.iter().copied())?;
            plan.parcels.last_mut().ok_or("a fact needs a parcel")?.facts.push(says);
        }
        ["at", at, what, words @ ..] => {
            let at_ms = at.parse().map_err(|_| format!("{at} is no time"))?;
            plan.steps.push(Step { at_ms, what: parse_what(what, words)? });
        }
        _ => return Err(format!("{line:?} is not understood")),
    }
    Ok(())
}

fn parse_what(what: &str, words: &[&str]) -> Result<What, String> {
    let fate = || -> Result<Fate, String> {
        let word: String = get(words, "fate")?.unwrap_or_default();
        let found = FATES.iter().find(|(_, other)| *other == word);
        found.map(|(fate, _)| *fate).ok_or(format!("fate={word}?"))
    };
    Ok(match what {
        "send" => {
            let list: String = get(words, "parcels")?.unwrap_or_default();
            let parcels: Result<Vec<usize>, _> = list.split(',').map(str::parse).collect();
            let parcels = parcels.map_err(|_| format!("parcels={list}?"))?;
            What::Send { parcels, fate: fate()?, again: get::<u8>(words, "again")? == Some(1) }
        }
        "disk" => What::Disk(Faults {
            crash: get(words, "crash")?,
            write: get(words, "write")?,
            sync: get(words, "sync")?,
            read: get(words, "read")?,
            room: get(words, "room")?,
            short: get(words, "short")?,
            slow_ms: get(words, "slow")?,
        }),
        "crash" => What::Crash(match get::<String>(words, "keep")?.as_deref() {
            None => Survival::Nothing,
            Some("all") => Survival::Everything,
            Some(_) => Survival::Some(get(words, "keep")?.unwrap_or(0)),
        }),
        "stop" => What::Stop,
        "start" => What::Start,
        "rival" => What::Rival,
        "look" => What::Look,
        "relay" => What::Relay { to: get(words, "to")?.unwrap_or(0), fate: fate()? },
        "clock" => What::Clock(get(words, "by")?.unwrap_or(0)),
        _ => return Err(format!("{what} is nothing that happens")),
    })
}
