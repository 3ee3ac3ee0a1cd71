//! The caller's side of signing in by AWS: a request for who has signed it, which somebody else may send.

use std::time::SystemTime;

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SignatureLocation, SigningError, SigningSettings, sign};
use aws_sigv4::sign::v4;
use url::Url;

use super::aws::{ACTION, LIFE, REGISTRY, VERSION, password_of};

/// The region whose service answers where none is told.
const GLOBAL: &str = "us-east-1";

/// Why there is no signed request.
#[derive(Debug, thiserror::Error)]
pub enum PresignError {
    /// Nobody says who they are to AWS here.
    #[error("there are no AWS credentials: set a profile, or run where a role is given")]
    NoCredentials,
    /// They cannot be had.
    #[error("the AWS credentials cannot be had")]
    Credentials(#[source] CredentialsError),
    /// The region is none.
    #[error("{0:?} is no region")]
    Region(String),
    /// It cannot be signed.
    #[error("the request cannot be signed")]
    Signing(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<SigningError> for PresignError {
    fn from(error: SigningError) -> Self {
        Self::Signing(error.into())
    }
}

/// The password by which whoever has these credentials signs in, for a quarter of an hour, to the registry that calls itself
/// `audience`.
pub async fn password_for(
    settings: &SdkConfig,
    endpoint: Option<&Url>,
    audience: &str,
) -> Result<String, PresignError> {
    let provider = settings.credentials_provider().ok_or(PresignError::NoCredentials)?;
    let credentials = provider.provide_credentials().await.map_err(|error| match error {
        CredentialsError::CredentialsNotLoaded(_) => PresignError::NoCredentials,
        error => PresignError::Credentials(error),
    })?;
    let region = settings.region().map(AsRef::as_ref);
    presign(credentials, region, endpoint, audience, SystemTime::now()).map(|url| password_of(&url))
}

/// The signed request, which asks the region's service or the one at `endpoint`.
pub fn presign(
    credentials: Credentials,
    region: Option<&str>,
    endpoint: Option<&Url>,
    audience: &str,
    now: SystemTime,
) -> Result<Url, PresignError> {
    let mut url = endpoint.map_or_else(|| service(region), |endpoint| Ok(endpoint.clone()))?;
    url.set_path("/");
    url.query_pairs_mut().clear().extend_pairs([ACTION, VERSION]);
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(LIFE);
    let identity = credentials.into();
    let parameters = v4::SigningParams::builder().identity(&identity).region(region.unwrap_or(GLOBAL)).name("sts");
    let parameters = parameters.time(now).settings(settings).build();
    let parameters = parameters.map_err(|error| PresignError::Signing(error.into()))?.into();
    let headers = [(REGISTRY, audience)].into_iter();
    let request = SignableRequest::new("GET", url.as_str(), headers, SignableBody::Bytes(&[]))?;
    let (signed, _) = sign(request, &parameters)?.into_parts();
    let (_, query) = signed.into_parts();
    url.query_pairs_mut().extend_pairs(query);
    Ok(url)
}

/// Where the region's service answers.
fn service(region: Option<&str>) -> Result<Url, PresignError> {
    let host = match region {
        None => "sts.amazonaws.com".to_owned(),
        Some(region) if region.starts_with("cn-") => format!("sts.{region}.amazonaws.com.cn"),
        Some(region) => format!("sts.{region}.amazonaws.com"),
    };
    format!("https://{host}/").parse().map_err(|_| PresignError::Region(region.unwrap_or_default().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::super::aws::Request;
    use super::*;
    use crate::clock::Timestamp;

    #[test]
    fn what_is_signed_here_is_taken_there() {
        let endpoint: Url = "http://127.0.0.1:4566".parse().unwrap();
        for (region, endpoint, host) in [
            (None, None, "sts.amazonaws.com"),
            (Some("eu-central-1"), None, "sts.eu-central-1.amazonaws.com"),
            (Some("us-gov-west-1"), None, "sts.us-gov-west-1.amazonaws.com"),
            (Some("cn-north-1"), None, "sts.cn-north-1.amazonaws.com.cn"),
            (Some("eu-central-1"), Some(&endpoint), "127.0.0.1"),
        ] {
            for session in [None, Some("a/b+c=".to_owned())] {
                let credentials = Credentials::new("AKIA", "secret", session, None, "test");
                let url = presign(credentials, region, endpoint, "registry.example", SystemTime::now()).unwrap();
                assert_eq!(url.host_str(), Some(host));
                let read = Request::read(url.as_str(), endpoint, Timestamp::now());
                assert!(read.is_ok(), "{url}: {read:?}");
            }
        }
    }

    #[test]
    fn what_is_signed_for_one_registry_is_not_what_is_signed_for_another() {
        let signed = |audience: &str| {
            let credentials = Credentials::new("AKIA", "secret", None, None, "test");
            presign(credentials, None, None, audience, SystemTime::UNIX_EPOCH).unwrap()
        };
        assert_eq!(signed("a"), signed("a"));
        assert_ne!(signed("a"), signed("b"));
    }
}
