//! Every limit of the core, by name. Reaching one is counted; the totals still add up.

/// Fields, records and attributes that a walk over one request may come upon.
pub const NODES_PER_REQUEST_MAX: usize = 1_000_000;
/// Spans of one request.
pub const SPANS_PER_REQUEST_MAX: usize = 50_000;
/// Log records of one request.
pub const LOGS_PER_REQUEST_MAX: usize = 50_000;
/// Metric points of one request.
pub const POINTS_PER_REQUEST_MAX: usize = 100_000;
/// Attributes of one record that are looked at. SDKs stop at 128 by default, but some
/// instrumentations raise that to 10,000, and put the token counts behind the messages.
pub const ATTRIBUTES_PER_RECORD_MAX: usize = 10_000;
/// Longest value that is kept of an attribute, in bytes.
pub const VALUE_BYTES_MAX: usize = 512;
/// How far in the past a time may lie before it is taken for a broken clock.
pub const PAST_MS_MAX: u64 = 90 * 24 * 3_600_000;
/// How far in the future a time may lie before it is taken for a broken clock.
pub const FUTURE_MS_MAX: u64 = 10 * 60_000;

/// Longest name (workflow, model, route …) that is kept, in bytes.
pub const NAME_BYTES_MAX: usize = 256;
/// Distinct names.
pub const NAMES_MAX: usize = 200_000;
/// What a name over [`NAMES_MAX`] becomes.
pub const OVERFLOW_NAME: &str = "otel.overflow";
/// Longest text value of a gen-AI record that is relayed, in bytes; longer ones are cut.
pub const RELAYED_TEXT_BYTES_MAX: usize = 256;
/// Longest value of any other record that is relayed, in bytes; longer ones are dropped.
pub const RELAYED_VALUE_BYTES_MAX: usize = 1_024;
/// Longest trace state that is relayed, in bytes: what W3C asks every participant to carry.
pub const TRACE_STATE_BYTES_MAX: usize = 512;
/// Longest task id or alias text that is kept for display, in bytes.
pub const ALIAS_BYTES_MAX: usize = 512;

/// A trace closes when its root has ended and nothing came for so long.
pub const TRACE_QUIET_MS: u64 = 5_000;
/// A trace closes so long after its first span at the latest.
pub const TRACE_OPEN_MS_MAX: u64 = 60_000;
/// Log records and metric points with usage wait so long for spans that repeat them.
pub const SIGNAL_HOLD_MS: u64 = 15_000;
/// Open traces at a time.
pub const OPEN_TRACES_MAX: usize = 100_000;
/// Spans of one open trace.
pub const OPEN_TRACE_SPANS_MAX: usize = 100_000;
/// Calls of an open trace among which a repeated span is compared with what it said before.
pub const CONFLICT_CALLS_MAX: usize = 1_024;
/// How long a closed trace is remembered after its last span, so that late spans find it.
pub const CLOSED_TRACE_MS: u64 = 24 * 3_600_000;
/// Closed traces that are remembered.
pub const CLOSED_TRACES_MAX: usize = 2_000_000;

/// Tasks in memory, open and settled.
pub const TASKS_MAX: usize = 20_000_000;
/// Names that lead to tasks: ids, URLs, traces, conversations, responses. Work finds its task
/// by the names that are there already when there is no room for another.
pub const ALIASES_MAX: usize = 100_000_000;
/// Aliases of one task that are kept for display.
pub const TASK_ALIASES_SHOWN_MAX: usize = 8;
/// Traces of one task that are kept for links.
pub const TASK_TRACES_MAX: usize = 16;
/// Lines (model, component and stage) of one task; more go to its overflow line.
pub const TASK_LINES_MAX: usize = 64;
/// Verdicts of one task that are kept.
pub const TASK_VERDICTS_MAX: usize = 64;
/// Verdicts that wait for their task.
pub const WAITING_VERDICTS_MAX: usize = 1_000_000;
/// A verdict whose task does not appear for so long is given up: work that is older would be
/// taken for a broken clock.
pub const WAITING_VERDICT_MS: u64 = PAST_MS_MAX;
/// Names that wait for the task of another name, so long at most.
pub const UNCLAIMED_NAMES_MS: u64 = 30 * 24 * 3_600_000;
/// Names that wait for the task of another name.
pub const UNCLAIMED_NAMES_MAX: usize = 400_000;
/// Names that wait for the task of the same name.
pub const UNCLAIMED_NAMES_PER_NAME_MAX: usize = 64;
/// A task without verdict expires so long after its last activity, unless its workflow's
/// patience says otherwise.
pub const PATIENCE_MS: u64 = 14 * 24 * 3_600_000;
/// Weeks whose cohorts are kept and published: a quarter.
pub const COHORT_WEEKS_MAX: u16 = 13;
/// Workflows of one week that have cohorts of their own; the others share one. With
/// [`COHORT_WEEKS_MAX`] weeks they stay below [`SERIES_PER_METRIC_MAX`].
pub const COHORT_WORKFLOWS_MAX: usize = 150;
/// Confirm window of changes, and of what no known system judges: most reverts come within two
/// weeks.
pub const CONFIRM_CHANGE_MS: u64 = 14 * 24 * 3_600_000;
/// Confirm window of tickets: support desks count a resolution after 72 quiet hours.
pub const CONFIRM_TICKET_MS: u64 = 72 * 3_600_000;
/// Confirm window of incidents.
pub const CONFIRM_INCIDENT_MS: u64 = 24 * 3_600_000;

/// A judged task keeps its id, aliases and traces so long after its last verdict or work.
pub const JUDGED_NAMES_MS: u64 = 30 * 24 * 3_600_000;
/// A task that nobody judged keeps them so long after its last work.
pub const UNJUDGED_NAMES_MS: u64 = 90 * 24 * 3_600_000;
/// Longer than a name may stay after its time: names are forgotten a day's worth at a time.
pub(crate) const DAYS_2_MS: u64 = 2 * 24 * 3_600_000;
/// How long records, verdicts and responses are remembered, so that a repetition is known; and
/// how long a settled task is kept after the last that happened to it.
pub const HORIZON_MS: u64 = 120 * 24 * 3_600_000;
/// Remembered records, verdicts and responses; when there are more, the oldest are forgotten
/// before their time.
pub const REMEMBERED_MAX: usize = 100_000_000;
/// Metric series of emitters whose last value is kept.
pub const POINT_SERIES_MAX: usize = 200_000;
/// Services whose signals are told apart.
pub const SERVICES_MAX: usize = 200_000;

/// Series of one of our metrics; more go to the overflow series.
pub const SERIES_PER_METRIC_MAX: usize = 2_000;

/// Most tokens that one call may report; more is an invalid value.
pub const TOKENS_PER_CALL_MAX: u64 = 1_000_000_000_000;
