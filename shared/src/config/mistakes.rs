//! Reading settings, and gathering what is wrong with them.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

/// Everything that is wrong with a process's settings, a line each.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Mistakes(Vec<String>);

impl Mistakes {
    /// Adds one.
    pub fn add(&mut self, mistake: impl Into<String>) {
        self.0.push(mistake.into());
    }

    /// The value of the setting `what`, or a note of why there is none. The text itself may hold a secret, and is not
    /// repeated.
    pub fn read<T: FromStr<Err: fmt::Display>>(&mut self, what: &str, text: &str) -> Option<T> {
        text.parse().map_err(|error| self.add(format!("{what}: {error}"))).ok()
    }

    /// A number in its range.
    pub fn number(&mut self, what: &str, text: &str, range: RangeInclusive<u64>) -> Option<u64> {
        let number = self.read(what, text)?;
        if range.contains(&number) {
            return Some(number);
        }
        self.add(format!("{what}: {number} is not in {} to {}", range.start(), range.end()));
        None
    }

    /// A number of copies of each blob.
    pub fn copies(&mut self, what: &str, text: &str) -> Option<u8> {
        self.number(what, text, 1..=16).and_then(|number| u8::try_from(number).ok())
    }

    /// A time of at least a second.
    pub fn seconds(&mut self, what: &str, text: &str, longest: Duration) -> Option<Duration> {
        self.number(what, text, 1..=longest.as_secs()).map(Duration::from_secs)
    }

    /// The settings, when nothing is wrong with them.
    pub fn judge<T>(self, settings: Option<T>) -> Result<T, Self> {
        settings.filter(|_| self.0.is_empty()).ok_or(self)
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the settings cannot be used:")?;
        self.0.iter().try_for_each(|mistake| write!(formatter, "\n  - {mistake}"))
    }
}

impl std::error::Error for Mistakes {}
