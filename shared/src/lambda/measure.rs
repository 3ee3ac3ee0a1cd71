//! What a request cost: one line that is its log, and its metrics in the embedded format of `CloudWatch`. Nothing is sent.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lambda_http::Context;
use serde_json::{Value, json};
use url::Url;

use super::answer::GatewayAnswer;
use super::event::GatewayEvent;
use crate::clock::Timestamp;
use crate::config::Traffic;

pub(super) const NAMESPACE: &str = "Ringhold";

/// One metric of each for the whole registry: `CloudWatch` charges for each combination of dimensions.
pub(super) const DIMENSION: &str = "Registry";

const METRICS: [(&str, &str); 8] = [
    ("Requests", "Count"),
    ("ServerErrors", "Count"),
    ("Latency", "Milliseconds"),
    ("BytesIn", "Bytes"),
    ("BytesOut", "Bytes"),
    ("StorageCalls", "Count"),
    ("MetadataCalls", "Count"),
    ("ColdStarts", "Count"),
];

/// A cold start: the first request after it counts it.
#[derive(Debug)]
pub(super) struct Start {
    registry: String,
    is_counted: AtomicBool,
}

impl Start {
    /// A registry is called by its table.
    pub(super) fn of(metadata: &Url) -> Self {
        Self { registry: registry_of(metadata), is_counted: AtomicBool::new(false) }
    }
}

/// What a registry is called in its metrics.
pub(super) fn registry_of(metadata: &Url) -> String {
    metadata.host_str().unwrap_or(metadata.path()).to_owned()
}

/// A request that is being answered.
#[derive(Debug)]
pub(super) struct Measured {
    registry: String,
    function: String,
    request: String,
    gateway: Option<String>,
    method: String,
    path: String,
    bytes_in: usize,
    is_cold: bool,
}

impl Measured {
    pub(super) fn of(start: &Start, event: &GatewayEvent, context: &Context) -> Self {
        let (method, path) = event.target();
        Self {
            registry: start.registry.clone(),
            function: context.env_config.function_name.clone(),
            request: context.request_id.clone(),
            gateway: event.request_id().map(ToOwned::to_owned),
            method,
            path,
            bytes_in: event.body_size(),
            is_cold: !start.is_counted.swap(true, Ordering::Relaxed),
        }
    }

    /// Prints the line, with the calls that were sent since the last one.
    pub(super) fn print(self, answer: &GatewayAnswer, latency: Duration, traffic: &Traffic) {
        println!("{}", self.line(answer, latency, traffic));
    }

    fn line(self, answer: &GatewayAnswer, latency: Duration, traffic: &Traffic) -> Value {
        let sent = |calls: &crate::calls::Calls| calls.take().values().sum::<u64>();
        let metrics = METRICS.map(|(name, unit)| json!({ "Name": name, "Unit": unit }));
        json!({
            "_aws": {
                "Timestamp": Timestamp::now(),
                "CloudWatchMetrics": [{ "Namespace": NAMESPACE, "Dimensions": [[DIMENSION]], "Metrics": metrics }],
            },
            DIMENSION: self.registry,
            "level": "INFO",
            "message": "answered",
            "function": self.function,
            "id": self.request,
            "gateway": self.gateway,
            "method": self.method,
            "path": self.path,
            "status": answer.status(),
            "Requests": 1,
            "ServerErrors": u8::from(answer.status() >= 500),
            "Latency": latency.as_secs_f64() * 1000.0,
            "BytesIn": self.bytes_in,
            "BytesOut": answer.body_size(),
            "StorageCalls": sent(&traffic.storage),
            "MetadataCalls": sent(&traffic.metadata),
            "ColdStarts": u8::from(self.is_cold),
        })
    }
}

#[cfg(test)]
mod tests {
    use http::Response;

    use super::*;
    use crate::http::full;
    use crate::lambda::event::Form;

    #[tokio::test]
    async fn the_line_has_a_value_for_each_metric_and_names_no_query() {
        let event = r#"{"rawPath":"/v2/a/tags/list","rawQueryString":"n=secret","headers":{"authorization":"secret"},
            "requestContext":{"requestId":"gateway-1","http":{"method":"GET"}},"body":"AAAA","isBase64Encoded":true}"#;
        let event: GatewayEvent = serde_json::from_str(event).unwrap();
        let start = Start::of(&"dynamodb://table".parse().unwrap());
        let cold = Measured::of(&start, &event, &Context::default());
        let warm = Measured::of(&start, &event, &Context::default());
        assert!(cold.is_cold && !warm.is_cold);
        let answer = GatewayAnswer::of(Form::Http, None, Response::new(full("12345"))).await;
        let line = cold.line(&answer, Duration::from_millis(2), &Traffic::default());
        for (name, _) in METRICS {
            assert!(line[name].is_number(), "{name} in {line}");
        }
        assert_eq!((&line["Registry"], &line["BytesIn"], &line["BytesOut"]), (&json!("table"), &json!(3), &json!(5)));
        assert_eq!(line["path"], "/v2/a/tags/list");
        assert!(!line.to_string().contains("secret"));
    }
}
