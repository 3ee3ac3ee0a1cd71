//! Accepting connections, and letting them finish.

use std::sync::Arc;
use std::time::Duration;

use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::{Answering, Conditions, connection};

/// How long to wait after the process has run out of file descriptors.
pub(crate) const EXHAUSTED: Duration = Duration::from_millis(100);

/// Serves every connection until `stopped`; then those open get `grace` to finish what they are at.
pub(crate) async fn serve(
    listener: TcpListener,
    answering: Arc<impl Answering>,
    conditions: Conditions,
    grace: Duration,
    mut stopped: watch::Receiver<bool>,
) {
    let graceful = Arc::new(GracefulShutdown::new());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = told(&mut stopped) => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let (answering, watcher, stopped) = (Arc::clone(&answering), graceful.watcher(), stopped.clone());
                tokio::spawn(connection::serve(stream, peer, answering, conditions.clone(), watcher, stopped));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(EXHAUSTED).await;
            }
        }
    }
    drop(listener);
    let Some(graceful) = Arc::into_inner(graceful) else {
        return;
    };
    if tokio::time::timeout(grace, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were still in flight at the end of the grace period");
    }
}

/// Waits until the process is told to stop.
pub(crate) async fn told(stopped: &mut watch::Receiver<bool>) {
    drop(stopped.wait_for(|stopped| *stopped).await);
}
