//! What the first page shows, gathered in one pass over the tasks.

use countersign_core::fact::{ReviewState, UnixNanos};
use countersign_core::money::Money;
use countersign_core::settle::{Books, TaskView};
use countersign_core::tally::{Histogram, Tally, Value};
use serde::Serialize;

use super::outcomes::{Gathered, spread};
use super::{By, Dollars, Outcomes, Spread, TotalsShown, Window, Work, seconds, totals};
use crate::publish::calendar;

/// Buckets of a trend.
const TREND_BUCKETS: usize = 24;
/// Widths that people read easily: from seconds, for the first minutes, to a week.
const TREND_WIDTHS_S: [u64; 14] =
    [5, 10, 15, 30, 60, 300, 900, 3_600, 10_800, 21_600, 43_200, 86_400, 259_200, 604_800];
/// Tasks in a list of the first page.
const LISTED_TASKS_MAX: usize = 6;
const SECOND: u64 = 1_000_000_000;

/// What the first page shows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Overview {
    /// When it was made.
    pub now: UnixNanos,
    /// The sums over everything.
    pub totals: TotalsShown,
    /// Outcomes by workflow, all time.
    pub workflows: Outcomes,
    /// Outcomes by route, all time.
    pub routes: Outcomes,
    /// Outcomes by model, all time.
    pub models: Outcomes,
    /// Accepted outcomes over time.
    pub trend: Trend,
    /// What waits for review.
    pub waiting: Waiting,
    /// How long things take.
    pub latency: Latency,
    /// The pending tasks that have waited longest.
    pub waiting_longest: Vec<TaskBrief>,
    /// The tasks that were judged last, the latest first.
    pub judged_last: Vec<TaskBrief>,
}

/// A task in a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TaskBrief {
    /// Its id.
    pub id: String,
    /// Its workflow, or empty.
    pub workflow: String,
    /// Where it stands.
    pub state: &'static str,
    /// When it began, or when it was decided.
    pub time: UnixNanos,
    /// Model and tool cost.
    pub cost_usd: Dollars,
}

/// Outcomes over time, by the time of the verdict.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Trend {
    /// Width of a bucket in seconds.
    pub bucket_seconds: u64,
    /// Buckets without gaps, the last one holds now.
    pub buckets: Vec<TrendBucket>,
}

/// One bucket of a trend.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TrendBucket {
    /// Its first moment.
    pub start: String,
    /// Accepted or edited in it, and not come back since.
    pub net_served: u64,
    /// Settled otherwise in it.
    pub not_served: u64,
    /// Settled cost of both.
    pub settled: Dollars,
}

/// What waits for review.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Waiting {
    /// Tasks without verdict.
    pub tasks: u64,
    /// Their cost so far.
    pub cost_usd: Dollars,
    /// Seconds since their work began.
    pub age_seconds: Spread,
    /// The longest of them.
    pub age_seconds_max: Option<f64>,
}

/// How long things take, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Latency {
    /// A model call.
    pub call: Spread,
    /// To the first token of a call.
    pub first_token: Spread,
    /// From the start to the end of a served task's work.
    pub work: Spread,
    /// From the start of a served task to its acceptance.
    pub to_accepted: Spread,
}

