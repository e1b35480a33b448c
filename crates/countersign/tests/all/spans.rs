//! Shapes of spans: tasks, calls and steps, and how each of them can end.

use std::panic::{AssertUnwindSafe, catch_unwind};

use countersign::testing::Kit;
use countersign::{Call, Operation, Purpose, Task, Usage, Verdict};
use expect_test::{Expect, expect};

/// The tree of spans that the work leaves, without times.
fn check(work: impl FnOnce(), expected: Expect) {
    let kit = Kit::new();
    let here = kit.attach();
    work();
    drop(here);
    let tree = kit.tree();
    let lines = tree.lines().filter(|line| !line.contains("time_to_first_chunk"));
    expected.assert_eq(&lines.map(|line| format!("{line}\n")).collect::<String>());
}

#[test]
fn a_task_with_a_call_and_a_step() {
    check(
        || {
            let task = Task::new("T-1")
                .workflow("pr-review")
                .team("payments")
                .project("shop")
                .purpose(Purpose::Production)
                .route("small-first", "short diff")
                .artifact("https://github.com/acme/shop/pull/7")
                .change("https://github.com/acme/shop", "7")
                .start();
            let mut call = task
                .call(Operation::Chat, "openai", "gpt-4o-mini")
                .prompt("review", "3")
                .input_fingerprint(0xfeed)
                .start();
            call.first_token();
            call.first_token();
            call.usage(Usage::new(1_200, 80).cache_read(1_000).reasoning(30))
                .response("r-1", "gpt-4o-mini-2024-07-18")
                .finish_reason("stop")
                .output_fingerprint(0xbeef)
                .end();
            let step = task.tool("run_tests").retry(1).start();
            step.call(Operation::Embeddings, "openai", "text-embedding-3-small")
                .start()
                .usage(Usage::new(9, 0))
                .end();
            step.end();
            task.end();
        },
        expect![[r#"
            invoke_workflow pr-review
                countersign.artifact.url = "https://github.com/acme/shop/pull/7"
                countersign.attempt = 1
                countersign.project = "shop"
                countersign.purpose = "production"
                countersign.review.state = "pending"
                countersign.round = 1
                countersign.route.name = "small-first"
                countersign.route.reason = "short diff"
                countersign.task.id = "T-1"
                countersign.team = "payments"
                gen_ai.operation.name = "invoke_workflow"
                gen_ai.workflow.name = "pr-review"
                vcs.change.id = "7"
                vcs.repository.url.full = "https://github.com/acme/shop"
              chat gpt-4o-mini
                  countersign.attempt = 1
                  countersign.input.fingerprint = "000000000000feed"
                  countersign.output.fingerprint = "000000000000beef"
                  countersign.prompt.name = "review"
                  countersign.prompt.version = "3"
                  countersign.round = 1
                  countersign.route.name = "small-first"
                  countersign.route.reason = "short diff"
                  countersign.task.id = "T-1"
                  gen_ai.operation.name = "chat"
                  gen_ai.prompt.name = "review"
                  gen_ai.prompt.version = "3"
                  gen_ai.provider.name = "openai"
                  gen_ai.request.model = "gpt-4o-mini"
                  gen_ai.response.finish_reasons = ["stop"]
                  gen_ai.response.id = "r-1"
                  gen_ai.response.model = "gpt-4o-mini-2024-07-18"
                  gen_ai.usage.cache_read.input_tokens = 1000
                  gen_ai.usage.input_tokens = 1200
                  gen_ai.usage.output_tokens = 80
                  gen_ai.usage.reasoning.output_tokens = 30
              execute_tool run_tests
                  countersign.attempt = 1
                  countersign.retry.step = 1
                  countersign.round = 1
                  countersign.task.id = "T-1"
                  gen_ai.operation.name = "execute_tool"
                  gen_ai.tool.name = "run_tests"
                embeddings text-embedding-3-small
                    countersign.attempt = 1
                    countersign.round = 1
                    countersign.route.name = "small-first"
                    countersign.route.reason = "short diff"
                    countersign.task.id = "T-1"
                    gen_ai.operation.name = "embeddings"
                    gen_ai.provider.name = "openai"
                    gen_ai.request.model = "text-embedding-3-small"
                    gen_ai.usage.input_tokens = 9
                    gen_ai.usage.output_tokens = 0
        "#]],
    );
}

#[test]
fn retries_are_counted_layer_by_layer() {
    check(
        || {
            let task = Task::new("T-2").start();
            let mut call = task.call(Operation::Chat, "openai", "gpt-4o").start();
            call.resent();
            call.resent();
            call.fail("503");
            task.call(Operation::Chat, "openai", "gpt-4o")
                .regeneration(1)
                .route("large", "small model failed")
                .start()
                .usage(Usage::with_separate_cache(1, 20, 300, 4))
                .end();
            task.tool("search").retry(2).start().fail("timeout");
            assert_eq!(task.next_round(), 2);
            assert_eq!(task.next_attempt(), 3);
            task.call(Operation::Chat, "openai", "gpt-4o").start().usage(Usage::new(1, 1)).end();
            task.end();
        },
        expect![[r#"
            invoke_workflow
                countersign.attempt = 3
                countersign.review.state = "pending"
                countersign.round = 2
                countersign.task.id = "T-2"
                gen_ai.operation.name = "invoke_workflow"
              chat gpt-4o (failed)
                  countersign.attempt = 1
                  countersign.round = 1
                  countersign.task.id = "T-2"
                  error.type = "503"
                  gen_ai.operation.name = "chat"
                  gen_ai.provider.name = "openai"
                  gen_ai.request.model = "gpt-4o"
                  http.request.resend_count = 2
              chat gpt-4o
                  countersign.attempt = 1
                  countersign.retry.regeneration = 1
                  countersign.round = 1
                  countersign.route.name = "large"
                  countersign.route.reason = "small model failed"
                  countersign.task.id = "T-2"
                  gen_ai.operation.name = "chat"
                  gen_ai.provider.name = "openai"
                  gen_ai.request.model = "gpt-4o"
                  gen_ai.usage.cache_read.input_tokens = 20
                  gen_ai.usage.cache_write.input_tokens = 300
                  gen_ai.usage.input_tokens = 321
                  gen_ai.usage.output_tokens = 4
              execute_tool search (failed)
                  countersign.attempt = 1
                  countersign.retry.step = 2
                  countersign.round = 1
                  countersign.task.id = "T-2"
                  error.type = "timeout"
                  gen_ai.operation.name = "execute_tool"
                  gen_ai.tool.name = "search"
              chat gpt-4o
                  countersign.attempt = 3
                  countersign.round = 2
                  countersign.task.id = "T-2"
                  gen_ai.operation.name = "chat"
                  gen_ai.provider.name = "openai"
                  gen_ai.request.model = "gpt-4o"
                  gen_ai.usage.input_tokens = 1
                  gen_ai.usage.output_tokens = 1
        "#]],
    );
}

#[test]
fn what_is_dropped_is_closed_as_cancelled() {
    check(
        || {
            let task = Task::new("T-3").start();
            drop(task.call(Operation::Chat, "openai", "gpt-4o").start());
            drop(task.call(Operation::Chat, "openai", "answered").start().usage(Usage::new(1, 1)));
            drop(task.tool("search").start());
            drop(task);
        },
        expect![[r#"
            invoke_workflow (failed)
                countersign.attempt = 1
                countersign.review.state = "pending"
                countersign.round = 1
                countersign.task.id = "T-3"
                error.type = "cancelled"
                gen_ai.operation.name = "invoke_workflow"
              chat gpt-4o (failed)
                  countersign.attempt = 1
                  countersign.round = 1
                  countersign.task.id = "T-3"
                  error.type = "cancelled"
                  gen_ai.operation.name = "chat"
                  gen_ai.provider.name = "openai"
                  gen_ai.request.model = "gpt-4o"
              chat answered
                  countersign.attempt = 1
                  countersign.round = 1
                  countersign.task.id = "T-3"
                  gen_ai.operation.name = "chat"
                  gen_ai.provider.name = "openai"
                  gen_ai.request.model = "answered"
                  gen_ai.usage.input_tokens = 1
                  gen_ai.usage.output_tokens = 1
              execute_tool search (failed)
                  countersign.attempt = 1
                  countersign.round = 1
                  countersign.task.id = "T-3"
                  error.type = "cancelled"
                  gen_ai.operation.name = "execute_tool"
                  gen_ai.tool.name = "search"
        "#]],
    );
}

#[test]
fn what_is_unwound_is_closed_as_panic() {
    check(
        || {
            let unwound = catch_unwind(AssertUnwindSafe(|| {
                let _task = Task::new("T-4").start();
                let _call = Call::new(Operation::Chat, "openai", "outside").start();
                std::panic::resume_unwind(Box::new("boom"));
            }));
            assert!(unwound.is_err());
        },
        expect![[r#"
            invoke_workflow (failed)
                countersign.attempt = 1
                countersign.review.state = "pending"
                countersign.round = 1
                countersign.task.id = "T-4"
                error.type = "panic"
                gen_ai.operation.name = "invoke_workflow"
            chat outside (failed)
                error.type = "panic"
                gen_ai.operation.name = "chat"
                gen_ai.provider.name = "openai"
                gen_ai.request.model = "outside"
        "#]],
    );
}

#[test]
fn the_task_span_carries_the_review_state() {
    check(
        || {
            let task = Task::new("T-5").workflow("memo").start();
            task.verdict(Verdict::rejected().round(1));
            task.next_round();
            task.verdict(Verdict::edited(0.2).round(2));
            task.end();
        },
        expect![[r#"
            invoke_workflow memo
                countersign.attempt = 2
                countersign.review.state = "edited"
                countersign.round = 2
                countersign.task.id = "T-5"
                gen_ai.operation.name = "invoke_workflow"
                gen_ai.workflow.name = "memo"
        "#]],
    );
}

#[test]
fn a_future_that_is_cancelled_closes_its_call() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    check(
        || {
            let task = Task::new("T-6").start();
            runtime.block_on(async {
                let mut answer = Box::pin(task.run(async {
                    let _call = Call::new(Operation::Chat, "openai", "gpt-4o").start();
                    std::future::pending::<()>().await;
                }));
                tokio::select! {
                    biased;
                    () = &mut answer => unreachable!("it never ends"),
                    () = std::future::ready(()) => {}
                }
            });
            task.fail("timeout");
        },
        expect![[r#"
            invoke_workflow (failed)
                countersign.attempt = 1
                countersign.review.state = "pending"
                countersign.round = 1
                countersign.task.id = "T-6"
                error.type = "timeout"
                gen_ai.operation.name = "invoke_workflow"
              chat gpt-4o (failed)
                  countersign.attempt = 1
                  countersign.round = 1
                  countersign.task.id = "T-6"
                  error.type = "cancelled"
                  gen_ai.operation.name = "chat"
                  gen_ai.provider.name = "openai"
                  gen_ai.request.model = "gpt-4o"
        "#]],
    );
}

#[test]
fn without_a_pipeline_everything_works_and_nothing_is_sent() {
    let task = Task::new("T-7").workflow("memo").start();
    assert_eq!(task.id(), "T-7");
    let mut call = task.call(Operation::Chat, "openai", "gpt-4o").start();
    call.first_token();
    call.usage(Usage::new(1, 1)).end();
    assert_eq!(task.verdict(Verdict::accepted().id("v")), "v");
    task.end();
}
