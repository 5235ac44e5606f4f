//! The process as the settings see it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Settings and secrets are text that people write; a larger file is a mistake.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// What settings may depend on besides the command line. Tests have their own.
pub trait Environment {
    /// Every environment variable.
    fn variables(&self) -> Vec<(OsString, OsString)>;

    /// The text of a file of at most 1 MiB.
    ///
    /// # Errors
    /// It can't be read, is larger, or is not UTF-8.
    fn read(&self, path: &Path) -> io::Result<String>;

    /// The machine's name, where it has one.
    fn host_name(&self) -> Option<String>;

    /// How many threads can run at once; at least 1.
    fn cores(&self) -> usize;

    /// A number that differs from start to start. Not for secrets.
    fn random(&self) -> u64;
}

/// The real process.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    fn variables(&self) -> Vec<(OsString, OsString)> {
        std::env::vars_os().collect()
    }

    fn read(&self, path: &Path) -> io::Result<String> {
        let mut text = String::new();
        let read = File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_string(&mut text)?;
        if read as u64 > FILE_BYTES_MAX {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "larger than 1 MiB"));
        }
        Ok(text)
    }

    fn host_name(&self) -> Option<String> {
        let name = self.read(Path::new("/proc/sys/kernel/hostname"));
        let name = name.or_else(|_| self.read(Path::new("/etc/hostname"))).ok()?;
        Some(name.trim().to_owned()).filter(|name| !name.is_empty())
    }

    fn cores(&self) -> usize {
        std::thread::available_parallelism().map_or(1, usize::from)
    }

    fn random(&self) -> u64 {
        // The standard library seeds it from the operating system.
        RandomState::new().build_hasher().finish()
    }
}

/// An environment that holds what it was given, and nothing of the process.
#[derive(Debug, Clone, Default)]
pub struct FixedEnvironment {
    variables: BTreeMap<OsString, OsString>,
    files: BTreeMap<PathBuf, String>,
}

impl FixedEnvironment {
    /// Nothing set, no files.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With this variable.
    #[must_use]
    pub fn with(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// With this file.
    #[must_use]
    pub fn with_file(mut self, path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        self.files.insert(path.into(), text.into());
        self
    }
}

impl Environment for FixedEnvironment {
    fn variables(&self) -> Vec<(OsString, OsString)> {
        self.variables.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    fn read(&self, path: &Path) -> io::Result<String> {
        self.files.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn host_name(&self) -> Option<String> {
        Some("host".to_owned())
    }

    fn cores(&self) -> usize {
        2
    }

    fn random(&self) -> u64 {
        7
    }
}
