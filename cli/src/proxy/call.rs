//! A request, read as far as the proxy has to know it.

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Method, Request};
use shared::http::{Query, Route, RouteError, WireBody};
use shared::oci::{Digest, RepositoryName, UploadId};

use super::error::Error;

/// What a mirror's client calls the registry that it means: said to the mirror alone.
const NAMESPACE: &str = "ns";

/// The path below which everything is the registry's.
const API: &str = "/v2";

/// A request without its body.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) method: Method,
    /// As it was sent: what the registry makes of it is not for the proxy to say.
    pub(super) path: String,
    /// As it was sent, without what is for the proxy alone.
    pub(super) raw_query: Option<String>,
    pub(super) query: Query,
    pub(super) headers: HeaderMap,
    pub(super) target: Result<Target, RouteError>,
}

/// What a request is for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// The proxy itself.
    Health,
    /// Uploads that begin.
    Uploads(RepositoryName),
    /// An upload that goes on.
    Upload(RepositoryName, UploadId),
    /// A blob.
    Blob(Digest),
    /// Anything else of the registry.
    Other,
}

impl Call {
    /// Reads a request.
    pub(super) fn of(request: Request<WireBody>) -> (Self, WireBody) {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path().to_owned();
        let raw_query = parts.uri.query().and_then(without_namespace);
        let query = Query::parse(raw_query.as_deref());
        let target = Target::of(&path, &parts.method);
        (Self { method: parts.method, path, raw_query, query, headers: parts.headers, target }, body)
    }

    /// Who asks, as the registry is told.
    pub(super) fn authorization(&self) -> Option<&HeaderValue> {
        self.headers.get(AUTHORIZATION)
    }

    /// Why nothing can be done about it here.
    pub(super) fn into_error(self) -> Error {
        let error = self.target.err().unwrap_or(RouteError::Unknown);
        Error::Wire(error.into())
    }
}

impl Target {
    /// What lies at a path. What the proxy does not know, the registry may; only what an upload is called must be one of
    /// the proxy's own names.
    fn of(path: &str, method: &Method) -> Result<Self, RouteError> {
        match Route::parse(path, method) {
            Ok(Route::Health) => Ok(Self::Health),
            Ok(Route::Uploads { name }) => Ok(Self::Uploads(name)),
            Ok(Route::Upload { name, id }) => Ok(Self::Upload(name, id)),
            Ok(Route::Blob { digest, .. }) => Ok(Self::Blob(digest)),
            Err(error @ RouteError::NoSuchUpload) => Err(error),
            Ok(_) | Err(_) if is_api(path) => Ok(Self::Other),
            Ok(_) | Err(_) => Err(RouteError::Unknown),
        }
    }
}

/// Whether a path is below the registry's, also after a client of the registry has read dots in it.
fn is_api(path: &str) -> bool {
    let below = path.strip_prefix(API).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    below
        && !path
            .split('/')
            .any(|segment| matches!(segment.replace("%2e", ".").replace("%2E", ".").as_str(), "." | ".."))
}

fn without_namespace(query: &str) -> Option<String> {
    let is_namespace = |pair: &&str| pair.split('=').next() == Some(NAMESPACE);
    let rest: Vec<_> = query.split('&').filter(|pair| !is_namespace(pair)).collect();
    Some(rest.join("&")).filter(|query| !query.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirrors_namespace_is_dropped_and_the_rest_stays_byte_for_byte() {
        for (sent, passed) in [
            ("ns=registry.example", None),
            ("ns", None),
            ("digest=sha256%3Aab&ns=registry.example&n=%2b", Some("digest=sha256%3Aab&n=%2b")),
            ("last=ns&nsx=1", Some("last=ns&nsx=1")),
        ] {
            assert_eq!(without_namespace(sent).as_deref(), passed, "{sent}");
        }
    }

    #[test]
    fn what_the_proxy_does_not_know_is_the_registrys_and_nothing_outside_of_its_paths() {
        let of = |path| Target::of(path, &Method::GET);
        for path in ["/v2", "/v2/", "/v2/_oci/ext/discover", "/v2/a/_ringhold/uploads/direct", "/v2/A/tags/list"] {
            assert_eq!(of(path), Ok(Target::Other), "{path}");
        }
        for path in ["/", "/v1/", "/v2x/", "/readyz", "/v2/../admin", "/v2/a/%2e%2E/%2e./x"] {
            assert_eq!(of(path), Err(RouteError::Unknown), "{path}");
        }
        assert_eq!(of("/v2/a/blobs/uploads/another-registrys"), Err(RouteError::NoSuchUpload));
    }
}
