//! `countersign report`: what the work came to, beginning with accepted outcomes.

mod table;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use clap::builder::PossibleValuesParser;
use serde_json::Value;

use super::recount::latest;
use super::{client, printed};
use crate::clock;
use crate::config::{self, Config, Overrides};
use crate::publish::calendar;
use crate::publish::figures::{self, By, TimeBasis, Window, Work};

/// Arguments of `report`.
#[derive(Args, Debug)]
pub struct ReportArgs {
    /// For machines: the totals, and under `outcomes` the rows.
    #[arg(long)]
    json: bool,
    /// One row for each of these [default: workflow].
    #[arg(long, value_parser = PossibleValuesParser::new(By::ALL.map(By::as_str)))]
    by: Option<String>,
    /// Outcomes of the last so many hours or days (7d), or since a date (2026-11-01). The
    /// totals below them stay those of all time.
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<Since>,
    /// The server's operator port.
    #[arg(long, alias = "server", value_name = "URL", default_value = client::OPERATOR)]
    operator: String,
    /// With --since: by the time of the verdict (flow) or of the start of the work (cohort)
    /// [default: flow].
    #[arg(long, value_parser = PossibleValuesParser::new(TimeBasis::ALL.map(TimeBasis::as_str)))]
    basis: Option<String>,
    /// Without a server: read this data directory.
    #[arg(long, value_name = "DIR", conflicts_with = "operator")]
    data: Option<PathBuf>,
    /// With --data: the configuration that the server runs with.
    #[arg(long, value_name = "FILE", requires = "data")]
    config: Option<PathBuf>,
}

/// Where the window of a report begins.
#[derive(Clone, Copy, Debug)]
enum Since {
    /// So long ago.
    Ago(Duration),
    /// At a time.
    Time(u64),
}

fn since(text: &str) -> Result<Since, String> {
    let ago = config::duration(text).map(Since::Ago);
    ago.or_else(|| calendar::read(text).map(Since::Time))
        .ok_or_else(|| format!("expected {} or a date such as 2026-11-01", config::DURATION))
}

impl Since {
    fn time(self) -> u64 {
        match self {
            Since::Ago(ago) => {
                let nanos = u64::try_from(ago.as_nanos()).unwrap_or(u64::MAX);
                clock::now().saturating_sub(nanos)
            }
            Since::Time(time) => time,
        }
    }
}

pub(super) fn run(args: ReportArgs) -> anyhow::Result<ExitCode> {
    let basis = args.basis.as_deref().and_then(TimeBasis::parse).unwrap_or_default();
    let window = Window { basis, from: args.since.map_or(0, Since::time), ..Window::ALL };
    let groups = match args.by.as_deref().and_then(By::parse) {
        Some(by) => vec![by],
        None if args.json => vec![By::Workflow],
        None => vec![By::Workflow, By::Route],
    };
    let Answer { mut totals, mut outcomes, cohorts } = match &args.data {
        Some(data) => read_journal(data.clone(), args.config, &groups, window)?,
        None => ask_server(&args.operator, &groups, window)?,
    };
    if args.json {
        let fields = totals.as_object_mut().context("the totals are no JSON object")?;
        fields.insert("outcomes".to_owned(), outcomes.swap_remove(0));
        fields.insert("cohorts".to_owned(), cohorts);
        printed::line(format_args!("{}", serde_json::to_string_pretty(&totals)?))?;
    } else {
        printed::line(format_args!("{}", table::report(&totals, &outcomes, &cohorts).trim_end()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What the report is made of.
struct Answer {
    totals: Value,
    /// The outcomes of each group.
    outcomes: Vec<Value>,
    cohorts: Value,
}

fn ask_server(operator: &str, groups: &[By], window: Window) -> anyhow::Result<Answer> {
    let client = client::client()?;
    let totals = client::get(&client, operator, "/api/v1/totals", &[])?;
    let mut outcomes = Vec::new();
    for by in groups {
        let mut query =
            vec![("by", by.as_str().to_owned()), ("basis", window.basis.as_str().to_owned())];
        if window.from > 0 {
            query.push(("from", calendar::show(window.from)));
        }
        outcomes.push(client::get(&client, operator, "/api/v1/outcomes", &query)?);
    }
    let cohorts = client::get(&client, operator, "/api/v1/cohorts", &[])?;
    Ok(Answer { totals, outcomes, cohorts })
}

fn read_journal(
    data: PathBuf,
    config: Option<PathBuf>,
    groups: &[By],
    window: Window,
) -> anyhow::Result<Answer> {
    let overrides = Overrides { data: Some(data), ..Overrides::default() };
    let config = Config::load(config.as_deref(), overrides)?;
    let latest = latest(&config.data, config.books)?;
    let mut books = latest.ledgers.default_ledger().books.clone();
    // Deadlines that have passed since the last fact: open traces, expired tasks.
    books.tick(clock::now(), &mut Vec::new());
    let mut outcomes = Vec::new();
    for by in groups {
        let work = Work::all(&books);
        outcomes.push(serde_json::to_value(figures::outcomes(work, *by, window))?);
    }
    Ok(Answer {
        totals: serde_json::to_value(figures::totals(books.totals()))?,
        outcomes,
        cohorts: serde_json::to_value(figures::cohorts(&books, books.now()))?,
    })
}
