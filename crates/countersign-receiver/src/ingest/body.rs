//! Body: a request's bytes, charged to the budget as they come and unpacked.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use axum::body::HttpBody;
use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::refused::Refused;
use crate::access::Caller;
use crate::clock;
use crate::limits::{
    BODY_BYTES_PER_SECOND_MIN, BODY_MS_MAX, BODY_SLOW_MS_MAX, IN_FLIGHT_BYTES_MAX,
    RETRY_AFTER_MS_MIN, TENANT_BYTES_IN_FLIGHT,
};

/// The bytes of requests that may be in memory at a time.
#[derive(Clone, Debug)]
pub(super) struct Budget(Arc<Semaphore>);

impl Default for Budget {
    fn default() -> Budget {
        Budget(Arc::new(Semaphore::new(IN_FLIGHT_BYTES_MAX)))
    }
}

impl Budget {
    /// A charge of nothing yet, for this caller.
    pub(super) fn charge(&self, caller: &Caller) -> Charge {
        Charge { budget: Arc::clone(&self.0), held: None, caller: caller.clone() }
    }

    #[cfg(test)]
    pub(super) fn free(&self) -> usize {
        self.0.available_permits()
    }
}

/// What one request holds of the budget; given back when dropped.
#[derive(Debug)]
pub(super) struct Charge {
    budget: Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
    caller: Caller,
}

impl Charge {
    /// Charges so many bytes more.
    pub(super) fn grow(&mut self, bytes: usize) -> Result<(), Refused> {
        let busy = Refused::Busy { retry_after_ms: RETRY_AFTER_MS_MIN };
        let count = u32::try_from(bytes).map_err(|_| busy.clone())?;
        if self.caller.shares() && !self.leaves_others_their_share(bytes) {
            return Err(Refused::Quota { retry_after_ms: RETRY_AFTER_MS_MIN });
        }
        let more = Arc::clone(&self.budget).try_acquire_many_owned(count).map_err(|_| busy)?;
        self.caller.quota().take_bytes(bytes);
        match &mut self.held {
            Some(held) => held.merge(more),
            None => self.held = Some(more),
        }
        Ok(())
    }

    /// Whether a tenant may take so much more: up to its share always, beyond it only while
    /// nobody else needs room or as much as a share is left for those who do.
    fn leaves_others_their_share(&self, bytes: usize) -> bool {
        let own = self.caller.quota().in_flight_bytes();
        let free = self.budget.available_permits();
        let alone = IN_FLIGHT_BYTES_MAX.saturating_sub(free) <= own;
        alone
            || own.saturating_add(bytes) <= TENANT_BYTES_IN_FLIGHT
            || free >= bytes.saturating_add(TENANT_BYTES_IN_FLIGHT)
    }

    /// Gives so many bytes back.
    fn shrink(&mut self, bytes: usize) {
        if let Some(held) = &mut self.held
            && let Some(back) = held.split(bytes)
        {
            self.caller.quota().give_back_bytes(back.num_permits());
        }
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        if let Some(held) = &self.held {
            self.caller.quota().give_back_bytes(held.num_permits());
        }
    }
}

/// When so much of a body has come, room is made for as much as its sender says it has: before,
/// a sender could claim memory for nothing; afterwards, growing would copy what is there.
const BELIEVED_FROM_BYTES: usize = 1 << 20;

/// How fast a body must come.
struct Pace {
    /// Longest pause, and for how long any pace will do.
    slow: Duration,
    /// What it must have come at after that, on the whole.
    bytes_per_second: u64,
    /// When it must be there.
    end: Duration,
}

const PACE: Pace = Pace {
    slow: Duration::from_millis(BODY_SLOW_MS_MAX),
    bytes_per_second: BODY_BYTES_PER_SECOND_MIN,
    end: Duration::from_millis(BODY_MS_MAX),
};