/// Gathers what the first page shows.
#[must_use]
pub fn overview(books: &Books, tally: &Tally, now: UnixNanos) -> Overview {
    let mut gathered = By::ALL.map(|by| Gathered::new(by, Window::ALL));
    let mut first_decided = u64::MAX;
    let (mut ages, mut work_times, mut accept_times) = (Vec::new(), Vec::new(), Vec::new());
    let mut at_risk = Money::ZERO;
    let (mut oldest, mut latest) = (Firsts::new(), Firsts::new());
    for view in books.tasks() {
        let work = Work::of(&view, books.names());
        if work.state == ReviewState::Pending {
            oldest.offer(work.started, view);
        } else {
            latest.offer(u64::MAX - work.decided, view);
        }
        gathered.iter_mut().for_each(|outcomes| outcomes.add(&work));
        if work.state == ReviewState::Pending {
            ages.push(now.saturating_sub(work.started));
            at_risk += work.cost;
        } else {
            first_decided = first_decided.min(work.decided);
        }
        if work.state.is_served() && work.started > 0 && work.ended > 0 {
            work_times.push(work.ended.saturating_sub(work.started));
            accept_times.push(work.decided.saturating_sub(work.started));
        }
    }
    let [workflows, routes, models] = gathered.map(Gathered::finish);
    let age_seconds = spread(&mut ages);
    let (call, first_token) = call_latency(books, tally, now);
    Overview {
        now,
        totals: totals(books.totals()),
        workflows,
        routes,
        models,
        trend: trend(Work::all(books), first_decided, now),
        waiting: Waiting {
            tasks: ages.len() as u64,
            cost_usd: at_risk.into(),
            age_seconds,
            age_seconds_max: ages.last().map(|age| seconds(u128::from(*age), 1_000_000_000)),
        },
        latency: Latency {
            call,
            first_token,
            work: spread(&mut work_times),
            to_accepted: spread(&mut accept_times),
        },
        waiting_longest: oldest.briefs(|view| view.started()),
        judged_last: latest.briefs(|view| view.decided()),
    }
}

/// The tasks with the lowest ranks.
struct Firsts<'a>(Vec<(u64, TaskView<'a>)>);

impl<'a> Firsts<'a> {
    fn new() -> Firsts<'a> {
        Firsts(Vec::with_capacity(LISTED_TASKS_MAX + 1))
    }

    fn offer(&mut self, rank: u64, view: TaskView<'a>) {
        let at = self.0.partition_point(|(other, _)| *other <= rank);
        if at < LISTED_TASKS_MAX {
            self.0.insert(at, (rank, view));
            self.0.truncate(LISTED_TASKS_MAX);
        }
    }

    fn briefs(self, time: impl Fn(&TaskView<'_>) -> UnixNanos) -> Vec<TaskBrief> {
        let brief = |view: &TaskView<'_>| TaskBrief {
            id: view.id().into_owned(),
            workflow: view.workflow().to_owned(),
            state: view.state().as_str(),
            time: time(view),
            cost_usd: view.cost().into(),
        };
        self.0.iter().map(|(_, view)| brief(view)).collect()
    }
}

/// Outcomes over time: buckets that end with now and reach back to the first verdict, or as far
/// as the widest bucket goes.
pub(super) fn trend<'a>(
    tasks: impl Iterator<Item = Work<'a>>,
    first_decided: UnixNanos,
    now: UnixNanos,
) -> Trend {
    let reach_s = now.saturating_sub(first_decided) / SECOND;
    let fits = |width: &&u64| **width * (TREND_BUCKETS as u64 - 1) >= reach_s;
    let widest = TREND_WIDTHS_S.last().copied().unwrap_or(60);
    let width_s = TREND_WIDTHS_S.iter().find(fits).copied().unwrap_or(widest);
    let width = width_s * SECOND;
    let end = (now / width + 1) * width;
    let begin = end.saturating_sub(width * TREND_BUCKETS as u64);
    let mut buckets: Vec<TrendBucket> = (0..TREND_BUCKETS as u64)
        .map(|index| TrendBucket {
            start: calendar::show(begin + index * width),
            ..TrendBucket::default()
        })
        .collect();
    for work in tasks.filter(|work| work.state != ReviewState::Pending) {
        if work.standing.is_unconfirmed() {
            continue;
        }
        let Some(since) = work.decided.checked_sub(begin) else { continue };
        // A verdict that claims to come from the future counts as one of now.
        let index = usize::try_from(since / width).unwrap_or(usize::MAX).min(TREND_BUCKETS - 1);
        let Some(bucket) = buckets.get_mut(index) else { continue };
        if work.state.is_served() {
            bucket.net_served += 1;
        } else {
            bucket.not_served += 1;
        }
        bucket.settled.0 += work.cost;
    }
    Trend { bucket_seconds: width_s, buckets }
}

