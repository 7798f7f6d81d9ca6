//! Moments on the wire: epoch seconds in JSON, ISO-8601 in query strings.

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::shape::{Declared, Decoded, Shape, ShapeKind};
use crate::violation::Violations;

/// The first millisecond of the year 0.
const MILLIS_MIN: i64 = -62_167_219_200_000;
/// The last millisecond of the year 9999.
const MILLIS_MAX: i64 = 253_402_300_799_999;

/// A moment, in milliseconds since the epoch. It travels in JSON as seconds with a fraction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EpochSeconds {
    millis: i64,
}

impl EpochSeconds {
    /// The moment `millis` milliseconds after the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self { millis }
    }

    /// Milliseconds since the epoch.
    pub const fn as_millis(self) -> i64 {
        self.millis
    }

    /// Reads `2026-11-22T23:26:17.548862Z`, or the same with an offset such as `+01:00`.
    ///
    /// The fraction may have any number of digits; those past the milliseconds are dropped.
    pub fn parse_iso8601(text: &str) -> Option<Self> {
        let (date, time) = text.split_once(['T', 't'])?;
        let [year, month, day] = fields(date, '-', [4, 2, 2])?;
        let (time, offset_minutes) = split_offset(time)?;
        let (time, fraction_millis) = split_fraction(time)?;
        let [hour, minute, second] = fields(time, ':', [2, 2, 2])?;
        if !(1..=12).contains(&month) || !(1..=days_in_month(year, month)).contains(&day) {
            return None;
        }
        // A leap second is taken for the second after it, as clocks that count epoch seconds do.
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let days = days_from_epoch(year, month, day);
        let minutes = (days * 24 + hour) * 60 + minute - offset_minutes;
        within_calendar((minutes * 60 + second) * 1000 + fraction_millis)
    }
}

impl Serialize for EpochSeconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.millis % 1000 == 0 {
            return serializer.serialize_i64(self.millis / 1000);
        }
        #[expect(
            clippy::cast_precision_loss,
            reason = "milliseconds up to the year 9999 are below 2^53"
        )]
        serializer.serialize_f64(self.millis as f64 / 1000.0)
    }
}

/// A moment. A request and an answer hold it as [`EpochSeconds`].
#[derive(Clone, Copy, Debug)]
pub enum TimestampType {}

impl Declared for TimestampType {
    const SHAPE: Shape = Shape { name: "TimestampType", kind: ShapeKind::Timestamp };
    type Output = EpochSeconds;
}

impl Decoded for TimestampType {
    type Input = EpochSeconds;

    fn from_text(text: &str, member: &str, out: &mut Violations) -> Option<EpochSeconds> {
        let moment = EpochSeconds::parse_iso8601(text);
        if moment.is_none() {
            out.add(
                member,
                "Member must be an ISO-8601 timestamp such as 2026-11-22T23:26:17.548Z",
            );
        }
        moment
    }

    fn from_json(value: &Value, member: &str, out: &mut Violations) -> Option<EpochSeconds> {
        let moment = from_number(value);
        if moment.is_none() {
            out.add(
                member,
                "Member must be a timestamp in seconds since the epoch, in the years 0 to 9999",
            );
        }
        moment
    }
}

/// The description of the timestamps.
pub(crate) static SHAPES: &[Shape] = &[<TimestampType as Declared>::SHAPE];

fn from_number(value: &Value) -> Option<EpochSeconds> {
    if let Some(seconds) = value.as_i64() {
        return within_calendar(seconds.checked_mul(1000)?);
    }
    let millis = (value.as_f64()? * 1000.0).round();
    #[expect(clippy::cast_precision_loss, reason = "both bounds are below 2^53")]
    let is_within = (MILLIS_MIN as f64..=MILLIS_MAX as f64).contains(&millis);
    #[expect(clippy::cast_possible_truncation, reason = "whole, and within bounds below 2^53")]
    is_within.then_some(EpochSeconds { millis: millis as i64 })
}

fn within_calendar(millis: i64) -> Option<EpochSeconds> {
    (MILLIS_MIN..=MILLIS_MAX).contains(&millis).then_some(EpochSeconds { millis })
}

/// Splits into three numbers of exactly that many digits.
fn fields(text: &str, separator: char, digits: [usize; 3]) -> Option<[i64; 3]> {
    let mut parts = text.split(separator);
    let mut numbers = [0; 3];
    for (number, digits) in numbers.iter_mut().zip(digits) {
        *number = parts.next().filter(|part| part.len() == digits).and_then(number_of)?;
    }
    parts.next().is_none().then_some(numbers)
}

