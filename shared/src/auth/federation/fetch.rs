//! Fetching small documents, by the connections that AWS clients are made of. No redirect is followed.

use std::sync::OnceLock;
use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http::StatusCode;
use http::header::{ACCEPT, HeaderName, USER_AGENT};
use http_body_util::{BodyExt, Limited};
use url::Url;

use super::error::IssuerError;

/// The most bytes of a document.
const LARGEST: usize = 256 * 1024;

/// How long everything takes together that one sign-in fetches.
const LONGEST: Duration = Duration::from_secs(5);

/// The connections. They are made when the first is needed: that reads the system's certificates.
#[derive(Debug, Default)]
pub(super) struct Fetcher(OnceLock<Connector>);

/// What was answered, whatever its status.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Bytes,
}

impl Fetcher {
    /// Asks once.
    pub(super) async fn get(&self, url: &Url, header: Option<(HeaderName, &str)>) -> Result<Answer, IssuerError> {
        let request = http::Request::get(url.as_str()).header(ACCEPT, "application/json, text/xml;q=0.9");
        let request = request.header(USER_AGENT, concat!("ringhold/", env!("CARGO_PKG_VERSION")));
        let request = match header {
            Some((name, value)) => request.header(name, value),
            None => request,
        };
        let request = request.body(SdkBody::empty()).map_err(|error| IssuerError::Connection(error.into()))?;
        let request = HttpRequest::try_from(request).map_err(|error| IssuerError::Connection(error.into()))?;
        let answer = self.connector().call(request).await.map_err(|error| IssuerError::Connection(error.into()))?;
        let answer = answer.try_into_http1x().map_err(|error| IssuerError::Connection(error.into()))?;
        let (parts, body) = answer.into_parts();
        let body = Limited::new(body, LARGEST).collect().await.map_err(IssuerError::Body)?.to_bytes();
        Ok(Answer { status: parts.status, body })
    }

    /// Asks for a document of JSON.
    pub(super) async fn json<T: serde::de::DeserializeOwned>(&self, url: &Url) -> Result<T, IssuerError> {
        let answer = self.get(url, None).await?;
        if answer.status != StatusCode::OK {
            return Err(IssuerError::Status(answer.status.as_u16()));
        }
        serde_json::from_slice(&answer.body).map_err(|error| IssuerError::Document(Some(error)))
    }

    fn connector(&self) -> &Connector {
        self.0.get_or_init(|| Connector::builder().tls_provider(Provider::Rustls(CryptoMode::AwsLc)).build())
    }
}

/// Everything that one sign-in fetches, or nothing when that takes too long.
pub(super) async fn in_time<T>(fetching: impl Future<Output = Result<T, IssuerError>>) -> Result<T, IssuerError> {
    tokio::time::timeout(LONGEST, fetching).await.unwrap_or(Err(IssuerError::Slow))
}

/// Whether what comes from there is what was sent, and is from there: over TLS, or not over any wire.
pub(super) fn is_safe(url: &Url) -> bool {
    url.scheme() == "https" || is_local(url)
}

/// Whether it is of this machine, in clear text.
pub(super) fn is_local(url: &Url) -> bool {
    let is_loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() == "http" && is_loopback
}
