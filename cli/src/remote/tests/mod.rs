//! The client against servers that answer what a test wants them to.

mod access;
mod direct;
mod downloads;
mod fake;
mod plain;

use std::path::Path;

use bytes::Bytes;
use shared::oci::{Algorithm, Digest, RepositoryName};

use super::{Credentials, DockerConfig, LocalBlob, Progress, Remote};
use fake::Fake;

const CONTENT: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";

fn name() -> RepositoryName {
    "team/app".parse().unwrap()
}

fn digest() -> Digest {
    Digest::of(Algorithm::Sha256, CONTENT)
}

/// A blob in the middle of a file.
fn blob(directory: &Path) -> LocalBlob {
    let path = directory.join("archive");
    std::fs::write(&path, [b"before", CONTENT, b"behind"].concat()).unwrap();
    LocalBlob { digest: digest(), size: CONTENT.len() as u64, path, offset: 6 }
}

fn anonymous() -> Credentials {
    Credentials::Docker(DockerConfig::new(Some(Path::new("/nonexistent"))))
}

fn remote(fake: &Fake) -> Remote {
    Remote::new(fake.url(), anonymous()).unwrap()
}

fn silent() -> Progress {
    Progress::new(|_| {})
}

/// The bytes of the content from one offset to another.
fn part(from: usize, to: usize) -> Bytes {
    Bytes::from_static(&CONTENT[from..to])
}
