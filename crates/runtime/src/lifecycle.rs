//! Starting to stop, and having stopped.
//!
//! A process ends in two steps. The *soft stop* asks everyone to finish what they do: no new work,
//! clients are told to move, batches are written. The *hard stop* comes when the grace is over or a
//! second signal arrives, and means "drop it". Tasks learn of both through tokens, and one tracker
//! knows which of them still run.

use std::future::Future;
use std::io;
use std::process::ExitCode;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long tasks may take to notice the hard stop before the process ends without them.
const HARD_STOP_GRACE: Duration = Duration::from_secs(1);

/// Why a process is asked to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM: an orchestrator or a supervisor.
    Terminate,
    /// SIGINT: Ctrl-C.
    Interrupt,
}

/// Where signals come from: the operating system, or a test.
#[derive(Debug)]
pub struct Signals(mpsc::Receiver<Signal>);

impl Signals {
    /// SIGTERM and SIGINT of this process. From here on they no longer end it by themselves.
    ///
    /// # Errors
    /// The handlers can't be installed.
    pub fn of_process() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let (sender, signals) = Self::channel();
        tokio::spawn(async move {
            loop {
                let signal = tokio::select! {
                    Some(()) = terminate.recv() => Signal::Terminate,
                    Some(()) = interrupt.recv() => Signal::Interrupt,
                    () = sender.closed() => return,
                };
                // A third signal adds nothing to the second; it may be dropped.
                let _ = sender.try_send(signal);
            }
        });
        Ok(signals)
    }

    /// Signals sent by hand.
    #[must_use]
    pub fn channel() -> (mpsc::Sender<Signal>, Self) {
        let (sender, receiver) = mpsc::channel(2);
        (sender, Self(receiver))
    }

    /// The next one; never, once its source is gone.
    async fn next(&mut self) -> Signal {
        match self.0.recv().await {
            Some(signal) => signal,
            None => std::future::pending().await,
        }
    }
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Every task finished by itself within the grace.
    Softly,
    /// The hard stop ended the rest.
    Hard,
    /// Tasks were left that did not even notice the hard stop.
    Abandoned {
        /// How many.
        tasks: usize,
    },
}

impl From<Ended> for ExitCode {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Softly => Self::SUCCESS,
            Ended::Hard | Ended::Abandoned { .. } => Self::FAILURE,
        }
    }
}

/// The stops of one node and the tasks that must end with it. Clones share both.
#[derive(Debug, Clone)]
pub struct Lifecycle {
    soft: CancellationToken,
    hard: CancellationToken,
    tasks: TaskTracker,
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self::new(CancellationToken::new(), CancellationToken::new())
    }
}

impl Lifecycle {
    /// Stops when these tokens say so. A test keeps clones and stops a node that way.
    #[must_use]
    pub fn new(soft: CancellationToken, hard: CancellationToken) -> Self {
        Self { soft, hard, tasks: TaskTracker::new() }
    }

    /// Cancelled when no new work is to begin.
    #[must_use]
    pub const fn soft_stop(&self) -> &CancellationToken {
        &self.soft
    }

    /// Cancelled when running work is to be dropped.
    #[must_use]
    pub const fn hard_stop(&self) -> &CancellationToken {
        &self.hard
    }

