//! Planted bugs: switches that break a promise on purpose, so that the simulator can show that
//! it would notice. Without the feature `planted` each of them is a constant `false`, and nothing
//! of them is compiled; nothing that ships has the feature.

/// Defines the bugs of a crate and the question whether one of them is planted: the crate's own
/// feature `planted` decides. The text says what goes wrong.
#[doc(hidden)]
#[macro_export]
macro_rules! planted_bugs {
    ($($bug:ident = $what:literal,)*) => {
        /// A bug that can be planted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Bug {
            $(#[doc = $what] $bug,)*
        }

        /// Whether this build can plant bugs at all.
        pub const COMPILED_IN: bool = cfg!(feature = "planted");

        /// Whether the bug is planted.
        #[cfg(not(feature = "planted"))]
        #[inline(always)]
        #[must_use]
        pub const fn on(_: Bug) -> bool {
            false
        }

        #[cfg(feature = "planted")]
        pub use switch::{on, plant};

        #[cfg(feature = "planted")]
        mod switch {
            use core::sync::atomic::{AtomicUsize, Ordering};

            use super::Bug;

            /// One more than the place of the bug that is planted in this process, or 0.
            static PLANTED: AtomicUsize = AtomicUsize::new(0);

            /// Stands in every program that was built with planted bugs.
            static MARK: &str = "countersign-planted-bugs-are-compiled-in";

            /// Whether the bug is planted.
            #[must_use]
            pub fn on(bug: Bug) -> bool {
                core::hint::black_box(MARK);
                PLANTED.load(Ordering::Relaxed) == bug as usize + 1
            }

            /// Plants a bug in the whole process, or none.
            pub fn plant(bug: Option<Bug>) {
                let place = bug.map_or(0, |bug| bug as usize + 1);
                PLANTED.store(place, Ordering::Relaxed);
            }

            impl Bug {
                /// Every one of them.
                pub const ALL: &'static [Bug] = &[$(Bug::$bug,)*];

                /// What goes wrong.
                #[must_use]
                pub const fn what(self) -> &'static str {
                    match self {
                        $(Bug::$bug => $what,)*
                    }
                }
            }
        }
    };
}

planted_bugs! {
    DedupePerRequest = "a record counts again when another request repeats it",
    LastArrivalWins = "the verdict that arrived last is in force",
    WeakerTakesBack = "a weaker source takes a verdict back",
    RevertOfRevertIgnored = "work that was served again after a defect stays a defect",
    EditThresholdIgnored = "an acceptance with many changes stays an acceptance",
    EarlyVerdictLost = "a verdict that comes before its task is dropped",
    ParentCountedToo = "a sum counts beside the calls that it sums up",
    SignalsAdded = "log records and metrics count beside the spans that they repeat",
    ResponseCountedTwice = "two traces that report one response are two calls",
    ClosedTraceForgotten = "a late span is judged as if its trace had not been there before",
    CumulativeAddedWhole = "each point of a cumulative metric adds its whole sum",
    CachedCountedTwice = "cached tokens are added to the input that includes them",
    LateCostLost = "cost that comes after the verdict is dropped",
    ExpiryCountedTwice = "an expired task is counted as two outcomes",
    PatienceFromStart = "patience does not begin anew when work comes in",
    ReclassifiedWithoutFrom = "a changed verdict does not leave the state it was counted in",
    MergeLosesVerdict = "two tasks become one and the verdicts of one are dropped",
    ConversationJoinsTasks = "one conversation makes one task of two that have names",
    OverflowLosesValue = "the overflow series forgets what it counted so far",
}
