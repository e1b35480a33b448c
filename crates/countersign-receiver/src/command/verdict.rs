//! `countersign verdict`: a reviewer's word from the command line.

use std::process::ExitCode;

use anyhow::{Context, ensure};
use clap::Args;
use clap::builder::PossibleValuesParser;
use countersign_core::fact::{Basis, Judgement, SourceKind, UnixNanos};
use serde_json::{Map, Value, json};

use super::{client, printed};
use crate::clock;
use crate::publish::calendar;

/// Arguments of `verdict`.
#[derive(Args, Debug)]
pub struct VerdictArgs {
    /// The task: its id, or anything that names it (pull request URL, ticket, trace id,
    /// conversation, response id).
    task: String,
    /// What became of it.
    #[arg(value_parser = PossibleValuesParser::new(Judgement::ALL.map(Judgement::as_str)))]
    state: String,
    /// How long the review took, in minutes.
    #[arg(long)]
    minutes: Option<f64>,
    /// A short code for why, the same for similar cases: `missing-tests`.
    #[arg(long)]
    reason: Option<String>,
    /// The review round, from 1.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    round: Option<u32>,
    /// Who or what judged [default: human].
    #[arg(long, value_parser = PossibleValuesParser::new(SourceKind::ALL.map(SourceKind::as_str)))]
    source: Option<String>,
    /// The system it was judged in: `github`.
    #[arg(long)]
    system: Option<String>,
    /// What the verdict rests on [default: explicit].
    #[arg(long, value_parser = PossibleValuesParser::new(Basis::ALL.map(Basis::as_str)))]
    basis: Option<String>,
    /// The verdict's own id: sent twice, it counts once.
    #[arg(long)]
    id: Option<String>,
    /// The share that people changed, from 0 to 1.
    #[arg(long, value_name = "SHARE")]
    edit_ratio: Option<f64>,
    /// The id of the verdict that this one takes back.
    #[arg(long, value_name = "ID")]
    supersedes: Option<String>,
    /// From when on it holds, as RFC 3339 [default: now].
    #[arg(long, value_name = "TIME")]
    effective_at: Option<String>,
    /// The server.
    #[arg(long, value_name = "URL", default_value = client::SERVER)]
    server: String,
}

impl VerdictArgs {
    /// The body of the request; the server has defaults for what is left out.
    fn body(&self, now: UnixNanos) -> anyhow::Result<Value> {
        let mut body = Map::new();
        body.insert("task".into(), json!(self.task));
        body.insert("state".into(), json!(self.state));
        if let Some(minutes) = self.minutes {
            let in_range = (0.0..=60.0 * 24.0 * 365.0).contains(&minutes);
            ensure!(in_range, "--minutes {minutes}: expected 0 or more, and less than a year");
            body.insert("review_seconds".into(), json!(minutes * 60.0));
        }
        if let Some(share) = self.edit_ratio {
            let in_range = (0.0..=1.0).contains(&share);
            ensure!(in_range, "--edit-ratio {share}: expected a share from 0 to 1");
            body.insert("edit_ratio".into(), json!(share));
        }
        if let Some(round) = self.round {
            body.insert("round".into(), json!(round));
        }
        let texts = [
            ("id", &self.id),
            ("effective_at", &self.effective_at),
            ("basis", &self.basis),
            ("reason", &self.reason),
            ("supersedes", &self.supersedes),
        ];
        for (key, text) in texts {
            if let Some(text) = text {
                body.insert(key.into(), json!(text));
            }
        }
        if self.id.is_none() && self.effective_at.is_none() {
            // Each call of the command is a verdict of its own.
            body.insert("effective_at".into(), json!(calendar::show(now)));
        }
        let mut source = Map::new();
        for (key, text) in [("kind", &self.source), ("system", &self.system)] {
            if let Some(text) = text {
                source.insert(key.into(), json!(text));
            }
        }
        if !source.is_empty() {
            body.insert("source".into(), Value::Object(source));
        }
        Ok(Value::Object(body))
    }
}

pub(super) fn run(args: VerdictArgs) -> anyhow::Result<ExitCode> {
    let body = args.body(clock::now())?;
    let answer = client::client()?
        .post(client::url(&args.server, "/v1/verdicts"))
        .json(&body)
        .send()
        .with_context(|| {
            format!("cannot reach {}: is `countersign serve` running?", args.server)
        })?;
    client::expect_success(answer)?;
    printed::line(format_args!("{}: {}", args.task, args.state))?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use expect_test::{Expect, expect};

    use crate::command::{Cli, Command};

    fn check(line: &str, body: &Expect) {
        let words = ["countersign", "verdict"].into_iter().chain(line.split(' '));
        let cli = Cli::try_parse_from(words).expect("the line is right");
        let Command::Verdict(args) = cli.command else { panic!("it is a verdict") };
        let body_now = args.body(1_793_577_600_000_000_000);
        let said = body_now.map_or_else(|error| error.to_string(), |body| body.to_string());
        body.assert_eq(&said);
    }

    #[test]
    fn what_was_said_is_sent_and_when() {
        check(
            "t accepted",
            &expect![[r#"{"effective_at":"2026-11-02T00:00:00Z","state":"accepted","task":"t"}"#]],
        );
        check("t accepted --id v", &expect![[r#"{"id":"v","state":"accepted","task":"t"}"#]]);
        check(
            "https://x/pull/1 edited --minutes 5 --reason style --round 2 --source human \
             --system github --basis implicit --id v1 --edit-ratio 0.2 --supersedes v0 \
             --effective-at 2026-01-01T00:00:00Z",
            &expect![[
                r#"{"basis":"implicit","edit_ratio":0.2,"effective_at":"2026-01-01T00:00:00Z","id":"v1","reason":"style","review_seconds":300.0,"round":2,"source":{"kind":"human","system":"github"},"state":"edited","supersedes":"v0","task":"https://x/pull/1"}"#
            ]],
        );
        check(
            "t accepted --edit-ratio 2",
            &expect!["--edit-ratio 2: expected a share from 0 to 1"],
        );
    }
}
