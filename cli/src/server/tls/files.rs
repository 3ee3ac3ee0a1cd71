//! A certificate and its key, as they lie in their files.

use std::fmt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::ServerConfig;
use rustls::sign::{CertifiedKey, SigningKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls::{Error, InconsistentKeys};

/// What connections may speak, the better first.
const PROTOCOLS: [&[u8]; 2] = [super::HTTP2, b"http/1.1"];

/// Where a certificate and its key are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Files {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

/// What is wrong with one of them, or with both together. It repeats nothing of what they hold.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unusable {
    /// The certificate's file.
    #[error("--tls-cert: {path}: {1}", path = .0.display())]
    Certificate(PathBuf, Flaw),
    /// The key's file.
    #[error("--tls-key: {path}: {1}", path = .0.display())]
    Key(PathBuf, Flaw),
    /// Each is fine, and they are not of one pair.
    #[error("--tls-key: {} is not the key of the first certificate in {}", .key.display(), .certificate.display())]
    Mismatch {
        /// The key's file.
        key: PathBuf,
        /// The certificate's file.
        certificate: PathBuf,
    },
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub(super) enum Flaw {
    /// It cannot be read.
    #[error(transparent)]
    Unread(#[from] std::io::Error),
    /// It is no text of that kind. The parser's own error may repeat a line, and a line may be a whole key.
    #[error("it is no valid PEM")]
    NoPem,
    /// It may be a key where certificates should be.
    #[error("there is no certificate in it")]
    NoCertificate,
    /// It may be a certificate where the key should be.
    #[error("there is no private key in it that could be read: PKCS#8, PKCS#1 or SEC1, not encrypted")]
    NoKey,
    /// It is PEM around something else.
    #[error(transparent)]
    Tls(#[from] Error),
}

/// What tells one state of the files from another: which files they are, past every link, and when they changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp([Option<FileStamp>; 2]);

/// Device, inode, size and the time of the last change of anything, which nobody can set back.
type FileStamp = (u64, u64, u64, i64, i64);

impl Files {
    /// The state that they are in now.
    pub(super) fn stamp(&self) -> Stamp {
        Stamp([&self.certificate, &self.key].map(|path| {
            let found = std::fs::metadata(path).ok()?;
            Some((found.dev(), found.ino(), found.size(), found.ctime(), found.ctime_nsec()))
        }))
    }

    /// What connections are secured by, or everything that is wrong.
    pub(super) fn load(&self) -> Result<ServerConfig, Vec<Unusable>> {
        let chain = chain(&self.certificate).map_err(|flaw| Unusable::Certificate(self.certificate.clone(), flaw));
        let key = key(&self.key).map_err(|flaw| Unusable::Key(self.key.clone(), flaw));
        match (chain, key) {
            (Ok(chain), Ok(key)) => self.pair(chain, key).map_err(|wrong| vec![wrong]),
            (chain, key) => Err(chain.err().into_iter().chain(key.err()).collect()),
        }
    }

    fn pair(&self, chain: Vec<CertificateDer<'static>>, key: Arc<dyn SigningKey>) -> Result<ServerConfig, Unusable> {
        let pair = CertifiedKey::new(chain, key);
        match pair.keys_match() {
            Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => {}
            Err(Error::InconsistentKeys(_)) => {
                return Err(Unusable::Mismatch { key: self.key.clone(), certificate: self.certificate.clone() });
            }
            Err(error) => return Err(Unusable::Certificate(self.certificate.clone(), error.into())),
        }
        let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        let builder = builder.with_protocol_versions(&[&TLS13, &TLS12]);
        let builder = builder.map_err(|error| Unusable::Certificate(self.certificate.clone(), error.into()))?;
        let mut config = builder.with_no_client_auth().with_cert_resolver(Arc::new(SingleCertAndKey::from(pair)));
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).into();
        Ok(config)
    }
}

impl fmt::Display for Files {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} with {}", self.certificate.display(), self.key.display())
    }
}

/// The certificate and those that vouch for it.
fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, Flaw> {
    let text = std::fs::read(path)?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&text).collect::<Result<_, _>>().map_err(|_| Flaw::NoPem)?;
    if chain.is_empty() { Err(Flaw::NoCertificate) } else { Ok(chain) }
}

