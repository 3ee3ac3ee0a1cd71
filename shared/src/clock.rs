//! Wall-clock time as the records keep it. What a record says of time is always a caller's argument; a store reads the clock
//! only to tell how old a mark of its own is, which one request leaves for another.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The present, by this machine's clock.
    #[must_use]
    pub fn now() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self::from_millis(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
    }

    /// The moment this many milliseconds after the epoch.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded up: what a table's time-to-live attribute wants.
    #[must_use]
    pub const fn as_secs_ceil(self) -> u64 {
        self.0.div_ceil(1000)
    }

    /// The moment as RFC 3339 has it, in UTC and to the second.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        let seconds = self.0 / 1000;
        let (days, second) = (seconds / 86_400, seconds % 86_400);
        let (year, month, day) = civil(days);
        format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
    }

    /// Reads a moment as RFC 3339 has it, in UTC, or the beginning of a day: `2026-11-24T16:41:10Z`, `2026-11-24`. None when
    /// it is none, or before 1970.
    #[must_use]
    pub fn from_rfc3339(text: &str) -> Option<Self> {
        let number = |text: &str, digits: usize| -> Option<u64> {
            let is_number = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
            if is_number { text.parse().ok() } else { None }
        };
        let (date, time) = text.split_once('T').unwrap_or((text, "00:00:00Z"));
        let mut date = date.splitn(3, '-');
        let (year, month, day) = (number(date.next()?, 4)?, number(date.next()?, 2)?, number(date.next()?, 2)?);
        let (time, fraction) = time.strip_suffix('Z').map(|time| time.split_once('.').unwrap_or((time, "0")))?;
        let mut time = time.splitn(3, ':');
        let (hour, minute, second) = (number(time.next()?, 2)?, number(time.next()?, 2)?, number(time.next()?, 2)?);
        let millis = number(&format!("{:0<3}", fraction.get(..fraction.len().min(3))?), 3)?;
        let is_time = hour < 24 && minute < 60 && second < 60 && fraction.bytes().all(|byte| byte.is_ascii_digit());
        let days = days(year, month, day).filter(|days| is_time && civil(*days) == (year, month, day))?;
        Some(Self((((days * 24 + hour) * 60 + minute) * 60 + second) * 1000 + millis))
    }

    /// The moment `duration` later, saturating.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)))
    }

    /// The moment `duration` earlier, not before the epoch.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)))
    }

    /// How long after `earlier` this is; zero when it is not.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// Year, month and day of a day since 1970-01-01, by the calendar of 400 years that begins on a March 1st.
const fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, of_year - (153 * shifted + 2) / 5 + 1)
}

/// The number of a day since 1970-01-01: the way back from [`civil`]. A day that no month has is that of another one.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    let year = if month <= 2 { year.checked_sub(1)? } else { year };
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day.checked_sub(1)?;
    (era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year).checked_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_they_are_told() {
        for seconds in [0, 951_782_399, 951_782_400, 1_709_251_199, 1_795_564_799, 4_107_542_400] {
            let moment = Timestamp::from_millis(seconds * 1000);
            assert_eq!(Timestamp::from_rfc3339(&moment.to_rfc3339()), Some(moment));
        }
        let read = |text| Timestamp::from_rfc3339(text).map(Timestamp::as_millis);
        assert_eq!(read("1970-01-02"), Some(86_400_000));
        assert_eq!(read("1970-01-01T00:00:01.5Z"), Some(1500));
        assert_eq!(read("1970-01-01T00:00:01.123456Z"), Some(1123));
        for text in [
            "",
            "1",
            "1970",
            "1970-1-1",
            "1970-02-30",
            "1970-13-01",
            "1970-00-10",
            "1970-01-00",
            "1969-12-31",
            "0000-01-01",
            "1970-01-01T",
            "1970-01-01T24:00:00Z",
            "1970-01-01T00:60:00Z",
            "1970-01-01T00:00:00",
            "1970-01-01T00:00:00+01:00",
            "1970-01-01T00:00:00.Z x",
            "1970-01-01T00:00:00.éZ",
            "é",
            "+970-01-01",
            "1970-01-01T00:00Z",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn moments_are_told_by_the_calendar() {
        let told = |seconds: u64| Timestamp::from_millis(seconds * 1000).to_rfc3339();
        assert_eq!(told(0), "1970-01-01T00:00:00Z");
        assert_eq!(told(951_782_399), "2000-02-28T23:59:59Z");
        assert_eq!(told(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(told(1_709_251_199), "2024-02-29T23:59:59Z");
        assert_eq!(told(1_709_251_200), "2024-03-01T00:00:00Z");
        assert_eq!(told(1_795_564_799), "2026-11-24T23:59:59Z");
        assert_eq!(told(4_107_542_399), "2100-02-28T23:59:59Z");
        assert_eq!(told(4_107_542_400), "2100-03-01T00:00:00Z");
    }
}
