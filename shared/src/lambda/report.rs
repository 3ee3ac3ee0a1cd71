//! What background work has come to: one line that is its log, and its metrics in the embedded format of `CloudWatch`.

use std::time::Duration;

use serde_json::{Value, json};
use url::Url;

use super::measure::{DIMENSION, NAMESPACE, registry_of};
use crate::clock::Timestamp;

const METRICS: [(&str, &str); 6] = [
    ("WorkDone", "Count"),
    ("WorkFailed", "Count"),
    ("WorkAge", "Seconds"),
    ("Swept", "Count"),
    ("Moved", "Count"),
    ("BucketsAiling", "Count"),
];

/// What one call of a background function has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Report {
    /// How many works were done.
    pub done: usize,
    /// How many failed, and are put off.
    pub failed: usize,
    /// How long the oldest has been waiting that should be done by now.
    pub age: Duration,
    /// How much was swept away.
    pub swept: usize,
    /// How many blobs were moved to where the ring wants them.
    pub moved: u64,
    /// How many buckets do not serve.
    pub ailing: usize,
}

impl Report {
    /// Prints the line, unless there is nothing to tell: metrics cost money in every hour that has any.
    pub(super) fn print(self, metadata: &Url) {
        if self != Self::default() {
            println!("{}", self.line(metadata));
        }
    }

    fn line(self, metadata: &Url) -> Value {
        let metrics = METRICS.map(|(name, unit)| json!({ "Name": name, "Unit": unit }));
        json!({
            "_aws": {
                "Timestamp": Timestamp::now(),
                "CloudWatchMetrics": [{ "Namespace": NAMESPACE, "Dimensions": [[DIMENSION]], "Metrics": metrics }],
            },
            DIMENSION: registry_of(metadata),
            "level": "INFO",
            "message": "worked",
            "WorkDone": self.done,
            "WorkFailed": self.failed,
            "WorkAge": self.age.as_secs(),
            "Swept": self.swept,
            "Moved": self.moved,
            "BucketsAiling": self.ailing,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_has_a_value_for_each_metric() {
        let line =
            Report { age: Duration::from_secs(90), ..Report::default() }.line(&"dynamodb://table".parse().unwrap());
        for (name, _) in METRICS {
            assert!(line[name].is_number(), "{name} in {line}");
        }
        assert_eq!((&line["Registry"], &line["WorkAge"]), (&json!("table"), &json!(90)));
    }
}
