//! Who has an account, and who may do what.

use http::{Request, Response};
use shared::http::{Api, Route, WireBody};

/// Answers a request that is about these.
pub async fn handle(api: Api, request: Request<WireBody>) -> Response<WireBody> {
    api.administering().handle_some(request, |route| matches!(route, Route::Admin(_))).await
}
