//! The fields that attributes are read into, whatever their keys are called.

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What an attribute means.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub(super) enum Field {
            $($(#[$doc])* $name,)*
        }

        impl Field {
            /// How many fields there are.
            pub(super) const COUNT: usize = [$(Field::$name,)*].len();
        }
    };
}

fields! {
    /// Who serves the model.
    Provider,
    /// The model that was asked for.
    RequestModel,
    /// The model that answered.
    ResponseModel,
    /// The provider's id of the response.
    ResponseId,
    /// Text, usually JSON, that has the provider's id of the response in a member `id`.
    ResponseIdIn,
    /// `gen_ai.operation.name`.
    Operation,
    /// The vendor's own word for the kind of span: see `Dialect::kinds`.
    Kind,
    /// Something that only an answered call has.
    Answer,
    /// Input tokens.
    Input,
    /// Output tokens.
    Output,
    /// Input tokens read from a cache.
    CacheRead,
    /// Input tokens written to a cache.
    CacheWrite,
    /// Input tokens written to a cache that keeps them for an hour.
    CacheWriteHour,
    /// Output tokens spent on reasoning.
    Reasoning,
    /// Of the input tokens, those of sound.
    InputAudio,
    /// Of the output tokens, those of sound.
    OutputAudio,
    /// All tokens: tells which of the others are nested.
    Total,
    /// JSON that has token counts: see `rules::usage`.
    UsageIn,
    /// Dollars.
    Cost,
    /// Millionths of a dollar.
    CostMicros,
    /// JSON with dollars in a member `total`.
    CostIn,
    /// Tier of service: batch, flex, priority.
    Tier,
    /// `error.type`.
    ErrorType,
    /// True if it worked.
    Success,
    /// Status of the HTTP answer.
    HttpStatus,
    /// Seconds to the first token.
    FirstTokenSeconds,
    /// Milliseconds to the first token.
    FirstTokenMillis,
    /// Milliseconds that a logged call took.
    DurationMillis,
    /// How often the HTTP request was sent again.
    Resend,
    /// Which sending of the request this is, from 1.
    SendingFrom1,
    /// Which sending of the request this is, from 0.
    SendingFrom0,
    /// `countersign.retry.step`.
    RetryStep,
    /// `countersign.retry.regeneration`.
    RetryRegeneration,
    /// Conversation, session or thread.
    Conversation,
    /// The task's id.
    Task,
    /// A key that the operator configured to name the task.
    TaskBySetting,
    /// URL of what will be reviewed.
    Artifact,
    /// URL of the repository.
    Repository,
    /// Number of the change in its repository.
    Change,
    /// Head revision.
    Revision,
    /// Head branch.
    Branch,
    /// Name of the workflow.
    Workflow,
    /// Name of the agent.
    Agent,
    /// Name of the tool.
    Tool,
    /// What the tool gave back: content, looked at only for the link to a change.
    ToolResult,
    /// `countersign.team`.
    Team,
    /// `countersign.project`.
    Project,
    /// `countersign.purpose`.
    Purpose,
    /// `countersign.route.name`.
    Route,
    /// `countersign.route.reason`.
    RouteReason,
    /// `countersign.attempt`.
    Attempt,
    /// `countersign.round`.
    Round,
    /// `countersign.review.state`: the mark of a task's own span.
    ReviewState,
    /// `countersign.booked_by`.
    BookedBy,
    /// `service.name`.
    Service,
    /// `service.instance.id`.
    Instance,
    /// The name of a logged event.
    EventName,
    /// What tells a family's events apart where the name does not.
    EventKind,
    /// What was decided about a tool that asked for permission.
    Decision,
    /// Which tokens a metric point counts.
    TokenType,
    /// `gen_ai.evaluation.name`.
    EvaluationName,
    /// `gen_ai.evaluation.score.label`.
    EvaluationLabel,
    /// `gen_ai.evaluation.score.value`.
    EvaluationScore,
    /// `countersign.verdict.id`.
    VerdictId,
    /// `countersign.verdict.state`.
    VerdictState,
    /// `countersign.verdict.effective_at`.
    VerdictEffective,
    /// `countersign.verdict.source.kind`.
    VerdictSource,
    /// `countersign.verdict.source.system`.
    VerdictSystem,
    /// `countersign.verdict.basis`.
    VerdictBasis,
    /// `countersign.verdict.round`.
    VerdictRound,
    /// `countersign.verdict.supersedes`.
    VerdictSupersedes,
    /// `countersign.verdict.reason`.
    VerdictReason,
    /// `countersign.verdict.edit_ratio`.
    VerdictEditRatio,
    /// `countersign.verdict.review_seconds`.
    VerdictReviewSeconds,
    /// `countersign.verdict.policy_version`.
    VerdictPolicy,
}
