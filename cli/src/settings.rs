//! What the command line and the environment say, read: all mistakes are found before any is told.

use std::fmt;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use shared::config::Stores;
use shared::http::{Redirects, Settings as HttpSettings};
use tracing_subscriber::EnvFilter;
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

/// Every mistake, a line each.
#[derive(Debug, Default)]
pub(crate) struct Mistakes(Vec<String>);

impl Mistakes {
    /// The value, or a note of why there is none. The text itself may hold a secret, and is not repeated.
    fn read<T: FromStr<Err: fmt::Display>>(&mut self, what: &str, text: &str) -> Option<T> {
        text.parse().map_err(|error| self.0.push(format!("{what}: {error}"))).ok()
    }

    /// A number in its range.
    fn number(&mut self, what: &str, text: &str, range: RangeInclusive<u64>) -> Option<u64> {
        let number = self.read(what, text)?;
        if range.contains(&number) {
            return Some(number);
        }
        self.0.push(format!("{what}: {number} is not in {} to {}", range.start(), range.end()));
        None
    }

    fn seconds(&mut self, what: &str, text: &str, longest: Duration) -> Option<Duration> {
        self.number(what, text, 1..=longest.as_secs()).map(Duration::from_secs)
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the settings cannot be used:")?;
        self.0.iter().try_for_each(|mistake| write!(formatter, "\n  - {mistake}"))
    }
}

impl std::error::Error for Mistakes {}

impl ServeSettings {
    /// Reads all of it.
    pub(crate) fn read(args: &ServeArgs) -> Result<Self, Mistakes> {
        let mut mistakes = Mistakes::default();
        let listen: Option<SocketAddr> = mistakes.read("--listen", &args.listen);
        if listen.is_some_and(|address| !address.ip().is_loopback()) && !args.insecure_open {
            mistakes.0.push(format!(
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
        if let Err(error) = EnvFilter::try_new(&args.log) {
            mistakes.0.push(format!("--log: {error}"));
        }
        let settings = (|| {
            let redirects = Redirects { above: above.filter(|_| !args.no_redirect), heads: false };
            Some(Self {
                listen: listen?,
                stores: stores?,
                http: HttpSettings { redirects, url_life: url_life?, body_idle: body_idle? },
                limits: Limits { headers: usize::try_from(headers?).ok()?, idle: idle? },
                shutdown_grace: shutdown_grace?,
            })
        })();
        settings.filter(|_| mistakes.0.is_empty()).ok_or(mistakes)
    }
}

/// The stores that the arguments name.
pub(crate) fn stores(args: &StoreArgs) -> Result<Stores, Mistakes> {
    let mut mistakes = Mistakes::default();
    let stores = read_stores(args, &mut mistakes);
    stores.filter(|_| mistakes.0.is_empty()).ok_or(mistakes)
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
        mistakes.0.push(format!("--data: {} is no path", path.display()));
    }
    url
}