impl Pace {
    fn is_kept(&self, elapsed: Duration, bytes: usize) -> bool {
        let due = elapsed.as_secs().saturating_mul(self.bytes_per_second);
        elapsed <= self.slow || (elapsed <= self.end && bytes as u64 >= due)
    }
}

/// Reads a body to its end, at most `most` bytes, not slower than the limits allow.
pub(super) async fn read(
    body: axum::body::Body,
    most: usize,
    charge: &mut Charge,
) -> Result<Bytes, Refused> {
    read_at(&PACE, body, most, charge).await
}

async fn read_at(
    pace: &Pace,
    mut body: axum::body::Body,
    most: usize,
    charge: &mut Charge,
) -> Result<Bytes, Refused> {
    let declared = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if declared > most {
        return Err(Refused::TooLarge);
    }
    let began = clock::instant();
    let mut bytes = Vec::new();
    let mut first = None;
    loop {
        let frame = match tokio::time::timeout(pace.slow, body.frame()).await {
            Err(_) => return Err(Refused::Slow),
            Ok(None) => break,
            Ok(Some(Err(_))) => return Err(Refused::Malformed("the body was cut short".into())),
            Ok(Some(Ok(frame))) => frame,
        };
        let Ok(chunk) = frame.into_data() else { continue };
        let length = bytes.len() + first.as_ref().map_or(0, Bytes::len) + chunk.len();
        if length > most {
            return Err(Refused::TooLarge);
        }
        if !pace.is_kept(began.elapsed(), length) {
            return Err(Refused::Slow);
        }
        charge.grow(chunk.len())?;
        if bytes.len() >= BELIEVED_FROM_BYTES && bytes.capacity() < declared {
            bytes.reserve_exact(declared - bytes.len());
        }
        match first.take() {
            // A body of one chunk is not copied.
            None if bytes.is_empty() => first = Some(chunk),
            None => bytes.extend_from_slice(&chunk),
            Some(before) => {
                bytes.extend_from_slice(&before);
                bytes.extend_from_slice(&chunk);
            }
        }
    }
    Ok(first.unwrap_or_else(|| bytes.into()))
}

/// How much is unpacked at a time.
const STEP_BYTES: usize = 64 << 10;
/// The most that deflate makes of one byte.
const DEFLATE_RATIO_MAX: usize = 1032;

/// What gzip's last four bytes say of its size, as far as that is possible; right for all that
/// has one member and less than 4 GiB. One byte more, so that its end is seen without growing.
fn declared_size(packed: &[u8]) -> usize {
    let size = packed.last_chunk::<4>().map_or(0, |size| u32::from_le_bytes(*size));
    let possible = packed.len().saturating_mul(DEFLATE_RATIO_MAX);
    usize::try_from(size).unwrap_or(usize::MAX).min(possible) + 1
}

/// Grows to a capacity. While the bytes move, both places are charged.
fn make_room(bytes: &mut Vec<u8>, capacity: usize, charge: &mut Charge) -> Result<(), Refused> {
    let before = bytes.capacity();
    charge.grow(capacity)?;
    bytes.reserve_exact(capacity.saturating_sub(bytes.len()));
    charge.shrink(before);
    Ok(())
}

