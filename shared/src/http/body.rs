//! Bodies on the wire, and what the registry sees of them.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::stream::BoxStream;
use futures::{Stream, StreamExt, TryStreamExt};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full, StreamBody};

use crate::causes::Causes;
use crate::registry::{Body, BodyError};

/// What a transport may say went wrong.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A body of a request or an answer.
pub type WireBody = UnsyncBoxBody<Bytes, BoxError>;

/// A body of no bytes.
#[must_use]
pub fn empty() -> WireBody {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// A body held whole.
#[must_use]
pub fn full(bytes: impl Into<Bytes>) -> WireBody {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// A body that is read while it is sent. What breaks it off is logged here: its answer has begun already.
pub fn streaming<E>(bytes: impl Stream<Item = Result<Bytes, E>> + Send + 'static) -> WireBody
where
    E: std::error::Error + Send + Sync + 'static,
{
    let logged = bytes.inspect_err(|error| tracing::error!(error = %Causes(error), "an answer broke off"));
    StreamBody::new(logged.map(|chunk| chunk.map(Frame::data).map_err(Into::into))).boxed_unsync()
}

/// A request's bytes; an error once nothing arrived for as long as `idle`.
pub fn incoming(body: WireBody, idle: Duration) -> Body {
    let chunks: BoxStream<'static, _> = body.into_data_stream().map_err(BodyError::BrokenOff).boxed();
    let timed = futures::stream::unfold(Some(chunks), move |state| async move {
        let mut chunks = state?;
        match tokio::time::timeout(idle, chunks.next()).await {
            Ok(None) => None,
            Ok(Some(Ok(chunk))) => Some((Ok(chunk), Some(chunks))),
            Ok(Some(Err(error))) => Some((Err(error), None)),
            Err(_) => Some((Err(BodyError::TooSlow), None)),
        }
    });
    timed.boxed()
}

/// A whole body of at most `limit` bytes.
pub async fn collect(mut body: Body, limit: usize) -> Result<Bytes, BodyError> {
    let mut bytes = BytesMut::new();
    while let Some(chunk) = body.next().await {
        let chunk = chunk?;
        if bytes.len() + chunk.len() > limit {
            return Err(BodyError::TooLarge { limit });
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}
