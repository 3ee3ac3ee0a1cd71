//! Every route: what the gateway has no route of its own for, such as names of more components.

use http::{Request, Response};
use shared::http::{Api, WireBody};

/// Answers any request.
pub async fn handle(api: Api, request: Request<WireBody>) -> Response<WireBody> {
    api.handle(request).await
}
