//! The Lua scripts that run inside Redis, and how one is called.

use std::borrow::Cow;
use std::sync::OnceLock;

use redis::{Arg, Cmd, ToRedisArgs};

macro_rules! scripts {
    ($($name:ident = $($file:literal)+;)*) => {
        $(pub(super) static $name: Script =
            Script::new(concat!($(include_str!(concat!("scripts/", $file))),+));)*
    };
}

scripts! {
    SEED = "seed.lua";
    REOPEN = "reopen.lua";
    HEADS = "heads.lua";
    LOG_AFTER = "log_after.lua";
    FIND = "find.lua";
    PROGRESS = "progress.lua";
    SETTLE = "settle.lua";
    FORGET = "forget.lua";
    BURY = "bury.lua";
    REPLAY = "replay.lua";
    CLAIM = "claim.lua";
    DEPTH = "depth.lua";
    TAKE = "take.lua";
    PACE = "pace.lua";
    CLOSE = "close.lua";
    LEASE_RENEW = "lease_renew.lua";
    LEASES = "leases.lua";
    PRESENCE_PUT = "presence.lua" "presence_put.lua";
    PRESENCE_TAKE_OFF = "presence.lua" "presence_take_off.lua";
    PRESENCE_OF = "presence.lua" "presence_of.lua";
    PRESENCE_DEPARTED = "presence_departed.lua";
    PRESENCE_FORGET = "presence_forget.lua";
    PUBLISH_EACH = "publish_each.lua";
}

/// A script, called by its digest.
pub(super) struct Script {
    source: Cow<'static, str>,
    digest: OnceLock<String>,
}

impl Script {
    const fn new(source: &'static str) -> Self {
        Self { source: Cow::Borrowed(source), digest: OnceLock::new() }
    }

    /// The script that commits, with what is the same for every commit of this process: the bound
    /// of a write-ahead log, the dedupe window in milliseconds, and the command that publishes.
    pub(super) fn commit(limit: usize, window: u64, publish: &str) -> Self {
        let constants = format!("local LIMIT, WINDOW, PUBLISH = {limit}, {window}, '{publish}'");
        let source = [&*constants, include_str!("scripts/commit.lua")].join("\n");
        Self { source: Cow::Owned(source), digest: OnceLock::new() }
    }

    /// The call of this script with these keys. Arguments follow.
    pub(super) fn call<K: AsRef<str>>(&self, keys: &[K]) -> Call<'_> {
        let digest =
            self.digest.get_or_init(|| redis::Script::new(&self.source).get_hash().to_owned());
        let mut cmd = redis::cmd("EVALSHA");
        cmd.arg(digest).arg(keys.len());
        for key in keys {
            cmd.arg(key.as_ref());
        }
        Call { source: &self.source, cmd }
    }
}

/// A script with its keys and arguments.
pub(super) struct Call<'a> {
    source: &'a str,
    cmd: Cmd,
}

impl Call<'_> {
    pub(super) fn arg<T: ToRedisArgs>(mut self, arg: T) -> Self {
        self.cmd.arg(arg);
        self
    }

    pub(super) fn push<T: ToRedisArgs>(&mut self, arg: T) {
        self.cmd.arg(arg);
    }

    pub(super) const fn by_digest(&self) -> &Cmd {
        &self.cmd
    }

    /// The same call with the script's text, for a server that does not know the digest: one that
    /// was restarted, or took over. It knows the script from then on.
    pub(super) fn by_source(&self) -> Cmd {
        let mut cmd = redis::cmd("EVAL");
        cmd.arg(self.source);
        for arg in self.cmd.args_iter().skip(2) {
            if let Arg::Simple(bytes) = arg {
                cmd.arg(bytes);
            }
        }
        cmd
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_by_source_has_the_same_keys_and_arguments() {
        let call = FORGET.call(&["{p1}:id:x"]).arg("1:2:");
        let rest = |cmd: &Cmd| {
            cmd.args_iter()
                .skip(2)
                .map(|arg| match arg {
                    Arg::Simple(bytes) => bytes.to_vec(),
                    _ => Vec::new(),
                })
                .collect::<Vec<_>>()
        };
        let by_source = call.by_source();
        assert_eq!(rest(call.by_digest()), rest(&by_source));
        assert_eq!(rest(&by_source), [b"1".to_vec(), b"{p1}:id:x".to_vec(), b"1:2:".to_vec()]);
    }
}
