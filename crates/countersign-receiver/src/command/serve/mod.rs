//! `countersign serve`: everything is set up here, in the order of the data.

pub(super) mod current;
mod files;
mod listeners;
mod reread;
mod stop;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use tokio::sync::watch;
use tokio::task::JoinSet;

use self::current::{Current, Source};
use self::listeners::Listeners;
use self::reread::Reread;
use super::ServeArgs;
use crate::config::Config;
use crate::ingest::hooks::{Refusals, hook_router};
use crate::ingest::{self, Gate};
use crate::journal::DataDirectory;
use crate::keeper::{self, Keeper};
use crate::limits::{STOP_BESIDE_MS_MAX, STOP_MS_MAX};
use crate::publish::destinations::Destinations;
use crate::publish::operator::operator_router;
use crate::publish::own::Own;
use crate::publish::verdict_span::verdict_span;
use crate::{clock, logs, prices};

pub(crate) use self::listeners::Addresses;

/// What else runs beside the server, given the addresses and told when to stop.
pub(super) type Beside =
    Box<dyn FnOnce(&Addresses, &mut Loops, watch::Receiver<bool>) -> anyhow::Result<()>>;

/// The loops of the program: joined when it stops. One that ends early ends the program.
pub(super) type Loops = JoinSet<anyhow::Result<()>>;

pub(super) fn run(args: ServeArgs, format: logs::Format) -> anyhow::Result<ExitCode> {
    let (config, source) = args.resolve()?;
    start(config, Some(source), Box::new(move |addresses, _, _| addresses.announce(format)))
}

/// Runs the server, and what is beside it, until it is asked to stop.
/// With a source the configuration is read again when it changes.
pub(super) fn start(
    config: Config,
    source: Option<Source>,
    beside: Beside,
) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let served = runtime.block_on(serve(config, source, beside));
    // Whatever still runs then, it is not waited for: all that was acknowledged is on disk.
    runtime.shutdown_timeout(std::time::Duration::from_millis(100));
    served.map(|()| ExitCode::SUCCESS)
}

async fn serve(mut config: Config, source: Option<Source>, beside: Beside) -> anyhow::Result<()> {
    let mut asked_to_stop = stop::signals()?;
    let catalog = Arc::new(prices::catalog(&config.prices).context(super::PriceFiles)?);
    let current = Current::start(&config, source)?;
    let directory = DataDirectory::open(&config.data)?;
    let listeners = Listeners::bind(&config.listen, &current, files::room(config.connections));
    let listeners = listeners.await?;
    let addresses = listeners.addresses()?;
    config.dialect.instance = format!("{:032x}", directory.instance());
    let destinations = Destinations::open(&config, &directory)?;
    let reread = Reread::of(&directory, config.reread_interval)?;
    let soundness = directory.soundness();
    let (keeper, keeping) = Keeper::start(directory, keeper_options(&config))?;

    let (stop, stopped) = watch::channel(false);
    let (readiness, ready) = watch::channel(false);
    let mut loops = Loops::new();
    let gate = Gate::new(keeper.clone(), catalog, config.dialect.clone(), config.relay_plan());
    let gate = gate.behind(current.access());
    let own = Arc::new(Own {
        start: clock::now(),
        counted: Arc::clone(gate.counted()),
        connections: listeners.connections(),
        destinations: destinations.healths(),
        reloads: current.reloads(),
        soundness,
        keeper: keeper.clone(),
    });
    destinations.start(&keeper, &own, &mut loops, &stopped)?;
    let refusals = Refusals::default();
    let hooks = hook_router(gate.clone(), config.hooks.clone(), refusals.clone());
    let routes = ingest::http_router(gate.clone()).merge(hooks);
    loops.spawn(refusals.tell(gate.clone(), stop::when(&stopped)));
    loops.spawn(ingest::serve_grpc(listeners.grpc, gate, stop::when(&stopped)));
    loops.spawn(ingest::serve_http(listeners.http, routes, stop::when(&stopped)));
    let operator = addresses.operator_port(&config, &current, ready, own);
    let pages = operator_router(keeper.clone(), operator);
    loops.spawn(ingest::serve_http(listeners.operator, pages, stop::when(&stopped)));
    loops.spawn(reread.run(stopped.clone()));
    loops.spawn(current.keep(stopped.clone()));
    readiness.send_replace(true);

    let (stop_beside, stopped_beside) = watch::channel(false);
    let mut loops_beside = Loops::new();
    beside(&addresses, &mut loops_beside, stopped_beside)?;
    tracing::info!(grpc = %addresses.grpc, http = %addresses.http,
        operator = %addresses.operator, data = %config.data.display(), "ready");

    let ended = tokio::select! {
        () = asked_to_stop.recv() => Ok(()),
        ended = loops.join_next() => stop::early(ended),
        Some(ended) = loops_beside.join_next() => stop::early(Some(ended)),
    };
    tracing::info!("stopping");
    readiness.send_replace(false);
    let stopping = async {
        // What runs beside may have something to say to the server until its end.
        stop_beside.send_replace(true);
        stop::drain(&mut loops_beside, STOP_BESIDE_MS_MAX).await;
        stop.send_replace(true);
        stop::drain(&mut loops, STOP_MS_MAX).await;
        stop::keeper(keeper, keeping).await
    };
    tokio::select! {
        stopped = stopping => stopped?,
        () = asked_to_stop.recv() => stop::at_once(),
    }
    tracing::info!("stopped");
    ended
}

fn keeper_options(config: &Config) -> keeper::Options {
    let to_traces = config.destinations.iter().any(|to| to.signals.traces);
    keeper::Options {
        verdict_span: to_traces.then_some(verdict_span as keeper::VerdictSpan),
        relays: !config.destinations.is_empty(),
        journal_kept_bytes: config.journal_kept_bytes,
        ..keeper::Options::of(config.books.clone())
    }
}
