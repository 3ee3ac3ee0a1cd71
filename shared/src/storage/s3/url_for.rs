//! URLs at which a client fetches an object by itself. Signing is arithmetic: the store is not asked.

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::presigning::{PresignedRequest, PresigningConfig};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use url::Url;

use super::S3Driver;
use super::error::outcome;
use crate::storage::driver::{UrlMethod, UrlRequest};
use crate::storage::{Error, ObjectPath, Result};

impl S3Driver {
    pub(super) async fn presigned(&self, path: &ObjectPath, request: &UrlRequest) -> Result<Url> {
        let presigning = PresigningConfig::expires_in(request.expires).map_err(|error| Error::Failed(error.into()))?;
        match request.method {
            UrlMethod::Get => {
                let get = self.client.get_object().bucket(&self.bucket).key(path.as_str());
                url(path, get.set_response_content_type(request.content_type.clone()).presigned(presigning).await)
            }
            UrlMethod::Head => {
                let head = self.client.head_object().bucket(&self.bucket).key(path.as_str());
                url(path, head.set_response_content_type(request.content_type.clone()).presigned(presigning).await)
            }
        }
    }
}

fn url<E>(path: &ObjectPath, signed: Result<PresignedRequest, SdkError<E, HttpResponse>>) -> Result<Url>
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let signed = signed.map_err(|error| outcome(path, error))?;
    signed.uri().parse().map_err(|error: url::ParseError| Error::Failed(error.into()))
}
