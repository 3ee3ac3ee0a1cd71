//! What a person reads when the registry starts.

use std::io::Write;
use std::net::SocketAddr;

use super::Admittance;
use shared::config::Stores;
use shared::storage::shown_url;

/// Says where the registry listens, where the data lies, and what to try. Nobody needs to read it.
pub(super) fn print(scheme: &str, address: SocketAddr, stores: &Stores, admittance: Admittance) {
    let buckets: Vec<_> = stores.storage.iter().map(shown_url).collect();
    let access = match admittance {
        Admittance::Unclaimed => "open to every program on this machine, until `ringhold user add NAME --admin`",
        Admittance::Accounts => "by account: docker login",
        Admittance::Everybody => "OPEN: whoever reaches this address may push and delete",
    };
    let text = format!(
        "Ringhold listens on {scheme}://{address}
  blobs     {}
  metadata  {}
  access    {access}
Try:
  docker tag alpine:latest {address}/alpine:latest
  docker push {address}/alpine:latest
  curl {scheme}://{address}/v2/alpine/tags/list
",
        buckets.join("\n            "),
        shown_url(&stores.metadata),
    );
    if let Err(error) = std::io::stdout().write_all(text.as_bytes()) {
        tracing::debug!(%error, "the greeting could not be written");
    }
}
