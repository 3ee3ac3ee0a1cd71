//! How much of what has a price is used.

use std::iter::Sum;
use std::ops::{Add, Mul};

use super::inputs::{Functions, Operation, Standing};

const BYTES_PER_GB: f64 = 1e9;

/// So much of each thing that a request uses.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Usage {
    /// Requests at the gateway, and as many invocations.
    pub(super) requests: f64,
    /// What the gateway counts them as.
    pub(super) metered: f64,
    pub(super) gb_seconds: f64,
    pub(super) log_gb: f64,
    pub(super) s3_puts: f64,
    pub(super) s3_gets: f64,
    pub(super) reads: f64,
    pub(super) writes: f64,
}

impl Usage {
    /// What an operation uses, once.
    pub(super) fn of(operation: &Operation, functions: &Functions) -> Self {
        let requests = f64::from(operation.requests);
        Self {
            requests,
            metered: f64::from(operation.metered.unwrap_or(operation.requests)),
            gb_seconds: f64::from(operation.milliseconds) / 1e3 * functions.memory_gb,
            log_gb: requests * functions.log_bytes / BYTES_PER_GB,
            s3_puts: f64::from(operation.s3_puts),
            s3_gets: f64::from(operation.s3_gets + operation.client_gets),
            reads: f64::from(operation.reads),
            writes: f64::from(operation.writes),
        }
    }

    /// Invocations that nobody asked for through the gateway.
    pub(super) fn scheduled(standing: &Standing, functions: &Functions) -> Self {
        let times = standing.scheduled;
        Self {
            requests: times,
            gb_seconds: times * standing.scheduled_milliseconds / 1e3 * functions.memory_gb,
            log_gb: times * functions.log_bytes / BYTES_PER_GB,
            reads: times * standing.scheduled_reads,
            s3_gets: times * standing.scheduled_gets,
            ..Self::default()
        }
    }
}

impl Add for Usage {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            requests: self.requests + other.requests,
            metered: self.metered + other.metered,
            gb_seconds: self.gb_seconds + other.gb_seconds,
            log_gb: self.log_gb + other.log_gb,
            s3_puts: self.s3_puts + other.s3_puts,
            s3_gets: self.s3_gets + other.s3_gets,
            reads: self.reads + other.reads,
            writes: self.writes + other.writes,
        }
    }
}

impl Mul<f64> for Usage {
    type Output = Self;

    fn mul(self, times: f64) -> Self {
        Self {
            requests: self.requests * times,
            metered: self.metered * times,
            gb_seconds: self.gb_seconds * times,
            log_gb: self.log_gb * times,
            s3_puts: self.s3_puts * times,
            s3_gets: self.s3_gets * times,
            reads: self.reads * times,
            writes: self.writes * times,
        }
    }
}

impl Sum for Usage {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_adds_up() {
        let functions = Functions { memory_gb: 0.5, log_bytes: 1e9 };
        let text = "name = 'x'\nstorage = 3\ns3_puts = 2\ns3_gets = 1\nclient_gets = 4\nmetadata = 2\nreads = 2\n\
                    writes = 6\nrequests = 2\nmetered = 9\nmilliseconds = 100";
        let once = Usage::of(&toml::from_str(text).unwrap(), &functions);
        assert_eq!((once.requests, once.metered, once.s3_puts, once.s3_gets), (2.0, 9.0, 2.0, 5.0));
        assert!((once.gb_seconds - 0.05).abs() < 1e-12 && (once.log_gb - 2.0).abs() < 1e-12);
        assert_eq!(once + once, once * 2.0);
        assert_eq!([once, once, once].into_iter().sum::<Usage>(), once * 3.0);
    }
}