/// Call duration and time to first token over all workflows and models.
fn call_latency(books: &Books, tally: &Tally, now: UnixNanos) -> (Spread, Spread) {
    let (mut duration, mut first_token) = (Histogram::default(), Histogram::default());
    tally.visit(books, now, &mut |series| {
        let Value::Histogram(histogram) = series.value else { return };
        match series.metric.name {
            "countersign.call.duration" => merge(&mut duration, histogram),
            "countersign.call.time_to_first_token" => merge(&mut first_token, histogram),
            _ => {}
        }
    });
    (percentiles(&duration), percentiles(&first_token))
}

fn merge(sum: &mut Histogram, other: &Histogram) {
    sum.count += other.count;
    sum.zeros += other.zeros;
    for (bucket, count) in &other.buckets {
        *sum.buckets.entry(*bucket).or_default() += count;
    }
}

/// Percentiles in the metric's unit, to within the 4.5 % that a bucket spans on either side of
/// its middle.
pub(super) fn percentiles(histogram: &Histogram) -> Spread {
    let rank = |percent: u64| {
        let rank = (histogram.count * percent).div_ceil(100);
        if rank == 0 {
            return None;
        }
        let mut seen = histogram.zeros;
        if rank <= seen {
            return Some(0.0);
        }
        histogram.buckets.iter().find_map(|(bucket, count)| {
            seen += count;
            (rank <= seen).then(|| ((f64::from(*bucket) + 0.5) / 8.0).exp2())
        })
    };
    Spread { p50: rank(50), p95: rank(95) }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use countersign_core::names::Names;
    use countersign_core::settle::{Confidence, Standing};

    fn decided(state: ReviewState, minute: u64, names: &Names) -> Work<'_> {
        Work {
            workflow: "",
            route: "",
            state,
            standing: Standing::Unserved,
            confidence: Confidence::Explicit,
            started: 0,
            ended: 0,
            decided: minute * 60 * SECOND,
            cost: Money::DOLLAR,
            review_cost: Money::ZERO,
            review_ms: 0,
            rounds: 1,
            retries: Default::default(),
            lines: Cow::Borrowed(&[]),
            names,
        }
    }

    #[test]
    fn a_trend_ends_now_and_reaches_back_to_the_first_verdict() {
        let names = Names::default();
        let now = 100_000 * 60 * SECOND;
        let works = [
            decided(ReviewState::Accepted, 99_990, &names),
            decided(ReviewState::Rejected, 100_000, &names),
            decided(ReviewState::Edited, 100_000, &names),
            decided(ReviewState::Accepted, 200_000, &names),
            decided(ReviewState::Pending, 99_995, &names),
        ];
        let shown = trend(works.into_iter(), 99_990 * 60 * SECOND, now);
        assert_eq!((shown.bucket_seconds, shown.buckets.len()), (30, 24));
        let counts: Vec<_> = shown.buckets.iter().map(|b| (b.net_served, b.not_served)).collect();
        assert_eq!(counts[3], (1, 0));
        assert_eq!(counts[23], (2, 1));
        assert_eq!(counts.iter().map(|(served, _)| served).sum::<u64>(), 3);
        assert_eq!(shown.buckets[23].settled.0, Money::DOLLAR.times(3));
    }

    #[test]
    fn a_trend_without_verdicts_is_flat() {
        let shown = trend(std::iter::empty(), u64::MAX, 1_800_000_000 * SECOND);
        assert_eq!(shown.bucket_seconds, 5);
        assert!(shown.buckets.iter().all(|bucket| bucket.net_served == 0));
    }

    #[test]
    fn percentiles_fall_into_their_bucket() {
        let mut histogram = Histogram { count: 100, zeros: 1, ..Histogram::default() };
        histogram.buckets.insert(0, 89);
        histogram.buckets.insert(24, 10);
        let Spread { p50: Some(p50), p95: Some(p95) } = percentiles(&histogram) else { panic!() };
        assert!(p50 > 1.0 && p50 <= 1.1, "{p50}");
        assert!(p95 > 8.0 && p95 <= 8.8, "{p95}");
        assert_eq!(percentiles(&Histogram::default()), Spread::default());
    }
}
