//! The crew: lives the stories through the instrumentation crate.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use countersign::{
    OpenTask, Operation, Purpose, Source, Task, TaskVerdict, Telemetry, Usage, Verdict,
};
use tokio::time::sleep;

use super::story::{Ask, Round, Story, Turn, Use};
use super::workflows::{Ending, WORKFLOWS, Workflow};
use crate::clock;

/// How long spans and verdicts wait for others to be sent with.
const EXPORT_INTERVAL: Duration = Duration::from_millis(500);

/// The name of the service that sends the verdicts.
const REVIEW_SERVICE: &str = "review-desk";

/// One pipeline for each service. Cheap to clone.
#[derive(Clone)]
pub(super) struct Crew {
    services: Arc<[(&'static str, Telemetry)]>,
    /// Tells the tasks of one demonstration from those of another on the same data.
    demonstration: Arc<str>,
}

impl Crew {
    /// Sets the pipelines up. Blocks for a moment.
    pub(super) fn hire(otlp_endpoint: &str) -> anyhow::Result<Crew> {
        let names = WORKFLOWS.iter().map(|(_, workflow)| workflow.service).chain([REVIEW_SERVICE]);
        let services = names.map(|name| Ok((name, pipeline(name, otlp_endpoint)?)));
        let services: anyhow::Result<Arc<[_]>> = services.collect();
        let seconds = clock::now() / 1_000_000_000;
        Ok(Crew {
            services: services?,
            demonstration: base36(seconds % (36 * 36 * 36 * 36)).into(),
        })
    }

    /// Sends what is left. Blocks until it is sent, or for a few seconds.
    pub(super) fn dismiss(self) {
        for (name, telemetry) in self.services.iter() {
            if let Err(error) = telemetry.flush() {
                tracing::debug!(service = name, %error, "the fleet's last words were not sent");
            }
        }
    }

    /// Lives one story from beginning to end.
    pub(super) fn live(&self, number: u64, story: Story) -> impl Future<Output = ()> + use<> {
        let crew = self.clone();
        async move {
            let workflow = story.workflow;
            let id = format!("{}-{}-{number}", workflow.prefix, crew.demonstration);
            let last = story.rounds.len();
            for (position, round) in story.rounds.iter().enumerate() {
                let numbered = u32::try_from(position).unwrap_or(u32::MAX).saturating_add(1);
                crew.work(&id, numbered, &story, round).await;
                sleep(round.judged_after).await;
                if position + 1 < last {
                    crew.judge(refused(workflow, round, numbered).of_task(id.clone()));
                } else {
                    crew.conclude(&id, numbered, &story, round).await;
                }
            }
        }
    }

    /// The work of one round, in a trace of its own.
    async fn work(&self, id: &str, numbered: u32, story: &Story, round: &Round) {
        let workflow = story.workflow;
        let purpose = if story.exploration { Purpose::Exploration } else { Purpose::Production };
        let mut task = Task::new(id.to_owned())
            .workflow(workflow.name)
            .team(workflow.team)
            .project(workflow.project)
            .purpose(purpose)
            .route(story.route.name, story.route.reason)
            .attempt(numbered)
            .round(numbered);
        if !workflow.artifact.is_empty() {
            task = task.artifact([workflow.artifact, id].concat());
        }
        let task = self.service(workflow.service, || task.start());
        for (position, turn) in round.turns.iter().enumerate() {
            match turn {
                Turn::Ask(ask) => {
                    let response = format!("resp-{id}-{numbered}-{position}");
                    answer(&task, workflow, ask, response).await;
                }
                Turn::Use(tool) => work_with(&task, tool).await,
            }
        }
        task.end();
    }

    /// The last verdict, or the last two.
    async fn conclude(&self, id: &str, numbered: u32, story: &Story, round: &Round) {
        let desk = &story.workflow.desk;
        let minutes = round.review_seconds as f64 / 60.0;
        let signed = |verdict: Verdict| {
            verdict.by(desk.source, desk.system).basis(desk.basis).minutes(minutes).round(numbered)
        };
        let verdict = match story.ending {
            Ending::Pending => return,
            Ending::Accepted | Ending::Defect => signed(Verdict::accepted()),
            Ending::Edited => signed(Verdict::edited(story.edit_percent as f64 / 100.0)),
            Ending::Rejected => signed(Verdict::rejected()).reason(round.reason),
            Ending::Escalated => signed(Verdict::escalated()).reason("needs_person"),
            Ending::Withdrawn => signed(Verdict::withdrawn()),
        };
        self.judge(verdict.of_task(id.to_owned()));
        if story.ending == Ending::Defect {
            sleep(story.comes_back_after).await;
            let verdict = Verdict::defect().by(Source::System, desk.system).reason("came_back");
            self.judge(verdict.of_task(id.to_owned()));
        }
    }

    fn judge(&self, verdict: TaskVerdict) {
        self.service(REVIEW_SERVICE, || verdict.send());
    }

    /// Does something as one of the services.
    fn service<T>(&self, name: &str, work: impl FnOnce() -> T) -> T {
        let (_, telemetry) = self
            .services
            .iter()
            .find(|(service, _)| *service == name)
            .expect("every service of the workflows was hired");
        let _as_service = telemetry.context().attach();
        work()
    }
}

fn pipeline(name: &'static str, otlp_endpoint: &str) -> anyhow::Result<Telemetry> {
    countersign::builder()
        .service_name(name)
        .protocol(countersign::Protocol::Http)
        .endpoint(otlp_endpoint)
        .export_interval(EXPORT_INTERVAL)
        .build()
        .with_context(|| format!("cannot set up the demonstration's {name}"))
}

/// The reviewer sends the work back for another round.
fn refused(workflow: &Workflow, round: &Round, numbered: u32) -> Verdict {
    Verdict::rejected()
        .by(workflow.desk.source, workflow.desk.system)
        .minutes(round.review_seconds as f64 / 60.0)
        .round(numbered)
        .reason(round.reason)
}

/// The stand-in for a model: it takes its time and says what it used.
async fn answer(task: &OpenTask, workflow: &Workflow, ask: &Ask, response: String) {
    let model = ask.model;
    let mut call = task.call(Operation::Chat, model.provider, model.request);
    call = call.prompt(workflow.prompt, "2");
    if ask.regeneration > 0 {
        call = call.regeneration(ask.regeneration);
    }
    let mut call = call.start();
    for _ in 0..ask.resent {
        call.resent();
        sleep(ask.first_token).await;
    }
    sleep(ask.first_token).await;
    if let Some(error) = ask.error {
        return call.fail(error);
    }
    call.first_token();
    sleep(ask.rest).await;
    let usage = Usage::new(ask.input, ask.output).cache_read(ask.cached).reasoning(ask.reasoning);
    call.usage(usage).response(response, model.response).finish_reason("stop").end();
}

async fn work_with(task: &OpenTask, tool: &Use) {
    let mut step = task.tool(tool.tool);
    if tool.retry > 0 {
        step = step.retry(tool.retry);
    }
    let step = step.start();
    sleep(tool.takes).await;
    match tool.error {
        Some(error) => step.fail(error),
        None => step.end(),
    }
}

fn base36(mut number: u64) -> String {
    let mut digits = Vec::new();
    while number > 0 || digits.is_empty() {
        let digit = u32::try_from(number % 36).unwrap_or(0);
        digits.push(char::from_digit(digit, 36).unwrap_or('0'));
        number /= 36;
    }
    digits.into_iter().rev().collect()
}
