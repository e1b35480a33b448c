//! Every name that this crate puts on the wire, in one place.
//!
//! Standard names come from the OpenTelemetry conventions for generative AI; our own are only
//! under `countersign.`. Whoever reads the telemetry can rely on these constants.

/// Instrumentation scope of everything that the typed interface emits.
pub const SCOPE: &str = "countersign";
/// Instrumentation scope of spans that come through [`crate::tracing_layer`].
pub const TRACING_SCOPE: &str = "countersign.tracing";

/// The task's id: on every span inside a task, and in its baggage.
pub const TASK_ID: &str = "countersign.task.id";
/// The workflow, e.g. `pr-review`: on the task's span, and in its baggage.
pub const WORKFLOW_NAME: &str = "gen_ai.workflow.name";
/// The team: on the task's span, and in its baggage.
pub const TEAM: &str = "countersign.team";
/// The project: on the task's span, and in its baggage.
pub const PROJECT: &str = "countersign.project";
/// `production` or `exploration`: on the task's span, and in its baggage.
pub const PURPOSE: &str = "countersign.purpose";
/// The attempt, from 1.
pub const ATTEMPT: &str = "countersign.attempt";
/// The review round, from 1.
pub const ROUND: &str = "countersign.round";
/// The declared route.
pub const ROUTE_NAME: &str = "countersign.route.name";
/// Why the route was chosen.
pub const ROUTE_REASON: &str = "countersign.route.reason";
/// Which repetition of the same tool with the same arguments a step is.
pub const RETRY_STEP: &str = "countersign.retry.step";
/// Which repetition of the same prompt a call is.
pub const RETRY_REGENERATION: &str = "countersign.retry.regeneration";
/// How often the same HTTP request was sent again.
pub const HTTP_RESEND_COUNT: &str = "http.request.resend_count";
/// URL of what will be reviewed.
pub const ARTIFACT_URL: &str = "countersign.artifact.url";
/// Number of the pull request or merge request.
pub const VCS_CHANGE_ID: &str = "vcs.change.id";
/// URL of the repository.
pub const VCS_REPOSITORY_URL: &str = "vcs.repository.url.full";
/// Name of the prompt.
pub const PROMPT_NAME: &str = "countersign.prompt.name";
/// Version of the prompt.
pub const PROMPT_VERSION: &str = "countersign.prompt.version";
/// Name of the prompt, as the conventions have it.
pub const GEN_AI_PROMPT_NAME: &str = "gen_ai.prompt.name";
/// Version of the prompt, as the conventions have it.
pub const GEN_AI_PROMPT_VERSION: &str = "gen_ai.prompt.version";
/// Similarity hash of the input, 16 hexadecimal digits.
pub const INPUT_FINGERPRINT: &str = "countersign.input.fingerprint";
/// Similarity hash of the output, 16 hexadecimal digits.
pub const OUTPUT_FINGERPRINT: &str = "countersign.output.fingerprint";
/// Where the task stands: on its span.
pub const REVIEW_STATE: &str = "countersign.review.state";

/// What kind of operation a span is.
pub const OPERATION_NAME: &str = "gen_ai.operation.name";
/// Who serves the model.
pub const PROVIDER_NAME: &str = "gen_ai.provider.name";
/// The model that was asked for.
pub const REQUEST_MODEL: &str = "gen_ai.request.model";
/// The model that answered.
pub const RESPONSE_MODEL: &str = "gen_ai.response.model";
/// The provider's id of the response.
pub const RESPONSE_ID: &str = "gen_ai.response.id";
/// Why the model stopped.
pub const FINISH_REASONS: &str = "gen_ai.response.finish_reasons";
/// Seconds to the first token.
pub const TIME_TO_FIRST_CHUNK: &str = "gen_ai.response.time_to_first_chunk";
/// Conversation or session.
pub const CONVERSATION_ID: &str = "gen_ai.conversation.id";
/// Input tokens, cached ones included.
pub const INPUT_TOKENS: &str = "gen_ai.usage.input_tokens";
/// Of the input, read from a cache.
pub const CACHE_READ_TOKENS: &str = "gen_ai.usage.cache_read.input_tokens";
/// Of the input, written to a cache.
pub const CACHE_WRITE_TOKENS: &str = "gen_ai.usage.cache_write.input_tokens";
/// Output tokens, reasoning included.
pub const OUTPUT_TOKENS: &str = "gen_ai.usage.output_tokens";
/// Of the output, reasoning.
pub const REASONING_TOKENS: &str = "gen_ai.usage.reasoning.output_tokens";
/// The tool of a step.
pub const TOOL_NAME: &str = "gen_ai.tool.name";
/// The agent of a step.
pub const AGENT_NAME: &str = "gen_ai.agent.name";
/// What kind of failure it was, low in cardinality.
pub const ERROR_TYPE: &str = "error.type";

/// Name of the log record that carries a verdict.
pub const EVALUATION_RESULT: &str = "gen_ai.evaluation.result";
/// What was evaluated; [`REVIEW_VERDICT`] for a verdict.
pub const EVALUATION_NAME: &str = "gen_ai.evaluation.name";
/// The value of [`EVALUATION_NAME`] that makes an evaluation a verdict.
pub const REVIEW_VERDICT: &str = "review.verdict";
/// The verdict's state, as an evaluation's label.
pub const EVALUATION_LABEL: &str = "gen_ai.evaluation.score.label";
/// The verdict as a number between 0 and 1.
pub const EVALUATION_VALUE: &str = "gen_ai.evaluation.score.value";
/// The verdict's own id; the same id is the same verdict.
pub const VERDICT_ID: &str = "countersign.verdict.id";
/// What the verdict says.
pub const VERDICT_STATE: &str = "countersign.verdict.state";
/// From when on it holds, in nanoseconds since 1970-01-01 UTC.
pub const VERDICT_EFFECTIVE_AT: &str = "countersign.verdict.effective_at";
/// Who or what judged.
pub const VERDICT_SOURCE_KIND: &str = "countersign.verdict.source.kind";
/// In which system.
pub const VERDICT_SOURCE_SYSTEM: &str = "countersign.verdict.source.system";
/// What the verdict rests on.
pub const VERDICT_BASIS: &str = "countersign.verdict.basis";
/// The review round, from 1.
pub const VERDICT_ROUND: &str = "countersign.verdict.round";
/// Id of the verdict that this one takes back.
pub const VERDICT_SUPERSEDES: &str = "countersign.verdict.supersedes";
/// A short code that says why.
pub const VERDICT_REASON: &str = "countersign.verdict.reason";
/// Share of the output that people changed, 0 to 1.
pub const VERDICT_EDIT_RATIO: &str = "countersign.verdict.edit_ratio";
/// The reviewer's time, in seconds.
pub const VERDICT_REVIEW_SECONDS: &str = "countersign.verdict.review_seconds";
/// Version of the policy or rubric.
pub const VERDICT_POLICY_VERSION: &str = "countersign.verdict.policy_version";
