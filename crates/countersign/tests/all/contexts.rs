//! Identity: it follows the task through futures, threads, other libraries and processes.

use countersign::testing::Kit;
use countersign::{Call, Operation, Purpose, Step, Task, Usage, names, propagation};
use expect_test::expect;
use opentelemetry::trace::Tracer as _;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{SdkTracerProvider, SimpleSpanProcessor};

#[test]
fn two_tasks_interleaved_do_not_mix() {
    let kit = Kit::new();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let here = kit.attach();
    let tasks = [Task::new("A").start(), Task::new("B").start()];
    let work = tasks.iter().map(|task| {
        let id = task.id().to_owned();
        task.run(async move {
            for _ in 0..3 {
                let call = Call::new(Operation::Chat, "openai", id.clone()).start();
                tokio::task::yield_now().await;
                call.usage(Usage::new(1, 1)).end();
            }
        })
    });
    runtime.block_on(async {
        let mut work = work;
        let (a, b) = (work.next().unwrap(), work.next().unwrap());
        tokio::join!(a, b);
    });
    drop(here);
    let [a, b] = tasks;
    a.end();
    b.end();

    let spans = kit.spans();
    let calls: Vec<_> = spans.iter().filter(|span| span.name.starts_with("chat")).collect();
    for pair in calls.chunks(2) {
        assert_ne!(pair[0].name, pair[1].name, "the tasks take turns");
    }
    for call in calls {
        assert_eq!(call.name, format!("chat {}", call.text(names::TASK_ID)));
    }
    assert_eq!(spans.len(), 8);
}

#[test]
fn another_thread_goes_on_with_the_task() {
    let kit = Kit::new();
    let here = kit.attach();
    let task = Task::new("T-1").start();
    drop(here);
    std::thread::scope(|threads| {
        threads.spawn(|| task.in_scope(|| Step::tool("search").start().end()));
    });
    task.end();
    assert_eq!(kit.span("execute_tool search").text(names::TASK_ID), "T-1");
}

#[test]
fn a_child_process_goes_on_with_the_task() {
    let kit = Kit::new();
    let _here = kit.attach();
    let task = Task::new("T 1,ü")
        .workflow("pr-review")
        .team("payments")
        .project("shop")
        .purpose(Purpose::Exploration)
        .start();
    let headers = propagation::headers(&task.context());
    let variables = propagation::environment(&task.context());
    let mut names: Vec<_> = variables.keys().cloned().collect();
    names.sort();
    assert_eq!(names, ["BAGGAGE", "TRACEPARENT"]);

    let received = headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let inside = propagation::from_headers(received).attach();
    Call::new(Operation::Chat, "openai", "gpt-4o").start().usage(Usage::new(1, 1)).end();
    drop(inside);
    task.end();

    let call = kit.span("chat gpt-4o");
    assert_eq!(call.parent, kit.span("invoke_workflow pr-review").span);
    expect![[r#"
        gen_ai.operation.name = "chat"
        gen_ai.provider.name = "openai"
        gen_ai.request.model = "gpt-4o"
        gen_ai.workflow.name = "pr-review"
        countersign.team = "payments"
        countersign.project = "shop"
        countersign.purpose = "exploration"
        countersign.task.id = "T 1,ü"
        gen_ai.usage.input_tokens = 1
        gen_ai.usage.output_tokens = 1
    "#]]
    .assert_eq(&(call.lines().join("\n") + "\n"));
}

#[test]
fn an_inner_task_is_itself() {
    let kit = Kit::new();
    let _here = kit.attach();
    let outer = Task::new("outer").workflow("big").team("payments").start();
    let inner = outer.in_scope(|| Task::new("inner").workflow("small").start());
    inner.call(Operation::Chat, "openai", "gpt-4o").start().usage(Usage::new(1, 1)).end();
    assert_eq!(
        propagation::headers(&inner.context()).get("baggage").map(|text| text.contains("payments")),
        Some(false)
    );
    inner.end();
    outer.end();
    let span = kit.span("invoke_workflow small");
    assert_eq!(span.text(names::TASK_ID), "inner");
    assert_eq!(span.parent, kit.span("invoke_workflow big").span);
    assert_eq!(kit.span("chat gpt-4o").text(names::TASK_ID), "inner");
}

#[test]
fn spans_of_other_libraries_carry_the_task_and_lose_content() {
    let kit = Kit::new();
    let _here = kit.attach();
    let task = Task::new("T-1").start();
    let mut call = task.call(Operation::Chat, "openai", "gpt-4o").start();
    let http = kit.tracer("http-client");
    let span = http
        .span_builder("POST")
        .with_attributes([
            KeyValue::new("http.request.method", "POST"),
            KeyValue::new("gen_ai.input.messages", "SECRET"),
            KeyValue::new("input.value", "SECRET"),
            KeyValue::new("gen_ai.prompt.name", "kept"),
        ])
        .start_with_context(&http, &call.context());
    drop(span);
    call.usage(Usage::new(1, 1)).end();
    task.end();

    let span = kit.span("POST");
    assert_eq!(span.parent, kit.span("chat gpt-4o").span);
    expect![[r#"
        http.request.method = "POST"
        gen_ai.prompt.name = "kept"
        countersign.task.id = "T-1"
    "#]]
    .assert_eq(&(span.lines().join("\n") + "\n"));
}

#[test]
fn a_program_with_its_own_provider_wraps_its_processor() {
    let kit = Kit::new();
    let processor = countersign::TaskProcessor::new(SimpleSpanProcessor::new(kit.exporter()));
    let provider = SdkTracerProvider::builder().with_span_processor(processor).build();
    let task = Task::new("T-1").start();
    let tracer = provider.tracer("app");
    drop(tracer.start_with_context("work", &task.context()));
    drop(tracer.start_with_context("other work", &Context::new()));
    assert_eq!(kit.span("work").text(names::TASK_ID), "T-1");
    assert_eq!(kit.span("other work").text(names::TASK_ID), "");
}
