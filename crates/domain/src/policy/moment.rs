//! Moments as policies write them: ISO 8601 or seconds since the epoch.

const SECONDS_PER_DAY: i64 = 86_400;

/// Seconds since the epoch of `2026-01-02`, `2026-01-02T03:04:05Z`, the same with an offset or a
/// fraction, or a number of seconds.
pub(super) fn epoch_seconds(text: &str) -> Option<i64> {
    if let Ok(seconds) = text.parse::<i64>() {
        return Some(seconds);
    }
    let (date, time) = match text.split_once('T') {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let days = days_since_epoch(year, month, day)?;
    let seconds = time.map_or(Some(0), seconds_of_day)?;
    Some(days * SECONDS_PER_DAY + seconds)
}

fn seconds_of_day(text: &str) -> Option<i64> {
    let zone = text.find(['Z', '+', '-'])?;
    let (clock, zone) = text.split_at(zone);
    let clock = match clock.split_once('.') {
        Some((whole, fraction)) if is_digits(fraction) => whole,
        Some(_) => return None,
        None => clock,
    };
    let [hour, minute, second] = numbers(clock, ':', [2, 2, 2])?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let sign = match zone {
        "Z" => 0,
        zone if zone.starts_with('+') => 1,
        _ => -1,
    };
    let offset = if sign == 0 {
        0
    } else {
        let [hours, minutes] = numbers(&zone[1..], ':', [2, 2])?;
        (hours <= 14 && minutes <= 59).then_some(hours * 3_600 + minutes * 60)?
    };
    Some(hour * 3_600 + minute * 60 + second - sign * offset)
}

fn numbers<const N: usize>(text: &str, separator: char, widths: [usize; N]) -> Option<[i64; N]> {
    let mut found = [0; N];
    let mut parts = text.split(separator);
    for (number, width) in found.iter_mut().zip(widths) {
        let part = parts.next()?;
        if part.len() != width || !is_digits(part) {
            return None;
        }
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(found)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Days from 1970-01-01 in the Gregorian calendar; nothing for a day that does not exist.
fn days_since_epoch(year: i64, month: i64, day: i64) -> Option<i64> {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + i64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=length).contains(&day) {
        return None;
    }
    // Years that begin in March, so that the leap day is a year's last.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_moment_is_read_and_what_is_none_is_refused() {
        for (text, seconds) in [
            ("1970-01-01", Some(0)),
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2000-02-29T12:30:15Z", Some(951_827_415)),
            ("2026-11-24T02:26:26.125Z", Some(1_795_487_186)),
            ("2026-11-24T02:26:26+01:00", Some(1_795_483_586)),
            ("2026-11-24T02:26:26-01:30", Some(1_795_492_586)),
            ("1795487186", Some(1_795_487_186)),
            ("", None),
            ("2026", Some(2026)),
            ("2026-13-01", None),
            ("2026-02-29", None),
            ("2026-2-3", None),
            ("2026-11-24T02:26:26", None),
            ("2026-11-24T25:00:00Z", None),
            ("2026-11-24T02:26:26Zulu", None),
            ("2026-11-24 02:26:26Z", None),
            ("2026-11-24T02:26:26.Z", None),
            ("yesterday", None),
        ] {
            assert_eq!(epoch_seconds(text), seconds, "{text}");
        }
    }
}
