//! Agents that use `tracing`.

use countersign::testing::Kit;
use countersign::{Operation, Task, Usage, names};
use expect_test::expect;
use tracing::{Instrument as _, info, info_span};
use tracing_subscriber::prelude::*;

#[test]
fn a_span_with_a_task_id_begins_a_task() {
    let kit = Kit::new();
    let layer = kit.telemetry().tracing_layer();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        let task = info_span!(
            "handle ticket",
            countersign.task.id = "T-1",
            gen_ai.workflow.name = "support-ticket",
            note = "field of its own",
        );
        task.in_scope(|| {
            let call = info_span!(
                "ask",
                otel.kind = "client",
                gen_ai.operation.name = "chat",
                gen_ai.provider.name = "openai",
                gen_ai.request.model = "gpt-4o-mini",
                gen_ai.input.messages = "SECRET",
                gen_ai.usage.input_tokens = tracing::field::Empty,
                gen_ai.usage.output_tokens = tracing::field::Empty,
            );
            call.in_scope(|| info!(answer = "SECRET", "SECRET"));
            call.record("gen_ai.usage.input_tokens", 1_200_u64);
            call.record("gen_ai.usage.output_tokens", 80_i64);
        });
        info_span!("elsewhere").in_scope(|| {});
    });
    let spans = kit.spans();
    assert!(spans.iter().all(|span| span.events.is_empty()));
    expect![[r#"
        handle ticket
            countersign.task.id = "T-1"
            gen_ai.workflow.name = "support-ticket"
            note = "field of its own"
          ask
              countersign.task.id = "T-1"
              gen_ai.operation.name = "chat"
              gen_ai.provider.name = "openai"
              gen_ai.request.model = "gpt-4o-mini"
              gen_ai.usage.input_tokens = 1200
              gen_ai.usage.output_tokens = 80
        elsewhere
    "#]]
    .assert_eq(&kit.tree());
}

#[test]
fn spans_inside_a_task_are_part_of_its_trace() {
    let kit = Kit::new();
    let layer = kit.telemetry().tracing_layer();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let subscriber = tracing_subscriber::registry().with(layer);
    tracing::subscriber::with_default(subscriber, || {
        let _here = kit.attach();
        let task = Task::new("T-2").start();
        runtime.block_on(task.run(async {
            let inner = async {
                tokio::task::yield_now().await;
                countersign::Call::new(Operation::Chat, "openai", "gpt-4o")
                    .start()
                    .usage(Usage::new(1, 1))
                    .end();
            };
            inner.instrument(info_span!("plan")).await;
        }));
        task.end();
    });
    let plan = kit.span("plan");
    assert_eq!(plan.text(names::TASK_ID), "T-2");
    assert_eq!(plan.parent, kit.span("invoke_workflow").span);
    let call = kit.span("chat gpt-4o");
    assert_eq!(call.parent, plan.span);
    assert_eq!(call.text(names::TASK_ID), "T-2");
}

#[test]
fn without_a_pipeline_there_is_no_layer() {
    assert!(countersign::tracing_layer::<tracing_subscriber::Registry>().is_none());
}
