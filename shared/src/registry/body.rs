//! Bytes that a client is sending.

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use futures::stream::BoxStream;

/// What a client sends, as it arrives.
pub type Body = BoxStream<'static, Result<Bytes, BodyError>>;

/// Why no more of a body arrived.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The client went away, or broke the rules of the transfer.
    #[error("the request's body broke off")]
    BrokenOff(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The client sent nothing for too long.
    #[error("the request's body did not arrive in time")]
    TooSlow,
    /// More bytes than are allowed here.
    #[error("the request's body has more than {limit} bytes")]
    TooLarge {
        /// How many are allowed.
        limit: usize,
    },
}

/// The beginning of a body: whole when it is short enough, otherwise with the rest still to come.
pub(super) enum Beginning {
    Whole(Bytes),
    More(Bytes, Body),
}

/// Reads until the body ends or has more than `limit` bytes.
pub(super) async fn begin(mut body: Body, limit: usize) -> Result<Beginning, BodyError> {
    let mut held = BytesMut::new();
    while let Some(chunk) = body.next().await {
        held.extend_from_slice(&chunk?);
        if held.len() > limit {
            return Ok(Beginning::More(held.freeze(), body));
        }
    }
    Ok(Beginning::Whole(held.freeze()))
}
