//! What is wrong and how to fix it.

use std::fmt;
use std::net::SocketAddr;
use std::process::ExitCode;

use crate::healthcheck;

/// One thing that is wrong with the settings: where, what, and how to fix it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    subject: String,
    text: String,
}

impl Problem {
    /// `subject` names the variable or the file, `text` says what is wrong and what to do.
    #[must_use]
    pub fn new(subject: impl Into<String>, text: impl Into<String>) -> Self {
        Self { subject: subject.into(), text: text.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.subject, self.text)
    }
}

/// Everything that is wrong with the settings; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// `None` if there are none.
    #[must_use]
    pub fn of(problems: Vec<Problem>) -> Option<Self> {
        if problems.is_empty() { None } else { Some(Self(problems)) }
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => writeln!(f, "a setting needs your attention:")?,
            count => writeln!(f, "{count} settings need your attention:")?,
        }
        for problem in &self.0 {
            writeln!(f, "  {problem}")?;
        }
        write!(f, "every setting is described by --help")
    }
}

impl std::error::Error for Problems {}

/// Why there are no settings to start with.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The command line asks for help or the version, or can't be understood.
    #[error(transparent)]
    Usage(#[from] clap::Error),
    /// The command line asks for a text, such as the reference page.
    #[error("{0}")]
    Asked(String),
    /// The command line asks whether the process whose operators connect there is alive.
    #[error("is the process with its operators at {0} alive?")]
    HealthCheck(SocketAddr),
    /// The values don't hold.
    #[error(transparent)]
    Invalid(#[from] Problems),
}

impl LoadError {
    /// Prints what the caller is to see: what was asked for on stdout, mistakes on stderr. The code
    /// is 0 for the former, 2 for the latter, and 1 for a process that is not alive.
    #[must_use]
    pub fn report(&self) -> ExitCode {
        match self {
            Self::Usage(usage) => {
                // Nobody is left to be told when even stderr is closed.
                let _ = usage.print();
                ExitCode::from(u8::try_from(usage.exit_code()).unwrap_or(2))
            }
            Self::Asked(text) => {
                print!("{text}");
                ExitCode::SUCCESS
            }
            Self::HealthCheck(admin) => healthcheck::run(*admin),
            Self::Invalid(problems) => {
                eprintln!("{problems}");
                ExitCode::from(2)
            }
        }
    }
}
