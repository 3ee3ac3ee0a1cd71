//! `ringhold push` and `ringhold pull`: images between files and any registry, with no container engine.

mod args;
mod error;
mod keep;
mod pack;
mod pull;
mod push;
mod report;
mod target;

use args::RemoteArgs;
pub(crate) use args::{PullArgs, PushArgs};
pub(crate) use error::TransferError;
pub(crate) use report::write_line;

use http::HeaderValue;

use crate::image::ImageName;
use crate::remote::{Credentials, DockerConfig, Remote, base_url};

/// The exit code of a command that was interrupted.
pub(crate) const INTERRUPTED: i32 = 130;

/// What became of a command that may be interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It did what it was asked to.
    Done,
    /// Ctrl-C was pressed; what was transferred is kept.
    Interrupted,
}

/// Pushes, until done or interrupted.
pub(crate) async fn push(args: PushArgs) -> Result<Ended, TransferError> {
    start_log(&args.remote)?;
    until_interrupted(push::run(&args), TransferError::Signal).await
}

/// Pulls, until done or interrupted.
pub(crate) async fn pull(args: PullArgs) -> Result<Ended, TransferError> {
    start_log(&args.remote)?;
    until_interrupted(pull::run(&args), TransferError::Signal).await
}

/// Works until it is done, or interrupted. `failed` says that interrupts cannot be received.
pub(crate) async fn until_interrupted<E>(
    work: impl Future<Output = Result<(), E>>,
    failed: impl FnOnce(std::io::Error) -> E,
) -> Result<Ended, E> {
    tokio::select! {
        done = work => done.map(|()| Ended::Done),
        interrupted = tokio::signal::ctrl_c() => interrupted.map(|()| Ended::Interrupted).map_err(failed),
    }
}

fn start_log(args: &RemoteArgs) -> Result<(), TransferError> {
    crate::log::start(crate::args::LogFormat::Text, &args.log).map_err(TransferError::Log)
}

/// The registry of an image, for whoever runs the command.
fn connect(name: &ImageName, args: &RemoteArgs) -> Result<Remote, TransferError> {
    let base = base_url(&name.registry, args.plain_http).map_err(TransferError::Registry)?;
    let remote = Remote::new(base, Credentials::Docker(DockerConfig::new(args.docker_config.as_deref())))?;
    let Some(token) = &args.token else {
        return Ok(remote);
    };
    let mut header = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| TransferError::Token)?;
    header.set_sensitive(true);
    Ok(remote.with_credentials(Credentials::Fixed(Some(header))))
}
