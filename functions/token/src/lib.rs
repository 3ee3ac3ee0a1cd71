//! Access tokens, which this function alone can sign.

use http::{Request, Response};
use shared::http::{Api, Route, WireBody};

/// Answers a request for one.
pub async fn handle(api: Api, request: Request<WireBody>) -> Response<WireBody> {
    api.handle_some(request, |route| matches!(route, Route::Token)).await
}
