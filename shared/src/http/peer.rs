//! Where requests come from, as the process that takes them knows it.

use std::net::IpAddr;

/// Where a request came from. It is among the request's extensions, unless nobody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// The client's address, or that of the last proxy before this front.
    pub address: IpAddr,
    /// Whether the client's connection to this front was TLS.
    pub is_secure: bool,
}
