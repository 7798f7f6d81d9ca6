//! The one way SigV4 writes a moment: `20260102T030405Z`.

const SECS_PER_DAY: i64 = 86_400;

/// The last moment that four digits of year can write, in milliseconds.
pub(crate) const LATEST_MS: i64 = 253_402_300_799_999;

/// Reads a moment, in milliseconds; `None` unless it is written exactly as SigV4 writes it.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    if bytes.len() != 16 || bytes.get(8) != Some(&b'T') || bytes.get(15) != Some(&b'Z') {
        return None;
    }
    let year = digits(bytes, 0, 4)?;
    let month = digits(bytes, 4, 2)?;
    let day = digits(bytes, 6, 2)?;
    let (hour, minute, second) =
        (digits(bytes, 9, 2)?, digits(bytes, 11, 2)?, digits(bytes, 13, 2)?);
    let in_range = 1970 <= year
        && (1..=12).contains(&month)
        && (1..=days_in_month(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    in_range.then(|| {
        let secs = days_from_civil(year, month, day) * SECS_PER_DAY;
        (secs + hour * 3600 + minute * 60 + second) * 1000
    })
}

/// Writes a moment given in milliseconds, held within the years 1970 to 9999.
pub(crate) fn format(millis: i64) -> String {
    let secs = millis.clamp(0, LATEST_MS) / 1000;
    let (year, month, day) = civil_from_days(secs / SECS_PER_DAY);
    let second = secs % SECS_PER_DAY;
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

fn digits(bytes: &[u8], start: usize, len: usize) -> Option<i64> {
    bytes.get(start..start + len)?.iter().try_fold(0, |value, byte| {
        byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0'))
    })
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

// Both directions count years from March, which puts the leap day last (Hinnant's algorithm).
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year / 400, year % 400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_moments_are_read_and_written() {
        for (text, secs) in [
            ("19700101T000000Z", 0),
            ("20000229T235959Z", 951_868_799),
            ("20261123T185619Z", 1_795_460_179),
            ("99991231T235959Z", 253_402_300_799),
        ] {
            assert_eq!(parse(text), Some(secs * 1000), "{text}");
            assert_eq!(format(secs * 1000 + 999), text);
        }
    }

    #[test]
    fn every_day_of_four_centuries_survives_both_ways() {
        for day in 0..146_097 {
            let millis = day * SECS_PER_DAY * 1000;
            assert_eq!(parse(&format(millis)), Some(millis));
        }
    }

    #[test]
    fn what_is_not_a_moment_is_refused() {
        for text in [
            "",
            "20261123T185619",
            "20261123 185619Z",
            "20261123T185619z",
            "2026-11-23T18:56:19Z",
            "20260229T000000Z",
            "21000229T000000Z",
            "20261301T000000Z",
            "20260001T000000Z",
            "20260100T000000Z",
            "20260431T000000Z",
            "20260101T240000Z",
            "20260101T006000Z",
            "20260101T000060Z",
            "19691231T235959Z",
            "+0260101T000000Z",
            "2026١101T000000Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_moment_out_of_range_is_held_at_the_edge() {
        assert_eq!(format(i64::MIN), "19700101T000000Z");
        assert_eq!(format(i64::MAX), "99991231T235959Z");
    }
}
