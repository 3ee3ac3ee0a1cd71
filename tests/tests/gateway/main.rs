//! The deployed stack: real binaries behind an emulated API Gateway that has AWS's limits, under policies that are
//! enforced.

mod clients;
mod faults;
mod large;
mod limits;
mod routes;
mod sign_in;

use harness::client::Client;
use harness::conformance;
use harness::deployment::Deployment;
use tokio::sync::RwLock;

/// Held for writing by a test that breaks the wire, and for reading by all others.
static WIRE: RwLock<()> = RwLock::const_new(());

/// The stack; none, said aloud, where it is not built and may be missing.
async fn stack() -> Option<&'static Deployment> {
    tokio::task::spawn_blocking(Deployment::open).await.expect("the stack can be deployed")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_case_of_the_conformance_list_passes() {
    let Some(stack) = stack().await else { return };
    let _calm = WIRE.read().await;
    conformance::all(&Client::new(stack.registry()), &[]).await;
}
