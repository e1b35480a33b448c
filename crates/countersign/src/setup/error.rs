//! What can go wrong at set-up and at the end.

use std::fmt;

use opentelemetry_otlp::ExporterBuildError;

use crate::ledger::Lost;

/// Why telemetry could not be set up or sent.
#[derive(Debug)]
#[non_exhaustive]
pub enum SetupError {
    /// A variable has a value that cannot be used.
    Variable {
        /// The variable.
        variable: String,
        /// Its value.
        value: String,
        /// What can be used.
        expected: &'static str,
    },
    /// The exporter cannot be built, most often because of its endpoint.
    Exporter(ExporterBuildError),
    /// The runtime for gRPC could not be started.
    Runtime(std::io::Error),
    /// The receiver did not take everything.
    Lost(Lost),
    /// The end could not be waited for.
    Flush(String),
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SetupError::Variable { variable, value, expected } => {
                write!(f, "{variable} is `{value}`: set it to {expected}, or unset it")
            }
            SetupError::Exporter(error) => {
                write!(f, "the exporter cannot be built, check its endpoint: {error}")
            }
            SetupError::Runtime(error) => {
                write!(f, "no thread for gRPC, use http/protobuf instead: {error}")
            }
            SetupError::Lost(lost) => {
                write!(f, "{lost} were lost: is the receiver reachable and its endpoint right?")
            }
            SetupError::Flush(error) => {
                write!(f, "not everything was sent in time, is the receiver slow? {error}")
            }
        }
    }
}

impl std::error::Error for SetupError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            SetupError::Exporter(error) => Some(error),
            SetupError::Runtime(error) => Some(error),
            SetupError::Variable { .. } | SetupError::Lost(_) | SetupError::Flush(_) => None,
        }
    }
}
