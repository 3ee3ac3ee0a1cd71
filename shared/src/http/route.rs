//! The paths of the API. A repository's name has slashes in it, so a path is read from its end. `Display` is the inverse.

use std::fmt;
use std::str::FromStr;

use http::Method;
use percent_encoding::percent_decode_str;

use super::admin::{AdminRoute, ROOT};
use super::direct::DIRECT_UPLOADS;
use crate::auth::{ParseNameError, ParseTokenIdError};
use crate::oci::{
    Digest, ParseDigestError, ParseReferenceError, ParseRepositoryNameError, Reference, RepositoryName, UploadId,
};

/// What a path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// `/v2/`
    Version,
    /// `/v2/_catalog`
    Catalog,
    /// `/v2/<name>/tags/list`
    Tags {
        /// The repository.
        name: RepositoryName,
    },
    /// `/v2/<name>/referrers/<digest>`
    Referrers {
        /// The repository.
        name: RepositoryName,
        /// The manifest that is referred to.
        subject: Digest,
    },
    /// `/v2/<name>/manifests/<reference>`
    Manifest {
        /// The repository.
        name: RepositoryName,
        /// The tag or digest.
        reference: Reference,
    },
    /// `/v2/<name>/blobs/<digest>`
    Blob {
        /// The repository.
        name: RepositoryName,
        /// The blob.
        digest: Digest,
    },
    /// `/v2/<name>/blobs/uploads/`
    Uploads {
        /// The repository.
        name: RepositoryName,
    },
    /// `/v2/<name>/blobs/uploads/<id>`
    Upload {
        /// The repository.
        name: RepositoryName,
        /// The upload.
        id: UploadId,
    },
    /// `/v2/<name>/_ringhold/uploads/direct`
    DirectUploads {
        /// The repository.
        name: RepositoryName,
    },
    /// `/v2/<name>/_ringhold/uploads/direct/<id>`
    DirectUpload {
        /// The repository.
        name: RepositoryName,
        /// The upload.
        id: UploadId,
    },
    /// `/v2/_oci/ext/discover`, or `/v2/<name>/_oci/ext/discover`
    Extensions {
        /// The repository whose extensions are asked for, if they are of one.
        name: Option<RepositoryName>,
    },
    /// `/token`
    Token,
    /// `/api/v1/…`
    Admin(AdminRoute),
    /// `/healthz`
    Health,
    /// `/readyz`
    Ready,
}

