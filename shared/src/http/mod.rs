//! The wire: from a request to the registry's words and back. The only place that knows statuses and headers, and the
//! only place that renders errors. `Api::handle` is the unit that every process and every test calls.

pub mod admin;
mod admission;
mod base;
mod blobs;
mod body;
mod challenge;
pub mod direct;
mod error;
mod headers;
mod listings;
mod manifests;
mod peer;
mod profile;
mod query;
mod reply;
mod route;
mod token;
mod upload_query;
mod uploads;

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

pub use admission::Needs;
pub use base::healthy;
pub use blobs::{OCTETS, described};
pub use body::{BoxError, WireBody, collect, empty, full, incoming, streaming};
use bytes::Bytes;
pub use challenge::Challenge;
pub use error::{Error, Refusal};
use futures::FutureExt;
pub use headers::{CHALLENGE_COPY, CONTENT_DIGEST, REQUEST_ID};
use http::{Method, Request, Response};
pub use peer::Peer;
pub use profile::Profile;
pub use query::Query;
pub use reply::Reply;
pub use route::{Route, RouteError};
pub use upload_query::{Beginning, begins, completes};
pub use uploads::{chunk_range, standing, stored};

use crate::auth::{Caller, Gate, GateSettings};
use crate::registry::{self, Registry};

/// The registry's HTTP API.
#[derive(Debug, Clone)]
pub struct Api {
    registry: Registry,
    gate: Gate,
    settings: Settings,
    administers: Option<admin::Administers>,
}

/// How the API answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// What requests come by.
    pub profile: Profile,
    /// Who gets in.
    pub gate: GateSettings,
    /// The registry's address, where that is not the one that a request was sent to.
    pub public_url: Option<String>,
    /// Blobs of more than this many bytes are fetched by the client itself from their bucket, where that has URLs. None:
    /// no blob is.
    pub redirect_above: Option<u64>,
    /// How long the URL of a redirect lives.
    pub url_life: Duration,
    /// How long a client may send nothing in the middle of a body.
    pub body_idle: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            profile: Profile::default(),
            gate: GateSettings::default(),
            public_url: None,
            redirect_above: Some(Self::REDIRECT_ABOVE),
            url_life: Self::URL_LIFE,
            body_idle: Duration::from_mins(1),
        }
    }
}

impl Settings {
    /// The largest blob that is answered from here, unless it is said otherwise.
    pub const REDIRECT_ABOVE: u64 = 64 * 1024;
    /// How long the URL of a redirect lives, unless it is said otherwise.
    pub const URL_LIFE: Duration = Duration::from_mins(20);
}

/// A request without its path and body, and who sends it.
struct Call {
    method: Method,
    query: Query,
    headers: http::HeaderMap,
    caller: Caller,
    address: Option<IpAddr>,
    challenge: Challenge,
}

impl Api {
    /// The API of this registry.
    #[must_use]
    pub fn new(registry: Registry, settings: Settings) -> Self {
        let gate = Gate::new(Arc::clone(registry.metadata()), settings.gate.clone());
        Self { registry, gate, settings, administers: None }
    }

    /// The gate that callers come by.
    #[must_use]
    pub const fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Opens the connection to a bucket.
    pub async fn warm_up(&self) {
        self.registry.warm_up().await;
    }

    /// Waits until nothing is left to be tidied up after the requests so far: before the process stands still.
    pub async fn rest(&self) {
        self.registry.rest().await;
    }

    /// Answers one request. Never fails: what goes wrong is in the answer, a panic too.
    pub async fn handle(&self, request: Request<WireBody>) -> Response<WireBody> {
        self.handle_some(request, |_| true).await
    }

    /// Answers one request of a process that answers some routes only. Any other is a mistake of the front that sent it
    /// here.
    pub async fn handle_some(
        &self,
        request: Request<WireBody>,
        answers: impl FnOnce(&Route) -> bool,
    ) -> Response<WireBody> {
        self.answer_to(None, request, answers).await
    }

    /// Answers a request of somebody who is known already, whatever it says of who sends it: by a socket that only they can
    /// open, or in a process that they run.
    pub async fn handle_as(&self, caller: Caller, request: Request<WireBody>) -> Response<WireBody> {
        self.answer_to(Some(caller), request, |_| true).await
    }

    async fn answer_to(
        &self,
        caller: Option<Caller>,
        request: Request<WireBody>,
        answers: impl FnOnce(&Route) -> bool,
    ) -> Response<WireBody> {
        let answered = AssertUnwindSafe(Box::pin(self.try_handle(caller, request, answers))).catch_unwind().await;
        answered.unwrap_or(Err(Error::Panicked)).unwrap_or_else(Error::into_reply).into_response()
    }

    async fn try_handle(
        &self,
        caller: Option<Caller>,
        request: Request<WireBody>,
        answers: impl FnOnce(&Route) -> bool,
    ) -> Result<Reply, Error> {
        let (parts, body) = request.into_parts();
        let route = Route::parse(parts.uri.path(), &parts.method)?;
        if !answers(&route) {
            return Err(Error::Misdirected);
        }
        let (route, mut call) = self.admit(caller, route, parts).await?;
        if !route.methods().contains(&call.method) {
            return Err(Error::MethodNotAllowed { allowed: route.methods() });
        }
        let answered = self.answer(route.clone(), &mut call, body).await;
        let status = answered.as_ref().map_or_else(Error::status, Reply::status);
        self.tell_of_answer(&call, &route, status).await;
        answered
    }

    /// A request's body, held whole.
    async fn whole(&self, body: WireBody, limit: usize) -> Result<Bytes, Error> {
        Ok(collect(incoming(body, self.settings.body_idle), limit).await.map_err(registry::Error::from)?)
    }

    async fn answer(&self, route: Route, call: &mut Call, body: WireBody) -> Result<Reply, Error> {
        if route.is_about_data() {
            self.registry.keep_up().await;
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
            Route::DirectUploads { name } => self.begin_direct(&name, call).await,
            Route::DirectUpload { name, id } => self.direct_upload(&name, &id, call, body).await,
            Route::Extensions { .. } => Ok(self.extensions()),
            Route::Token => self.token(call, body).await,
            Route::Admin(route) => match self.administers {
                Some(answer) => answer(self, route, call, body).await,
                None => Err(Error::Misdirected),
            },
        }
    }
}
