//! A server that speaks S3, over a directory, at a port of its own in this process: for what is too large for the emulator,
//! which keeps everything in memory. It keeps no versions.

use std::net::SocketAddr;
use std::path::Path;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::server::ServeOptions;

/// The only key that it knows.
pub const KEY: &str = "key";
/// That key's secret.
pub const SECRET: &str = "secret";
const BUCKETS: [&str; 3] = ["one", "two", "three"];

/// A server with some empty buckets; it ends with its runtime, and its directory with this.
#[derive(Debug)]
pub struct S3Server {
    address: SocketAddr,
    directory: TempDir,
}

impl S3Server {
    /// Starts it, with three buckets.
    pub async fn start() -> Self {
        Self::with_buckets(BUCKETS).await
    }

    /// Starts it, with buckets of these names.
    pub async fn with_buckets(buckets: impl IntoIterator<Item = impl AsRef<Path>>) -> Self {
        let directory = TempDir::new().expect("a temporary directory can be made");
        for bucket in buckets {
            std::fs::create_dir(directory.path().join(bucket)).expect("a bucket is a directory");
        }
        Self { address: start_over(directory.path()).await, directory }
    }

    /// Where it listens.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A registry over it, with its metadata in a file.
    pub fn options(&self) -> ServeOptions {
        options(&self.endpoint(), &self.directory.path().join(".registry"))
    }
}

/// Starts a server over a directory that is the caller's to remove; it ends with its runtime. Returns where it listens.
pub async fn start_over(directory: &Path) -> SocketAddr {
    let mut service = S3ServiceBuilder::new(s3s_fs::FileSystem::new(directory).expect("it is a directory"));
    service.set_auth(SimpleAuth::from_single(KEY, SECRET));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it has an address");
    tokio::spawn(serve(listener, service.build()));
    address
}

/// Makes the directory of a server that nobody is using one with three empty buckets and nothing else.
pub fn empty(directory: &Path) {
    for entry in std::fs::read_dir(directory).expect("it is a directory") {
        let path = entry.expect("it can be listed").path();
        let removed = if path.is_file() { std::fs::remove_file(&path) } else { std::fs::remove_dir_all(&path) };
        removed.expect("it can be removed");
    }
    for bucket in BUCKETS {
        std::fs::create_dir(directory.join(bucket)).expect("a bucket is a directory");
    }
}

/// A registry over the server at this endpoint, with its metadata below `data`.
pub fn options(endpoint: &str, data: &Path) -> ServeOptions {
    let url = |bucket: &&str| {
        ["--storage".to_owned(), format!("s3://{bucket}?endpoint={endpoint}&region=nowhere&path_style=true")]
    };
    ServeOptions::embedded(data)
        .with(BUCKETS.iter().flat_map(url))
        .variable("AWS_ACCESS_KEY_ID", KEY)
        .variable("AWS_SECRET_ACCESS_KEY", SECRET)
}

async fn serve(listener: TcpListener, service: S3Service) {
    while let Ok((stream, _)) = listener.accept().await {
        let service = service.clone();
        tokio::spawn(async move {
            let connection = Builder::new(TokioExecutor::new());
            // A connection that breaks off is the client's to notice.
            drop(connection.serve_connection(TokioIo::new(stream), service).await);
        });
    }
}
