//! `ringhold proxy`: a registry on this machine in front of one whose requests are limited in size. What is read passes
//! through; uploads of any size are taken in here, verified, and brought upstream in pieces that pass.
//!
//! Credentials are the client's own, and are kept no longer than a request lives. Neither they nor the URLs that the
//! registry signs are logged.

mod banner;
mod call;
mod completing;
mod deliver;
mod error;
mod headers;
mod locations;
mod pass;
mod redirects;
mod refusal;
mod sessions;
mod settings;
mod spool;
mod uploads;
mod upstream;

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{Request, Response};
use shared::config::Mistakes;
use shared::http::{WireBody, healthy};
use tokio::sync::watch;

use crate::args::ProxyArgs;
use crate::log;
use crate::remote::RemoteError;
use crate::server::{self, Answering, ListenError, listener, run_until_told};
use call::{Call, Target};
use deliver::Deliveries;
use error::Error;
use sessions::Sessions;
use settings::ProxySettings;
use spool::{Spool, SpoolError};
use upstream::Upstream;

/// How often it is looked for uploads that nobody goes on with.
const SWEEP: Duration = Duration::from_mins(1);

/// How long an upload may rest.
const LONGEST_REST: Duration = Duration::from_hours(1);

/// Why the process does not serve.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProxyError {
    /// The settings are wrong.
    #[error(transparent)]
    Settings(#[from] Mistakes),
    /// The log's filter is none.
    #[error("--log: {0}")]
    Log(#[from] tracing_subscriber::filter::ParseError),
    /// The address cannot be listened on.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// There is no place for uploads.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// This machine lacks what TLS needs.
    #[error("no HTTP client can be made: {0}")]
    Client(#[source] reqwest::Error),
    /// As for pushes.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// Signals cannot be received, or the address that was bound cannot be told.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// What answers requests.
#[derive(Debug)]
struct Proxy {
    upstream: Upstream,
    deliveries: Deliveries,
    sessions: Sessions,
    spool: Spool,
    body_idle: Duration,
    /// Whether clients are sent to buckets for what they read.
    redirects: bool,
}

/// Serves until told to stop.
pub(crate) async fn run(args: ProxyArgs) -> Result<(), ProxyError> {
    let settings = ProxySettings::read(&args)?;
    log::start(args.server.log_format, &args.server.log)?;
    let listener = server::listen(settings.server.listen).await?;
    let proxy = Arc::new(Proxy {
        upstream: Upstream::new(settings.to.clone()).map_err(ProxyError::Client)?,
        deliveries: Deliveries::new(settings.to.clone())?,
        sessions: Sessions::default(),
        spool: Spool::open(&settings.spool, settings.spool_quota)?,
        body_idle: settings.server.body_idle,
        redirects: settings.redirects,
    });
    let (scheme, grace) = (settings.server.scheme(), settings.server.shutdown_grace);
    let conditions = settings.server.conditions()?;
    banner::print(scheme, listener.local_addr()?, &settings.to, &settings.spool);

    let (stop, stopped) = watch::channel(false);
    let sweeper = tokio::spawn(sweep(Arc::clone(&proxy), stopped.clone()));
    let server = tokio::spawn(listener::serve(listener, Arc::new(Shared(proxy)), conditions, grace, stopped));
    Ok(run_until_told(stop, [server, sweeper]).await?)
}

async fn sweep(proxy: Arc<Proxy>, mut stopped: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(SWEEP) => proxy.sessions.forget_rested(Instant::now(), LONGEST_REST),
            () = listener::told(&mut stopped) => return,
        }
    }
}

/// The proxy as its requests share it.
struct Shared(Arc<Proxy>);

impl Answering for Shared {
    /// A request that takes in bytes runs to its end, whatever becomes of its client: so that nothing is left half done,
    /// and a client that asks again finds it done.
    async fn answer(&self, request: Request<WireBody>) -> Response<WireBody> {
        let proxy = Arc::clone(&self.0);
        let (call, body) = Call::of(request);
        let answered = match &call.target {
            Ok(Target::Health) => Ok(healthy().into_response()),
            Ok(Target::Uploads(_) | Target::Upload(..)) => {
                let running = tokio::spawn(async move { proxy.take(call, body).await });
                running.await.unwrap_or(Err(Error::Wire(shared::http::Error::Panicked)))
            }
            Ok(Target::Blob(_) | Target::Other) => proxy.pass(&call, body).await,
            Err(_) => Err(call.into_error()),
        };
        answered.unwrap_or_else(Error::into_response)
    }
}
