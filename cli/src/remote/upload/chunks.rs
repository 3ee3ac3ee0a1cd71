//! A blob in chunks, each a request of its own; what was lost is asked for and sent again.

use http::header::CONTENT_RANGE;
use http::{Method, StatusCode};
use reqwest::Response;
use shared::oci::ByteRange;
use url::Url;

use super::super::answer::{expect, location, received};
use super::super::call::Call;
use super::super::retry::{self, Patience};
use super::super::{Refusal, RemoteError};
use super::Upload;

impl Upload<'_> {
    /// Sends the blob in chunks of this size, the last one perhaps shorter, and completes the upload.
    pub(super) async fn in_chunks(&self, mut session: Url, chunk: u64) -> Result<(), RemoteError> {
        let (mut offset, mut patience) = (0, Patience::default());
        while offset < self.blob.size {
            let before = offset;
            (session, offset) = match self.chunk(&session, offset, chunk).await {
                Ok(next) => next,
                Err(error) if is_out_of_turn(&error) || retry::may_pass(&error) => {
                    if is_out_of_turn(&error) {
                        let delay = patience.delay(None).ok_or(error)?;
                        tokio::time::sleep(delay).await;
                    } else {
                        patience.wait_out(error).await?;
                    }
                    self.standing(&session).await?
                }
                Err(error) => return Err(error),
            };
            self.meter.is_at(offset);
            if offset > before {
                patience = Patience::default();
            }
        }
        let call = Call::new(Method::PUT, self.completing(session));
        let response = self.remote.send(&call, &self.scope).await?;
        self.stored(response).await
    }

    /// Sends one chunk; returns where the upload goes on, and from which byte.
    async fn chunk(&self, session: &Url, offset: u64, size: u64) -> Result<(Url, u64), RemoteError> {
        let length = size.min(self.blob.size - offset);
        let range = ByteRange { first: offset, last: offset + length - 1 };
        let region = self.blob.region(offset, length, &self.meter);
        let call = Call::new(Method::PATCH, session.clone()).region(region);
        let call = call.header(CONTENT_RANGE, &range.to_string());
        let response = self.remote.send_once(&call, &self.scope).await?;
        let accepted = [StatusCode::ACCEPTED, StatusCode::NO_CONTENT, StatusCode::CREATED];
        let response = expect("a chunk of a blob", &accepted, response).await?;
        self.went_on(&response, offset + length)
    }

    /// Asks how far the upload has come.
    async fn standing(&self, session: &Url) -> Result<(Url, u64), RemoteError> {
        let response = self.remote.send(&Call::new(Method::GET, session.clone()), &self.scope).await?;
        match response.status() {
            StatusCode::NO_CONTENT | StatusCode::OK | StatusCode::ACCEPTED => self.went_on(&response, 0),
            _ => Err(Refusal::read("to say how far an upload has come", response).await.into()),
        }
    }

    fn went_on(&self, response: &Response, unless_said: u64) -> Result<(Url, u64), RemoteError> {
        let base = &self.remote.registry.base;
        let offset = received(response).unwrap_or(unless_said);
        if offset > self.blob.size {
            return Err(RemoteError::answer(base, "an upload with more bytes than its blob"));
        }
        Ok((location(base, response)?, offset))
    }
}

fn is_out_of_turn(error: &RemoteError) -> bool {
    error.status() == Some(StatusCode::RANGE_NOT_SATISFIABLE)
}
