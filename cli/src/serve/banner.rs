//! What a person reads when the registry starts.

use std::net::SocketAddr;

use shared::config::Stores;

/// Says where the registry listens, where the data lies, and what to try.
pub(super) fn print(address: SocketAddr, stores: &Stores) {
    let buckets: Vec<_> = stores.storage.iter().map(shown).collect();
    println!("Ringhold listens on http://{address}");
    println!("  blobs     {}", buckets.join("\n            "));
    println!("  metadata  {}", shown(&stores.metadata));
    if address.ip().is_loopback() {
        println!("  access    open to every program on this machine");
    } else {
        println!("  access    OPEN: whoever reaches this address may push and delete");
    }
    println!("Try:");
    println!("  docker tag alpine:latest {address}/alpine:latest");
    println!("  docker push {address}/alpine:latest");
    println!("  curl http://{address}/v2/alpine/tags/list");
}

/// A store's URL without what may be secret.
fn shown(url: &url::Url) -> String {
    if url.scheme() == "file" {
        return url.path().to_owned();
    }
    let mut url = url.clone();
    if url.set_password(None).is_err() || url.set_username("").is_err() {
        return url.to_string();
    }
    url.to_string()
}
