//! Halves: an OTLP request taken apart into two, for a destination that finds it too large.
//!
//! The three signals have the same envelopes: a request holds resources (1), a resource its
//! scopes (2), a scope its records (2). Everything else of an envelope goes into both halves, and
//! the bytes of a record stay as they are. A metric with all its points counts as one record.

use bytes::Bytes;
use countersign_core::decode::wire::{Fields, Malformed, Wire, put_bytes};

/// Field numbers of what an envelope holds, from the outside to the records.
const PATH: [u32; 3] = [1, 2, 2];

/// The two halves of a request by its records; `None` if it has fewer than two, or cannot be
/// read.
pub(super) fn halves(request: &[u8]) -> Option<(Bytes, Bytes)> {
    let count = records(request, &PATH).ok()?;
    let middle = count / 2;
    if middle == 0 {
        return None;
    }
    let half = |from, to| {
        let mut kept = Kept { next: 0, from, to };
        let mut out = Vec::with_capacity(request.len());
        kept.copy(request, &PATH, &mut out).ok()?;
        Some(Bytes::from(out))
    };
    Some((half(0, middle)?, half(middle, count)?))
}

fn records(bytes: &[u8], path: &[u32]) -> Result<usize, Malformed> {
    let Some((number, path)) = path.split_first() else { return Ok(1) };
    let mut count = 0;
    for field in Fields::of(bytes) {
        let field = field?;
        if let (true, Wire::Bytes(inner)) = (field.number == *number, field.value) {
            count += records(inner, path)?;
        }
    }
    Ok(count)
}

/// Which records are kept, by their order in the request.
struct Kept {
    next: usize,
    from: usize,
    to: usize,
}

impl Kept {
    /// Copies an envelope with the records that are kept; says how many these are.
    fn copy(&mut self, bytes: &[u8], path: &[u32], out: &mut Vec<u8>) -> Result<usize, Malformed> {
        let Some((number, path)) = path.split_first() else {
            let kept = (self.from..self.to).contains(&self.next);
            self.next += 1;
            if kept {
                out.extend_from_slice(bytes);
            }
            return Ok(usize::from(kept));
        };
        let mut count = 0;
        for field in Fields::of(bytes) {
            let field = field?;
            let (true, Wire::Bytes(inner)) = (field.number == *number, field.value) else {
                out.extend_from_slice(field.raw);
                continue;
            };
            let mut copied = Vec::new();
            let kept = self.copy(inner, path, &mut copied)?;
            // An envelope without records says nothing.
            if kept > 0 {
                put_bytes(out, *number, &copied);
            }
            count += kept;
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
    use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
    use prost::Message;

    use super::*;

    /// Resources with scopes with so many records.
    fn request(resources: &[&[usize]]) -> Vec<u8> {
        let mut name = 0..;
        let mut scope = |count: usize| ScopeLogs {
            log_records: (0..count)
                .map(|_| LogRecord {
                    event_name: name.next().unwrap_or(0).to_string(),
                    ..LogRecord::default()
                })
                .collect(),
            schema_url: "scope".into(),
            ..ScopeLogs::default()
        };
        let resource_logs = resources.iter().map(|counts| ResourceLogs {
            scope_logs: counts.iter().map(|count| scope(*count)).collect(),
            schema_url: "resource".into(),
            ..ResourceLogs::default()
        });
        ExportLogsServiceRequest { resource_logs: resource_logs.collect() }.encode_to_vec()
    }

    /// Resources, scopes and records as text.
    fn shown(bytes: &[u8]) -> String {
        let request = ExportLogsServiceRequest::decode(bytes).unwrap();
        let resources = request.resource_logs.iter().map(|resource| {
            assert_eq!(resource.schema_url, "resource");
            let scopes = resource.scope_logs.iter().map(|scope| {
                assert_eq!(scope.schema_url, "scope");
                let names = scope.log_records.iter().map(|it| it.event_name.as_str());
                names.collect::<Vec<_>>().join(" ")
            });
            scopes.collect::<Vec<_>>().join(" | ")
        });
        resources.collect::<Vec<_>>().join(" / ")
    }

    #[test]
    fn records_are_shared_between_the_halves() {
        let check = |resources: &[&[usize]], expected: Option<(&str, &str)>| {
            let halved = halves(&request(resources));
            let halved = halved.map(|(first, second)| (shown(&first), shown(&second)));
            let expected = expected.map(|(first, second)| (first.into(), second.into()));
            assert_eq!(halved, expected, "{resources:?}");
        };
        check(&[&[2]], Some(("0", "1")));
        check(&[&[3]], Some(("0", "1 2")));
        check(&[&[1, 2], &[2]], Some(("0 | 1", "2 / 3 4")));
        check(&[&[4], &[]], Some(("0 1", "2 3")));
        check(&[&[1]], None);
        check(&[&[], &[0]], None);
        check(&[], None);
    }

    #[test]
    fn what_cannot_be_read_is_left_whole() {
        assert_eq!(halves(&[0x0a, 5, 1]), None);
    }
}
