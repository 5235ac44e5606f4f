//! What a process uses, as the kernel counts it (Linux, proc(5)).

use std::fs;
use std::process::Command;
use std::time::Duration;

use super::Failure;

/// The length of a clock tick in `/proc/PID/stat`: `USER_HZ` is 100 wherever Linux tells it to
/// programs.
const TICK: Duration = Duration::from_millis(10);
/// The places of `utime` and `stime` behind the closing bracket of the command's name.
const UTIME: usize = 11;

/// A running process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessId(pub u32);

impl ProcessId {
    /// This process.
    #[must_use]
    pub fn own() -> Self {
        Self(std::process::id())
    }

    /// CPU time of all its threads since it started, in user mode and in the kernel.
    ///
    /// # Errors
    /// When there is no such process.
    pub fn cpu(self) -> Result<Duration, Failure> {
        let stat = self.read("stat")?;
        let (_, fields) = stat.rsplit_once(')').ok_or("no command in stat")?;
        let mut ticks = 0;
        for field in fields.split_whitespace().skip(UTIME).take(2) {
            ticks += field.parse::<u32>()?;
        }
        Ok(TICK * ticks)
    }

    /// Resident memory, in bytes.
    ///
    /// # Errors
    /// When there is no such process.
    pub fn resident(self) -> Result<u64, Failure> {
        let status = self.read("status")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next()).ok_or("no VmRSS")?;
        Ok(kib.parse::<u64>()? * 1024)
    }

    /// How often its threads gave up or lost the CPU.
    ///
    /// # Errors
    /// When there is no such process.
    pub fn switches(self) -> Result<u64, Failure> {
        let mut switches = 0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.0))? {
            let status = fs::read_to_string(thread?.path().join("status"))?;
            for line in status.lines().filter(|line| line.contains("ctxt_switches")) {
                let count = line.split_whitespace().nth(1).ok_or("no count of switches")?;
                switches += count.parse::<u64>()?;
            }
        }
        Ok(switches)
    }

    /// Makes it stand still until the answer is dropped.
    ///
    /// # Errors
    /// When there is no such process.
    pub fn pause(self) -> Result<Paused, Failure> {
        self.signal("STOP")?;
        Ok(Paused(self))
    }

    fn signal(self, name: &str) -> Result<(), Failure> {
        let sent = Command::new("kill").args(["-s", name, &self.0.to_string()]).status()?;
        sent.success().then_some(()).ok_or_else(|| format!("no process {}", self.0).into())
    }

    fn read(self, file: &str) -> Result<String, Failure> {
        Ok(fs::read_to_string(format!("/proc/{}/{file}", self.0))?)
    }
}

/// A process that stands still.
#[derive(Debug)]
pub struct Paused(ProcessId);

impl Drop for Paused {
    fn drop(&mut self) {
        // If it is gone, there is nothing to wake.
        let _ = self.0.signal("CONT");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn work_shows_as_cpu_time_and_pages_as_memory() {
        let me = ProcessId::own();
        let (cpu, memory) = (me.cpu().unwrap(), me.resident().unwrap());
        let since = Instant::now();
        let mut pages = Vec::new();
        while me.cpu().unwrap() < cpu + 5 * TICK {
            pages.push(vec![1_u8; 64 * 1024]);
            assert!(since.elapsed() < Duration::from_secs(60));
        }
        let held: usize = pages.iter().map(Vec::len).sum();
        assert!(me.resident().unwrap() > memory + held as u64 / 2);
        assert!(ProcessId(u32::MAX).cpu().is_err());
    }
}
