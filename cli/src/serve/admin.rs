//! The admin socket: how operator commands reach a store that belongs to the serving process. HTTP over a Unix socket in
//! the data directory, which only the owner of the process can open.

use std::convert::Infallible;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde::Serialize;
use shared::auth::Caller;
use shared::http::Api;
use shared::metadata::MetadataStore;
use shared::registry::Registry;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;

use crate::commands::ring::{self, Question};
use crate::commands::tags::{self, Search};
use crate::commands::work;
use crate::server::listener::{EXHAUSTED, told};

/// What the paths of the administration of accounts begin with.
const ADMINISTRATION: &str = "/api/v1/";

/// Where the admin socket of a data directory is.
pub(crate) fn socket_in(data: &Path) -> PathBuf {
    data.join("admin.sock")
}

/// What operators command.
#[derive(Debug, Clone)]
pub(super) struct Operated {
    pub(super) registry: Registry,
    pub(super) metadata: Arc<dyn MetadataStore>,
    pub(super) api: Api,
}

/// Why there is no admin socket.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BindError {
    /// Another process answers there.
    #[error("--data: another process serves from {}: each needs a directory of its own, whatever stores they share", .0.display())]
    Served(PathBuf),
    /// It cannot be made: the path may be too long for a socket.
    #[error("the admin socket {path} cannot be made: {source}", path = path.display())]
    Bind {
        /// Where.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

/// The socket; it is removed when it is dropped.
pub(super) struct Socket {
    listener: UnixListener,
    path: PathBuf,
}

impl Socket {
    /// Binds the socket, over what a process that was killed has left, but not over one that answers.
    pub(super) async fn bind(data: &Path) -> Result<Self, BindError> {
        let path = socket_in(data);
        if UnixStream::connect(&path).await.is_ok() {
            return Err(BindError::Served(data.to_owned()));
        }
        let bound = match std::fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => UnixListener::bind(&path),
        };
        let restricted = bound.and_then(|listener| {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).map(|()| listener)
        });
        match restricted {
            Ok(listener) => Ok(Self { listener, path }),
            Err(source) => Err(BindError::Bind { path, source }),
        }
    }

    /// Answers operator commands until `stopped`.
    pub(super) async fn serve(self, registry: Operated, mut stopped: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        tokio::spawn(converse(stream, registry.clone()));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "an operator's connection could not be accepted");
                        tokio::time::sleep(EXHAUSTED).await;
                    }
                },
                () = told(&mut stopped) => return,
            }
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::debug!(%error, "the admin socket could not be removed");
        }
    }
}

async fn converse(stream: UnixStream, registry: Operated) {
    let service = service_fn(move |request: Request<Incoming>| {
        let registry = registry.clone();
        async move { Ok::<_, Infallible>(answer(request, &registry).await) }
    });
    if let Err(error) = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "an operator's connection broke off");
    }
}

async fn answer(request: Request<Incoming>, registry: &Operated) -> Response<Full<Bytes>> {
    if request.uri().path().starts_with(ADMINISTRATION) {
        return administer(request, &registry.api).await;
    }
    let metadata = &*registry.metadata;
    let (head, body) = request.into_parts();
    let query = head.uri.query().unwrap_or_default();
    let found = match head.uri.path() {
        "/tags" => match Search::from_query(query) {
            Ok(search) => told_of(tags::find(metadata, &search).await),
            Err(error) => Err(error.to_string()),
        },
        "/work" => told_of(work::find(metadata).await),
        "/ring" => ask_ring(&registry.registry, body).await,
        path => Err(format!("{path} is no operator command")),
    };
    let (status, body) = match found {
        Ok(lines) => (StatusCode::OK, lines),
        Err(message) => (StatusCode::BAD_REQUEST, message.into_bytes()),
    };
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    response
}

/// Answers what the registry's own API answers, to whoever runs the process.
async fn administer(request: Request<Incoming>, api: &Api) -> Response<Full<Bytes>> {
    let request = request.map(|body| body.map_err(Into::into).boxed_unsync());
    let (head, body) = api.handle_as(Caller::operator(), request).await.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    Response::from_parts(head, Full::from(body))
}

async fn ask_ring(registry: &Registry, body: Incoming) -> Result<Vec<u8>, String> {
    let body = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
    let question: Question = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
    Ok(ring::answer(registry, question).await?.to_string().into_bytes())
}

fn told_of(found: Result<impl Serialize, shared::metadata::Error>) -> Result<Vec<u8>, String> {
    let lines = found.map_err(|error| error.to_string())?;
    serde_json::to_vec(&lines).map_err(|error| error.to_string())
}
