//! Dialect: reads what emitters put on the wire as facts.
//!
//! A dialect is a table: which keys mean which [`field`], and a few properties. What makes a
//! call, how tokens are counted and whose work it is are rules, the same for every dialect,
//! and live once, in [`rules`].

mod draft;
mod field;
mod index;
mod reader;
mod rules;
mod table;

mod anthropic;
mod claude_code;
mod codex;
mod gemini_cli;
mod google_adk;
mod langfuse;
mod langsmith;
mod litellm;
mod mastra;
mod microsoft;
mod mlflow;
mod native;
mod openinference;
mod openlit;
mod otel;
mod others;
mod pydantic;
mod qwen_code;
mod rig;
mod strands;
mod traceloop;
mod vercel;

use alloc::string::String;
use alloc::vec::Vec;

pub use reader::Reader;

use table::Dialect;

/// Every dialect. The first whose scope or key matches is the one.
static DIALECTS: &[Dialect] = &[
    native::NATIVE,
    anthropic::ANTHROPIC,
    claude_code::CLAUDE_CODE,
    codex::CODEX,
    gemini_cli::GEMINI_CLI,
    qwen_code::QWEN_CODE,
    openinference::OPENINFERENCE,
    traceloop::TRACELOOP,
    traceloop::TRACELOOP_GOOGLE,
    vercel::VERCEL,
    langfuse::LANGFUSE,
    langsmith::LANGSMITH,
    litellm::LITELLM,
    pydantic::PYDANTIC,
    google_adk::GOOGLE_ADK,
    strands::STRANDS,
    microsoft::MICROSOFT,
    openlit::OPENLIT,
    mlflow::MLFLOW,
    mastra::MASTRA,
    rig::RIG,
    others::OTHERS,
    otel::OTEL,
];

/// Which OTLP request the bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// `ExportTraceServiceRequest`.
    Traces,
    /// `ExportLogsServiceRequest`.
    Logs,
    /// `ExportMetricsServiceRequest`.
    Metrics,
}

/// How much of what passes through is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scrub {
    /// Gen-AI records pass by allow-list, others by deny-list.
    #[default]
    Standard,
    /// Every record passes by allow-list.
    Strict,
    /// The bytes as they came, without the mark of who booked them: another Countersign down
    /// the line books them again.
    Off,
}

/// What an operator can set about reading.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Attribute keys that name the task, tried in order before the built-in ones.
    pub task_keys: Vec<String>,
    /// What this Countersign is called in what it has booked and relays.
    pub instance: String,
}

/// What became of a request's records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Spans, log records or points that were taken.
    pub accepted: u64,
    /// Those that were refused.
    pub rejected: u64,
    /// Why, in a few words without any input; empty if nothing is worth saying.
    pub message: &'static str,
}

/// Why a request was refused as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes are no such protobuf message. At this offset.
    Malformed(usize),
    /// More nodes than [`crate::limits`] allow.
    OverBudget,
}