fn number_of(digits: &str) -> Option<i64> {
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// Splits `23:26:17Z` or `23:26:17+01:00` into the time and its offset in minutes.
fn split_offset(time: &str) -> Option<(&str, i64)> {
    if let Some(time) = time.strip_suffix(['Z', 'z']) {
        return Some((time, 0));
    }
    let (time, offset) = time.split_at_checked(time.find(['+', '-'])?)?;
    let sign = if offset.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = offset.get(1..)?.split_once(':')?;
    if hours.len() != 2 || minutes.len() != 2 {
        return None;
    }
    let (hours, minutes) = (number_of(hours)?, number_of(minutes)?);
    (hours <= 23 && minutes <= 59).then_some((time, sign * (hours * 60 + minutes)))
}

/// Splits `23:26:17.548862` into the time and the milliseconds.
fn split_fraction(time: &str) -> Option<(&str, i64)> {
    let Some((time, fraction)) = time.split_once('.') else {
        return Some((time, 0));
    };
    if fraction.is_empty() || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let millis =
        fraction.bytes().chain([b'0'; 2]).take(3).fold(0, |sum, b| sum * 10 + i64::from(b - b'0'));
    Some((time, millis))
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the Gregorian calendar, counted in years that begin in March.
fn days_from_epoch(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn iso(text: &str) -> Option<i64> {
        EpochSeconds::parse_iso8601(text).map(EpochSeconds::as_millis)
    }

    fn number(value: &Value) -> Option<i64> {
        let mut out = Violations::new();
        let moment = TimestampType::from_json(value, "M", &mut out);
        assert_eq!(moment.is_none(), out.len() == 1);
        moment.map(EpochSeconds::as_millis)
    }

    #[test]
    fn a_moment_is_written_in_seconds_with_milliseconds() {
        for (millis, text) in [
            (1_534_450_467_622, "1534450467.622"),
            (1_534_450_467_000, "1534450467"),
            (1, "0.001"),
            (0, "0"),
            (-1, "-0.001"),
            (MILLIS_MAX, "253402300799.999"),
        ] {
            let written = serde_json::to_string(&EpochSeconds::from_millis(millis)).unwrap();
            assert_eq!(written, text);
            let read: Value = serde_json::from_str(&written).unwrap();
            assert_eq!(number(&read), Some(millis));
        }
    }

    #[test]
    fn a_moment_in_json_is_a_number_of_the_calendar() {
        assert_eq!(number(&json!(1.0005)), Some(1001));
        for refused in [
            json!("1534450467"),
            json!(true),
            json!(1e300),
            json!(i64::MAX),
            json!(u64::MAX),
            json!(253_402_300_800_i64),
            json!(-62_167_219_201_i64),
        ] {
            assert_eq!(number(&refused), None, "{refused}");
        }
        assert_eq!(number(&json!(253_402_300_799_i64)), Some(253_402_300_799_000));
        assert_eq!(number(&json!(-62_167_219_200_i64)), Some(MILLIS_MIN));
    }

    #[test]
    fn a_moment_in_a_query_string_is_iso_8601() {
        for (text, millis) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2026-11-22T23:26:17.548862Z", 1_795_389_977_548),
            ("2026-11-23T00:26:17.5+01:00", 1_795_389_977_500),
            ("2000-02-29T12:00:00-00:30", 951_827_400_000),
            ("1969-12-31T23:59:59.999Z", -1),
            ("0000-01-01T00:00:00Z", MILLIS_MIN),
            ("9999-12-31T23:59:59.999Z", MILLIS_MAX),
        ] {
            assert_eq!(iso(text), Some(millis), "{text}");
        }
        for text in [
            "",
            "2026-11-22",
            "2026-11-22T23:26:17",
            "2026-13-22T23:26:17Z",
            "2026-02-29T23:26:17Z",
            "2026-11-22T24:00:00Z",
            "2026-11-22T23:60:00Z",
            "2026-11-22T23:26:17.Z",
            "2026-11-22T23:26:17.5é+01:00",
            "2026-11-22T23:26:17+1:00",
            "2026-11-22T23:26:17+24:00",
            "+026-11-22T23:26:17Z",
            "9999-12-31T23:59:59.999-01:00",
            "1534450467",
        ] {
            assert_eq!(iso(text), None, "{text}");
        }
    }
}
