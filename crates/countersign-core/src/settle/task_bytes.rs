//! A task in as few bytes as it needs: about 60 and its texts while it is pending.
//!
//! What nearly every task has comes first and close; what few have follows only if there is
//! any. A new field of [`Task`] belongs to the one or the other.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::fact::{Component, NameQuality, Retries, ReviewState, UnixNanos, Usage};
use crate::key::TraceId;
use crate::money::Money;
use crate::names::Name;
use crate::settle::store::{Pack, Reader, put, put_key, put_money, put_text};
use crate::settle::subject::Labels;
use crate::settle::task::Task;
use crate::settle::{Confidence, KeptVerdict, Line, Stage, Standing, TaskIndex};
use crate::week::Week;

/// First byte: the state in the low three bits, the confidence in the next two, then:
const MERGED: u8 = 1 << 5;
const LABELLED: u8 = 1 << 6;
const RARE: u8 = 1 << 7;

/// First byte of a line: the component in the low two bits, the stage in the next two, then:
const ONE_CALL: u8 = 1 << 4;
const WHOLE_COST: u8 = 1 << 5;

/// The workflow's quality stands in the low three bits, the number of traces above this one.
const USUAL_COHORT: u64 = 1 << 3;

/// What only few tasks have, or only once they were judged.
type Rare<'a> =
    (Cow<'a, [Box<str>]>, Cow<'a, [KeptVerdict]>, (UnixNanos, Money), Retries, Standing, Week);

impl Pack for Task {
    fn pack(&self, out: &mut Vec<u8>) {
        let Task { id, aliases, traces, confidence, labels, rounds, started, ended, .. } = self;
        let Task { active, state, decided, cost, review, retries, lines, verdicts, .. } = self;
        let Task { merged_into, standing, cohort, .. } = self;
        let plain = Labels {
            workflow: labels.workflow,
            workflow_quality: labels.workflow_quality,
            ..Labels::default()
        };
        let usual_cohort = *cohort == usual_cohort(*started);
        let rare = !aliases.is_empty()
            || !usual_cohort
            || !verdicts.is_empty()
            || (*decided, *review, *retries, *standing) != Default::default();
        let flag = |set, flag| if set { flag } else { 0 };
        out.push(
            *state as u8
                | (*confidence as u8) << 3
                | flag(merged_into.is_some(), MERGED)
                | flag(*labels != plain, LABELLED)
                | flag(rare, RARE),
        );
        if let Some(TaskIndex(index)) = merged_into {
            put(out, (*index).into());
        }
        put(out, labels.workflow.index().into());
        put(out, *started);
        let mixed = labels.workflow_quality as u64 | (traces.len() as u64) << 4;
        put(out, mixed | if usual_cohort { USUAL_COHORT } else { 0 });
        if *labels != plain {
            put_labels(out, labels);
        }
        put(out, (*rounds).into());
        put(out, distance(*started, *ended));
        put(out, distance(*ended, *active));
        put_money(out, *cost);
        put_text(out, id);
        traces.iter().for_each(|trace| put_key(out, trace.0));
        put(out, lines.len() as u64);
        lines.iter().for_each(|line| put_line(out, line, *cost));
        if rare {
            let rare: Rare<'_> = (
                aliases.into(),
                verdicts.into(),
                (*decided, *review),
                *retries,
                *standing,
                *cohort,
            );
            let packed = postcard::to_extend(&rare, core::mem::take(out));
            *out = packed.expect("a vector takes all");
        }
    }

    fn unpack(mut bytes: Reader<'_>) -> Option<Task> {
        let bytes = &mut bytes;
        let head = Head::read(bytes)?;
        let mixed = bytes.number()?;
        let mut labels = Labels { workflow: head.workflow, ..Labels::default() };
        if head.flags & LABELLED != 0 {
            labels = labels_of(bytes, labels)?;
        }
        labels.workflow_quality = *QUALITIES.get(mixed as usize & 7)?;
        let rounds = bytes.small()?;
        let ended = at_distance(head.started, bytes.number()?);
        let active = at_distance(ended, bytes.number()?);
        let cost = bytes.money()?;
        let id = bytes.text()?.into();
        let traces = (0..mixed >> 4).map(|_| bytes.wide().map(TraceId)).collect::<Option<_>>()?;
        let lines = (0..bytes.length()?).map(|_| line_of(bytes, cost)).collect::<Option<_>>()?;
        let mut task = Task {
            id,
            aliases: Vec::new(),
            traces,
            confidence: *CONFIDENCES.get(usize::from(head.flags >> 3) & 3)?,
            labels,
            rounds,
            started: head.started,
            ended,
            active,
            state: head.state,
            decided: 0,
            cohort: usual_cohort(head.started),
            standing: Standing::default(),
            cost,
            review: Money::ZERO,
            retries: Retries::default(),
            lines,
            verdicts: Vec::new(),
            merged_into: head.merged_into,
        };
        if head.flags & RARE != 0 {
            let (aliases, verdicts, (decided, review), retries, standing, cohort): Rare<'_> =
                postcard::from_bytes(bytes.0).ok()?;
            (task.aliases, task.verdicts) = (aliases.into_owned(), verdicts.into_owned());
            (task.decided, task.review, task.retries) = (decided, review, retries);
            (task.standing, task.cohort) = (standing, cohort);
        }
        Some(task)
    }
}

/// The first bytes of a task: what it takes to follow merges and to count what waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    flags: u8,
    pub(super) state: ReviewState,
    pub(super) merged_into: Option<TaskIndex>,
    pub(super) workflow: Name,
    pub(super) started: UnixNanos,
}