/// Why a path names nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// The API has no such path.
    #[error("there is nothing at this path")]
    Unknown,
    /// The path is not text.
    #[error("the path is not UTF-8")]
    NotText,
    /// The repository's name is none.
    #[error(transparent)]
    Name(#[from] ParseRepositoryNameError),
    /// The digest is none.
    #[error(transparent)]
    Digest(#[from] ParseDigestError),
    /// The tag or digest is none, and something was to be put under it.
    #[error(transparent)]
    Reference(#[from] ParseReferenceError),
    /// The account's name is none.
    #[error(transparent)]
    Account(#[from] ParseNameError),
    /// The token's name is none.
    #[error(transparent)]
    TokenId(#[from] ParseTokenIdError),
    /// Nothing can lie under what is no tag or digest.
    #[error("the repository has no such manifest")]
    NoSuchManifest,
    /// Nothing can be called by what is no upload's name.
    #[error("the repository has no such upload; begin a new one")]
    NoSuchUpload,
}

impl Route {
    /// What the path names, percent-decoded once, whatever a front has done to it before.
    pub fn parse(path: &str, method: &Method) -> Result<Self, RouteError> {
        let path = percent_decode_str(path).decode_utf8().map_err(|_| RouteError::NotText)?;
        match &*path {
            "/healthz" => return Ok(Self::Health),
            "/readyz" => return Ok(Self::Ready),
            "/token" => return Ok(Self::Token),
            "/v2" | "/v2/" => return Ok(Self::Version),
            "/v2/_catalog" => return Ok(Self::Catalog),
            _ => {}
        }
        if let Some(rest) = path.strip_prefix(ROOT) {
            return Ok(Self::Admin(AdminRoute::parse(rest)?));
        }
        let rest = path.strip_prefix("/v2/").ok_or(RouteError::Unknown)?;
        let segments: Vec<&str> = rest.split('/').collect();
        match segments.as_slice() {
            [name @ .., "tags", "list"] => Ok(Self::Tags { name: join(name)? }),
            [name @ .., "blobs", "uploads"] | [name @ .., "blobs", "uploads", ""] => {
                Ok(Self::Uploads { name: join(name)? })
            }
            [name @ .., "blobs", "uploads", id] => {
                Ok(Self::Upload { name: join(name)?, id: id.parse().map_err(|_| RouteError::NoSuchUpload)? })
            }
            [name @ .., "_ringhold", "uploads", "direct"] => Ok(Self::DirectUploads { name: join(name)? }),
            [name @ .., "_ringhold", "uploads", "direct", id] => {
                Ok(Self::DirectUpload { name: join(name)?, id: id.parse().map_err(|_| RouteError::NoSuchUpload)? })
            }
            ["_oci", "ext", "discover"] => Ok(Self::Extensions { name: None }),
            [name @ .., "_oci", "ext", "discover"] => Ok(Self::Extensions { name: Some(join(name)?) }),
            [name @ .., "blobs", digest] => Ok(Self::Blob { name: join(name)?, digest: digest.parse()? }),
            [name @ .., "referrers", digest] => Ok(Self::Referrers { name: join(name)?, subject: digest.parse()? }),
            [name @ .., "manifests", text] => {
                Ok(Self::Manifest { name: join(name)?, reference: reference(text, method)? })
            }
            _ => Err(RouteError::Unknown),
        }
    }

    /// Whether the answer is about what the registry holds, not only about the process.
    #[must_use]
    pub const fn is_about_data(&self) -> bool {
        !matches!(self, Self::Version | Self::Health | Self::Token | Self::Admin(_))
    }

    /// What can be done here.
    #[must_use]
    pub const fn methods(&self) -> &'static [Method] {
        const READ: &[Method] = &[Method::GET, Method::HEAD];
        match self {
            Self::Admin(route) => route.methods(),
            Self::Version | Self::Health | Self::Ready | Self::Extensions { .. } => READ,
            Self::Catalog | Self::Tags { .. } | Self::Referrers { .. } => READ,
            Self::Manifest { .. } => &[Method::GET, Method::HEAD, Method::PUT, Method::DELETE],
            Self::Blob { .. } => &[Method::GET, Method::HEAD, Method::DELETE],
            Self::Token => &[Method::GET, Method::POST],
            Self::Uploads { .. } | Self::DirectUploads { .. } => &[Method::POST],
            Self::DirectUpload { .. } => &[Method::GET, Method::POST, Method::PUT, Method::DELETE],
            Self::Upload { .. } => &[Method::GET, Method::PATCH, Method::PUT, Method::DELETE],
        }
    }
}

fn join(name: &[&str]) -> Result<RepositoryName, ParseRepositoryNameError> {
    RepositoryName::from_str(&name.join("/"))
}

/// A bad reference is a bad request only to a client that wants to create it; nothing can be found under one.
fn reference(text: &str, method: &Method) -> Result<Reference, RouteError> {
    text.parse().map_err(|error| match error {
        ParseReferenceError::Tag(_) if method != Method::PUT => RouteError::NoSuchManifest,
        ParseReferenceError::Tag(_) | ParseReferenceError::Digest(_) => RouteError::Reference(error),
    })
}

impl fmt::Display for Route {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version => formatter.write_str("/v2/"),
            Self::Catalog => formatter.write_str("/v2/_catalog"),
            Self::Tags { name } => write!(formatter, "/v2/{name}/tags/list"),
            Self::Referrers { name, subject } => write!(formatter, "/v2/{name}/referrers/{subject}"),
            Self::Manifest { name, reference } => write!(formatter, "/v2/{name}/manifests/{reference}"),
            Self::Blob { name, digest } => write!(formatter, "/v2/{name}/blobs/{digest}"),
            Self::Uploads { name } => write!(formatter, "/v2/{name}/blobs/uploads/"),
            Self::Upload { name, id } => write!(formatter, "/v2/{name}/blobs/uploads/{id}"),
            Self::DirectUploads { name } => write!(formatter, "/v2/{name}/{DIRECT_UPLOADS}"),
            Self::DirectUpload { name, id } => write!(formatter, "/v2/{name}/{DIRECT_UPLOADS}/{id}"),
            Self::Extensions { name: None } => formatter.write_str("/v2/_oci/ext/discover"),
            Self::Extensions { name: Some(name) } => write!(formatter, "/v2/{name}/_oci/ext/discover"),
            Self::Token => formatter.write_str("/token"),
            Self::Admin(route) => route.fmt(formatter),
            Self::Health => formatter.write_str("/healthz"),
            Self::Ready => formatter.write_str("/readyz"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hostile_name() -> impl Strategy<Value = RepositoryName> {
        let component =
            prop::sample::select(vec!["blobs", "uploads", "manifests", "tags", "list", "referrers", "v2", "a"]);
        prop::collection::vec(component, 1..6).prop_map(|parts| parts.join("/").parse().unwrap())
    }

    fn any_route() -> impl Strategy<Value = Route> {
        let digest: Digest = format!("sha256:{}", "ab".repeat(32)).parse().unwrap();
        (hostile_name(), 0..9, prop::sample::select(vec!["uploads", "list", "latest"])).prop_map(
            move |(name, kind, tag)| match kind {
                0 => Route::Tags { name },
                1 => Route::Referrers { name, subject: digest.clone() },
                2 => Route::Manifest { name, reference: tag.parse().unwrap() },
                3 => Route::Blob { name, digest: digest.clone() },
                4 => Route::Uploads { name },
                5 => Route::DirectUploads { name },
                6 => Route::DirectUpload { name, id: UploadId::random() },
                7 => Route::Extensions { name: Some(name) },
                _ => Route::Upload { name, id: UploadId::random() },
            },
        )
    }

    proptest! {
        #[test]
        fn a_route_reads_back_from_its_own_path(route in any_route()) {
            prop_assert_eq!(Route::parse(&route.to_string(), &Method::GET), Ok(route));
        }
    }

    #[test]
    fn an_escaped_slash_is_a_slash() {
        let tags = Route::parse("/v2/a%2Fb/tags/list", &Method::GET);
        assert_eq!(tags, Ok(Route::Tags { name: "a/b".parse().unwrap() }));
    }

    #[test]
    fn a_bad_tag_is_absent_to_a_reader_and_a_bad_request_to_a_writer() {
        assert_eq!(Route::parse("/v2/a/manifests/.b", &Method::GET), Err(RouteError::NoSuchManifest));
        assert!(matches!(Route::parse("/v2/a/manifests/.b", &Method::PUT), Err(RouteError::Reference(_))));
    }

    #[test]
    fn what_is_no_path_of_the_api_is_unknown() {
        for path in ["/", "", "/v1/", "/v2/a", "/v2/a/tags", "/v2//", "/v2/a/blobs", "/v3/a/tags/list"] {
            assert_eq!(Route::parse(path, &Method::GET), Err(RouteError::Unknown), "{path}");
        }
    }

    #[test]
    fn a_path_that_leaves_its_place_is_no_name() {
        for path in
            ["/v2/../tags/list", "/v2/a/../b/tags/list", "/v2/a%00/tags/list", "/v2/A/tags/list", "/v2//a/tags/list"]
        {
            assert!(matches!(Route::parse(path, &Method::GET), Err(RouteError::Name(_))), "{path}");
        }
        assert_eq!(Route::parse("/v2/%ff/tags/list", &Method::GET), Err(RouteError::NotText));
    }
}
