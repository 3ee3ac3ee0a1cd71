//! Lists of tags and repositories, and what the process says of itself.

use http::{Request, Response};
use shared::http::{Api, Route, WireBody};

/// Answers a request that is about these.
pub async fn handle(api: Api, request: Request<WireBody>) -> Response<WireBody> {
    api.handle_some(request, |route| {
        matches!(
            route,
            Route::Tags { .. }
                | Route::Catalog
                | Route::Extensions { .. }
                | Route::Version
                | Route::Health
                | Route::Ready
        )
    })
    .await
}
