//! Every limit of the core, by name. Reaching one is counted; the totals still add up.

/// Longest name (workflow, model, route …) that is kept, in bytes.
pub const NAME_BYTES_MAX: usize = 256;
/// Distinct names.
pub const NAMES_MAX: usize = 200_000;
/// What a name over [`NAMES_MAX`] becomes.
pub const OVERFLOW_NAME: &str = "otel.overflow";
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
/// How long a closed trace is remembered after its last span, so that late spans find it.
pub const CLOSED_TRACE_MS: u64 = 24 * 3_600_000;
/// Closed traces that are remembered.
pub const CLOSED_TRACES_MAX: usize = 2_000_000;

/// Tasks in memory, open and settled.
pub const TASKS_MAX: usize = 20_000_000;
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
/// A task without verdict expires so long after its last activity, unless its workflow's
/// patience says otherwise.
pub const PATIENCE_MS: u64 = 14 * 24 * 3_600_000;

/// Remembered records and responses, so that a repetition is known.
pub const REMEMBERED_MAX: usize = 100_000_000;
/// Metric series of emitters whose last value is kept.
pub const POINT_SERIES_MAX: usize = 200_000;
/// Services whose signals are told apart.
pub const SERVICES_MAX: usize = 200_000;

/// Series of one of our metrics; more go to the overflow series.
pub const SERIES_PER_METRIC_MAX: usize = 2_000;

/// Most tokens that one call may report; more is an invalid value.
pub const TOKENS_PER_CALL_MAX: u64 = 1_000_000_000_000;
