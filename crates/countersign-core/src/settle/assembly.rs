//! Assembly: which spans of a trace are calls, and which only sum up calls below them.

use alloc::vec::Vec;

use crate::diagnostic::Diagnostic;
use crate::fact::{Link, Role};
use crate::key::{Map, Set, SpanId};
use crate::names::Name;
use crate::planted::{self, Bug};
use crate::settle::closed::ClosedTrace;
use crate::settle::trace::{HeldCall, OpenTrace};

/// What becomes of a span that reported itself as a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// It is booked as so many calls: none if it carries the usage of calls that are counted
    /// by themselves.
    Book(u64),
    /// It is not a call of its own.
    Drop(Option<Diagnostic>),
}

/// The answer for each call of the trace, in their order, and what to remember.
pub(super) struct Assembled {
    pub(super) decisions: Vec<Decision>,
    pub(super) closed: ClosedTrace,
    pub(super) parents: Map<SpanId, SpanId>,
}

/// Decides about the calls of a trace; `prior` is what an earlier closing remembered.
pub(super) fn assemble(trace: &OpenTrace, prior: Option<ClosedTrace>) -> Assembled {
    let prior = prior.unwrap_or_default();
    let parents = parents(trace, &prior);
    let mut above_usage: Set<SpanId> = prior.above.iter().copied().collect();
    let mut above_call = Set::default();
    for call in &trace.calls {
        let up = ancestors(call.place.span, &parents);
        if call.usage.is_some() {
            // Marks stay for the whole chain: whoever marked a span went on to its root.
            up.clone().take_while(|span| above_usage.insert(*span)).for_each(drop);
        }
        if call.role == Role::Call {
            up.take_while(|span| above_call.insert(*span)).for_each(drop);
        }
    }
    // A late child whose link was unknown when its grandparents were marked.
    for span in above_usage.iter().copied().collect::<Vec<_>>() {
        ancestors(span, &parents).take_while(|span| above_usage.insert(*span)).for_each(drop);
    }
    let with_usage: Set<SpanId> = trace
        .calls
        .iter()
        .filter(|call| call.usage.is_some() && call.role == Role::Call)
        .map(|call| call.place.span)
        .collect();
    let decide = |call: &HeldCall| {
        let span = call.place.span;
        let mut up = ancestors(span, &parents);
        if call.usage.is_some() {
            if above_usage.contains(&span) && !planted::on(Bug::ParentCountedToo) {
                return Decision::Drop(Some(Diagnostic::SumOfCalls));
            }
            if up.any(|ancestor| prior.is_booked(ancestor)) {
                return Decision::Drop(Some(Diagnostic::LateChild));
            }
            let counted_below = call.role == Role::Sum && above_call.contains(&span);
            return Decision::Book(u64::from(!counted_below));
        }
        let wraps = above_usage.contains(&span) || above_call.contains(&span);
        if call.role == Role::Sum || wraps {
            return Decision::Drop(None);
        }
        if call.error == Name::EMPTY && up.any(|ancestor| with_usage.contains(&ancestor)) {
            return Decision::Drop(Some(Diagnostic::SameCall));
        }
        Decision::Book(1)
    };
    let decisions: Vec<Decision> = trace.calls.iter().map(decide).collect();
    let closed = remember(trace, &prior, above_usage, &decisions);
    Assembled { decisions, closed, parents }
}

fn parents(trace: &OpenTrace, prior: &ClosedTrace) -> Map<SpanId, SpanId> {
    let calls = trace.calls.iter().map(|call| call.place);
    let steps = trace.steps.iter().map(|step| step.place);
    let of_places = calls.chain(steps).map(|place| (place.span, place.parent));
    let of_links = trace.links.iter().chain(&prior.parents).map(|link| (link.span, link.parent));
    of_places.chain(of_links).filter(|(span, parent)| span != parent).collect()
}

/// The spans above a span, the nearest first. Ends at the root, at a span whose parent is
/// unknown, or after as many steps as there are links, so that a ring ends too.
pub(super) fn ancestors(
    span: SpanId,
    parents: &Map<SpanId, SpanId>,
) -> impl Iterator<Item = SpanId> + Clone {
    let first = parents.get(&span).copied();
    core::iter::successors(first, |span| parents.get(span).copied())
        .take_while(move |above| !above.is_none() && *above != span)
        .take(parents.len() + 1)
}

fn remember(
    trace: &OpenTrace,
    prior: &ClosedTrace,
    above: Set<SpanId>,
    decisions: &[Decision],
) -> ClosedTrace {
    let booked = trace.calls.iter().zip(decisions).filter_map(|(call, decision)| {
        let kept = call.usage.is_some() && matches!(decision, Decision::Book(_));
        kept.then_some(call.place.span)
    });
    let calls = trace.calls.iter().map(|call| call.place);
    let steps = trace.steps.iter().map(|step| step.place);
    let parents = calls.chain(steps).map(|place| Link { span: place.span, parent: place.parent });
    let mut closed = ClosedTrace {
        above: above.into_iter().collect(),
        booked: booked.chain(prior.booked.iter().copied()).collect(),
        parents: parents.chain(prior.parents.iter().copied()).collect(),
        subject: None,
    };
    closed.above.sort_unstable();
    closed.booked.sort_unstable();
    closed.parents.sort_unstable_by_key(|link| link.span);
    closed.parents.dedup();
    closed
}
