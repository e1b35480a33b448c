//! Lets an agent say task, call, verdict, and emits spans that any OpenTelemetry pipeline can
//! carry.
//!
//! Tokens say what AI work costs, not what it is worth. This crate reports both ends: the
//! **calls** that a **task** made (model, tokens, retries, route, latency, error) and the
//! **verdict** that somebody gave on it, now or weeks later. They are standard OpenTelemetry
//! spans and log records; the program `countersign`, or anything else that reads OTLP, can join
//! them to cost per accepted outcome.
//!
//! ```no_run
//! use countersign::{Operation, Source, Task, Usage, Verdict};
//!
//! # fn main() -> Result<(), countersign::SetupError> {
//! let _telemetry = countersign::init()?; // reads the standard OTEL_* variables
//!
//! let task = Task::new("PAY-4711")
//!     .workflow("support-ticket")
//!     .team("payments")
//!     .route("small-first", "short question")
//!     .start();
//!
//! let mut call = task.call(Operation::Chat, "openai", "gpt-4o-mini").start();
//! // … send the request …
//! call.first_token();
//! call.usage(Usage::new(1_200, 80).cache_read(1_000))
//!     .response("chatcmpl-1", "gpt-4o-mini-2024-07-18")
//!     .finish_reason("stop")
//!     .end();
//! task.end();
//!
//! // Later, here or in another process:
//! Verdict::accepted().by(Source::Human, "zendesk").minutes(3.0).of_task("PAY-4711").send();
//! # Ok(())
//! # }
//! ```
//!
//! # What it promises
//! - **No content, no person.** There is no place for prompts, completions, arguments or names
//!   of people. Content that other instrumentations put on their spans is dropped on the way
//!   out of the process.
//! - **No blocking.** Spans and verdicts go to bounded queues; a receiver that is away costs
//!   telemetry, never time.
//! - **Nothing lost at the end.** The guard of [`init`] sends what is left when it is dropped.
//! - **Spans end** when they are ended, dropped, cancelled with their future, or unwound by a
//!   panic, and say which it was.
//!
//! # Retries
//! Four layers, never added together: the same HTTP request sent again ([`OpenCall::resent`]),
//! the same tool with the same arguments ([`Step::retry`]), the same prompt asked again
//! ([`Call::regeneration`]), the work sent back by a reviewer ([`OpenTask::next_round`]).
//!
//! # Inside a task
//! [`OpenTask::context`] is an OpenTelemetry context. Whatever is done inside of it, by this
//! crate, by `tracing` ([`tracing_layer`]) or by any instrumented library, carries the task's
//! id; [`propagation`] takes it to other processes.

mod clock;
mod held;
mod identity;

mod call;
mod step;
mod task;
mod usage;
mod verdict;

mod emitter;
mod layer;
mod ledger;
mod pipeline;
mod setup;

pub mod names;
pub mod propagation;
pub mod testing;

pub use call::{Call, OpenCall, Operation};
pub use layer::{Enter, Leave, TaskLayer, tracing_layer};
pub use ledger::Lost;
pub use pipeline::TaskProcessor;
pub use setup::{Builder, Protocol, SetupError, Telemetry, builder, init};
pub use step::{OpenStep, Step};
pub use task::{OpenTask, Purpose, Task};
pub use usage::Usage;
pub use verdict::{Basis, Source, State, TaskVerdict, Verdict};
