//! The first administrator's password, in AWS Secrets Manager: one request, signed and sent by what the other clients are
//! made of.

use std::time::SystemTime;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use http::StatusCode;
use http_body_util::{BodyExt, Limited};
use serde::Deserialize;
use serde_json::json;

use crate::auth::{FirstPassword, Password};
use crate::http::BoxError;

/// The most bytes of an answer.
const LARGEST: usize = 128 * 1024;

/// What the service answers.
#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "SecretString")]
    secret: String,
}

/// A secret that is asked for when somebody signs in to a registry without users.
#[derive(Debug)]
pub(super) struct SecretsManager {
    pub(super) settings: SdkConfig,
    /// The secret's ARN.
    pub(super) secret: String,
}

/// Why the secret cannot be had.
#[derive(Debug, thiserror::Error)]
enum SecretError {
    #[error("there are no AWS credentials, or no region")]
    Settings,
    #[error("Secrets Manager answered with status {0}")]
    Status(StatusCode),
}

#[async_trait]
impl FirstPassword for SecretsManager {
    async fn read(&self) -> Result<Password, BoxError> {
        let answer = self.ask().await?;
        let Answer { secret } = serde_json::from_slice(&answer)?;
        Ok(Password::given(secret))
    }
}

impl SecretsManager {
    async fn ask(&self) -> Result<bytes::Bytes, BoxError> {
        let region = self.settings.region().ok_or(SecretError::Settings)?.as_ref();
        let endpoint = self.settings.endpoint_url().map_or_else(|| of_region(region), str::to_owned);
        let body = json!({ "SecretId": self.secret }).to_string();
        let mut request = http::Request::post(endpoint)
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", "secretsmanager.GetSecretValue")
            .body(SdkBody::from(body.as_str()))?;
        self.sign(&mut request, region, body.as_bytes()).await?;
        let connector = Connector::builder().tls_provider(Provider::Rustls(CryptoMode::AwsLc)).build();
        let response = connector.call(HttpRequest::try_from(request)?).await?.try_into_http1x()?;
        let (parts, body) = response.into_parts();
        let bytes = Limited::new(body, LARGEST).collect().await?.to_bytes();
        if parts.status != StatusCode::OK {
            return Err(SecretError::Status(parts.status).into());
        }
        Ok(bytes)
    }

    async fn sign(&self, request: &mut http::Request<SdkBody>, region: &str, body: &[u8]) -> Result<(), BoxError> {
        let provider = self.settings.credentials_provider().ok_or(SecretError::Settings)?;
        let identity = provider.provide_credentials().await?.into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name("secretsmanager")
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()?
            .into();
        let uri = request.uri().to_string();
        let headers = request.headers().iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let signable = SignableRequest::new("POST", &uri, headers, SignableBody::Bytes(body))?;
        let (instructions, _) = sign(signable, &parameters)?.into_parts();
        instructions.apply_to_request_http1x(request);
        Ok(())
    }
}

fn of_region(region: &str) -> String {
    let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    format!("https://secretsmanager.{region}.{suffix}/")
}
