//! Settings of Redis that the bus can't do with.

use redis::Cmd;

use super::RedisBus;
use super::servers::bus_error;
use crate::BusError;

/// Why a Redis must not be used as it is.
#[derive(Debug, thiserror::Error)]
pub enum SafetyError {
    /// A setting that loses messages, with what to set instead.
    #[error("{0}")]
    Unsafe(String),
    /// Redis could not be asked.
    #[error(transparent)]
    Bus(#[from] BusError),
}

impl RedisBus {
    /// Looks at the settings of every server. Returns warnings: what should be otherwise, or could
    /// not be found out because the server forbids the question.
    ///
    /// # Errors
    /// When a server may evict keys, which would lose messages and ids, or is too old.
    pub async fn check_safety(&self) -> Result<Vec<String>, SafetyError> {
        let mut warnings = Vec::new();
        for node in self.servers.topology().nodes() {
            let (host, port) = node.address();
            let info = async |section: &str| {
                let mut cmd: Cmd = redis::cmd("INFO");
                cmd.arg(section);
                match node.send_aside(&cmd).await.map(redis::from_redis_value::<String>) {
                    Ok(Ok(text)) => Ok(Some(text)),
                    // Managed services forbid it.
                    Ok(Err(_)) => Ok(None),
                    Err(error) if error.is_io_error() => Err(bus_error(&error)),
                    Err(_) => Ok(None),
                }
            };
            let server = info("server").await?;
            let memory = info("memory").await?;
            let persistence = info("persistence").await?;
            let at = format!("Redis at {host}:{port}");
            match field(server.as_deref(), "redis_version") {
                Some(version) if major(version).is_some_and(|major| major < 7) => {
                    let error = format!("{at} is version {version}: Hubbub needs 7.0 or later");
                    return Err(SafetyError::Unsafe(error));
                }
                Some(_) => {}
                None => warnings.push(format!("{at} does not tell its version")),
            }
            match field(memory.as_deref(), "maxmemory_policy") {
                Some("noeviction") => {}
                Some(policy) => {
                    return Err(SafetyError::Unsafe(format!(
                        "{at} has maxmemory-policy {policy}, which throws messages away when \
                         memory is short: set maxmemory-policy noeviction"
                    )));
                }
                None => warnings.push(format!(
                    "{at} does not tell its maxmemory-policy: make sure that it is noeviction"
                )),
            }
            if field(persistence.as_deref(), "aof_enabled") == Some("0") {
                warnings.push(format!(
                    "{at} has appendonly no: a restart forgets what is not stored yet, and senders \
                     have to send it again; set appendonly yes"
                ));
            }
        }
        Ok(warnings)
    }
}

fn field<'a>(info: Option<&'a str>, name: &str) -> Option<&'a str> {
    info?.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

fn major(version: &str) -> Option<u32> {
    version.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_their_whole_name() {
        let info = Some("# Memory\r\nmaxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\n");
        assert_eq!(field(info, "maxmemory_policy"), Some("allkeys-lru"));
        assert_eq!(field(info, "maxmemory"), Some("0"));
        assert_eq!(field(info, "policy"), None);
        assert_eq!(major("7.0.15"), Some(7));
    }
}
