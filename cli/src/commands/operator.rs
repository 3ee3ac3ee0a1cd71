//! Reaching the store of a registry: through its serving process, or directly.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, StatusCode, header::HOST};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use shared::causes::Causes;
use shared::config::{Aws, Mistakes, OpenError, OpenErrors, Stores};
use shared::metadata::MetadataStore;
use shared::registry::{Registry, Terms};
use tokio::net::UnixStream;

use crate::args::StoreArgs;
use crate::serve::socket_in;
use crate::settings;

/// Why a command could not be carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OperatorError {
    #[error(transparent)]
    Settings(#[from] Mistakes),
    #[error("{0}")]
    Argument(String),
    #[error("{}", Causes(.0))]
    Open(#[from] OpenError),
    #[error("{}", Causes(.0))]
    Metadata(#[from] shared::metadata::Error),
    #[error("{}", Causes(.0))]
    Stores(#[from] OpenErrors),
    #[error("{0}")]
    Ring(String),
    #[error("{left} findings are left as they are, or lost; {unlisted} buckets could not be listed")]
    Damaged { left: usize, unlisted: u64 },
    #[error(
        "stopped: more than {most} blobs would be lost; look whether their buckets are there, and allow more with --max-lost"
    )]
    TooManyLost { most: u64 },
    #[error("the serving process cannot be reached: {0}")]
    Connect(#[from] std::io::Error),
    #[error("the serving process broke off: {0}")]
    Converse(#[from] hyper::Error),
    #[error("the registry refused: {0}")]
    Refused(String),
    #[error("the serving process answered what cannot be read: {0}")]
    Answer(#[from] serde_json::Error),
    #[error("there is no metadata at {0}: is --data or --metadata right?")]
    NoData(String),
}

/// Asks the process that serves from `data`; none when no process does.
pub(super) async fn ask(data: &Path, path_and_query: &str) -> Result<Option<Bytes>, OperatorError> {
    ask_with(data, path_and_query, Vec::new()).await
}

/// The same, with what the process needs to know.
pub(super) async fn ask_with(data: &Path, path_and_query: &str, body: Vec<u8>) -> Result<Option<Bytes>, OperatorError> {
    match send(data, Method::GET, path_and_query, body).await? {
        None => Ok(None),
        Some((StatusCode::OK, body)) => Ok(Some(body)),
        Some((_, body)) => Err(OperatorError::Refused(String::from_utf8_lossy(&body).into_owned())),
    }
}

/// Sends a request to the process that serves from `data`, and returns its answer; none when no process does.
pub(super) async fn send(
    data: &Path,
    method: Method,
    path_and_query: &str,
    body: Vec<u8>,
) -> Result<Option<(StatusCode, Bytes)>, OperatorError> {
    let stream = match UnixStream::connect(socket_in(data)).await {
        Ok(stream) => stream,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let mut request = Request::new(Full::new(Bytes::from(body)));
    *request.method_mut() = method;
    *request.uri_mut() = path_and_query.parse().map_err(|_| OperatorError::Argument(path_and_query.to_owned()))?;
    request.headers_mut().insert(HOST, http::HeaderValue::from_static("ringhold"));
    let response = sender.send_request(request).await?;
    let status = response.status();
    Ok(Some((status, response.into_body().collect().await?.to_bytes())))
}

/// The metadata itself, of a registry that no process serves from here.
pub(super) async fn metadata(args: &StoreArgs) -> Result<Arc<dyn MetadataStore>, OperatorError> {
    Ok(known_stores(args)?.open_metadata(&Aws::default()).await?)
}

/// A registry that no process serves from here.
pub(super) async fn registry(args: &StoreArgs) -> Result<Registry, OperatorError> {
    let (storage, metadata) = known_stores(args)?.open(&Aws::default()).await?;
    Ok(Registry::new(storage, metadata, Terms::default()))
}

/// The stores that the arguments name: to ask must not make any.
fn known_stores(args: &StoreArgs) -> Result<Stores, OperatorError> {
    let stores = settings::stores(args)?;
    match stores.metadata.to_file_path() {
        Ok(file) if !file.exists() => Err(OperatorError::NoData(file.display().to_string())),
        _ => Ok(stores),
    }
}
