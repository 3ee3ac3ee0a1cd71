//! What a person reads when the proxy starts.

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;

use url::Url;

/// Says where the proxy listens, what is behind it, and what to try. Nobody needs to read it.
pub(super) fn print(scheme: &str, address: SocketAddr, to: &Url, spool: &Path) {
    let text = format!(
        "Ringhold's proxy listens on {scheme}://{address}
  registry  {to}
  spool     {}
Try:
  docker tag alpine:latest {address}/alpine:latest
  docker push {address}/alpine:latest
",
        spool.display(),
    );
    if let Err(error) = std::io::stdout().write_all(text.as_bytes()) {
        tracing::debug!(%error, "the greeting could not be written");
    }
}
