//! A server of HTTP, whatever it is that answers: connections, requests with a name and a line in the log, and an end
//! that lets requests in flight finish.

mod connection;
mod drain;
pub(crate) mod listener;
mod requests;
mod settings;
mod stopping;
mod tls;

use std::net::SocketAddr;

use http::{Request, Response};
use shared::http::{Api, WireBody};
use tls::Certificate;
use tokio::net::TcpListener;

pub(crate) use settings::{Limits, ServerSettings};
pub(crate) use stopping::run_until_told;

/// What answers requests.
pub(crate) trait Answering: Send + Sync + 'static {
    /// Answers one. Never fails: what goes wrong is in the answer.
    fn answer(&self, request: Request<WireBody>) -> impl Future<Output = Response<WireBody>> + Send;
}

impl Answering for Api {
    async fn answer(&self, request: Request<WireBody>) -> Response<WireBody> {
        self.handle(request).await
    }
}

/// What connections are served on.
#[derive(Clone)]
pub(crate) struct Conditions {
    limits: Limits,
    /// What they are secured by, if at all.
    certificate: Option<Certificate>,
}

/// The address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("--listen {address}: {source}")]
pub(crate) struct ListenError {
    address: SocketAddr,
    source: std::io::Error,
}

/// Listens on an address.
pub(crate) async fn listen(address: SocketAddr) -> Result<TcpListener, ListenError> {
    TcpListener::bind(address).await.map_err(|source| ListenError { address, source })
}
