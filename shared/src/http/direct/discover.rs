//! Which extensions the registry has: the specification's `_oci/ext/discover`.

use http::StatusCode;
use serde_json::json;

use super::{DIRECT_UPLOADS, JSON};
use crate::http::Api;
use crate::http::reply::Reply;

/// What describes the extension.
const DESCRIPTION: &str =
    "Uploads whose bytes go straight into a bucket: docs/direct-upload.md of the registry's source";

impl Api {
    /// Lists the extensions that work with the registry's buckets.
    pub(in crate::http) fn extensions(&self) -> Reply {
        let direct = json!({ "name": "_ringhold", "description": DESCRIPTION, "endpoints": [DIRECT_UPLOADS] });
        let extensions = if self.registry.has_direct_uploads() { vec![direct] } else { Vec::new() };
        Reply::json(StatusCode::OK, JSON, &json!({ "extensions": extensions }))
    }
}
