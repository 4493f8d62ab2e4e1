//! What runs where, and how it ends.
//!
//! Threads: `shard` owns engine and journal; `merchants-1` and on are the runtimes of the merchants' listener; `projector`
//! folds the read models; `housekeeping` makes snapshots; the main thread's runtime takes the merchants' connections and
//! deals them out, and has the operators' listener, metrics, signals and timers; `cards` has the lines to the card network. What can wait gives way: `housekeeping`, and
//! what merges the files of the index.

use std::{
    io::{self, Write},
    net::SocketAddr,
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use domain::Lsn;
use ingress::{Dealer, Health, OpenWatches, SandboxPowers, Switch};
use metrics_exporter_prometheus::PrometheusHandle;
use shard::{Clock, Handle, Mailbox, Past, ServingState};
use tokio::{
    net::TcpListener,
    runtime::{Builder, Runtime},
    signal::unix::{Signal, SignalKind, signal},
    sync::{mpsc, watch},
    time::{MissedTickBehavior, interval, timeout},
};

use crate::{
    banner::Banner,
    card_line::CardThread,
    config::{Config, ModeName},
    housekeeping::Housekeeping,
    locked_directory::LockedDirectory,
    metrics_endpoint,
    reload::Reload,
    start::{ReadySwitch, StartError},
};

/// How often the shard's state is shown to health checkers.
const HEALTH_EVERY: Duration = Duration::from_millis(100);
/// How often a sandbox stamps its rates anew, unless a third of the age at which they are refused is sooner.
const RESTAMP_EVERY: Duration = Duration::from_secs(600);
/// Not more often than this, however soon rates are refused.
const RESTAMP_EVERY_MIN: Duration = Duration::from_millis(100);

/// Where the daemon listens.
pub(crate) struct Addresses {
    pub(crate) merchants: SocketAddr,
    pub(crate) operators: SocketAddr,
    pub(crate) metrics: SocketAddr,
    pub(crate) are_default: bool,
}

/// The main thread's runtime, before there is anything to serve.
pub(crate) struct Main {
    runtime: Runtime,
    /// Heard of from the beginning: a reload asked for during a long recovery comes after it, and does not end it. `None`
    /// where whoever started a sandbox had it ignore them, as `nohup` does.
    hangup: Option<Signal>,
}

impl Main {
    pub(crate) fn new(mode: ModeName) -> Result<Self, StartError> {
        let runtime = new_runtime("the operators' runtime")?;
        let hangup = {
            let _inside = runtime.enter();
            let ignores = mode == ModeName::Sandbox && ignores_hangup();
            (!ignores).then(|| listen_for(SignalKind::hangup())).transpose()?
        };
        Ok(Self { runtime, hangup })
    }
}

/// Serves until a signal, then drains.
pub(crate) fn serve(
    config: &Config,
    switch: ReadySwitch,
    main: Main,
    reload: Reload,
    metrics: PrometheusHandle,
) -> Result<(), StartError> {
    let Main { runtime, hangup } = main;
    let ReadySwitch { shard, projector_thread, directory_lock, ref inbox, ref status, ref started, .. } = switch;
    let (listeners, addresses) = runtime.block_on(Listeners::bind(config))?;
    let (stop, stopping) = watch::channel(false);
    let open_watches = Arc::new(OpenWatches::default());

    let shard_thread = spawn("shard", move || shard.run())?;
    let housekeeping = Housekeeping::start(switch.housekeeper)?;

    let handle = |mailbox: &Arc<Mailbox>| Handle::new(Arc::clone(inbox), Arc::clone(status), Arc::clone(mailbox));
    let cards = CardThread::start(config, switch.said, &switch.card_numbers, switch.clock.clone(), handle)?;
    let card_networks = cards.as_ref().map(CardThread::networks);
    let context = |mailbox: &Arc<Mailbox>| Switch {
        handle: handle(mailbox),
        directory: Arc::clone(&switch.directory),
        rate_book: Arc::clone(&switch.rate_book),
        boards: Arc::clone(&switch.boards),
        digester: Arc::clone(&switch.keys.digester),
        signing_keys: reload.signing_keys(),
        credentials: Arc::clone(&switch.credentials),
        ids: Arc::clone(&switch.ids),
        clock: switch.clock.clone(),
        started: Arc::clone(started),
        request_ms_max: config.requests.request_ms_max,
        open_watches: Arc::clone(&open_watches),
        card_numbers: switch.card_numbers.clone(),
        card_networks: card_networks.clone(),
        awaited: Arc::clone(&switch.awaited),
        stopping: stopping.clone(),
        sandbox: switch.sandbox.clone(),
    };
    let merchants = Merchants::start(config, listeners.merchants, &context, &stopping)?;

    let operators_mailbox = Arc::new(Mailbox::default());
    let operators = Operators {
        switch: context(&operators_mailbox),
        mailbox: operators_mailbox,
        listener: listeners.operators,
        metrics_listener: listeners.metrics,
        metrics,
        merchants_dealer: merchants.dealer,
        merchants_healths: merchants.healths,
        reload,
        hangup,
    };
    let banner = Banner { started, addresses: &addresses, data_dir: &config.data_dir };
    let drained = runtime.block_on(operators.serve(config, &banner, &stop, &stopping, merchants.ended));
    // A reload that still waits for a file is not waited for.
    runtime.shutdown_background();
    // Issuers may still have answered what nobody waits for any more.
    cards.map_or(Ok(()), CardThread::stop)?;
    // Every caller has its answer or has been cut off; what is in the inbox is still decided and made durable.
    inbox.close();
    let closed = join(shard_thread)?.map_err(|source| StartError::Stopped(shard::with_sources(&source)));
    housekeeping.stop()?;
    end_read_models(projector_thread, &switch.past)?;
    end_merchants(merchants.threads)?;
    unlock(directory_lock, closed.is_ok().then(|| status.durable_lsn()))?;
    closed.and(drained)?;
    tracing::info!("drained: every answer given, journal synced");
    Ok(())
}

/// A peer that keeps its connection open keeps the thread; the process ends without it.
fn end_merchants(threads: Vec<JoinHandle<()>>) -> Result<(), StartError> {
    threads.into_iter().filter(JoinHandle::is_finished).try_for_each(join)
}

/// Lets go of the directory; what is durable is noted if the journal was closed well.
fn unlock(directory: LockedDirectory, durable: Option<Lsn>) -> Result<(), StartError> {
    durable.map_or(Ok(()), |lsn| directory.set_high_water(lsn))
}

/// Waits for all to be folded, so that the next start finds it in the index.
fn end_read_models(thread: JoinHandle<Result<(), index::Error>>, past: &Past) -> Result<(), StartError> {
    if join(thread)?.is_ok()
        && let Err(why) = past.index().persist()
    {
        let why = shard::with_sources(&why);
        tracing::warn!(why, "the index is not up to date: the next start reads more of the journal");
    }
    Ok(())
}

/// The three sockets, bound before anything is promised.
struct Listeners {
    merchants: TcpListener,
    operators: TcpListener,
    metrics: TcpListener,
}

impl Listeners {
    async fn bind(config: &Config) -> Result<(Self, Addresses), StartError> {
        let merchants = bind(config.listen.merchants).await?;
        let operators = bind(config.listen.operators).await?;
        let metrics = bind(config.listen.metrics).await?;
        let address = |listener: &TcpListener| {
            listener.local_addr().map_err(|source| StartError::Start { what: "a listener", source: source.into() })
        };
        let defaults = Config::default().listen;
        let addresses = Addresses {
            merchants: address(&merchants)?,
            operators: address(&operators)?,
            metrics: address(&metrics)?,
            are_default: defaults.merchants == address(&merchants)? && defaults.operators == address(&operators)?,
        };
        Ok((Self { merchants, operators, metrics }, addresses))
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|source| StartError::Listen { address, source })
}

/// The merchants' listener: its connections are dealt out to threads with a runtime each.
struct Merchants {
    threads: Vec<JoinHandle<()>>,
    dealer: Dealer,
    healths: Vec<Health>,
    /// Hears of each thread that ends, and ends with the last.
    ended: mpsc::Receiver<()>,
}

impl Merchants {
    fn start(
        config: &Config,
        listener: TcpListener,
        context: &dyn Fn(&Arc<Mailbox>) -> Switch,
        stopping: &watch::Receiver<bool>,
    ) -> Result<Self, StartError> {
        let limits = config.limits();
        let (dealer, dealt) = ingress::dealer(&limits, listener, config.threads.merchants());
        let (end, ended) = mpsc::channel(dealt.len());
        let mut merchants = Self { threads: Vec::new(), dealer, healths: Vec::new(), ended };
        for (number, dealt) in (1..).zip(dealt) {
            let mailbox = Arc::new(Mailbox::default());
            let (routes, health) = ingress::merchant_routes(&context(&mailbox), &limits, config.bench_echo)
                .map_err(|source| StartError::Start { what: "the merchants' services", source: source.into() })?;
            let runtime = new_runtime("a merchants' runtime")?;
            let (end, stopping) = (end.clone(), stopping.clone());
            let thread = spawn(&format!("merchants-{number}"), move || {
                runtime.block_on(async move {
                    tokio::spawn(async move { mailbox.deliver().await });
                    note_end(ingress::serve_dealt(&limits, routes, dealt, stopped(stopping)).await);
                });
                let _nobody_waits = end.try_send(());
            })?;
            merchants.threads.push(thread);
            merchants.healths.push(health);
        }
        Ok(merchants)
    }
}

fn note_end<E: std::error::Error>(served: Result<(), E>) {
    if let Err(error) = served {
        tracing::error!(error = shard::with_sources(&error), "a listener failed");
    }
}

/// Resolves once the daemon stops.
pub(crate) async fn stopped(mut stopping: watch::Receiver<bool>) {
    // An error means that the sender is gone, and with it the daemon.
    let _gone = stopping.wait_for(|stopping| *stopping).await;
}

/// Everything on the main thread's runtime.
struct Operators {
    switch: Switch,
    mailbox: Arc<Mailbox>,
    listener: TcpListener,
    metrics_listener: TcpListener,
    metrics: PrometheusHandle,
    merchants_dealer: Dealer,
    merchants_healths: Vec<Health>,
    reload: Reload,
    hangup: Option<Signal>,
}

impl Operators {
    /// Serves until a signal, then stops both listeners and waits for what is in flight.
    async fn serve(
        self,
        config: &Config,
        banner: &Banner<'_>,
        stop: &watch::Sender<bool>,
        stopping: &watch::Receiver<bool>,
        mut merchants_ended: mpsc::Receiver<()>,
    ) -> Result<(), StartError> {
        let Self {
            switch,
            mailbox,
            listener,
            metrics_listener,
            metrics,
            merchants_dealer,
            merchants_healths: mut healths,
            reload,
            hangup,
        } = self;
        let limits = config.limits();
        let (routes, health) = ingress::operator_routes(&switch, &limits)
            .map_err(|source| StartError::Start { what: "the operators' services", source: source.into() })?;
        let mut signals = Signals::new(config.mode, hangup, reload)?;

        tokio::spawn(async move { mailbox.deliver().await });
        let operators_stopping = stopping.clone();
        let mut operators = tokio::spawn(async move {
            note_end(ingress::serve(&limits, routes, listener, stopped(operators_stopping)).await);
        });
        tokio::spawn(merchants_dealer.deal());
        serve_metrics(metrics_listener, metrics, &switch.handle, config.connections.first_bytes_ms_max);
        healths.push(health);
        set_serving(&healths, true).await;
        tokio::spawn(show_health(switch.handle.clone(), healths.clone()));
        if let Some(sandbox) = switch.sandbox.clone() {
            tokio::spawn(restamp(switch.clone(), sandbox, restamp_every(config)?));
        }

        print(banner);
        tokio::select! {
            () = signals.stop() => {}
            _ = merchants_ended.recv() => return Err(ended_by_itself("merchants")),
            _ = &mut operators => return Err(ended_by_itself("operators")),
        }
        tracing::info!("draining: no new calls, what is in flight is answered");
        switch.handle.status().drain();
        set_serving(&healths, false).await;
        // The receivers are gone only if the listeners are.
        let _gone = stop.send(true);
        for health in healths {
            health.end_watches().await;
        }
        let drained = async {
            while merchants_ended.recv().await.is_some() {}
            let _operators = operators.await;
        };
        tokio::select! {
            biased;
            () = signals.stop() => Err(StartError::Stopped("a second signal".to_owned())),
            drained = timeout(Duration::from_millis(config.drain.drain_ms_max), drained) => {
                // A peer that no longer answers keeps its connection open, which is no work undone.
                match (drained, ingress::calls_in_flight()) {
                    (Ok(()), _) | (Err(_), 0) => Ok(()),
                    (Err(_late), calls) => Err(StartError::Stopped(format!("{calls} calls in flight at drain_ms_max"))),
                }
            }
        }
    }
}

/// Metrics and probes, for machines that look after this one.
fn serve_metrics(listener: TcpListener, metrics: PrometheusHandle, handle: &Handle, first_bytes_ms_max: u64) {
    let endpoint = metrics_endpoint::router(metrics.clone(), handle.clone());
    let listener = metrics_endpoint::listener(listener, first_bytes_ms_max);
    tokio::spawn(async move { axum::serve(listener, endpoint).await });
    tokio::spawn(keep_up(metrics));
}

fn ended_by_itself(listener: &str) -> StartError {
    StartError::Stopped(format!("the {listener}' listener ended by itself"))
}

/// A closed standard output is no reason not to serve.
fn print(banner: &Banner<'_>) {
    let mut out = io::stdout().lock();
    let _closed = write!(out, "{banner}").and_then(|()| out.flush());
}

/// SIGTERM and SIGINT mean the same. SIGHUP asks for new keys; a sandbox has no others, so there it is what a terminal
/// sends that is closed.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Option<Signal>,
    reload: Option<Arc<Reload>>,
}

