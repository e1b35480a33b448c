//! Finding: what a check comes to.

use std::fmt;

/// Why a check did not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The target does something else than it should: what it does.
    Fails(String),
    /// The target does something else on purpose: why.
    Differs(&'static str),
    /// The check says nothing about this target: why.
    DoesNotApply(&'static str),
}

/// What a check comes to.
pub type Found<T = ()> = Result<T, Finding>;

/// The finding of something else than was expected.
pub fn fails<T>(what: impl Into<String>) -> Found<T> {
    Err(Finding::Fails(what.into()))
}

/// The finding of a check that does not apply.
pub fn not_here<T>(why: &'static str) -> Found<T> {
    Err(Finding::DoesNotApply(why))
}

/// Fails with what is there unless it is as expected.
pub fn expect(holds: bool, otherwise: impl FnOnce() -> String) -> Found {
    if holds { Ok(()) } else { Err(Finding::Fails(otherwise())) }
}

/// Fails unless both are the same.
pub fn same<T: PartialEq + fmt::Debug>(what: &str, found: T, expected: T) -> Found {
    expect(found == expected, || format!("{what}: {found:?} instead of {expected:?}"))
}

impl From<std::io::Error> for Finding {
    fn from(error: std::io::Error) -> Finding {
        Finding::Fails(format!("connection: {error}"))
    }
}
