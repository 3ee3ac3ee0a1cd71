//! Asking the registry behind the proxy, and the buckets that it points to.

use std::time::Duration;

use http::header::{AUTHORIZATION, LOCATION};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use reqwest::redirect::Policy;
use reqwest::{Body, Client, Response};
use shared::http::Route;
use shared::oci::{RepositoryName, UploadId};
use url::Url;

use super::deliver::Parcel;
use super::error::Error;
use super::refusal::Refusal;
use crate::remote::is_loopback;

/// How long a connection may take to come up.
const CONNECT: Duration = Duration::from_secs(10);

/// How long nothing may arrive where something must.
const SILENCE: Duration = Duration::from_mins(1);

/// After how long of silence the system asks whether the other end is still there.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// The most redirects that are followed away from the registry.
const REDIRECTS: usize = 5;

/// The registry behind the proxy.
#[derive(Debug)]
pub(super) struct Upstream {
    base: Url,
    registry: Client,
    elsewhere: Client,
}

impl Upstream {
    /// The registry at `base`. Sends nothing yet.
    pub(super) fn new(base: Url) -> Result<Self, reqwest::Error> {
        let builder =
            || Client::builder().connect_timeout(CONNECT).read_timeout(SILENCE).tcp_keepalive(KEEPALIVE).referer(false);
        let registry = builder().redirect(Policy::none());
        // A proxy that the environment names leads out of this machine, never back to it.
        let registry = if is_loopback(&base) { registry.no_proxy() } else { registry };
        let elsewhere = builder().redirect(Policy::limited(REDIRECTS));
        Ok(Self { registry: registry.build()?, elsewhere: elsewhere.build()?, base })
    }

    /// Where it is.
    pub(super) fn base(&self) -> &Url {
        &self.base
    }

    /// Sends a request to a path of the registry, and gives whatever it answers.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        query: Option<&str>,
        headers: HeaderMap,
        body: Option<Body>,
    ) -> Result<Response, Error> {
        let mut url = self.base.clone();
        url.set_path(path);
        url.set_query(query);
        let request = self.registry.request(method, url).headers(headers);
        let request = if let Some(body) = body { request.body(body) } else { request };
        request.send().await.map_err(Error::unreachable)
    }

    /// Whether the repository has the blob, as far as whoever asks may know. An answer that wants to know who asks, or to
    /// be asked less often, is an error with that answer in it.
    pub(super) async fn has(&self, parcel: &Parcel) -> Result<bool, Error> {
        let path = Route::Blob { name: parcel.name.clone(), digest: parcel.digest.clone() }.to_string();
        let headers = presenting(parcel.authorization.as_ref());
        let response = self.send(Method::HEAD, &path, None, headers, None).await?;
        match response.status() {
            StatusCode::UNAUTHORIZED | StatusCode::TOO_MANY_REQUESTS => Err(Refusal::of(response).await.into()),
            status => Ok(status.is_success() || status.is_redirection()),
        }
    }

    /// Fails unless whoever asks may push there, with the registry's own answer. It is asked for an upload that nobody can
    /// know of: who may not push does not learn that.
    pub(super) async fn lets_push(
        &self,
        name: &RepositoryName,
        authorization: Option<&HeaderValue>,
    ) -> Result<(), Error> {
        let path = Route::Upload { name: name.clone(), id: UploadId::random() }.to_string();
        let headers = presenting(authorization);
        let response = self.send(Method::GET, &path, None, headers, None).await?;
        match response.status() {
            // A registry that is read only says 405.
            StatusCode::UNAUTHORIZED
            | StatusCode::FORBIDDEN
            | StatusCode::METHOD_NOT_ALLOWED
            | StatusCode::TOO_MANY_REQUESTS => Err(Refusal::of(response).await.into()),
            _ => Ok(()),
        }
    }

    /// Lets an upload that the registry has begun be forgotten. Nobody minds when that fails: it is forgotten later.
    pub(super) async fn give_up(&self, begun: &Response, authorization: Option<&HeaderValue>) {
        let location = begun.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let url = location.and_then(|location| begun.url().join(location).ok());
        let Some(url) = url.filter(|url| url.origin() == self.base.origin()) else { return };
        let headers = presenting(authorization);
        if let Err(error) = self.send(Method::DELETE, url.path(), url.query(), headers, None).await {
            tracing::debug!(%error, "an upload could not be given up");
        }
    }

    /// Sends a request to where the registry's answer points, without credentials; none if it points nowhere or that does
    /// not answer as it should.
    pub(super) async fn follow(&self, redirect: &Response, method: Method, headers: HeaderMap) -> Option<Response> {
        let location = redirect.headers().get(LOCATION)?.to_str().ok()?;
        let url = redirect.url().join(location).ok()?;
        match self.elsewhere.request(method, url).headers(headers).send().await {
            Ok(response) if response.status().is_success() => Some(response),
            Ok(response) => {
                tracing::warn!(status = response.status().as_u16(), "a redirect led to an answer that cannot be used");
                None
            }
            Err(error) => {
                tracing::warn!(error = %shared::causes::Causes(&error.without_url()), "a redirect led nowhere");
                None
            }
        }
    }
}

/// The headers of a request by whoever presents this.
fn presenting(authorization: Option<&HeaderValue>) -> HeaderMap {
    authorization.map(|value| (AUTHORIZATION, value.clone())).into_iter().collect()
}
