//! A child process that never outlives the test.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::watchdog;

/// How long a server may take to get ready. Generous: tests share few cores.
pub(crate) const READY_WITHIN: Duration = Duration::from_secs(60);
/// How often a server is asked whether it is ready.
pub(crate) const ASK_EVERY: Duration = Duration::from_millis(15);

/// A running child process. Killed with SIGKILL on drop, and when this process ends in any way.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: PathBuf,
}

/// A child that ended before it was ready. Holds the end of its log.
#[derive(Debug)]
pub struct Exited(pub String);

impl Process {
    /// Starts `command` with its output appended to the file `log`.
    ///
    /// # Panics
    /// When the program can't be started.
    #[must_use]
    pub fn spawn(command: &mut Command, log: &Path) -> Self {
        let output = OpenOptions::new()
            .create(true)
            .append(true)
            .open(log)
            .unwrap_or_else(|error| panic!("open {}: {error}", log.display()));
        let errors = output.try_clone().expect("a second handle of an open file");
        let child = command
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .unwrap_or_else(|error| panic!("start {}: {error}", program(command)));
        watchdog::started(child.id());
        Self { child, log: log.to_owned() }
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether the process still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits until `ready` says yes.
    ///
    /// # Errors
    /// When the process ends first.
    ///
    /// # Panics
    /// When the process runs for a minute without getting ready.
    pub async fn ready(&mut self, mut ready: impl AsyncFnMut() -> bool) -> Result<(), Exited> {
        let since = Instant::now();
        while !ready().await {
            if !self.is_running() {
                return Err(Exited(self.log_end()));
            }
            if since.elapsed() > READY_WITHIN {
                panic!("not ready after {READY_WITHIN:?}; its log ends:\n{}", self.log_end());
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
        Ok(())
    }

    /// Sends a signal by its name (`STOP`, `CONT`, `TERM`, …).
    ///
    /// # Panics
    /// When there is no such signal.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("sh")
            .args(["-c", "kill -s \"$1\" \"$2\"", "kill", name])
            .arg(self.id().to_string())
            .status()
            .is_ok_and(|status| status.success());
        assert!(sent, "send SIG{name}");
        if name == "STOP" {
            self.await_standstill();
        }
    }

    /// Waits until no thread runs any more: on a busy machine some finish what they are at.
    fn await_standstill(&self) {
        let since = Instant::now();
        let stands = |status: String| status.contains("State:\tT");
        while since.elapsed() < Duration::from_secs(5) {
            let threads = std::fs::read_dir(format!("/proc/{}/task", self.id()));
            let Ok(threads) = threads else { return };
            let still = threads.flatten().all(|thread| {
                std::fs::read_to_string(thread.path().join("status")).is_ok_and(stands)
            });
            if still {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Waits until the process ends by itself, for at most `within`. Says whether it ended with
    /// status 0; `None` when it still runs.
    pub async fn ended(&mut self, within: Duration) -> Option<bool> {
        let since = Instant::now();
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status.success());
            }
            if since.elapsed() > within {
                return None;
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    }

    /// All of the output so far.
    #[must_use]
    pub fn log(&self) -> String {
        let bytes = std::fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The last lines of the output, for messages.
    #[must_use]
    pub fn log_end(&self) -> String {
        use std::io::{Read, Seek, SeekFrom};
        const MOST: u64 = 4096;
        let read = || -> std::io::Result<Vec<u8>> {
            let mut file = File::open(&self.log)?;
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(length.saturating_sub(MOST)))?;
            let mut end = Vec::new();
            file.read_to_end(&mut end)?;
            Ok(end)
        };
        read().map_or_else(|error| error.to_string(), |b| String::from_utf8_lossy(&b).into_owned())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails only for a process that has been waited for, which is what is wanted.
        let _ = self.child.kill();
        watchdog::ended(self.child.id());
        let _ = self.child.wait();
    }
}

fn program(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_child_that_ends_early_tells_why() {
        let dir = watchdog::directory("process");
        let mut command = Command::new("sh");
        command.args(["-c", "echo no licence to serve >&2; exit 3"]);
        let mut child = Process::spawn(&mut command, &dir.path().join("log"));
        let Exited(log) = child.ready(async || false).await.expect_err("it ended");
        assert!(log.contains("no licence to serve"), "{log}");
    }

    #[tokio::test]
    async fn a_dropped_child_is_gone() {
        let dir = watchdog::directory("process");
        let child = Process::spawn(Command::new("sleep").arg("600"), &dir.path().join("log"));
        let proc = PathBuf::from(format!("/proc/{}", child.id()));
        assert!(proc.exists());
        drop(child);
        assert!(!proc.exists());
    }

    /// Run by the next test, in a process of its own.
    #[test]
    #[ignore = "aborts its process"]
    fn abandons_a_child() {
        let dir = watchdog::directory("process");
        let child = Process::spawn(Command::new("sleep").arg("600"), &dir.path().join("log"));
        println!("abandoned {} in {}", child.id(), dir.path().display());
        std::process::abort();
    }

    #[tokio::test]
    async fn an_abandoned_child_and_its_files_are_gone() {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["process::tests::abandons_a_child", "--exact", "--ignored", "--nocapture"])
            .output()
            .unwrap();
        let output = String::from_utf8_lossy(&output.stdout).into_owned();
        let (_, told) = output.split_once("abandoned ").expect("it told what it left");
        let (pid, dir) = told.trim().split_once(" in ").unwrap();
        let command_line = PathBuf::from(format!("/proc/{pid}/cmdline"));
        let gone = async {
            // A zombie, which only init can remove, has an empty command line.
            while std::fs::read(&command_line).is_ok_and(|line| !line.is_empty())
                || Path::new(dir).exists()
            {
                tokio::time::sleep(ASK_EVERY).await;
            }
        };
        assert!(tokio::time::timeout(READY_WITHIN, gone).await.is_ok());
    }

    #[test]
    fn directories_are_inside_the_one_that_the_watchdog_removes() {
        assert!(watchdog::directory("x").path().starts_with(watchdog::root()));
    }
}
