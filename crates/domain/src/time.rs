//! Moments, as milliseconds since the epoch.

use serde::{Deserialize, Serialize};

const SECS_PER_DAY: i64 = 86_400;

/// A moment, in milliseconds UTC since the epoch. It comes from a clock that is handed in.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment `millis` milliseconds after the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// The moment `millis` later, held at the end of time rather than wrapped.
    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// As `2026-11-24T02:16:00Z`, in UTC and whole seconds.
    pub fn iso_8601(self) -> String {
        format!("{}Z", self.to_seconds())
    }

    /// As `2026-11-24T02:16:00.042Z`, in UTC.
    pub fn iso_8601_millis(self) -> String {
        format!("{}.{:03}Z", self.to_seconds(), self.0.rem_euclid(1000))
    }

    fn to_seconds(self) -> String {
        let secs = self.0.div_euclid(1000);
        let (days, second) = (secs.div_euclid(SECS_PER_DAY), secs.rem_euclid(SECS_PER_DAY));
        let (year, month, day) = civil_from_days(days);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
    }
}

/// The Gregorian date of a day since 1970, counted in eras of 400 years that begin in March.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * from_march + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_in_utc() {
        for (time_ms, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (1_000_000_000_999, "2001-09-09T01:46:40Z"),
            (4_107_542_399_000, "2100-02-28T23:59:59Z"),
            (-1, "1969-12-31T23:59:59Z"),
        ] {
            assert_eq!(Timestamp::from_millis(time_ms).iso_8601(), text);
        }
        let moment = Timestamp::from_millis(1_000_000_000_042);
        assert_eq!(moment.iso_8601_millis(), "2001-09-09T01:46:40.042Z");
        assert_eq!(Timestamp::from_millis(-1).iso_8601_millis(), "1969-12-31T23:59:59.999Z");
    }
}
