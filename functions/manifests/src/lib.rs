//! Manifests, and what refers to them.

use http::{Request, Response};
use shared::http::{Api, Route, WireBody};

/// Answers a request that is about these.
pub async fn handle(api: Api, request: Request<WireBody>) -> Response<WireBody> {
    api.handle_some(request, |route| matches!(route, Route::Manifest { .. } | Route::Referrers { .. })).await
}
