//! Lines and passwords from standard input.

use std::io::{BufRead, IsTerminal, stdin};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::sync::mpsc;

/// Lines that may be read ahead.
const AHEAD: usize = 16;

/// Standard input, line by line.
pub(crate) struct Input {
    lines: mpsc::Receiver<String>,
}

impl Input {
    /// Starts to read. A thread does it, since a read from a terminal can't be given up.
    pub(crate) fn start() -> Self {
        let (read, lines) = mpsc::channel(AHEAD);
        std::thread::spawn(move || {
            for line in stdin().lock().lines() {
                let Ok(line) = line else { return };
                if read.blocking_send(line).is_err() {
                    return;
                }
            }
        });
        Self { lines }
    }

    /// The next line; `None` at the end.
    pub(crate) async fn line(&mut self) -> Option<String> {
        self.lines.recv().await
    }

    /// A password: from `HUBBUB_PASSWORD`, else typed without being shown, else the next line of
    /// what is piped in.
    pub(crate) async fn password(&mut self) -> Option<String> {
        if let Ok(password) = std::env::var("HUBBUB_PASSWORD") {
            return Some(password);
        }
        if !stdin().is_terminal() {
            return self.line().await;
        }
        eprint!("Password: ");
        let _silence = Silence::begin();
        let password = self.line().await;
        // The Enter was not shown either.
        eprintln!();
        password
    }
}

/// A terminal that does not show what is typed, until this is dropped.
struct Silence(Termios);

impl Silence {
    /// `None` when the terminal does not let itself be changed; then the password shows.
    fn begin() -> Option<Self> {
        let before = tcgetattr(stdin()).ok()?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(stdin(), OptionalActions::Now, &silent).ok()?;
        Some(Self(before))
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        // A terminal that is gone needs no echo.
        let _ = tcsetattr(stdin(), OptionalActions::Now, &self.0);
    }
}
