//! The end of the process: the first signal lets requests finish, the second does not.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Waits until the process is told to stop, passes that on, and waits for what has to finish.
pub(crate) async fn run_until_told(
    stop: watch::Sender<bool>,
    tasks: impl IntoIterator<Item = JoinHandle<()>>,
) -> Result<(), std::io::Error> {
    told_to_stop().await?;
    tracing::info!("stopping: requests in flight may finish, unless Ctrl-C is pressed again");
    stop.send_replace(true);
    let finished = async {
        for task in tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a part of the server did not stop cleanly");
            }
        }
    };
    tokio::select! {
        () = finished => Ok(()),
        interrupted = tokio::signal::ctrl_c() => interrupted,
    }
}

async fn told_to_stop() -> Result<(), std::io::Error> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        interrupted = tokio::signal::ctrl_c() => interrupted,
    }
}
