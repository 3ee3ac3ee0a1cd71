//! The admin socket: how operator commands reach a store that belongs to the serving process. HTTP over a Unix socket in
//! the data directory, which only the owner of the process can open.

use std::convert::Infallible;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use shared::metadata::MetadataStore;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;

use crate::commands::tags::{Search, find};

/// Where the admin socket of a data directory is.
pub(crate) fn socket_in(data: &Path) -> PathBuf {
    data.join("admin.sock")
}

/// The socket; it is removed when it is dropped.
pub(super) struct Socket {
    listener: UnixListener,
    path: PathBuf,
}

impl Socket {
    /// Binds the socket, over what a process that was killed has left.
    pub(super) fn bind(data: &Path) -> std::io::Result<Self> {
        let path = socket_in(data);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        Ok(Self { listener, path })
    }

    /// Answers operator commands until `stopped`.
    pub(super) async fn serve(self, metadata: Arc<dyn MetadataStore>, mut stopped: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        tokio::spawn(converse(stream, Arc::clone(&metadata)));
                    }
                    Err(error) => tracing::warn!(%error, "an operator's connection could not be accepted"),
                },
                _ = stopped.wait_for(|stopped| *stopped) => return,
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

async fn converse(stream: UnixStream, metadata: Arc<dyn MetadataStore>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let metadata = Arc::clone(&metadata);
        async move { Ok::<_, Infallible>(answer(&request, &*metadata).await) }
    });
    if let Err(error) = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "an operator's connection broke off");
    }
}

async fn answer(request: &Request<Incoming>, metadata: &dyn MetadataStore) -> Response<Full<Bytes>> {
    let query = request.uri().query().unwrap_or_default();
    let found = match (request.uri().path(), Search::from_query(query)) {
        ("/tags", Ok(search)) => find(metadata, &search).await.map_err(|error| error.to_string()),
        ("/tags", Err(error)) => Err(error.to_string()),
        (path, _) => Err(format!("{path} is no operator command")),
    };
    let (status, body) = match found {
        Ok(lines) => (StatusCode::OK, serde_json::to_vec(&lines).unwrap_or_default()),
        Err(message) => (StatusCode::BAD_REQUEST, message.into_bytes()),
    };
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    response
}
