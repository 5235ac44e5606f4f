//! How values are written: durations, sizes, whole numbers, addresses, lists.
//!
//! Every parser's error says what was expected, in words that fit after the variable's name.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::secret::Secret;

const DURATION_UNITS: [(&str, u64); 5] =
    [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
const BYTE_UNITS: [(&str, u64); 4] =
    [("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];

/// Splits `15s` into 15 and `s`.
fn number_and_unit(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '_').unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    Some((digits.replace('_', "").parse().ok()?, unit.trim_start()))
}

fn scaled(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let (number, unit) = number_and_unit(text)?;
    let (_, scale) = units.iter().find(|(name, _)| *name == unit)?;
    number.checked_mul(*scale)
}

/// The largest unit that divides `amount`.
fn show_scaled(amount: u64, units: &[(&str, u64)]) -> String {
    let fitting =
        units.iter().rev().find(|(_, scale)| amount >= *scale && amount.is_multiple_of(*scale));
    match fitting {
        Some((unit, scale)) => format!("{}{unit}", amount / scale),
        None => format!("{amount}{}", units[0].0),
    }
}

/// `250ms`, `15s`, `10m`, `24h`, `30d`. A bare number is refused: its unit would be a guess.
///
/// # Errors
/// What to write instead.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    scaled(text, &DURATION_UNITS)
        .map(Duration::from_millis)
        .ok_or_else(|| "write a whole number and a unit: 250ms, 15s, 10m, 24h or 30d".to_owned())
}

/// Milliseconds as [`parse_duration`] reads them.
pub(super) fn show_duration(milliseconds: u64) -> String {
    show_scaled(milliseconds, &DURATION_UNITS)
}

pub(super) fn duration_amount(duration: &Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// `4096`, `256KiB`, `16MiB`, `1GiB`.
pub(super) fn parse_bytes<T: TryFrom<u64>>(text: &str) -> Result<T, String> {
    let bytes = match number_and_unit(text) {
        Some((number, "")) => Some(number),
        _ => scaled(text, &BYTE_UNITS),
    };
    bytes
        .and_then(|bytes| T::try_from(bytes).ok())
        .ok_or_else(|| "write a number of bytes, or one with a unit: 64KiB, 16MiB, 1GiB".to_owned())
}

/// Bytes as [`parse_bytes`] reads them.
pub(super) fn show_bytes(bytes: u64) -> String {
    show_scaled(bytes, &BYTE_UNITS)
}

/// `16`, `100_000`.
pub(super) fn parse_integer<T: TryFrom<u64>>(text: &str) -> Result<T, String> {
    match number_and_unit(text) {
        Some((number, "")) => T::try_from(number).ok(),
        _ => None,
    }
    .ok_or_else(|| "write a whole number, such as 16 or 100_000".to_owned())
}

pub(super) fn show_integer(number: u64) -> String {
    number.to_string()
}

pub(super) fn integer_amount<T: Copy + TryInto<u64>>(number: &T) -> u64 {
    (*number).try_into().unwrap_or(u64::MAX)
}

pub(super) fn parse_address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        "write an IP address and a port, such as 127.0.0.1:8080, 0.0.0.0:8080 or [::1]:8080"
            .to_owned()
    })
}

pub(super) fn parse_path(text: &str) -> Result<PathBuf, String> {
    Ok(PathBuf::from(text))
}

pub(super) fn parse_text(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}

pub(super) fn parse_secret(text: &str) -> Result<Secret, String> {
    Ok(Secret::new(text))
}

/// Entries separated by commas; blanks around them do not count, and neither do empty entries.
pub(super) fn parse_list(text: &str) -> Result<Vec<String>, String> {
    Ok(text
        .split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .map(str::to_owned)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_a_unit() {
        assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse_duration("30d"), Ok(Duration::from_secs(30 * 86_400)));
        for bad in
            ["", "15", "s", "-1s", "1.5s", "1y", "99999999999999999999s", "9999999999999999d"]
        {
            assert!(parse_duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes_take_binary_units_or_none() {
        assert_eq!(parse_bytes::<u32>("4096"), Ok(4096));
        assert_eq!(parse_bytes::<u32>("256KiB"), Ok(256 * 1024));
        assert_eq!(parse_bytes::<u64>("2 GiB"), Ok(2 << 30));
        assert!(parse_bytes::<u32>("8GiB").is_err(), "larger than the type");
        assert!(parse_bytes::<u32>("64KB").is_err(), "decimal units would be a trap");
    }

    #[test]
    fn amounts_are_shown_as_they_are_read() {
        for text in ["250ms", "15s", "15m", "30d"] {
            let read = parse_duration(text).unwrap();
            assert_eq!(show_duration(duration_amount(&read)), text);
        }
        assert_eq!(show_bytes(parse_bytes("256KiB").unwrap()), "256KiB");
        assert_eq!(show_bytes(1_000), "1000B");
        assert_eq!(show_duration(0), "0ms");
    }

    #[test]
    fn lists_ignore_blanks_and_empty_entries() {
        assert_eq!(parse_list(" a, b,,c ,").unwrap(), ["a", "b", "c"]);
    }
}
