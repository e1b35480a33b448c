//! Resource: who sends, without what describes persons and command lines, marked if booked.

use alloc::vec::Vec;

use super::attributes::{Value, parse, put_text};
use super::splice::{Walked, close, open};
use super::{Frame, shape, span};
use crate::decode::wire::{Fields, Wire, put_bytes};

/// Copies a resource: by allow-list whatever the mode, since resources are sent by everybody.
/// `mark` is written before its own attributes, where no limit on their number can cut it off;
/// if the resource is `marked` at all, it keeps no other mark.
pub(super) fn copy(
    bytes: &[u8],
    frame: &Frame<'_, '_>,
    mark: Option<&[u8]>,
    marked: bool,
    out: &mut Vec<u8>,
) -> Walked {
    let resource = open(out, 1, bytes.len());
    if let Some(mark) = mark {
        put_bytes(out, 1, mark);
    }
    for field in Fields::of(bytes) {
        let field = field?;
        match (field.number, field.value) {
            (1, Wire::Bytes(pair)) => {
                let attribute = parse(pair)?;
                let key = attribute.key;
                let host = matches!(key, b"host.name" | b"host.id");
                let again = marked && key == span::BOOKED_BY.as_bytes();
                let left_out = !attribute.plain || frame.strict && host || again;
                let named = frame.named.iter().any(|named| named.as_bytes() == key);
                if left_out || !(named || passes(key)) {
                    continue;
                }
                let fits = if passes(key) { shape::name } else { shape::id };
                match attribute.value {
                    Value::Number => out.extend_from_slice(field.raw),
                    Value::Text(text) => match fits(text) {
                        Some(kept) if kept.len() == text.len() => {
                            out.extend_from_slice(field.raw);
                        }
                        Some(kept) => put_text(out, 1, key, kept),
                        None => {}
                    },
                    Value::List(_) | Value::Other(_) | Value::Void => {}
                }
            }
            (_, Wire::Bytes(_)) => {}
            _ => out.extend_from_slice(field.raw),
        }
    }
    close(out, resource);
    Ok(())
}

fn passes(key: &[u8]) -> bool {
    const EXACT: [&[u8]; 7] = [
        b"host.name",
        b"host.id",
        b"host.arch",
        b"session.id",
        b"gen_ai.agent.name",
        b"process.pid",
        b"gen_ai.agent.id",
    ];
    const PREFIXES: [&[u8]; 12] = [
        b"service.",
        b"telemetry.",
        b"deployment.",
        b"k8s.",
        b"container.",
        b"cloud.",
        b"os.",
        b"process.runtime.",
        b"countersign.",
        b"vcs.",
        b"faas.",
        b"cicd.",
    ];
    // Annotations and labels are free text; a command line holds prompts.
    const FREE: [&[u8]; 3] = [b".annotation", b".label", b".command"];
    EXACT.contains(&key)
        || PREFIXES.iter().any(|prefix| key.starts_with(prefix))
            && !FREE.iter().any(|free| key.windows(free.len()).any(|part| part == *free))
}
