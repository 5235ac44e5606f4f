//! What a setting is.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::secret::Secret;
use super::value;

/// What a setting is when nobody sets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fallback {
    /// This value, written as an operator would write it.
    Value(&'static str),
    /// A value made at start; the text says how.
    Computed(&'static str),
    /// Nothing: the feature is off, or another setting decides whether it is needed.
    Unset,
}

/// One setting: its name, what it may be, what it is by default, and what it is for.
///
/// The name is the TOML key (`access_token_ttl`); the variable (`HUBBUB_ACCESS_TOKEN_TTL`) and the
/// flag (`--access-token-ttl`) follow from it.
pub struct Setting<T> {
    about: About,
    pub(super) parse: fn(&str) -> Result<T, String>,
    amount: fn(&T) -> u64,
}

/// Everything about a setting but the type of its value.
#[derive(Debug, Clone, Copy)]
pub struct About {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
    fallback: Fallback,
    secret: bool,
    range: Option<Range>,
}

#[derive(Clone, Copy)]
struct Range {
    least: u64,
    most: u64,
    show: fn(u64) -> String,
}

impl fmt::Debug for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", (self.show)(self.least), (self.show)(self.most))
    }
}

/// The variable that sets `name`.
pub(super) fn variable_of(name: &str) -> String {
    format!("HUBBUB_{}", name.to_uppercase())
}

/// The flag that sets `name`, without the dashes before it.
pub(super) fn flag_of(name: &str) -> String {
    name.replace('_', "-")
}

impl About {
    /// The TOML key.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The variable, `HUBBUB_` and the name.
    #[must_use]
    pub fn variable(&self) -> String {
        variable_of(self.name)
    }

    /// The flag, without the dashes before it.
    #[must_use]
    pub fn flag(&self) -> String {
        flag_of(self.name)
    }

    /// What it is for.
    #[must_use]
    pub const fn help(&self) -> &'static str {
        self.help
    }

    /// What it is when nobody sets it.
    #[must_use]
    pub const fn fallback(&self) -> Fallback {
        self.fallback
    }

    /// Whether it is never shown, and may come from a file of its own.
    #[must_use]
    pub const fn is_secret(&self) -> bool {
        self.secret
    }

    /// What may be written, such as `duration, 1m to 24h`.
    #[must_use]
    pub fn accepts(&self) -> String {
        match &self.range {
            Some(range) => format!("{}, {range:?}", self.kind),
            None => self.kind.to_owned(),
        }
    }
}

impl<T> Setting<T> {
    /// A setting read by `parse`, whose error says what is expected. `kind` names what may be
    /// written, for `--help` and the reference page.
    #[must_use]
    pub const fn parsed(
        name: &'static str,
        kind: &'static str,
        parse: fn(&str) -> Result<T, String>,
        help: &'static str,
    ) -> Self {
        let about =
            About { name, kind, help, fallback: Fallback::Unset, secret: false, range: None };
        Self { about, parse, amount: |_| 0 }
    }

    /// What it is when nobody sets it. `text` must be a valid value.
    #[must_use]
    pub const fn or(mut self, text: &'static str) -> Self {
        self.about.fallback = Fallback::Value(text);
        self
    }

    /// Says how the value is made when nobody sets it.
    #[must_use]
    pub const fn or_computed(mut self, how: &'static str) -> Self {
        self.about.fallback = Fallback::Computed(how);
        self
    }

    /// Never shown, and may come from a file of its own.
    #[must_use]
    pub const fn secret(mut self) -> Self {
        self.about.secret = true;
        self
    }

    /// Everything but the type.
    #[must_use]
    pub const fn about(&self) -> About {
        self.about
    }

    const fn ranged(
        mut self,
        (least, most): (u64, u64),
        amount: fn(&T) -> u64,
        show: fn(u64) -> String,
    ) -> Self {
        assert!(least <= most, "an empty range");
        self.about.range = Some(Range { least, most, show });
        self.amount = amount;
        self
    }

    /// Parses `text` and holds it to the range.
    pub(super) fn read(&self, text: &str) -> Result<T, String> {
        let value = (self.parse)(text)?;
        match self.about.range {
            Some(range) if !(range.least..=range.most).contains(&(self.amount)(&value)) => {
                Err(format!("must be {range:?}"))
            }
            _ => Ok(value),
        }
    }
}

impl Setting<String> {
    /// Free text.
    #[must_use]
    pub const fn text(name: &'static str, help: &'static str) -> Self {
        Self::parsed(name, "text", value::parse_text, help)
    }
}

impl Setting<Secret> {
    /// Text that is never shown.
    #[must_use]
    pub const fn secret_text(name: &'static str, help: &'static str) -> Self {
        Self::parsed(name, "text", value::parse_secret, help).secret()
    }
}

impl Setting<Vec<String>> {
    /// Texts, separated by commas; an array in TOML.
    #[must_use]
    pub const fn list(name: &'static str, help: &'static str) -> Self {
        Self::parsed(name, "list, separated by commas", value::parse_list, help)
    }
}

impl Setting<SocketAddr> {
    /// An IP address and a port.
    #[must_use]
    pub const fn address(name: &'static str, help: &'static str) -> Self {
        Self::parsed(name, "address and port", value::parse_address, help)
    }
}

impl Setting<PathBuf> {
    /// A path, relative to where the process was started.
    #[must_use]
    pub const fn path(name: &'static str, help: &'static str) -> Self {
        Self::parsed(name, "path", value::parse_path, help)
    }
}

impl Setting<Duration> {
    /// A duration within `range`.
    #[must_use]
    pub const fn duration(
        name: &'static str,
        range: (Duration, Duration),
        help: &'static str,
    ) -> Self {
        let range = (range.0.as_millis() as u64, range.1.as_millis() as u64);
        Self::parsed(name, "duration", value::parse_duration, help).ranged(
            range,
            value::duration_amount,
            value::show_duration,
        )
    }
}

impl<T: Copy + TryFrom<u64> + TryInto<u64>> Setting<T> {
    /// A whole number within `range`.
    #[must_use]
    pub const fn integer(name: &'static str, range: (u64, u64), help: &'static str) -> Self {
        Self::parsed(name, "whole number", value::parse_integer::<T>, help).ranged(
            range,
            value::integer_amount::<T>,
            value::show_integer,
        )
    }

    /// A number of bytes within `range`.
    #[must_use]
    pub const fn bytes(name: &'static str, range: (u64, u64), help: &'static str) -> Self {
        Self::parsed(name, "bytes", value::parse_bytes::<T>, help).ranged(
            range,
            value::integer_amount::<T>,
            value::show_bytes,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARTITIONS: Setting<u16> = Setting::integer("partitions", (1, 256), "How many.").or("16");
    const TTL: Setting<Duration> = Setting::duration(
        "access_token_ttl",
        (Duration::from_secs(60), Duration::from_secs(86_400)),
        "How long.",
    );

    #[test]
    fn every_name_of_a_setting_follows_from_one() {
        let about = TTL.about();
        assert_eq!(about.variable(), "HUBBUB_ACCESS_TOKEN_TTL");
        assert_eq!(about.flag(), "access-token-ttl");
        assert_eq!(about.accepts(), "duration, 1m to 1d");
    }

    #[test]
    fn a_value_outside_its_range_is_told_the_range() {
        assert_eq!(PARTITIONS.read("256"), Ok(256));
        assert_eq!(PARTITIONS.read("0"), Err("must be 1 to 256".to_owned()));
        assert_eq!(TTL.read("30s"), Err("must be 1m to 1d".to_owned()));
    }
}
