//! The driver against an S3 server in this process: real requests, signed and parsed, but no socket.

mod gate;
mod in_process;
mod writing;

use crate::storage::contract::Subject;
use crate::storage_contract;

pub(crate) use in_process::InProcess;

/// A new store without versions, opened twice.
async fn subject() -> Subject {
    let server = InProcess::start().await;
    Subject { driver: server.driver(None), reopened: server.driver(None), has_urls: true, keep: Box::new(server) }
}

storage_contract!(subject());