/// Never, where there is nothing to hear.
async fn heard(signal: Option<&mut Signal>) {
    match signal {
        Some(signal) => _ = signal.recv().await,
        None => std::future::pending().await,
    }
}

/// Whether this process was started so that it ignores SIGHUP; a system that does not say is taken to say no.
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    // Signals are counted from 1, which is SIGHUP.
    ignored & 1 == 1
}

fn listen_for(kind: SignalKind) -> Result<Signal, StartError> {
    signal(kind).map_err(|source| StartError::Start { what: "the signal handlers", source: source.into() })
}

impl Signals {
    fn new(mode: ModeName, hangup: Option<Signal>, reload: Reload) -> Result<Self, StartError> {
        Ok(Self {
            terminate: listen_for(SignalKind::terminate())?,
            interrupt: listen_for(SignalKind::interrupt())?,
            hangup,
            reload: (mode == ModeName::Production).then(|| Arc::new(reload)),
        })
    }

    /// Waits until one of them asks for a stop.
    async fn stop(&mut self) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                () = heard(self.hangup.as_mut()) => {}
            }
            let Some(reload) = self.reload.clone() else { return };
            // Files are read, on a thread that may have to wait for them. A panic has already stopped the process.
            let read = tokio::task::spawn_blocking(move || reload.run());
            tokio::select! {
                _read = read => {}
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
            }
        }
    }
}

