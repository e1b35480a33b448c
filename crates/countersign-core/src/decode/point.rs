//! Points of a metric request: sums and histograms. Gauges and summaries are passed over.

use alloc::vec::Vec;

use super::attribute::{self, Attribute};
use super::wire::{Fields, Wire};
use super::{Budget, Fault, Node, each, walk};
use crate::fact::Temporality;

/// A point of a sum or a histogram.
#[derive(Debug)]
pub struct Point<'s, 'a> {
    /// The metric's name.
    pub metric: &'a [u8],
    /// The metric's unit.
    pub unit: &'a [u8],
    /// Increments or sums.
    pub temporality: Temporality,
    /// Start of the series or of the increment, nanoseconds since 1970, or 0.
    pub start: u64,
    /// Nanoseconds since 1970.
    pub time: u64,
    /// A sum's value, a histogram's sum.
    pub number: Number,
    /// A histogram's count of measurements.
    pub count: Option<u64>,
    /// The attributes, in order.
    pub attributes: &'s [Attribute<'a>],
}

/// The value of a point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// The point has none.
    None,
    /// A whole number.
    Int(i64),
    /// Any other number.
    Double(f64),
}

/// Walks an `ExportMetricsServiceRequest`.
///
/// # Errors
/// [`Fault`] at the first byte that is no such message, or when the budget is spent. Records
/// before it have been visited by then.
pub fn metrics<'a>(
    bytes: &'a [u8],
    budget: &mut Budget,
    mut visit: impl FnMut(Node<'_, 'a>, &mut Budget) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut attributes = Vec::new();
    walk(bytes, budget, &mut visit, |metric, budget, visit| {
        let (mut name, mut unit) = (&[][..], &[][..]);
        for field in Fields::of(metric) {
            let field = field.map_err(|error| budget.malformed(metric, error))?;
            match (field.number, field.value) {
                (1, Wire::Bytes(text)) => name = text,
                (3, Wire::Bytes(text)) => unit = text,
                _ => {}
            }
        }
        for field in Fields::of(metric) {
            let field = field.map_err(|error| budget.malformed(metric, error))?;
            let (Some(shape), Wire::Bytes(data)) = (Shape::of(field.number), field.value) else {
                continue;
            };
            let temporality = temporality(data, budget)?;
            each(data, 1, budget, |bytes, budget| {
                budget.spend_record()?;
                attributes.clear();
                let mut point = Point {
                    metric: name,
                    unit,
                    temporality,
                    start: 0,
                    time: 0,
                    number: Number::None,
                    count: None,
                    attributes: &[],
                };
                read(bytes, shape, &mut point, &mut attributes, budget)?;
                visit(Node::Point(&Point { attributes: &attributes, ..point }), budget)
            })?;
        }
        Ok(())
    })
}

/// The kinds of metric whose points are read. Their field numbers differ.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Sum,
    Histogram,
    ExponentialHistogram,
}

impl Shape {
    fn of(number: u32) -> Option<Shape> {
        match number {
            7 => Some(Shape::Sum),
            9 => Some(Shape::Histogram),
            10 => Some(Shape::ExponentialHistogram),
            _ => None,
        }
    }

    /// The number of the field with the attributes.
    fn attributes(self) -> u32 {
        match self {
            Shape::Sum => 7,
            Shape::Histogram => 9,
            Shape::ExponentialHistogram => 1,
        }
    }
}

fn temporality(data: &[u8], budget: &Budget) -> Result<Temporality, Fault> {
    let mut temporality = Temporality::Cumulative;
    for field in Fields::of(data) {
        let field = field.map_err(|error| budget.malformed(data, error))?;
        match (field.number, field.value) {
            (2, Wire::Varint(1)) => temporality = Temporality::Delta,
            (2, Wire::Varint(_)) => temporality = Temporality::Cumulative,
            _ => {}
        }
    }
    Ok(temporality)
}

fn read<'a>(
    bytes: &'a [u8],
    shape: Shape,
    point: &mut Point<'_, 'a>,
    attributes: &mut Vec<Attribute<'a>>,
    budget: &mut Budget,
) -> Result<(), Fault> {
    for field in Fields::of(bytes) {
        let field = field.map_err(|error| budget.malformed(bytes, error))?;
        match (field.number, field.value) {
            (number, Wire::Bytes(bytes)) if number == shape.attributes() => {
                attribute::push(attributes, bytes, budget)?;
            }
            (2, Wire::Fixed64(nanos)) => point.start = nanos,
            (3, Wire::Fixed64(nanos)) => point.time = nanos,
            (4, Wire::Fixed64(bits)) if shape == Shape::Sum => {
                point.number = Number::Double(f64::from_bits(bits));
            }
            #[allow(clippy::cast_possible_wrap, reason = "sfixed64 is two's complement")]
            (6, Wire::Fixed64(bits)) if shape == Shape::Sum => {
                point.number = Number::Int(bits as i64);
            }
            (4, Wire::Fixed64(count)) => point.count = Some(count),
            (5, Wire::Fixed64(bits)) => point.number = Number::Double(f64::from_bits(bits)),
            _ => {}
        }
    }
    Ok(())
}
