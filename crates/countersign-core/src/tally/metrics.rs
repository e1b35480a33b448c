//! The table of our metrics: every name, unit and attribute that goes out.

/// What kind of metric it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Rises only: a monotonic sum on OTLP.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Distribution.
    Histogram,
}

/// One metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Name on OTLP, e.g. `countersign.cost.incurred`.
    pub name: &'static str,
    /// Counter, gauge or histogram.
    pub kind: Kind,
    /// Unit in UCUM, e.g. `USD`, `s`, `{call}`.
    pub unit: &'static str,
    /// What it means.
    pub help: &'static str,
    /// The attributes that its series can have.
    pub attributes: &'static [&'static str],
}

impl Metric {
    /// How many raw units make one unit: nanoseconds a second, picodollars a dollar, else one.
    #[must_use]
    pub fn raw_per_unit(&self) -> u64 {
        match self.unit {
            "s" => 1_000_000_000,
            "USD" => 1_000_000_000_000,
            _ => 1,
        }
    }
}

const WORKFLOW: &str = "gen_ai.workflow.name";
const MODEL: &str = "gen_ai.response.model";
const PROVIDER: &str = "gen_ai.provider.name";
const OPERATION: &str = "gen_ai.operation.name";
const ERROR: &str = "error.type";
const ROUTE: &str = "countersign.route.name";
const STATE: &str = "countersign.review.state";
const SOURCE: &str = "countersign.verdict.source.kind";
const BASIS: &str = "countersign.verdict.basis";
const FROM: &str = "countersign.review.state.from";
const TO: &str = "countersign.review.state.to";
const COMPONENT: &str = "countersign.cost.component";
const TOKEN: &str = "gen_ai.token.type";
const LAYER: &str = "countersign.retry.layer";
const STATISTIC: &str = "countersign.statistic";
const COHORT: &str = "countersign.cohort";
const DIAGNOSTIC: &str = "countersign.diagnostic.kind";
const EVALUATION: &str = "gen_ai.evaluation.name";
const LABEL: &str = "gen_ai.evaluation.score.label";

macro_rules! metrics {
    ($($id:ident = $name:literal $kind:ident $unit:literal [$($attribute:expr),*] $help:literal;)*) => {
        /// The place of a metric in [`METRICS`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Id { $($id,)* }

        /// Every metric, in the order of publication: outcomes first, tokens late.
        pub const METRICS: &[Metric] = &[$(Metric {
            name: $name,
            kind: Kind::$kind,
            unit: $unit,
            help: $help,
            attributes: &[$($attribute),*],
        },)*];
    };
}

