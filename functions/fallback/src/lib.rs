//! Every route of images: what the gateway has no route of its own for, such as names of more components.

use http::{Request, Response};
use shared::http::{Api, Route, WireBody};

/// Answers any request but those whose functions may do what no other may: change accounts, and sign access tokens. Whoever
/// finds a way into this one, which all can reach, can do neither.
pub async fn handle(api: Api, request: Request<WireBody>) -> Response<WireBody> {
    api.handle_some(request, |route| !matches!(route, Route::Admin(_) | Route::Token)).await
}
