//! Stories: what will happen to one task, from its first call to its last verdict. A story is
//! told in full before anything of it happens, so that it is the same in every run.

use std::time::Duration;

use super::random::Random;
use super::workflows::{Ending, Model, Route, WORKFLOWS, Workflow};

/// The first stories are judged sooner, so that there is something to see at once.
const HURRIED_STORIES: u64 = 24;

/// One task.
#[derive(Debug)]
pub(super) struct Story {
    pub(super) workflow: &'static Workflow,
    pub(super) route: &'static Route,
    pub(super) exploration: bool,
    /// At least one; each but the last is sent back by the reviewer.
    pub(super) rounds: Vec<Round>,
    pub(super) ending: Ending,
    /// The share of the work that was changed, in percent, if it was.
    pub(super) edit_percent: u64,
    /// From acceptance until it comes back, if it does.
    pub(super) comes_back_after: Duration,
}

/// The work up to one submission, and its review.
#[derive(Debug)]
pub(super) struct Round {
    pub(super) turns: Vec<Turn>,
    /// From submission to verdict.
    pub(super) judged_after: Duration,
    /// What the reviewer spends, in seconds.
    pub(super) review_seconds: u64,
    /// Why it is refused, if it is.
    pub(super) reason: &'static str,
}

/// One thing that an agent does.
#[derive(Debug)]
pub(super) enum Turn {
    /// It asks a model.
    Ask(Ask),
    /// It uses a tool.
    Use(Use),
}

/// One model request.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) model: &'static Model,
    pub(super) input: u64,
    pub(super) cached: u64,
    pub(super) output: u64,
    pub(super) reasoning: u64,
    pub(super) first_token: Duration,
    pub(super) rest: Duration,
    /// How often the request is sent again before it is answered.
    pub(super) resent: u32,
    /// Which repetition of the same prompt it is; 0 for the first time.
    pub(super) regeneration: u32,
    pub(super) error: Option<&'static str>,
}

/// One use of a tool.
#[derive(Debug)]
pub(super) struct Use {
    pub(super) tool: &'static str,
    pub(super) takes: Duration,
    /// Which repetition it is; 0 for the first time.
    pub(super) retry: u32,
    pub(super) error: Option<&'static str>,
}

impl Story {
    /// Story `number` of the world `seed`.
    pub(super) fn tell(seed: u64, number: u64) -> Story {
        let mut random = Random::new(seed, number);
        let workflow = random.pick(WORKFLOWS);
        let route = random.pick(workflow.routes);
        let ending = *random.pick(workflow.endings);
        let mut rounds = Vec::new();
        for round in 1..=workflow.rounds_max {
            rounds.push(Round::tell(&mut random, workflow, route, number));
            // What is escalated or withdrawn is so at once.
            let once = matches!(ending, Ending::Escalated | Ending::Withdrawn);
            if once || random.percent(route.right_at_once + u64::from(round - 1) * 15) {
                break;
            }
        }
        Story {
            workflow,
            route,
            exploration: random.percent(8),
            rounds,
            ending,
            edit_percent: random.within(6..45),
            comes_back_after: milliseconds(random.within(6_000..20_000)),
        }
    }
}

impl Round {
    fn tell(
        random: &mut Random,
        workflow: &'static Workflow,
        route: &'static Route,
        number: u64,
    ) -> Round {
        let mut turns = Vec::new();
        for (position, model) in route.models.iter().enumerate() {
            if position > 0 || random.percent(50) {
                tell_use(random, workflow, &mut turns);
            }
            tell_ask(random, workflow, model, &mut turns);
        }
        let judged_after = match number {
            ..HURRIED_STORIES => random.within(300..2_500),
            _ => random.within(1_000..9_000) + random.within(0..9_000) * random.within(0..3),
        };
        Round {
            turns,
            judged_after: milliseconds(judged_after),
            review_seconds: random.within(workflow.desk.review_seconds.range()),
            reason: random.pick::<&str>(workflow.desk.reasons),
        }
    }
}

/// A tool is used, now and then twice because it failed the first time.
fn tell_use(random: &mut Random, workflow: &'static Workflow, turns: &mut Vec<Turn>) {
    let tool = *random.pick(workflow.tools);
    let takes = milliseconds(random.within(40..260));
    let failed = random.percent(7);
    if failed {
        turns.push(Turn::Use(Use { tool, takes, retry: 0, error: Some("timeout") }));
    }
    turns.push(Turn::Use(Use { tool, takes, retry: u32::from(failed), error: None }));
}