    /// Runs `task` as one that must have ended before the process does. It watches the soft stop
    /// itself; the hard stop drops it at its next await.
    pub fn spawn<F>(&self, task: F) -> JoinHandle<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let hard = self.hard.clone();
        self.tasks.spawn(async move {
            let _ = hard.run_until_cancelled(task).await;
        })
    }

    /// Runs `task` as one the process can't do without: if it ends before the soft stop, by return
    /// or by panic, that is logged under `name` and the process stops softly.
    pub fn spawn_essential<F>(&self, name: &'static str, task: F) -> JoinHandle<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let guard = EssentialGuard { name, soft: self.soft.clone() };
        self.spawn(async move {
            let _guard = guard;
            task.await;
        })
    }

    /// Tasks that still run.
    #[must_use]
    pub fn running(&self) -> usize {
        self.tasks.len()
    }

    /// Waits for a signal or the soft stop, then for the tasks: until they are done, `grace` is
    /// over, or a second signal comes. Returns at most `grace` and a second after the soft stop.
    pub async fn run(&self, mut signals: Signals, grace: Duration) -> Ended {
        tokio::select! {
            signal = signals.next() => tracing::info!(?signal, "stopping"),
            () = self.soft.cancelled() => tracing::info!("stopping"),
            () = self.hard.cancelled() => {}
        }
        self.soft.cancel();
        self.tasks.close();
        tokio::select! {
            () = self.tasks.wait() => return Ended::Softly,
            signal = signals.next() => {
                tracing::warn!(?signal, tasks = self.running(), "stopping now");
            }
            () = tokio::time::sleep(grace) => {
                tracing::warn!(tasks = self.running(), "grace is over, stopping now");
            }
            () = self.hard.cancelled() => {}
        }
        self.hard.cancel();
        match tokio::time::timeout(HARD_STOP_GRACE, self.tasks.wait()).await {
            Ok(()) => Ended::Hard,
            Err(_) => Ended::Abandoned { tasks: self.running() },
        }
    }

    /// Stops softly and waits, as [`Lifecycle::run`] does after a signal.
    pub async fn stop(&self, grace: Duration) -> Ended {
        self.soft.cancel();
        let (_sender, signals) = Signals::channel();
        self.run(signals, grace).await
    }
}

/// Notices the end of an essential task even when it panics.
struct EssentialGuard {
    name: &'static str,
    soft: CancellationToken,
}

impl Drop for EssentialGuard {
    fn drop(&mut self) {
        if !self.soft.is_cancelled() {
            tracing::error!(
                task = self.name,
                panicked = std::thread::panicking(),
                "an essential task ended, stopping"
            );
            self.soft.cancel();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn a_signal_lets_tasks_finish() {
        let node = Lifecycle::default();
        let (kill, signals) = Signals::channel();
        let soft = node.soft_stop().clone();
        node.spawn(async move { soft.cancelled().await });
        kill.send(Signal::Terminate).await.unwrap();
        assert_eq!(node.run(signals, GRACE).await, Ended::Softly);
        assert!(!node.hard_stop().is_cancelled());
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_signal_does_not_wait_for_the_grace() {
        let node = Lifecycle::default();
        let (kill, signals) = Signals::channel();
        node.spawn(std::future::pending());
        kill.send(Signal::Interrupt).await.unwrap();
        kill.send(Signal::Interrupt).await.unwrap();
        let start = tokio::time::Instant::now();
        assert_eq!(node.run(signals, GRACE).await, Ended::Hard);
        assert!(start.elapsed() < GRACE);
    }

    #[tokio::test(start_paused = true)]
    async fn the_grace_ends_what_does_not_end_itself() {
        let node = Lifecycle::default();
        node.spawn(std::future::pending());
        let start = tokio::time::Instant::now();
        assert_eq!(node.stop(GRACE).await, Ended::Hard);
        assert_eq!(start.elapsed(), GRACE);
        assert_eq!(node.running(), 0);
    }

    #[tokio::test]
    async fn an_essential_task_that_panics_stops_the_process() {
        let node = Lifecycle::default();
        let (_kill, signals) = Signals::channel();
        node.spawn_essential("subscriber", async { panic!("boom") });
        assert_eq!(node.run(signals, GRACE).await, Ended::Softly);
        assert!(node.soft_stop().is_cancelled());
    }

    #[tokio::test]
    async fn an_essential_task_that_returns_early_stops_the_process() {
        let node = Lifecycle::default();
        let (_kill, signals) = Signals::channel();
        node.spawn_essential("acceptor", async {});
        assert_eq!(node.run(signals, GRACE).await, Ended::Softly);
    }

    #[tokio::test]
    async fn an_ordinary_task_may_end_whenever_it_likes() {
        let node = Lifecycle::default();
        node.spawn(async {}).await.unwrap();
        assert!(!node.soft_stop().is_cancelled());
    }
}
