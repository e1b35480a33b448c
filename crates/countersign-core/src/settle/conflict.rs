//! Conflicts: the same span reported with other content. One of the two counts, whichever came
//! first.

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::delta::Delta;
use crate::diagnostic::Diagnostic;
use crate::fact::{Call, Cost, Rank};
use crate::limits;
use crate::names::Names;
use crate::settle::Books;
use crate::settle::trace::HeldCall;

impl Books {
    /// A call's record is known. While its trace is open, the content that ended last counts, and
    /// of several that ended together the greatest. What is booked stays as it is: counters
    /// cannot take back tokens, and nothing but the key is remembered of it.
    pub(super) fn call_repeated(&mut self, call: &Call<'_>, deltas: &mut Vec<Delta>) {
        let place = call.place;
        if call.rank != Rank::SPAN || !self.open.contains_key(&place.trace) {
            return;
        }
        let other = self.hold_call(call);
        let Some(trace) = self.open.get_mut(&place.trace) else { return };
        // A sender that repeats a huge trace must not cost a search of all for each.
        let searched = trace.calls.iter().take(limits::CONFLICT_CALLS_MAX);
        let Some(at) = searched.into_iter().position(|known| known.place.span == place.span) else {
            return;
        };
        let Some(known) = trace.calls.get(at) else { return };
        let order = content(known, &self.names).cmp(&content(&other, &self.names));
        if order.is_eq() {
            return;
        }
        Self::notice(Diagnostic::Conflict, deltas);
        let trace = Arc::make_mut(trace);
        let (index, subject) = trace.subject(call.identity.task);
        subject.add(&call.identity, &mut self.names);
        if let Some(known) = trace.calls.get_mut(at).filter(|_| order.is_lt()) {
            *known = HeldCall { subject: index, ..other };
        }
        self.service_reports(call.service, call.rank, call.usage.is_some(), deltas);
        self.response_seen(call);
    }
}

/// What a call says, in an order that is the same wherever it is read.
fn content<'a>(call: &HeldCall, names: &'a Names) -> impl Ord + use<'a> {
    let usage = call.usage.map(|usage| {
        [usage.input, usage.cache_read, usage.cache_write, usage.output, usage.reasoning]
    });
    let cost = match call.cost {
        Cost::Unknown => (0, 0),
        Cost::Unpriced => (1, 0),
        Cost::Priced(amount, source) => (2 + source as u8, amount.pico()),
    };
    let texts = [call.model, call.provider, call.operation, call.error].map(|n| names.text(n));
    let retries = [call.retries.transport, call.retries.step, call.retries.regeneration];
    let place = (call.place.parent, call.response, call.distance, call.round);
    ((call.end, call.start, usage, cost), texts, (retries, place, call.first_token))
}
