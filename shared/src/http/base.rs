//! `/v2/`, and how the process is.

use http::StatusCode;
use serde_json::json;

use super::Api;
use super::error::Error;
use super::reply::Reply;

/// The registry speaks the protocol.
pub(super) fn version() -> Reply {
    Reply::json(StatusCode::OK, "application/json", &json!({}))
}

/// The process answers.
#[must_use]
pub fn healthy() -> Reply {
    Reply::json(StatusCode::OK, "application/json", &json!({ "status": "alive" }))
}

impl Api {
    /// The process can serve: its metadata answers. A bucket that does not serve is told of, and leaves the rest ready.
    pub(super) async fn ready(&self) -> Result<Reply, Error> {
        let condition = self.registry.ready().await?;
        let told = json!({
            "status": "ready",
            "epoch": condition.epoch,
            "buckets": { "serving": condition.serving, "not_serving": condition.not_serving },
        });
        Ok(Reply::json(StatusCode::OK, "application/json", &told))
    }
}
