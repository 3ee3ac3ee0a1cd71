//! TLS: the certificate that connections are secured by, read when the process starts and again whenever its files
//! change, or the process is told to by SIGHUP.

mod files;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::server::ServerConfig;
use shared::config::Mistakes;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::args::ServerArgs;
use files::{Files, Stamp, Unusable};

/// What HTTP/2 is called in a handshake.
pub(super) const HTTP2: &[u8] = b"h2";

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// A certificate that was read and can be used.
pub(crate) struct Tls {
    files: Files,
    stamp: Stamp,
    config: ServerConfig,
}

/// What a new connection is secured by.
#[derive(Clone)]
pub(super) struct Certificate(watch::Receiver<Arc<ServerConfig>>);

impl Tls {
    /// Reads what the arguments name; none when they name nothing, or there is a mistake.
    pub(super) fn read(args: &ServerArgs, mistakes: &mut Mistakes) -> Option<Self> {
        let files = match (&args.tls_cert, &args.tls_key) {
            (None, None) => return None,
            (Some(certificate), Some(key)) => Files { certificate: certificate.clone(), key: key.clone() },
            (Some(_), None) => {
                mistakes.add("--tls-cert: there is no TLS without the certificate's --tls-key");
                return None;
            }
            (None, Some(_)) => {
                mistakes.add("--tls-key: there is no TLS without the key's --tls-cert");
                return None;
            }
        };
        // Before the files are read: a change meanwhile is seen later.
        let stamp = files.stamp();
        match files.load() {
            Ok(config) => Some(Self { files, stamp, config }),
            Err(wrong) => {
                for wrong in wrong {
                    mistakes.add(wrong.to_string());
                }
                None
            }
        }
    }

    /// Goes on reading the files for as long as anybody has the certificate. From now on, SIGHUP does not end the process.
    pub(super) fn renewed(self) -> std::io::Result<Certificate> {
        let asked = signal(SignalKind::hangup())?;
        let (renewed, current) = watch::channel(Arc::new(self.config));
        tokio::spawn(renew(self.files, self.stamp, renewed, asked));
        Ok(Certificate(current))
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Tls").field("files", &self.files).finish_non_exhaustive()
    }
}

impl Certificate {
    /// Makes a connection secure.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.0.borrow()))
    }
}

/// Reads a pair that has changed once, and any pair when asked. One that cannot be used leaves the old one in use.
async fn renew(files: Files, mut seen: Stamp, renewed: watch::Sender<Arc<ServerConfig>>, mut asked: Signal) {
    loop {
        let known = tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => Some(seen),
            _ = asked.recv() => None,
            () = renewed.closed() => return,
        };
        let looked = files.clone();
        let Ok(found) = tokio::task::spawn_blocking(move || look(&looked, known)).await else { continue };
        let Some((stamp, loaded)) = found else { continue };
        seen = stamp;
        match loaded {
            Ok(config) => {
                renewed.send_replace(Arc::new(config));
                tracing::info!(%files, "new connections get the certificate as it is now");
            }
            Err(wrong) => {
                for error in wrong {
                    tracing::error!(%error, "the certificate cannot be renewed: the one before stays in use");
                }
            }
        }
    }
}

/// The pair, unless it is in the state that is `known`.
fn look(files: &Files, known: Option<Stamp>) -> Option<(Stamp, Result<ServerConfig, Vec<Unusable>>)> {
    let stamp = files.stamp();
    (known != Some(stamp)).then(|| (stamp, files.load()))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use tempfile::TempDir;

    use super::*;

    fn args(certificate: Option<&str>, key: Option<&str>) -> ServerArgs {
        use clap::Parser;
        let flags = [("--tls-cert", certificate), ("--tls-key", key)];
        let given = flags.iter().filter_map(|(flag, value)| value.map(|value| [*flag, value])).flatten();
        let arguments = ["ringhold", "serve"].into_iter().chain(given);
        match crate::args::Cli::parse_from(arguments).command {
            crate::args::Command::Serve(args) => args.server,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn neither_flag_is_no_tls_and_one_alone_is_a_mistake() {
        for (certificate, key, mistake) in
            [(None, None, None), (Some("c"), None, Some("--tls-cert")), (None, Some("k"), Some("--tls-key"))]
        {
            let mut mistakes = Mistakes::default();
            assert!(Tls::read(&args(certificate, key), &mut mistakes).is_none());
            assert_eq!(mistakes != Mistakes::default(), mistake.is_some());
            assert!(mistakes.to_string().contains(mistake.unwrap_or_default()), "{mistakes}");
        }
    }

    #[test]
    fn a_broken_pair_is_read_once_until_it_changes() {
        let directory = TempDir::new().unwrap();
        let path = |name: &str| -> PathBuf { directory.path().join(name) };
        let files = Files { certificate: path("cert.pem"), key: path("key.pem") };
        std::fs::write(&files.certificate, "broken").unwrap();
        let (seen, loaded) = look(&files, None).unwrap();
        assert!(loaded.is_err());
        assert!(look(&files, Some(seen)).is_none(), "it is not read again");
        assert!(look(&files, None).is_some(), "unless somebody asks");
        std::fs::write(&files.key, "broken too").unwrap();
        assert!(look(&files, Some(seen)).is_some_and(|(now, _)| now != seen));
    }
}