metrics! {
    Outcomes = "countersign.outcomes" Counter "{task}" [WORKFLOW, ROUTE, STATE]
        "Tasks that reached this final state. A task that moves on counts in each state it reached; countersign.reclassified tells how many left it.";
    Verdicts = "countersign.verdicts" Counter "{verdict}" [WORKFLOW, ROUTE, STATE, SOURCE, BASIS]
        "Verdicts that were booked on a task.";
    Defects = "countersign.defects" Counter "{task}" [WORKFLOW, ROUTE]
        "Served tasks that came back: reverted, reopened, clawed back.";
    Reclassified = "countersign.reclassified" Counter "{task}" [WORKFLOW, FROM, TO]
        "Judged tasks that moved from one state to another.";
    Confirmed = "countersign.confirmed" Counter "{task}" [WORKFLOW, ROUTE, STATE]
        "Served tasks whose confirm window ended without a reopen. One that came back and is served again counts again.";
    ProvisionalTasks = "countersign.provisional.tasks" Gauge "{task}" [WORKFLOW, BASIS]
        "Served tasks whose confirm window is not over. Those of basis implicit or assumed are no accepted outcomes yet.";
    ProvisionalCost = "countersign.cost.provisional" Gauge "USD" [WORKFLOW, BASIS]
        "Settled cost of the tasks whose confirm window is not over.";
    Incurred = "countersign.cost.incurred" Counter "USD" [WORKFLOW, MODEL, PROVIDER, COMPONENT]
        "Cost of model calls and tools, when it came into being.";
    Settled = "countersign.cost.settled" Counter "USD" [WORKFLOW, ROUTE, MODEL, STATE, COMPONENT]
        "Cost that a verdict settled, under the state it settled in first. Incurred equals settled (without review) plus pending plus unattributed.";
    CostReclassified = "countersign.cost.reclassified" Counter "USD" [WORKFLOW, FROM, TO]
        "Settled cost of models and tools whose task moved to another state.";
    CostPending = "countersign.cost.pending" Gauge "USD" [WORKFLOW]
        "Cost of tasks that nobody has judged yet.";
    CostUnattributed = "countersign.cost.unattributed" Gauge "USD" [WORKFLOW]
        "Cost that belongs to no task.";
    PendingTasks = "countersign.pending.tasks" Gauge "{task}" [WORKFLOW]
        "Tasks that wait for a verdict.";
    PendingAge = "countersign.pending.age" Gauge "s" [WORKFLOW, STATISTIC]
        "Age of the tasks that wait for a verdict, since their work began: p50, p95 and max.";
    CohortTasks = "countersign.cohort.tasks" Gauge "{task}" [WORKFLOW, COHORT, STATE]
        "Tasks by the ISO week in which their work began and the state they are in now, for the last 13 weeks.";
    CohortUnconfirmed = "countersign.cohort.unconfirmed" Gauge "{task}" [WORKFLOW, COHORT]
        "Of a week's accepted and edited tasks, those whose acceptance is implied or assumed and whose confirm window is not over.";
    CohortAcceptanceLow = "countersign.cohort.acceptance.low" Gauge "1" [WORKFLOW, COHORT]
        "A week's acceptance if nothing that is undecided were accepted: served / started. Do not aggregate.";
    CohortAcceptanceHigh = "countersign.cohort.acceptance.high" Gauge "1" [WORKFLOW, COHORT]
        "A week's acceptance if all that is undecided were accepted: (served + undecided) / started. Do not aggregate.";
    CohortDecided = "countersign.cohort.decided" Gauge "1" [WORKFLOW, COHORT]
        "Share of a week's tasks that have a final state. Do not aggregate.";
    CohortMature = "countersign.cohort.mature" Gauge "{cohort}" [WORKFLOW, COHORT]
        "1 if a week is older than 95 % of the workflow's verdicts take and its confirm window on top, else 0.";
    CohortCost = "countersign.cohort.cost" Gauge "USD" [WORKFLOW, COHORT, STATE]
        "Cost of models and tools of a week's tasks, by the state they are in now.";
    CohortReview = "countersign.cohort.review" Gauge "USD" [WORKFLOW, COHORT]
        "Cost of the reviewers' time on a week's judged tasks, unconfirmed ones left out.";
    TaskCost = "countersign.task.cost" Histogram "USD" [WORKFLOW, ROUTE, STATE]
        "Cost of a task's models and tools when it reached a final state.";
    TaskDuration = "countersign.task.duration" Histogram "s" [WORKFLOW, ROUTE, STATE]
        "From the start of a task's first span to the end of its last one.";
    TimeToVerdict = "countersign.task.time_to_verdict" Histogram "s" [WORKFLOW, ROUTE, STATE]
        "From the end of a task's last span to its verdict.";
    ReviewDuration = "countersign.review.duration" Histogram "s" [WORKFLOW, SOURCE]
        "The reviewer's own time, as the verdicts report it.";
    ReworkRounds = "countersign.rework.rounds" Histogram "{round}" [WORKFLOW, ROUTE]
        "Review rounds of a task when it reached a final state; 1 is no rework.";
    Retries = "countersign.retries" Counter "{retry}" [WORKFLOW, MODEL, LAYER]
        "Repetitions without review: transport, step or regeneration. The layers overlap; never add them.";
    Calls = "countersign.calls" Counter "{call}" [WORKFLOW, MODEL, PROVIDER, OPERATION, ERROR]
        "Model requests, each counted once however many signals report it.";
    CallDuration = "countersign.call.duration" Histogram "s" [WORKFLOW, MODEL]
        "How long calls took.";
    TimeToFirstToken = "countersign.call.time_to_first_token" Histogram "s" [WORKFLOW, MODEL]
        "How long calls took to their first token.";
    Evaluations = "countersign.evaluations" Counter "{evaluation}" [WORKFLOW, EVALUATION, LABEL]
        "Evaluations that are kept as quality and are no verdicts.";
    UnpricedCalls = "countersign.unpriced.calls" Counter "{call}" [MODEL]
        "Calls with usage whose model has no price in the catalog.";
    Diagnostics = "countersign.diagnostics" Counter "{occurrence}" [DIAGNOSTIC]
        "What was noticed, counted and survived.";
    Tokens = "countersign.tokens" Counter "{token}" [WORKFLOW, MODEL, TOKEN]
        "Tokens by type. cache_read and cache_write are parts of input, reasoning is a part of output: never add them to it.";
}