fn key(path: &Path) -> Result<Arc<dyn SigningKey>, Flaw> {
    let text = std::fs::read(path)?;
    let key = PrivateKeyDer::from_pem_slice(&text).map_err(|error| match error {
        pem::Error::NoItemsFound => Flaw::NoKey,
        _ => Flaw::NoPem,
    })?;
    Ok(aws_lc_rs::default_provider().key_provider.load_private_key(key)?)
}

#[cfg(test)]
mod tests {
    use std::fs::FileTimes;
    use std::time::{Duration, SystemTime};

    use tempfile::TempDir;

    use super::*;

    fn files(directory: &TempDir) -> Files {
        let path = |name| directory.path().join(name);
        Files { certificate: path("cert.pem"), key: path("key.pem") }
    }

    fn told(files: &Files) -> String {
        let wrong: Vec<_> = files.load().unwrap_err().iter().map(ToString::to_string).collect();
        wrong.join("\n")
    }

    #[test]
    fn both_files_are_told_of_at_once() {
        let directory = TempDir::new().unwrap();
        let files = files(&directory);
        let told = told(&files);
        assert!(told.contains("--tls-cert") && told.contains("cert.pem: No such file"), "{told}");
        assert!(told.contains("--tls-key") && told.contains("key.pem: No such file"), "{told}");
    }

    #[test]
    fn what_a_file_holds_is_never_repeated() {
        let directory = TempDir::new().unwrap();
        let files = files(&directory);
        let on_one_line = "-----BEGIN PRIVATE KEY-----\\nSECRET\\n-----END PRIVATE KEY-----\\n x";
        let unended = "-----BEGIN PRIVATE KEY-----\nSECRET\n";
        let other = "-----BEGIN PRIVATE KEY-----\nU0VDUkVU\n-----END PRIVATE KEY-----\n";
        for text in [on_one_line, unended, other, "SECRET", "-----BEGIN PRIVATE KEY-----SECRET\n"] {
            std::fs::write(&files.certificate, text).unwrap();
            std::fs::write(&files.key, text).unwrap();
            let (told, shown) = (told(&files), format!("{:?}", files.load().unwrap_err()));
            assert!(told.contains("--tls-cert") && told.contains("--tls-key"), "{told}");
            for text in [told, shown] {
                // As text, as base64, and as a list of bytes.
                for secret in ["SECRET", "U0VDUkVU", "83, 69, 67, 82, 69, 84"] {
                    assert!(!text.contains(secret), "{text}");
                }
            }
        }
    }

    #[test]
    fn files_that_nobody_touches_keep_their_stamp() {
        let directory = TempDir::new().unwrap();
        let files = files(&directory);
        let absent = files.stamp();
        assert_eq!(files.stamp(), absent);
        std::fs::write(&files.certificate, "one").unwrap();
        let present = files.stamp();
        assert_ne!(present, absent);
        assert_eq!(files.stamp(), present);
    }

    #[test]
    fn a_change_that_keeps_size_and_time_is_seen() {
        let directory = TempDir::new().unwrap();
        let files = files(&directory);
        let long_ago = SystemTime::now() - Duration::from_hours(1);
        let write = |text: &str| {
            std::fs::write(&files.key, text).unwrap();
            let file = std::fs::File::options().write(true).open(&files.key).unwrap();
            file.set_times(FileTimes::new().set_modified(long_ago)).unwrap();
        };
        write("one");
        let first = files.stamp();
        std::thread::sleep(Duration::from_millis(20));
        write("two");
        assert_ne!(files.stamp(), first);
    }

    #[test]
    fn a_link_that_leads_elsewhere_is_seen() {
        let directory = TempDir::new().unwrap();
        let files = files(&directory);
        let archived = ["1", "2"].map(|name| directory.path().join(name));
        for path in &archived {
            std::fs::write(path, "same").unwrap();
        }
        let link = directory.path().join("live");
        std::os::unix::fs::symlink(&archived[0], &link).unwrap();
        std::os::unix::fs::symlink(&link, &files.certificate).unwrap();
        let first = files.stamp();
        std::fs::remove_file(&link).unwrap();
        std::os::unix::fs::symlink(&archived[1], &link).unwrap();
        assert_ne!(files.stamp(), first);
    }
}
