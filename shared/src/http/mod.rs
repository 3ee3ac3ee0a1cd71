//! The wire: from a request to the registry's words and back. The only place that knows statuses and headers, and the
//! only place that renders errors. `Api::handle` is the unit that every process and every test calls.

mod base;
mod blobs;
mod body;
mod error;
mod headers;
mod listings;
mod manifests;
mod query;
mod reply;
mod route;
mod uploads;

use std::time::Duration;

pub use body::{BoxError, WireBody, empty, full};
pub use error::Error;
pub use headers::REQUEST_ID;
use http::{Method, Request, Response};
use query::Query;
use reply::Reply;
pub use route::{Route, RouteError};

use crate::registry::Registry;

/// The registry's HTTP API.
#[derive(Debug, Clone)]
pub struct Api {
    registry: Registry,
    settings: Settings,
}

/// How the API answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// When a blob is fetched from its bucket by the client itself.
    pub redirects: Redirects,
    /// How long the URL of a redirect lives.
    pub url_life: Duration,
    /// How long a client may send nothing in the middle of a body.
    pub body_idle: Duration,
}

/// When a blob is fetched from its bucket by the client itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Redirects {
    /// Blobs of more than this many bytes are, where their bucket has URLs. None: never.
    pub above: Option<u64>,
    /// Whether a HEAD is answered so as well, by a front that cannot keep its Content-Length.
    pub heads: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            redirects: Redirects { above: Some(64 * 1024), heads: false },
            url_life: Duration::from_mins(20),
            body_idle: Duration::from_mins(1),
        }
    }
}

/// A request without its path and body.
struct Call {
    method: Method,
    query: Query,
    headers: http::HeaderMap,
}

impl Api {
    /// The API of this registry.
    #[must_use]
    pub fn new(registry: Registry, settings: Settings) -> Self {
        Self { registry, settings }
    }

    /// Answers one request. Never fails: what goes wrong is in the answer.
    pub async fn handle(&self, request: Request<WireBody>) -> Response<WireBody> {
        let (parts, body) = request.into_parts();
        let route = Route::parse(parts.uri.path(), &parts.method);
        let call = Call { method: parts.method, query: Query::parse(parts.uri.query()), headers: parts.headers };
        let answered = match route {
            Ok(route) => self.answer(route, &call, body).await,
            Err(error) => Err(error.into()),
        };
        answered.unwrap_or_else(Error::into_reply).into_response()
    }

    async fn answer(&self, route: Route, call: &Call, body: WireBody) -> Result<Reply, Error> {
        if !route.methods().contains(&call.method) {
            return Err(Error::MethodNotAllowed { allowed: route.methods() });
        }
        match route {
            Route::Version => Ok(base::version()),
            Route::Health => Ok(base::healthy()),
            Route::Ready => self.ready().await,
            Route::Catalog => self.catalog(call).await,
            Route::Tags { name } => self.tags(&name, call).await,
            Route::Referrers { name, subject } => self.referrers(&name, &subject, call).await,
            Route::Blob { name, digest } => self.blob(&name, &digest, call).await,
            Route::Manifest { name, reference } => self.manifest(&name, reference, call, body).await,
            Route::Uploads { name } => self.begin(&name, call, body).await,
            Route::Upload { name, id } => self.upload(&name, &id, call, body).await,
        }
    }
}
