//! What the books notice and count instead of failing: one line each, in one table.

use serde::{Deserialize, Serialize};

macro_rules! diagnostics {
    ($($(#[$doc:meta])* $variant:ident = $word:literal,)*) => {
        /// Something that was noticed, counted and survived.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[non_exhaustive]
        pub enum Diagnostic {
            $($(#[$doc])* $variant,)*
        }

        impl Diagnostic {
            /// Every diagnostic.
            pub const ALL: &'static [Diagnostic] = &[$(Diagnostic::$variant,)*];

            /// The word for it: the `kind` of `countersign.diagnostics`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Diagnostic::$variant => $word,)*
                }
            }
        }
    };
}

diagnostics! {
    /// A record that was in the books already.
    Duplicate = "duplicate",
    /// A span that was reported again with other content: the one that ended last counts.
    Conflict = "conflict",
    /// A call that another instrumentation or signal had reported already.
    SameCall = "same_call",
    /// A span with usage that summed up calls below it.
    SumOfCalls = "sum_of_calls",
    /// A call below a span that had been booked as a call.
    LateChild = "late_child",
    /// A span that came after its trace had closed.
    LateSpan = "late_span",
    /// Usage of a signal that another signal of the same service repeats.
    RepeatedSignal = "repeated_signal",
    /// A call with no usage on the wire.
    UsageUnknown = "usage_unknown",
    /// A field whose bytes are not UTF-8 and were repaired.
    RepairedText = "repaired_text",
    /// A record without a valid id, refused.
    InvalidId = "invalid_id",
    /// A number that is negative, not finite, too large or no number.
    InvalidValue = "invalid_value",
    /// A time outside the plausible range, clamped.
    ClockSkew = "clock_skew",
    /// A verdict without a known state, refused.
    InvalidVerdict = "invalid_verdict",
    /// A verdict on a task that is gone from the books, refused.
    TooLate = "too_late",
    /// A verdict that waits for its task.
    VerdictWaits = "verdict_waits",
    /// A verdict whose task did not appear in time, given up.
    VerdictForgotten = "verdict_forgotten",
    /// Two verdicts on one task that contradict each other: their rank decided.
    VerdictConflict = "verdict_conflict",
    /// An alias that several tasks claim.
    AmbiguousAlias = "ambiguous_alias",
    /// Two tasks that turned out to be one.
    TasksMerged = "tasks_merged",
    /// A task that nobody judged in time.
    TaskExpired = "task_expired",
    /// A series over the limit, counted in the overflow series.
    SeriesOverflow = "series_overflow",
    /// Too many open traces: the oldest was closed early.
    OpenTracesFull = "open_traces_full",
    /// Too many spans in an open trace: closed early.
    OpenTraceSpansFull = "open_trace_spans_full",
    /// Too many names of tasks: one more was not taken down.
    AliasesFull = "aliases_full",
    /// Too many tasks: the cost went to unattributed.
    TasksFull = "tasks_full",
    /// Too many names: a name became the overflow name.
    NamesFull = "names_full",
    /// Too many waiting verdicts: one was not kept.
    WaitingVerdictsFull = "waiting_verdicts_full",
    /// Too many names of tasks that nobody has seen: the oldest were forgotten.
    UnclaimedNamesFull = "unclaimed_names_full",
    /// A delivery that was not proved, or about something that was not configured.
    HookRefused = "hook_refused",
    /// A proved delivery that is not what its source sends.
    HookMalformed = "hook_malformed",
    /// A proved delivery that says nothing about a task.
    HookIgnored = "hook_ignored",
    /// Remembered records over the limit: the oldest were forgotten.
    MemoryFull = "memory_full",
    /// Something another Countersign booked already.
    BookedElsewhere = "booked_elsewhere",
    /// A record that a limit of the decoder cut short or refused.
    OverBudget = "over_budget",
}
