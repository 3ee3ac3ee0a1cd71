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
    /// The process can serve: its metadata answers.
    pub(super) async fn ready(&self) -> Result<Reply, Error> {
        self.registry.ready().await?;
        Ok(Reply::json(StatusCode::OK, "application/json", &json!({ "status": "ready" })))
    }
}
