//! Refused: why a request was not taken, and how that is said over HTTP and gRPC.

use std::borrow::Cow;
use std::time::Duration;

use http::StatusCode;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::keeper::Refusal;
use crate::limits::{ERROR_TEXT_BYTES_MAX, RETRY_AFTER_MS_MAX, RETRY_AFTER_MS_MIN};

/// Why a request was refused as a whole; nothing of it was taken. The texts hold no input.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// The bytes are not what they should be: sending them again is of no use.
    Malformed(Cow<'static, str>),
    /// More bytes or records than a request may have.
    TooLarge,
    /// The sender took too long.
    Slow,
    /// No room for now.
    Busy {
        /// How long to wait, in milliseconds.
        retry_after_ms: u64,
    },
    /// The tenant has more in hand than its share.
    Quota {
        /// How long to wait, in milliseconds.
        retry_after_ms: u64,
    },
    /// The disk failed or is full.
    Disk,
    /// The program is stopping.
    Stopping,
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Refused {
        match refusal {
            Refusal::Busy { retry_after_ms } => Refused::Busy { retry_after_ms },
            Refusal::Disk(error) => {
                tracing::error!(error, "nothing can be taken: the journal cannot be written");
                Refused::Disk
            }
            Refusal::Full => Refused::Disk,
            Refusal::TooLarge => Refused::TooLarge,
            Refusal::TooManyTenants => {
                Refused::Malformed("there are books for too many tenants already".into())
            }
            Refusal::Stopping => Refused::Stopping,
        }
    }
}

impl Refused {
    /// What the sender is told.
    pub(crate) fn text(&self) -> Cow<'static, str> {
        match self {
            Refused::Malformed(why) => clipped(why.clone()),
            Refused::TooLarge => "the request is too large: send smaller batches".into(),
            Refused::Slow => "the request came too slowly".into(),
            Refused::Busy { .. } => "too much to do: try again later".into(),
            Refused::Quota { .. } => "too much at a time of this tenant: try again later".into(),
            Refused::Disk => "cannot write to disk: try again later".into(),
            Refused::Stopping => "stopping: try again later".into(),
        }
    }

    /// How long a sender should wait before it tries again; `None` if that is of no use.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        let ms = match self {
            Refused::Malformed(_) | Refused::TooLarge => return None,
            Refused::Busy { retry_after_ms } | Refused::Quota { retry_after_ms } => *retry_after_ms,
            Refused::Slow | Refused::Stopping => RETRY_AFTER_MS_MIN,
            Refused::Disk => RETRY_AFTER_MS_MAX,
        };
        Some(Duration::from_millis(ms.clamp(RETRY_AFTER_MS_MIN, RETRY_AFTER_MS_MAX)))
    }

    /// Of all codes that ask to try again, 503 is the one that every exporter understands.
    pub(super) fn http_status(&self) -> StatusCode {
        match self {
            Refused::Malformed(_) => StatusCode::BAD_REQUEST,
            Refused::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Refused::Quota { .. } => StatusCode::TOO_MANY_REQUESTS,
            Refused::Slow | Refused::Busy { .. } | Refused::Disk | Refused::Stopping => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    /// The gRPC code.
    pub(super) fn code(&self) -> Code {
        match self {
            Refused::Malformed(_) => Code::InvalidArgument,
            // Exporters try it again only if the details have a delay: this is of no use.
            Refused::TooLarge => Code::ResourceExhausted,
            Refused::Quota { .. } => Code::ResourceExhausted,
            Refused::Slow | Refused::Busy { .. } | Refused::Disk | Refused::Stopping => {
                Code::Unavailable
            }
        }
    }

    /// The gRPC status with its details.
    pub(super) fn status(&self) -> Status {
        let mut details = ErrorDetails::new();
        if let Some(delay) = self.retry_after() {
            details.set_retry_info(Some(delay));
        }
        if let Refused::Malformed(why) = self {
            details.add_bad_request_violation("body", clipped(why.clone()));
        }
        Status::with_error_details(self.code(), self.text(), details)
    }
}

/// A text cut to what an answer may hold.
pub(super) fn clipped(text: Cow<'static, str>) -> Cow<'static, str> {
    if text.len() <= ERROR_TEXT_BYTES_MAX {
        return text;
    }
    let mut text = text.into_owned();
    text.truncate(text.floor_char_boundary(ERROR_TEXT_BYTES_MAX));
    text.into()
}
