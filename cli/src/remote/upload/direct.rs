//! A blob straight into its bucket, by URLs that the registry signs: docs/direct-upload.md.

use std::sync::atomic::Ordering;
use std::time::Duration;

use http::{Method, StatusCode};
use reqwest::Response;
use serde::Serialize;
use serde::de::DeserializeOwned;
use shared::http::direct::{DIRECT_UPLOADS, Offer, PartRequest, PartRequests, PartsSent, PartsWanted, Standing, State};
use shared::oci::{ErrorCode, MediaType};
use url::Url;

use super::super::answer::{body, expect, location};
use super::super::call::Call;
use super::super::retry;
use super::super::{Refusal, RemoteError};
use super::{Direct, Upload, Uploaded};

/// A larger blob is sent in parts, several at a time.
const LARGEST_WHOLE: u64 = 256 * 1024 * 1024;

/// The most bytes that are said about an upload.
const LARGEST: usize = 16 * 1024 * 1024;

/// How long to wait before a verification is asked for again, unless the registry says so.
const POLL: Duration = Duration::from_secs(2);

/// An upload that was begun.
#[derive(Debug)]
pub(super) struct Begun {
    /// Its own path.
    pub(super) session: Url,
    /// How its bytes are to be sent.
    pub(super) offer: Offer,
}

/// What a registry says to a direct upload.
#[derive(Debug)]
enum Beginning {
    /// There is no such way.
    NotOffered,
    /// The repository has the blob.
    Present,
    /// Bytes are awaited.
    Begun(Begun),
}

impl Upload<'_> {
    /// Puts the blob straight into its bucket. That there is no such way, or none from here, is remembered.
    pub(super) async fn direct(&self) -> Result<Direct, RemoteError> {
        let begun = match self.begin_direct().await? {
            Beginning::NotOffered => return Ok(Direct::NotOffered),
            Beginning::Present => return Ok(Direct::Done(Uploaded::Present)),
            Beginning::Begun(begun) => begun,
        };
        let sent = match begun.offer.requests.first() {
            Some(request) if begun.offer.parts == 1 => self.put_whole(&begun, request.clone()).await,
            _ => self.put_parts(&begun).await,
        };
        let ended = match sent {
            Ok(parts) => self.end(&begun.session, &parts).await,
            Err(error) => Err(error),
        };
        match ended {
            Ok(()) => Ok(Direct::Done(Uploaded::Sent)),
            Err(error) => {
                self.remote.give_up(begun.session.clone(), &self.scope).await;
                if !is_bucket_out_of_reach(&error) {
                    return Err(error);
                }
                tracing::warn!(%error, "bytes go through the registry instead");
                self.remote.registry.lacks_direct.store(true, Ordering::Relaxed);
                Ok(Direct::NotOffered)
            }
        }
    }

    async fn begin_direct(&self) -> Result<Beginning, RemoteError> {
        let mut url = self.remote.url(self.name, DIRECT_UPLOADS);
        url.query_pairs_mut()
            .append_pair("digest", self.blob.digest.as_str())
            .append_pair("size", &self.blob.size.to_string());
        if self.blob.size > LARGEST_WHOLE {
            url.query_pairs_mut().append_pair("parts", "true");
        }
        let response = self.remote.send(&Call::new(Method::POST, url), &self.scope).await?;
        match response.status() {
            StatusCode::CREATED => Ok(Beginning::Present),
            StatusCode::ACCEPTED => {
                let session = location(&self.remote.registry.base, &response)?;
                let offer = read(response).await?;
                Ok(Beginning::Begun(Begun { session, offer }))
            }
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
                self.remote.registry.lacks_direct.store(true, Ordering::Relaxed);
                Ok(Beginning::NotOffered)
            }
            status => {
                let refusal = Refusal::read("a direct upload", response).await;
                if refusal.says(ErrorCode::DigestInvalid) || refusal.says(ErrorCode::SizeInvalid) {
                    return Err(refusal.into());
                }
                // A registry that says neither yes nor no: what the usual way says is clearer.
                tracing::debug!(status = status.as_u16(), "no direct upload");
                Ok(Beginning::NotOffered)
            }
        }
    }

    async fn put_whole(&self, begun: &Begun, first: PartRequest) -> Result<PartsSent, RemoteError> {
        let ask = || async {
            let answer: PartRequests = self.ask(Method::POST, &begun.session, &PartsWanted::default()).await?;
            answer.requests.into_iter().next().ok_or_else(|| self.unusable("a direct upload without a request"))
        };
        self.put_part(first, ask).await?;
        Ok(PartsSent::default())
    }

    /// Ends the upload, and waits until its bytes are verified.
    async fn end(&self, session: &Url, sent: &PartsSent) -> Result<(), RemoteError> {
        let call = self.json(Method::PUT, session, sent)?;
        let response = self.remote.send(&call, &self.scope).await?;
        if response.status() != StatusCode::ACCEPTED {
            return self.stored(response).await;
        }
        let mut verified = location(&self.remote.registry.base, &response)?;
        let mut delay = retry::asked_delay(response.headers());
        loop {
            tokio::time::sleep(delay.unwrap_or(POLL)).await;
            let response = self.remote.send(&Call::new(Method::GET, verified.clone()), &self.scope).await?;
            match response.status() {
                StatusCode::CREATED => return Ok(()),
                StatusCode::OK | StatusCode::ACCEPTED => {}
                _ => return Err(Refusal::read("to say whether a blob is verified", response).await.into()),
            }
            delay = retry::asked_delay(response.headers());
            if let Ok(next) = location(&self.remote.registry.base, &response) {
                verified = next;
            }
            let Standing { state } = read(response).await?;
            match state {
                State::Stored => return Ok(()),
                State::Verifying => {}
                State::Open => return Err(self.unusable("an upload that is open again after its end")),
                State::Refused => return Err(self.unusable("that the bytes are not what their digest says")),
            }
        }
    }

    /// Asks the registry in JSON, and reads its answer.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        session: &Url,
        question: &impl Serialize,
    ) -> Result<T, RemoteError> {
        let call = self.json(method, session, question)?;
        let response = self.remote.send(&call, &self.scope).await?;
        read(expect("a part's URL", &[StatusCode::OK], response).await?).await
    }

    fn json(&self, method: Method, url: &Url, body: &impl Serialize) -> Result<Call, RemoteError> {
        let bytes = serde_json::to_vec(body).map_err(|_| self.unusable("nothing that could be asked for"))?;
        Ok(Call::new(method, url.clone()).bytes(&MediaType::JSON, bytes))
    }

    /// The registry's answer is one that no registry should give.
    pub(super) fn unusable(&self, what: &'static str) -> RemoteError {
        RemoteError::answer(&self.remote.registry.base, what)
    }
}

async fn read<T: DeserializeOwned>(response: Response) -> Result<T, RemoteError> {
    let url = response.url().clone();
    let bytes = body(response, LARGEST).await?;
    serde_json::from_slice(&bytes).map_err(|_| RemoteError::answer(&url, "no JSON of a direct upload"))
}

/// Whether the bucket's host cannot be connected to, though the registry can.
fn is_bucket_out_of_reach(error: &RemoteError) -> bool {
    matches!(error, RemoteError::Connection { source, .. } if source.is_connect())
}
