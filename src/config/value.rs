//! Parses and prints single values: durations, sizes, counts, addresses and origins.
//!
//! An error says what is allowed; `document` adds the line, the key and what was found.

use std::fmt;
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{self, Deserializer, Unexpected, Visitor};

/// Milliseconds in a millisecond, as the least of a range.
pub(super) const MS: u64 = 1;
/// Milliseconds in a second.
pub(super) const SECOND: u64 = 1_000;
/// Milliseconds in a minute.
pub(super) const MINUTE: u64 = 60 * SECOND;
/// Milliseconds in an hour.
pub(super) const HOUR: u64 = 60 * MINUTE;
/// Milliseconds in a day.
pub(super) const DAY: u64 = 24 * HOUR;
/// Bytes in a KiB.
pub(super) const KIB: u64 = 1_024;
/// Bytes in a MiB.
pub(super) const MIB: u64 = 1_024 * KIB;

/// Units of a duration, largest first.
const TIMES: [(&str, u64); 5] = [("d", DAY), ("h", HOUR), ("m", MINUTE), ("s", SECOND), ("ms", MS)];
/// Units of a size, largest first.
const SIZES: [(&str, u64); 3] = [("MiB", MIB), ("KiB", KIB), ("B", 1)];
/// Bytes of a hash in its printed form.
const FINGERPRINT_BYTES: usize = 16;
/// Maximum length of an app id.
const MAX_APP_ID_CHARS: usize = 64;

/// Reads a duration of `MIN` to `MAX` milliseconds, such as `"30s"`.
pub(super) fn duration<'de, const MIN: u64, const MAX: u64, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Duration, D::Error> {
    deserializer.deserialize_any(Quantity::<MIN, MAX> { units: &TIMES }).map(Duration::from_millis)
}

/// Reads a size of `MIN` to `MAX` bytes, such as `65536` or `"64KiB"`.
pub(super) fn size<'de, const MIN: u64, const MAX: u64, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<usize, D::Error> {
    let bytes = deserializer.deserialize_any(Quantity::<MIN, MAX> { units: &SIZES })?;
    Ok(usize::try_from(bytes).unwrap_or(usize::MAX))
}

/// Reads a whole number from `MIN` to `MAX`.
pub(super) fn count<'de, const MIN: u64, const MAX: u64, T: TryFrom<u64>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    deserializer.deserialize_any(Count::<MIN, MAX, T>(PhantomData))
}

/// Reads an address with its port.
pub(super) fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    parsed(deserializer, "an address and a port, such as \"0.0.0.0:7080\"", |text| {
        text.parse().ok()
    })
}

/// Reads an app's id.
pub(super) fn app_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<str>, D::Error> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    parsed(deserializer, "1 to 64 characters of A-Z a-z 0-9 _ -", |text| {
        let fits = (1..=MAX_APP_ID_CHARS).contains(&text.len()) && text.chars().all(is_allowed);
        fits.then(|| text.into())
    })
}

/// Reads a non-empty string.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    parsed(deserializer, "a non-empty string", |text| (!text.is_empty()).then(|| text.to_owned()))
}

/// Reads the origins of pages, as browsers send them.
pub(super) fn origins<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let origins = Vec::<String>::deserialize(deserializer)?;
    match origins.iter().find(|text| !is_origin(text) && !is_wildcard_origin(text)) {
        None => Ok(origins),
        Some(text) => Err(de::Error::custom(format_args!(
            "{text:?}, expected origins as browsers send them, such as \"https://example.com\" or \
             \"https://*.example.com\""
        ))),
    }
}

fn is_origin(text: &str) -> bool {
    reqwest::Url::parse(text).is_ok_and(|url| url.origin().ascii_serialization() == text)
        && text != "null"
        && !text.contains('*')
}

/// Whether `text` is an origin whose first label is `*`, followed by at least two labels.
fn is_wildcard_origin(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://*.") else { return false };
    let host = rest.split_once(':').map_or(rest, |(host, _)| host);
    let labels = host.split('.').filter(|label| !label.is_empty()).count();
    labels >= 2 && labels == host.split('.').count() && is_origin(&format!("{scheme}://x.{rest}"))
}

