//! Metric: one metric whose points and exemplars carry no content.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::attributes::{self, Policy};
use super::span::marked;
use super::splice::{Walked, close, open, unknown};
use super::{Frame, keys, shape};
use crate::decode::wire::{Fields, Malformed, Wire, put_bytes};
use crate::limits;
use crate::names::cut;

/// What a metric is called when its name does not pass.
const UNNAMED: &[u8] = b"gen_ai";
/// Longest unit, in bytes: the OpenTelemetry specification's limit.
const UNIT_BYTES_MAX: usize = 63;

/// Which fields of a kind of point hold what.
struct Layout {
    attributes: u32,
    /// 0 if the kind has none.
    exemplars: u32,
    /// Packed numbers.
    packed: &'static [u32],
    /// Messages of numbers: buckets, quantiles.
    buckets: &'static [u32],
}

/// The layout of the points in field `data` of a metric.
fn layout(data: u32) -> Option<Layout> {
    Some(match data {
        5 | 7 => Layout { attributes: 7, exemplars: 5, packed: &[], buckets: &[] },
        9 => Layout { attributes: 9, exemplars: 8, packed: &[6, 7], buckets: &[] },
        10 => Layout { attributes: 1, exemplars: 11, packed: &[], buckets: &[8, 9] },
        11 => Layout { attributes: 7, exemplars: 0, packed: &[], buckets: &[6] },
        _ => return None,
    })
}

/// Copies a metric.
pub(super) fn copy(bytes: &[u8], frame: &mut Frame<'_, '_>, out: &mut Vec<u8>) -> Walked {
    let name = name_of(bytes)?;
    let gen_ai = frame.gen_ai || keys::gen_ai_name(name) || first_point_marked(bytes)?;
    let policy = frame.policy(gen_ai);
    let metric = open(out, 2, bytes.len());
    for field in Fields::of(bytes) {
        let field = field?;
        let Wire::Bytes(inner) = field.value else {
            out.extend_from_slice(field.raw);
            continue;
        };
        match field.number {
            1 => {}
            2 if policy == Policy::DenyList => {
                if let Ok(text) = core::str::from_utf8(inner) {
                    put_bytes(out, 2, cut(text, limits::RELAYED_VALUE_BYTES_MAX).as_bytes());
                }
            }
            3 if inner.len() <= UNIT_BYTES_MAX && is_unit(inner) => {
                out.extend_from_slice(field.raw);
            }
            12 => {
                attributes::copy(field, policy, out)?;
            }
            data => {
                if let Some(layout) = layout(data) {
                    let points = open(out, data, inner.len());
                    copy_points(inner, &layout, frame, gen_ai, out)?;
                    close(out, points);
                }
            }
        }
    }
    let name = core::str::from_utf8(name).unwrap_or_default();
    let kept = match policy {
        Policy::AllowList(_) if !shape::is_word(name.as_bytes()) => UNNAMED,
        Policy::AllowList(_) | Policy::DenyList => {
            cut(name, limits::RELAYED_TEXT_BYTES_MAX).as_bytes()
        }
    };
    put_bytes(out, 1, kept);
    close(out, metric);
    Ok(())
}

fn name_of(bytes: &[u8]) -> Result<&[u8], Malformed> {
    let mut name: &[u8] = b"";
    for field in Fields::of(bytes) {
        let field = field?;
        if let (1, Wire::Bytes(text)) = (field.number, field.value) {
            name = text;
        }
    }
    Ok(name)
}

/// Whether the first point is a gen-AI record: then so are the others, and so is what the
/// metric says of itself.
fn first_point_marked(bytes: &[u8]) -> Result<bool, Malformed> {
    for field in Fields::of(bytes) {
        let field = field?;
        let (Some(layout), Wire::Bytes(points)) = (layout(field.number), field.value) else {
            continue;
        };
        let Some(point) = Fields::of(points).next().transpose()? else { continue };
        if let Wire::Bytes(point) = point.value
            && marked(point, layout.attributes)?
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// `s`, `By`, `{token}`, `USD/{call}`: printable and without blanks.
fn is_unit(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_graphic)
}

fn copy_points(
    bytes: &[u8],
    layout: &Layout,
    frame: &mut Frame<'_, '_>,
    gen_ai: bool,
    out: &mut Vec<u8>,
) -> Walked {
    for field in Fields::of(bytes) {
        let field = field?;
        match (field.number, field.value) {
            (1, Wire::Bytes(point)) => {
                let gen_ai = gen_ai || marked(point, layout.attributes)?;
                frame.summary.count(gen_ai);
                let policy = frame.policy(gen_ai);
                copy_point(point, layout, policy, frame.named, out)?;
            }
            (_, value) => unknown(out, value, field.raw),
        }
    }
    Ok(())
}

fn copy_point(
    bytes: &[u8],
    layout: &Layout,
    policy: Policy<'_>,
    named: &[Box<str>],
    out: &mut Vec<u8>,
) -> Walked {
    let point = open(out, 1, bytes.len());
    for field in Fields::of(bytes) {
        let field = field?;
        match (field.number, field.value) {
            (number, Wire::Bytes(_)) if number == layout.attributes => {
                attributes::copy(field, policy, out)?;
            }
            (number, Wire::Bytes(exemplar)) if number == layout.exemplars => {
                // An exemplar may be a gen-AI record where its point is none.
                let policy = match marked(exemplar, 7)? {
                    true => Policy::AllowList(named),
                    false => policy,
                };
                copy_exemplar(number, exemplar, policy, out)?;
            }
            (number, Wire::Bytes(_)) if layout.packed.contains(&number) => {
                out.extend_from_slice(field.raw);
            }
            (number, Wire::Bytes(buckets)) if layout.buckets.contains(&number) => {
                copy_buckets(number, buckets, out)?;
            }
            (_, value) => unknown(out, value, field.raw),
        }
    }
    close(out, point);
    Ok(())
}

fn copy_exemplar(number: u32, bytes: &[u8], policy: Policy<'_>, out: &mut Vec<u8>) -> Walked {
    let exemplar = open(out, number, bytes.len());
    for field in Fields::of(bytes) {
        let field = field?;
        match (field.number, field.value) {
            (4, Wire::Bytes(id)) if matches!(id.len(), 0 | 8) => out.extend_from_slice(field.raw),
            (5, Wire::Bytes(id)) if matches!(id.len(), 0 | 16) => out.extend_from_slice(field.raw),
            (7, Wire::Bytes(_)) => {
                attributes::copy(field, policy, out)?;
            }
            (_, value) => unknown(out, value, field.raw),
        }
    }
    close(out, exemplar);
    Ok(())
}

fn copy_buckets(number: u32, bytes: &[u8], out: &mut Vec<u8>) -> Walked {
    let buckets = open(out, number, bytes.len());
    for field in Fields::of(bytes) {
        let field = field?;
        // Packed bucket counts; a quantile has no such field.
        if field.number == 2 {
            out.extend_from_slice(field.raw);
        } else {
            unknown(out, field.value, field.raw);
        }
    }
    close(out, buckets);
    Ok(())
}
