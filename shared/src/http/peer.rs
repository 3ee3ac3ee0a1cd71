//! Where a request came from, as its front knows.

use std::net::IpAddr;

/// Where a request came from: an extension of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// The client's address.
    pub address: IpAddr,
    /// Whether the client speaks TLS to the front.
    pub is_secure: bool,
}