impl Head {
    pub(super) fn of(task: &Task) -> Head {
        Head {
            flags: 0,
            state: task.state,
            merged_into: task.merged_into,
            workflow: task.labels.workflow,
            started: task.started,
        }
    }

    pub(super) fn read(bytes: &mut Reader<'_>) -> Option<Head> {
        let flags = bytes.byte()?;
        let merged_into = if flags & MERGED == 0 { None } else { Some(TaskIndex(bytes.small()?)) };
        Some(Head {
            flags,
            state: *ReviewState::ALL.get(usize::from(flags & 7))?,
            merged_into,
            workflow: Name::from_index(bytes.small()?),
            started: bytes.number()?,
        })
    }

    /// Only where a merged task went.
    pub(super) fn read_merged_into(mut bytes: Reader<'_>) -> Option<Option<TaskIndex>> {
        let merged = bytes.byte()? & MERGED != 0;
        Some(if merged { Some(TaskIndex(bytes.small()?)) } else { None })
    }
}

const QUALITIES: [NameQuality; 5] = [
    NameQuality::Unsaid,
    NameQuality::Service,
    NameQuality::Agent,
    NameQuality::Span,
    NameQuality::Task,
];
const CONFIDENCES: [Confidence; 4] =
    [Confidence::Fallback, Confidence::Heuristic, Confidence::Derived, Confidence::Explicit];
const COMPONENTS: [Component; 3] = [Component::Model, Component::Tool, Component::Review];
const STAGES: [Stage; 3] = [Stage::First, Stage::Retry, Stage::Rework];

/// The cohort that a task counts in as a rule: that of the week in which it began.
fn usual_cohort(started: UnixNanos) -> Week {
    if started == 0 { Week::NONE } else { Week::of(started) }
}

/// How far a time is from another: near ones in either direction are small numbers.
fn distance(from: u64, to: u64) -> u64 {
    let way = to.wrapping_sub(from).cast_signed();
    ((way << 1) ^ (way >> 63)).cast_unsigned()
}

fn at_distance(from: u64, distance: u64) -> u64 {
    let way = (distance >> 1).cast_signed() ^ -((distance & 1).cast_signed());
    from.wrapping_add(way.cast_unsigned())
}

fn put_labels(out: &mut Vec<u8>, labels: &Labels) {
    let Labels { workflow: _, workflow_quality: _, .. } = labels;
    let Labels { team, project, purpose, route, route_reason, attempt, round, .. } = labels;
    for name in [team, project, purpose, route, route_reason] {
        put(out, name.index().into());
    }
    put(out, (*attempt).into());
    put(out, (*round).into());
}

fn labels_of(bytes: &mut Reader<'_>, labels: Labels) -> Option<Labels> {
    let mut name = || bytes.small().map(Name::from_index);
    let (team, project, purpose) = (name()?, name()?, name()?);
    let (route, route_reason) = (name()?, name()?);
    let (attempt, round) = (bytes.small()?, bytes.small()?);
    Some(Labels { team, project, purpose, route, route_reason, attempt, round, ..labels })
}

fn put_line(out: &mut Vec<u8>, line: &Line, whole: Money) {
    let Line { model, provider, component, stage, calls_ok, calls_failed, calls_unpriced, .. } =
        line;
    let Line { usage, cost, .. } = line;
    let one_call = (*calls_ok, *calls_failed, *calls_unpriced) == (1, 0, 0);
    let flag = |set, flag| if set { flag } else { 0 };
    out.push(
        *component as u8
            | (*stage as u8) << 2
            | flag(one_call, ONE_CALL)
            | flag(*cost == whole, WHOLE_COST),
    );
    let Usage { input, cache_read, cache_write, output, reasoning } = *usage;
    let counts = [input, cache_read, cache_write, output, reasoning];
    out.push(counts.iter().rev().fold(0, |bits, count| bits << 1 | u8::from(*count > 0)));
    put(out, model.index().into());
    put(out, provider.index().into());
    if !one_call {
        [*calls_ok, *calls_failed, *calls_unpriced].iter().for_each(|n| put(out, (*n).into()));
    }
    counts.into_iter().filter(|count| *count > 0).for_each(|count| put(out, count));
    if *cost != whole {
        put_money(out, *cost);
    }
}

fn line_of(bytes: &mut Reader<'_>, whole: Money) -> Option<Line> {
    let (flags, counted) = (bytes.byte()?, bytes.byte()?);
    let (model, provider) = (bytes.small()?, bytes.small()?);
    let mut calls = [1, 0, 0];
    if flags & ONE_CALL == 0 {
        for count in &mut calls {
            *count = bytes.small()?;
        }
    }
    let mut counts = [0; 5];
    for (place, count) in counts.iter_mut().enumerate() {
        if counted & 1 << place != 0 {
            *count = bytes.number()?;
        }
    }
    let [input, cache_read, cache_write, output, reasoning] = counts;
    let [calls_ok, calls_failed, calls_unpriced] = calls;
    Some(Line {
        model: Name::from_index(model),
        provider: Name::from_index(provider),
        component: *COMPONENTS.get(usize::from(flags & 3))?,
        stage: *STAGES.get(usize::from(flags >> 2) & 3)?,
        calls_ok,
        calls_failed,
        calls_unpriced,
        usage: Usage { input, cache_read, cache_write, output, reasoning },
        cost: if flags & WHOLE_COST == 0 { bytes.money()? } else { whole },
    })
}
