//! Reading a blob, however often the connection breaks.

use std::time::Duration;

use bytes::{Buf, Bytes};
use http::header::{CONTENT_RANGE, RANGE};
use http::{Method, StatusCode};
use reqwest::Response;
use shared::oci::{ContentRange, Digest, RepositoryName};

use super::address::host_of;
use super::auth::Scope;
use super::call::Call;
use super::retry::Patience;
use super::{Refusal, Remote, RemoteError, answer};

/// How long the next bytes may take.
const STILL: Duration = Duration::from_mins(1);

/// The bytes of a blob from some offset to its size, in order; where a connection breaks they go on with the next. They
/// are not compared with the digest: who keeps them does that.
#[derive(Debug)]
pub(crate) struct Download {
    remote: Remote,
    name: RepositoryName,
    digest: Digest,
    size: u64,
    offset: u64,
    /// Bytes to be read away, where a registry answers with the whole.
    skip: u64,
    response: Option<Response>,
    patience: Patience,
}

impl Download {
    pub(super) fn new(remote: Remote, name: RepositoryName, digest: Digest, size: u64, offset: u64) -> Self {
        Self { remote, name, digest, size, offset, skip: 0, response: None, patience: Patience::default() }
    }

    /// The next bytes; none at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, RemoteError> {
        while self.offset < self.size {
            let response = match self.response.take() {
                Some(response) => response,
                None => self.open().await?,
            };
            match self.read(response).await {
                Ok(bytes) if bytes.is_empty() => {}
                Ok(bytes) => {
                    self.patience = Patience::default();
                    return Ok(Some(bytes));
                }
                Err(error) => self.patience.wait_out(error).await?,
            }
        }
        Ok(None)
    }

    async fn read(&mut self, mut response: Response) -> Result<Bytes, RemoteError> {
        let host = host_of(response.url());
        let read = tokio::time::timeout(STILL, response.chunk()).await;
        let Ok(read) = read else {
            return Err(RemoteError::Silent { host, after: STILL });
        };
        let read =
            read.map_err(|source| RemoteError::Connection { host: host.clone(), source: source.without_url() })?;
        let Some(mut bytes) = read else {
            return Err(RemoteError::Answer { host, what: "a blob shorter than its size" });
        };
        let skipped = usize::try_from(self.skip).unwrap_or(usize::MAX).min(bytes.len());
        self.skip -= skipped as u64;
        bytes.advance(skipped);
        if bytes.len() as u64 > self.size - self.offset {
            return Err(RemoteError::Answer { host, what: "a blob longer than its size" });
        }
        self.offset += bytes.len() as u64;
        self.response = Some(response);
        Ok(bytes)
    }

    async fn open(&mut self) -> Result<Response, RemoteError> {
        let mut call = Call::new(Method::GET, self.remote.url(&self.name, &format!("blobs/{}", self.digest)));
        if self.offset > 0 {
            call = call.header(RANGE, &format!("bytes={}-", self.offset));
        }
        let response = self.remote.read(call, &Scope::pull(&self.name)).await?;
        match response.status() {
            StatusCode::OK => self.skip = self.offset,
            StatusCode::PARTIAL_CONTENT => {
                let range: Option<ContentRange> = answer::header(response.headers(), &CONTENT_RANGE);
                if range.is_none_or(|range| range.first() != self.offset) {
                    return Err(RemoteError::answer(response.url(), "other bytes than those asked for"));
                }
                self.skip = 0;
            }
            _ => return Err(Refusal::read("a blob", response).await.into()),
        }
        Ok(response)
    }
}