/// A model is asked, now and then again because it gave an error or a bad answer.
fn tell_ask(
    random: &mut Random,
    workflow: &'static Workflow,
    model: &'static Model,
    turns: &mut Vec<Turn>,
) {
    let ask = Ask {
        model,
        input: random.within(workflow.input.range()),
        cached: 0,
        output: 0,
        reasoning: 0,
        first_token: milliseconds(random.within(90..420)),
        rest: Duration::ZERO,
        resent: if random.percent(6) { *random.pick(&[(3, 1), (1, 2)]) } else { 0 },
        regeneration: 0,
        error: None,
    };
    if random.percent(3) {
        let error = *random.pick(&[(3, "429"), (2, "503"), (2, "timeout")]);
        turns.push(Turn::Ask(Ask { error: Some(error), ..ask }));
    }
    let again = random.percent(9);
    for regeneration in 0..=u32::from(again) {
        let output = random.within(workflow.output.range());
        let cached = if random.percent(45) { ask.input * random.within(40..85) / 100 } else { 0 };
        let reasoning = if workflow.reasoning { output * random.within(0..45) / 100 } else { 0 };
        turns.push(Turn::Ask(Ask {
            cached,
            output,
            reasoning,
            rest: milliseconds(output * 1_000 / model.speed),
            regeneration,
            ..ask
        }));
    }
}

const fn milliseconds(count: u64) -> Duration {
    Duration::from_millis(count)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fmt::Write as _;

    use expect_test::expect;

    use super::super::SEED;
    use super::*;

    #[test]
    fn a_story_is_the_same_in_every_run() {
        let told = format!("{:?}", Story::tell(SEED, 3));
        assert_eq!(told, format!("{:?}", Story::tell(SEED, 3)));
        assert_ne!(told, format!("{:?}", Story::tell(SEED, 4)));
        assert_ne!(told, format!("{:?}", Story::tell(SEED + 1, 3)));
    }

    /// In a thousand stories everything happens that the pages have a place for.
    #[test]
    fn everything_happens() {
        let mut seen = BTreeMap::<String, u32>::new();
        for number in 0..1_000 {
            let story = Story::tell(SEED, number);
            let mut see = |what: String| *seen.entry(what).or_default() += 1;
            see(format!("workflow {}", story.workflow.name));
            see(format!("route {} {}", story.workflow.name, story.route.name));
            see(format!("ending {:?}", story.ending));
            see(format!("rounds {}", story.rounds.len()));
            for turn in story.rounds.iter().flat_map(|round| &round.turns) {
                match turn {
                    Turn::Ask(ask) => {
                        see(format!("model {}", ask.model.request));
                        see(format!("regeneration {}", ask.regeneration));
                        see(format!("resent {}", ask.resent));
                        see(format!("call error {:?}", ask.error));
                        assert!(ask.cached <= ask.input && ask.reasoning <= ask.output);
                    }
                    Turn::Use(used) => {
                        see(format!("step retry {}", used.retry));
                        assert!(used.error.is_none() || used.retry == 0, "the second try works");
                    }
                }
            }
        }
        let mut lines = String::new();
        for (what, count) in seen {
            writeln!(lines, "{what}: {count}").unwrap();
        }
        expect![[r#"
            call error None: 2379
            call error Some("429"): 28
            call error Some("503"): 22
            call error Some("timeout"): 14
            ending Accepted: 546
            ending Defect: 29
            ending Edited: 176
            ending Escalated: 61
            ending Pending: 80
            ending Rejected: 92
            ending Withdrawn: 16
            model claude-sonnet-4-5: 753
            model gemini-2.5-flash: 518
            model gpt-4o: 458
            model gpt-4o-mini: 714
            regeneration 0: 2233
            regeneration 1: 210
            resent 0: 2318
            resent 1: 98
            resent 2: 27
            rounds 1: 791
            rounds 2: 184
            rounds 3: 25
            route pr-review plan-then-sonnet: 96
            route pr-review small-first: 69
            route pr-review sonnet: 148
            route research-memo 4o: 72
            route research-memo flash-then-4o: 135
            route support-ticket large: 125
            route support-ticket small-first: 355
            step retry 0: 1545
            step retry 1: 116
            workflow pr-review: 313
            workflow research-memo: 207
            workflow support-ticket: 480
        "#]]
        .assert_eq(&lines);
    }

    #[test]
    fn the_first_outcomes_come_soon() {
        for number in 0..8 {
            let story = Story::tell(SEED, number);
            let round = &story.rounds[0];
            let work: Duration = round
                .turns
                .iter()
                .map(|turn| match turn {
                    Turn::Ask(ask) => ask.first_token * (1 + ask.resent) + ask.rest,
                    Turn::Use(used) => used.takes,
                })
                .sum();
            assert!(work + round.judged_after < Duration::from_secs(15), "{number}: {story:?}");
        }
    }
}