/// Unpacks gzip: every member of it and nothing behind the last one. The packed bytes are no
/// longer charged afterwards.
pub(super) fn unpack(packed: &[u8], most: usize, charge: &mut Charge) -> Result<Bytes, Refused> {
    let mut unpacked = Vec::new();
    let mut reader = MultiGzDecoder::new(packed);
    make_room(&mut unpacked, declared_size(packed).clamp(STEP_BYTES, most + 1), charge)?;
    loop {
        let length = unpacked.len();
        if length == unpacked.capacity() {
            make_room(&mut unpacked, (2 * length).min(most + 1), charge)?;
        }
        let step = STEP_BYTES.min(unpacked.capacity() - length);
        unpacked.resize(length + step, 0);
        let space = unpacked.get_mut(length..).unwrap_or_default();
        let read = reader
            .read(space)
            .map_err(|_| Refused::Malformed("the body is not valid gzip".into()))?;
        unpacked.truncate(length + read);
        if read == 0 {
            break;
        }
        if unpacked.len() > most {
            return Err(Refused::TooLarge);
        }
    }
    charge.shrink(packed.len());
    Ok(unpacked.into())
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use hyper::body::Frame;

    use super::*;
    use crate::limits::REQUEST_BYTES_MAX;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut writer = GzEncoder::new(Vec::new(), Compression::fast());
        writer.write_all(bytes).unwrap();
        writer.finish().unwrap()
    }

    fn check(bytes: &[u8]) -> Result<Bytes, Refused> {
        unpack(bytes, REQUEST_BYTES_MAX, &mut Budget::default().charge(&Caller::inside()))
    }

    #[test]
    fn every_member_counts_and_nothing_else_may_follow() {
        let one = packed(b"one");
        let two = packed(b"two");
        assert_eq!(check(&[one.clone(), two.clone()].concat()).unwrap(), "onetwo");
        assert_eq!(check(&packed(b"")).unwrap(), "");
        for bad in [
            &b""[..],
            b"plain text",
            &one[..one.len() - 1],
            &one[..12],
            &[one.clone(), b"more".to_vec()].concat(),
            &[one.clone(), vec![0; 8]].concat(),
            &[one.clone(), two[..9].to_vec()].concat(),
        ] {
            assert!(matches!(check(bad), Err(Refused::Malformed(_))), "{bad:?}");
        }
        let mut flipped = one;
        let crc = flipped.len() - 8;
        flipped[crc] ^= 1;
        assert!(matches!(check(&flipped), Err(Refused::Malformed(_))));
    }

    #[test]
    fn what_unpacks_past_the_limit_is_refused() {
        assert_eq!(check(&packed(&vec![0; REQUEST_BYTES_MAX])).unwrap().len(), REQUEST_BYTES_MAX);
        assert_eq!(check(&packed(&vec![0; REQUEST_BYTES_MAX + 1])), Err(Refused::TooLarge));
    }

    /// A body of so many single bytes, then a pause without an end.
    struct Stalled(usize);

    impl HttpBody for Stalled {
        type Data = Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
            if self.0 == 0 {
                return Poll::Pending;
            }
            self.0 -= 1;
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"x")))))
        }
    }

    #[tokio::test]
    async fn a_body_that_stalls_or_crawls_is_given_up() {
        let budget = Budget::default();
        let short = Duration::from_millis(20);
        let pace = Pace { slow: short, ..PACE };
        let body = axum::body::Body::new(Stalled(3));
        let mut charge = budget.charge(&Caller::inside());
        assert_eq!(read_at(&pace, body, 10, &mut charge).await, Err(Refused::Slow));
        let body = axum::body::Body::new(Stalled(usize::MAX));
        assert_eq!(read_at(&pace, body, 10, &mut charge).await, Err(Refused::TooLarge));
        for (elapsed_s, bytes, kept) in [
            (9, 0, true),
            (10, 0, true),
            (11, 11 * 1024 - 1, false),
            (11, 11 * 1024, true),
            (60, 1 << 20, true),
            (61, 1 << 20, false),
        ] {
            let elapsed = Duration::from_secs(elapsed_s);
            assert_eq!(PACE.is_kept(elapsed, bytes), kept, "{elapsed_s} s, {bytes} bytes");
        }
    }

    #[test]
    fn the_budget_is_given_back() {
        let budget = Budget::default();
        let mut charge = budget.charge(&Caller::inside());
        charge.grow(IN_FLIGHT_BYTES_MAX - 5).unwrap();
        assert!(matches!(charge.grow(6), Err(Refused::Busy { .. })));
        charge.shrink(10);
        charge.grow(15).unwrap();
        assert_eq!(budget.free(), 0);
        drop(charge);
        assert_eq!(budget.free(), IN_FLIGHT_BYTES_MAX);
    }
}
