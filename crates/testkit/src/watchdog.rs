//! Ends what this process has started, and removes its files, once this process is gone.
//!
//! Drop is not enough: statics are never dropped, and nothing is after SIGKILL. The watchdog is a
//! shell that waits for the end of a pipe whose other end only this process holds.

use std::io::Write;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{LazyLock, Mutex, PoisonError};

use tempfile::TempDir;

/// Keeps a list of process ids and, at the end of its input, kills them and removes `$1`.
/// Ctrl-C reaches the whole process group, so the watchdog must not die of it.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
pids=' '
while read -r verb pid; do
  case $verb in
    started) pids="$pids$pid " ;;
    ended) pids="${pids%% $pid *} ${pids#* $pid }" ;;
  esac
done
for pid in $pids; do kill -9 "$pid" 2>/dev/null; done
for _ in 1 2 3 4 5 6 7 8 9 10; do rm -rf "$1" 2>/dev/null && break; sleep 0.2; done
"#;

struct Watchdog {
    root: TempDir,
    // Held open until this process ends.
    input: Mutex<ChildStdin>,
    _shell: Child,
}

static WATCHDOG: LazyLock<Watchdog> = LazyLock::new(|| {
    let root = tempfile::Builder::new()
        .prefix("hubbub-test-")
        .tempdir()
        .expect("a directory for temporary files");
    let mut shell = Command::new("sh")
        .args(["-c", SCRIPT, "watchdog"])
        .arg(root.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a POSIX shell as `sh` on PATH");
    let input = Mutex::new(shell.stdin.take().expect("its input was asked for"));
    Watchdog { root, input, _shell: shell }
});

fn tell(verb: &str, pid: u32) {
    let mut input = WATCHDOG.input.lock().unwrap_or_else(PoisonError::into_inner);
    // One write, so that a shell that reads on sees whole lines only.
    let line = format!("{verb} {pid}\n");
    input.write_all(line.as_bytes()).expect("the watchdog ends only after this process");
}

/// Has `pid` killed once this process is gone.
pub(crate) fn started(pid: u32) {
    tell("started", pid);
}

/// Takes `pid` back. To be called before the process is waited for: afterwards the number may
/// belong to somebody else.
pub(crate) fn ended(pid: u32) {
    tell("ended", pid);
}

/// A directory that is removed on drop, or once this process is gone.
pub(crate) fn directory(name: &str) -> TempDir {
    tempfile::Builder::new()
        .prefix(name)
        .tempdir_in(WATCHDOG.root.path())
        .expect("a directory for temporary files")
}

/// Where this process's directories are.
#[cfg(test)]
pub(crate) fn root() -> &'static std::path::Path {
    WATCHDOG.root.path()
}