async fn set_serving(healths: &[Health], serving: bool) {
    for health in healths {
        health.set_serving(serving).await;
    }
}

/// Whether writes are taken shows in the health of both listeners.
async fn show_health(handle: Handle, healths: Vec<Health>) {
    let mut ticks = interval(HEALTH_EVERY);
    let mut shown = ServingState::Serving;
    while shown != ServingState::Failed {
        ticks.tick().await;
        let state = handle.status().state();
        if state == shown {
            continue;
        }
        let reason = handle.status().reason();
        match state {
            ServingState::Failed => {
                tracing::error!(reason, "the journal failed: writes are refused until a restart");
            }
            ServingState::Full => {
                tracing::error!(reason, "no room for new records on the disk: writes are refused until there is")
            }
            ServingState::Serving => tracing::info!("there is room again: writes are taken"),
            // Whoever asked for the end shows it.
            ServingState::Draining => return,
        }
        set_serving(&healths, state == ServingState::Serving).await;
        shown = state;
    }
}

async fn keep_up(metrics: PrometheusHandle) {
    let mut ticks = interval(metrics_endpoint::UPKEEP_EVERY);
    loop {
        ticks.tick().await;
        metrics.run_upkeep();
    }
}

/// A third of the age at which the first of all rates is refused, within bounds.
fn restamp_every(config: &Config) -> Result<Duration, StartError> {
    let policy = config.policy()?;
    let of_pairs = policy.pairs.values().filter_map(|rules| rules.rate_age_ms_max);
    let age_ms_max = of_pairs.fold(policy.rate_age_ms_max, i64::min);
    let third = Duration::from_millis(age_ms_max.unsigned_abs() / 3);
    Ok(third.clamp(RESTAMP_EVERY_MIN, RESTAMP_EVERY))
}

