//! Uploads: begun, appended to, completed, cancelled.

use http::{Request, Response};
use shared::http::{Api, Route, WireBody};

/// Answers a request that is about these.
pub async fn handle(api: Api, request: Request<WireBody>) -> Response<WireBody> {
    api.handle_some(request, |route| {
        matches!(
            route,
            Route::Uploads { .. } | Route::Upload { .. } | Route::DirectUploads { .. } | Route::DirectUpload { .. }
        )
    })
    .await
}
