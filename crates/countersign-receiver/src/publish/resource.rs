//! Who speaks in the telemetry of our own: the resource and scope of our metrics and verdicts.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;

/// The scope of our metrics and verdict spans.
pub(super) const SCOPE: &str = "countersign";

/// Whose series it is, where that is not the default tenant. On each series and not on the
/// resource: what keeps no resources would take those of two tenants for one.
pub(super) const TENANT: &str = "countersign.tenant";

/// The resource: the service is always `countersign`, the instance that of the data directory.
pub(super) fn resource(instance: &str) -> Resource {
    Resource {
        attributes: vec![
            attribute("service.name", "countersign"),
            attribute("service.instance.id", instance),
            attribute("service.version", env!("CARGO_PKG_VERSION")),
        ],
        ..Resource::default()
    }
}

/// An attribute of a span, a point or a resource.
pub(super) fn attribute(key: &str, value: impl Into<Scalar>) -> KeyValue {
    let value = Some(AnyValue { value: Some(value.into().0) });
    KeyValue { key: key.into(), value, ..KeyValue::default() }
}

/// A value that an attribute can have.
pub(super) struct Scalar(Value);

impl From<&str> for Scalar {
    fn from(text: &str) -> Scalar {
        Scalar(Value::StringValue(text.into()))
    }
}

impl From<i64> for Scalar {
    fn from(number: i64) -> Scalar {
        Scalar(Value::IntValue(number))
    }
}

impl From<f64> for Scalar {
    fn from(number: f64) -> Scalar {
        Scalar(Value::DoubleValue(number))
    }
}