/// Keeps a sandbox's rates from going stale.
async fn restamp(switch: Switch, sandbox: Arc<SandboxPowers>, every: Duration) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        let restamped = sandbox.rates().restamped(&switch.rate_book, switch.clock.now());
        let Some(submission) = restamped else { continue };
        if let Err(refused) = switch.handle.submit(submission, None).await {
            tracing::warn!(%refused, "cannot re-stamp the sandbox's rates");
        }
    }
}

pub(crate) fn new_runtime(what: &'static str) -> Result<Runtime, StartError> {
    let built = Builder::new_current_thread().enable_all().build();
    built.map_err(|source| StartError::Start { what, source: source.into() })
}

pub(crate) fn spawn<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, StartError> {
    let spawned = thread::Builder::new().name(name.to_owned()).spawn(work);
    spawned.map_err(|source| StartError::Start { what: "a thread", source: source.into() })
}

/// Has this thread, and those it starts, wait for the processor behind those that payments need. Where the system does not
/// allow that, it does not wait.
pub(crate) fn give_way() {
    /// As `nice` counts: 0 is usual, 19 waits most.
    const BEHIND: i32 = 10;
    let _unchanged = rustix::process::setpriority_process(None, BEHIND);
}

/// A panicking thread has already stopped the process.
pub(crate) fn join<T>(thread: JoinHandle<T>) -> Result<T, StartError> {
    thread.join().map_err(|_panic| StartError::Stopped("a thread panicked".to_owned()))
}
