//! `ringhold serve`: the registry as one process.

mod admin;
mod background;
mod banner;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use shared::auth::{Access, User};
use shared::config::{Aws, Mistakes, OpenErrors};
use shared::http::Api;
use shared::registry::Registry;
use tokio::sync::watch;

use admin::Operated;
pub(crate) use admin::socket_in;

use crate::args::ServeArgs;
use crate::log;
use crate::server::{self, ListenError, listener, run_until_told};
use crate::settings::ServeSettings;

/// Why the process does not serve.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    /// The settings are wrong.
    #[error(transparent)]
    Settings(#[from] Mistakes),
    /// The log's filter is none.
    #[error("--log: {0}")]
    Log(#[from] tracing_subscriber::filter::ParseError),
    /// The data directory cannot be made.
    #[error("--data: {path} cannot be made: {source}", path = path.display())]
    Data {
        /// The directory.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The stores cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenErrors),
    /// The address cannot be listened on.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The admin socket cannot be made.
    #[error(transparent)]
    Admin(#[from] admin::BindError),
    /// Nobody could sign in.
    #[error(
        "--listen: others can reach {0}, and there is no user yet: `ringhold user add NAME --admin` makes the first, \
         --insecure-open lets everybody in"
    )]
    Unclaimed(SocketAddr),
    /// The accounts cannot be read.
    #[error(transparent)]
    Metadata(#[from] shared::metadata::Error),
    /// Signals cannot be received, or the address that was bound cannot be told.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Who gets in, as the process starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Admittance {
    /// Everybody on this machine, until there is a user.
    Unclaimed,
    /// Whoever has an account.
    Accounts,
    /// Everybody.
    Everybody,
}

impl Admittance {
    /// A registry that others can reach, and that nobody could sign in to, does not start.
    async fn of(settings: &ServeSettings, api: &Api) -> Result<Self, ServeError> {
        let has_users = !api.gate().accounts().list::<User>(None, 1).await?.is_empty();
        match settings.http.gate.access {
            Access::Open => Ok(Self::Everybody),
            Access::Closed if !has_users => Err(ServeError::Unclaimed(settings.server.listen)),
            Access::OpenUntilClaimed if !has_users => Ok(Self::Unclaimed),
            Access::Closed | Access::OpenUntilClaimed => Ok(Self::Accounts),
        }
    }
}

/// Serves until told to stop.
pub(crate) async fn run(args: ServeArgs) -> Result<(), ServeError> {
    let settings = ServeSettings::read(&args)?;
    log::start(args.server.log_format, &args.server.log)?;
    // First of all, so that a taken address leaves no data directory behind.
    let listener = server::listen(settings.server.listen).await?;
    let data = &args.store.data;
    std::fs::create_dir_all(data).map_err(|source| ServeError::Data { path: data.clone(), source })?;
    let (storage, metadata) = settings.stores.open(&Aws::default()).await?;
    let registry = Registry::new(storage, Arc::clone(&metadata), settings.terms.clone());
    let api = Arc::new(Api::new(registry.clone(), settings.http.clone()).administering());
    let admittance = Admittance::of(&settings, &api).await?;

    let admin = admin::Socket::bind(data).await?;
    let (scheme, grace) = (settings.server.scheme(), settings.server.shutdown_grace);
    let conditions = settings.server.conditions()?;
    banner::print(scheme, listener.local_addr()?, &settings.stores, admittance);

    let (stop, stopped) = watch::channel(false);
    let admin = tokio::spawn(
        admin.serve(Operated { registry: registry.clone(), metadata, api: Api::clone(&api) }, stopped.clone()),
    );
    let background = tokio::spawn(background::work(registry, stopped.clone()));
    let server = tokio::spawn(listener::serve(listener, api, conditions, grace, stopped));
    Ok(run_until_told(stop, [server, admin, background]).await?)
}
