//! A verdict as a span in its task's own trace, so that a trace view shows it next to the work
//! it judges, also when it comes weeks later.

use bytes::Bytes;
use countersign_core::delta::VerdictBooked;
use countersign_core::key::Key;
use countersign_core::settle::TaskView;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;

use super::resource::{SCOPE, attribute, resource};

/// The request that carries a verdict as a span; `None` for a task without a trace.
///
/// The span has no length: it begins and ends when the verdict takes effect. Its id follows
/// from the verdict's, so that a repetition is the same span. The mark `countersign.booked_by`
/// keeps another Countersign down the line from booking the verdict again. `instance` is the
/// data directory's, as in the mark of relayed spans.
#[must_use]
pub fn verdict_span(booked: &VerdictBooked, view: &TaskView<'_>, instance: &str) -> Option<Bytes> {
    if booked.trace.is_none() {
        return None;
    }
    let span = Span {
        trace_id: booked.trace.0.to_be_bytes().to_vec(),
        span_id: span_id(booked.id).to_be_bytes().to_vec(),
        name: "gen_ai.evaluation.result".into(),
        kind: SpanKind::Internal.into(),
        start_time_unix_nano: booked.effective,
        end_time_unix_nano: booked.effective,
        attributes: attributes(booked, view, instance),
        ..Span::default()
    };
    let scope = InstrumentationScope { name: SCOPE.into(), ..InstrumentationScope::default() };
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(resource(instance)),
            scope_spans: vec![ScopeSpans {
                scope: Some(scope),
                spans: vec![span],
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    };
    Some(request.encode_to_vec().into())
}

/// The span's id: the lower half of the verdict's key, which is a hash; never 0.
#[allow(clippy::cast_possible_truncation, reason = "the low half is as good as any")]
fn span_id(verdict: Key) -> u64 {
    (verdict.0 as u64).max(1)
}

fn attributes(booked: &VerdictBooked, view: &TaskView<'_>, instance: &str) -> Vec<KeyValue> {
    let state = booked.judgement.as_str();
    let kept = view.verdicts().iter().find(|kept| kept.id == booked.id);
    let policy = kept.map_or("", |kept| view.text(kept.policy_version));
    let supersedes = kept.map_or(Key::NONE, |kept| kept.supersedes);
    let id = |key: Key| if key.is_none() { String::new() } else { format!("{:032x}", key.0) };
    let task = view.id();
    let texts = [
        ("gen_ai.evaluation.name", "review.verdict"),
        ("gen_ai.evaluation.score.label", state),
        ("countersign.review.state", state),
        ("countersign.task.id", &task),
        ("gen_ai.workflow.name", view.workflow()),
        ("countersign.route.name", view.route()),
        ("countersign.verdict.id", &id(booked.id)),
        ("countersign.verdict.state", state),
        ("countersign.verdict.source.kind", booked.source.as_str()),
        ("countersign.verdict.source.system", view.text(booked.system)),
        ("countersign.verdict.basis", booked.basis.as_str()),
        ("countersign.verdict.reason", view.text(booked.reason)),
        ("countersign.verdict.policy_version", policy),
        ("countersign.verdict.supersedes", &id(supersedes)),
        ("countersign.booked_by", instance),
    ];
    let mut attributes: Vec<KeyValue> = texts
        .into_iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(key, text)| attribute(key, text))
        .collect();
    let effective = i64::try_from(booked.effective).unwrap_or(i64::MAX);
    attributes.push(attribute("countersign.verdict.effective_at", effective));
    if booked.round > 0 {
        attributes.push(attribute("countersign.verdict.round", i64::from(booked.round)));
    }
    if let Some(ppm) = booked.edit_ppm {
        attributes.push(attribute("countersign.verdict.edit_ratio", f64::from(ppm) / 1e6));
    }
    if let Some(ms) = booked.review_ms {
        let seconds = std::time::Duration::from_millis(ms).as_secs_f64();
        attributes.push(attribute("countersign.verdict.review_seconds", seconds));
    }
    attributes
}

#[cfg(test)]
mod tests {
    use super::super::books::{self, Script};
    use super::*;
    use countersign_core::delta::Delta;
    use expect_test::expect;

    #[test]
    fn a_verdict_becomes_a_span_of_the_tasks_trace() {
        let mut script = Script::default();
        script.call("t-1", books::TRACE, 0);
        let deltas = script.judge("t-1", "edited", 300);
        let booked = deltas
            .into_iter()
            .find_map(|delta| if let Delta::Verdict(booked) = delta { Some(booked) } else { None })
            .unwrap();
        let view = script.books.task(booked.task).unwrap();
        let bytes = verdict_span(&booked, &view, "here").unwrap();
        assert_eq!(verdict_span(&booked, &view, "here").unwrap(), bytes);
        let request = ExportTraceServiceRequest::decode(bytes).unwrap();
        let group = &request.resource_spans[0];
        let span = &group.scope_spans[0].spans[0];
        let mut text = format!(
            "{} {:x?} {} {}\n",
            span.name,
            span.trace_id,
            span.span_id.len(),
            span.end_time_unix_nano - span.start_time_unix_nano,
        );
        for pair in group.resource.iter().flat_map(|r| &r.attributes).chain(&span.attributes) {
            let value = pair.value.clone().and_then(|value| value.value);
            text += &format!("{} {value:?}\n", pair.key);
        }
        expect![[r#"
            gen_ai.evaluation.result [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, a1] 8 0
            service.name Some(StringValue("countersign"))
            service.instance.id Some(StringValue("here"))
            service.version Some(StringValue("0.1.0"))
            gen_ai.evaluation.name Some(StringValue("review.verdict"))
            gen_ai.evaluation.score.label Some(StringValue("edited"))
            countersign.review.state Some(StringValue("edited"))
            countersign.task.id Some(StringValue("t-1"))
            gen_ai.workflow.name Some(StringValue("pr-review"))
            countersign.route.name Some(StringValue("sonnet first"))
            countersign.verdict.id Some(StringValue("64b3b2e89f274d11699a96a965cd390d"))
            countersign.verdict.state Some(StringValue("edited"))
            countersign.verdict.source.kind Some(StringValue("human"))
            countersign.verdict.source.system Some(StringValue("github"))
            countersign.verdict.basis Some(StringValue("explicit"))
            countersign.verdict.reason Some(StringValue("style"))
            countersign.booked_by Some(StringValue("here"))
            countersign.verdict.effective_at Some(IntValue(1795132810000000000))
            countersign.verdict.round Some(IntValue(1))
            countersign.verdict.edit_ratio Some(DoubleValue(0.2))
            countersign.verdict.review_seconds Some(DoubleValue(300.0))
        "#]]
        .assert_eq(&text);
        let without = VerdictBooked { trace: countersign_core::key::TraceId::NONE, ..booked };
        assert_eq!(verdict_span(&without, &view, "here"), None);
    }
}
