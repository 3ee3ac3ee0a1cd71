//! What the command line and the environment say, read: all mistakes are found before any is told.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use shared::config::{Mistakes, Stores};
use shared::http::{Access, Profile, Settings as HttpSettings};
use tracing_subscriber::filter::Targets;
use url::Url;

use crate::args::{ServeArgs, StoreArgs};

/// How many directories stand for buckets when none are named.
const EMBEDDED_BUCKETS: usize = 3;

/// The longest that S3 lets a presigned URL live.
const LONGEST_URL: Duration = Duration::from_hours(7 * 24);

/// The longest that anything is waited for.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// From what the HTTP/1.1 parser needs to what nobody sends.
const HEADERS: RangeInclusive<u64> = 8192..=1_048_576;

/// Everything that `serve` needs to know.
#[derive(Debug)]
pub(crate) struct ServeSettings {
    pub(crate) listen: SocketAddr,
    pub(crate) stores: Stores,
    pub(crate) http: HttpSettings,
    pub(crate) limits: Limits,
    pub(crate) shutdown_grace: Duration,
}

/// What a connection may cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) headers: usize,
    pub(crate) idle: Duration,
}

impl ServeSettings {
    /// Reads all of it.
    pub(crate) fn read(args: &ServeArgs) -> Result<Self, Mistakes> {
        let mut mistakes = Mistakes::default();
        let listen: Option<SocketAddr> = mistakes.read("--listen", &args.listen);
        if listen.is_some_and(|address| !address.ip().is_loopback()) && !args.insecure_open {
            mistakes.add(format!(
                "--listen {:?}: others can reach this address and there are no accounts yet; --insecure-open allows it",
                args.listen
            ));
        }
        let stores = read_stores(&args.store, &mut mistakes);
        let above = mistakes.read("--redirect-above", &args.redirect_above);
        let url_life = mistakes.seconds("--url-life", &args.url_life, LONGEST_URL);
        let headers = mistakes.number("--max-headers", &args.max_headers, HEADERS);
        let idle = mistakes.seconds("--idle-timeout", &args.idle_timeout, LONGEST_WAIT);
        let body_idle = mistakes.seconds("--body-timeout", &args.body_timeout, LONGEST_WAIT);
        let shutdown_grace = mistakes.seconds("--shutdown-grace", &args.shutdown_grace, LONGEST_WAIT);
        if let Err(error) = args.log.parse::<Targets>() {
            mistakes.add(format!("--log: {error}"));
        }
        let settings = (|| {
            let http = HttpSettings {
                profile: Profile::Direct,
                access: Access::Open,
                redirect_above: above.filter(|_| !args.no_redirect),
                url_life: url_life?,
                body_idle: body_idle?,
            };
            Some(Self {
                listen: listen?,
                stores: stores?,
                http,
                limits: Limits { headers: usize::try_from(headers?).ok()?, idle: idle? },
                shutdown_grace: shutdown_grace?,
            })
        })();
        mistakes.judge(settings)
    }
}

/// The stores that the arguments name.
pub(crate) fn stores(args: &StoreArgs) -> Result<Stores, Mistakes> {
    let mut mistakes = Mistakes::default();
    let stores = read_stores(args, &mut mistakes);
    mistakes.judge(stores)
}

fn read_stores(args: &StoreArgs, mistakes: &mut Mistakes) -> Option<Stores> {
    let storage: Vec<Option<Url>> = if args.storage.is_empty() {
        let buckets = (1..=EMBEDDED_BUCKETS).map(|number| args.data.join(format!("bucket-{number}")));
        buckets.map(|path| file_url(&path, mistakes)).collect()
    } else {
        args.storage.iter().map(|text| mistakes.read("--storage", text)).collect()
    };
    let metadata = match &args.metadata {
        Some(text) => mistakes.read("--metadata", text),
        None => file_url(&args.data.join("metadata.redb"), mistakes),
    };
    Some(Stores { storage: storage.into_iter().collect::<Option<_>>()?, metadata: metadata? })
}

fn file_url(path: &Path, mistakes: &mut Mistakes) -> Option<Url> {
    let url = std::path::absolute(path).ok().and_then(|path| Url::from_file_path(path).ok());
    if url.is_none() {
        mistakes.add(format!("--data: {} is no path", path.display()));
    }
    url
}