/// Reads names of hosts, without ports.
pub(super) fn host_names<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<String>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let is_label = |label: &str| !label.is_empty() && label.bytes().all(is_allowed);
    match names.iter().find(|name| !name.split('.').all(is_label)) {
        None => Ok(names),
        Some(name) => Err(de::Error::custom(format_args!(
            "{name:?}, expected names of hosts without a port, such as \"gateway\""
        ))),
    }
}

/// Reads a duration such as `30s`, `500ms`, `5m`, `24h` or `30d`; `None` if `text` is not a duration.
#[must_use]
pub fn parse_duration(text: &str) -> Option<Duration> {
    parse_in(&TIMES, text).map(Duration::from_millis)
}

/// A hash that identifies a file with public contents.
pub(super) fn fingerprint(bytes: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    let shown = &digest.as_ref()[..FINGERPRINT_BYTES];
    shown.iter().fold("sha256:".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

/// Prints `duration` as in a configuration file.
#[must_use]
pub fn format_duration(duration: Duration) -> String {
    format_in(&TIMES, as_millis(duration))
}

/// Prints `bytes` as in a configuration file.
pub(super) fn format_size(bytes: usize) -> String {
    format_in(&SIZES, bytes as u64)
}

/// Whole milliseconds of `duration`.
pub(super) fn as_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Reads a string that `parse` accepts; `allowed` describes it.
pub(super) fn parsed<'de, T, D: Deserializer<'de>>(
    deserializer: D,
    allowed: &'static str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, D::Error> {
    struct Text(&'static str);
    impl Visitor<'_> for Text {
        type Value = String;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
        fn visit_str<E: de::Error>(self, text: &str) -> Result<String, E> {
            Ok(text.to_owned())
        }
    }
    let text = deserializer.deserialize_any(Text(allowed))?;
    parse(&text).ok_or_else(|| de::Error::invalid_value(Unexpected::Str(&text), &allowed))
}

/// Reads a number with a unit as a number in the smallest unit.
struct Quantity<const MIN: u64, const MAX: u64> {
    units: &'static [(&'static str, u64)],
}

impl<const MIN: u64, const MAX: u64> Quantity<MIN, MAX> {
    /// Whether a number without a unit is allowed: for sizes it is, for durations it is not.
    fn accepts_numbers(&self) -> bool {
        self.units.iter().any(|(unit, _)| *unit == "B")
    }

    fn in_range(value: u64) -> Option<u64> {
        (MIN..=MAX).contains(&value).then_some(value)
    }
}

impl<const MIN: u64, const MAX: u64> Visitor<'_> for Quantity<MIN, MAX> {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (least, most) = (format_in(self.units, MIN), format_in(self.units, MAX));
        if self.accepts_numbers() {
            write!(f, "bytes, or a string such as \"64KiB\", from \"{least}\" to \"{most}\"")
        } else {
            write!(f, "a duration such as \"30s\", from \"{least}\" to \"{most}\"")
        }
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<u64, E> {
        let value = parse_in(self.units, text).and_then(Self::in_range);
        value.ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<u64, E> {
        let value = u64::try_from(number).ok().filter(|_| self.accepts_numbers());
        value
            .and_then(Self::in_range)
            .ok_or_else(|| E::invalid_value(Unexpected::Signed(number), &self))
    }
}

struct Count<const MIN: u64, const MAX: u64, T>(PhantomData<T>);

impl<const MIN: u64, const MAX: u64, T: TryFrom<u64>> Visitor<'_> for Count<MIN, MAX, T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number from {MIN} to {MAX}")
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
        let value = u64::try_from(number).ok().filter(|value| (MIN..=MAX).contains(value));
        value
            .and_then(|value| T::try_from(value).ok())
            .ok_or_else(|| E::invalid_value(Unexpected::Signed(number), &self))
    }
}

fn parse_in(units: &[(&str, u64)], text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let (_, scale) = units.iter().find(|(name, _)| *name == unit.trim_start())?;
    number.parse::<u64>().ok()?.checked_mul(*scale)
}

fn format_in(units: &[(&str, u64)], value: u64) -> String {
    let unit = units.iter().find(|(_, scale)| value != 0 && value.is_multiple_of(*scale));
    let (name, scale) = unit.or(units.last()).expect("every quantity has a unit");
    format!("{}{name}", value / scale)
}
