//! Reading away what a client still sends of a request that is answered already: a connection that is closed on a
//! writing client is reset, and the reset overtakes the answer.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;

/// Most bytes that are read away; a client with more to send learns from a closed connection.
const MOST: u64 = 16 * 1024 * 1024;

/// How long reading away may take.
const LONGEST: Duration = Duration::from_secs(5);

/// A request's body that can be read on after its handler has dropped it.
#[derive(Clone)]
pub(super) struct Drainable(Arc<Mutex<Incoming>>);

impl Drainable {
    pub(super) fn new(body: Incoming) -> Self {
        Self(Arc::new(Mutex::new(body)))
    }

    /// Reads away what is left, within bounds.
    pub(super) async fn drain(mut self) {
        let read_away = async {
            let mut left = MOST;
            while let Some(Ok(frame)) = self.frame().await {
                let length = frame.data_ref().map_or(0, |data| data.len() as u64);
                left = left.saturating_sub(length);
                if left == 0 {
                    break;
                }
            }
        };
        if tokio::time::timeout(LONGEST, read_away).await.is_err() {
            tracing::debug!("a client went on sending after its request was answered");
        }
    }

    fn with<T>(&self, read: impl FnOnce(Pin<&mut Incoming>) -> T) -> T {
        read(Pin::new(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Body for Drainable {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        self.with(|body| body.poll_frame(context))
    }

    fn is_end_stream(&self) -> bool {
        self.with(|body| body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.with(|body| body.size_hint())
    }
}
