//! What the command line and the environment say, read: all mistakes are found before any is told.

use std::path::Path;
use std::time::Duration;

use shared::auth::{Access, Counted, GateSettings};
use shared::config::{Mistakes, Stores};
use shared::http::{Profile, Settings as HttpSettings};
use shared::registry::Terms;
use url::Url;

use crate::args::{ServeArgs, StoreArgs};
use crate::server::ServerSettings;

/// How many directories stand for buckets when none are named.
const EMBEDDED_BUCKETS: usize = 3;

/// The longest that S3 lets a presigned URL live.
const LONGEST_URL: Duration = Duration::from_hours(7 * 24);

/// Everything that `serve` needs to know.
#[derive(Debug)]
pub(crate) struct ServeSettings {
    pub(crate) server: ServerSettings,
    pub(crate) stores: Stores,
    pub(crate) http: HttpSettings,
    pub(crate) terms: Terms,
}

impl ServeSettings {
    /// Reads all of it.
    pub(crate) fn read(args: &ServeArgs) -> Result<Self, Mistakes> {
        let mut mistakes = Mistakes::default();
        let server = ServerSettings::read(&args.listen, None, &args.server, &mut mistakes);
        let stores = read_stores(&args.store, &mut mistakes);
        let above = mistakes.read("--redirect-above", &args.redirect_above);
        let url_life = mistakes.seconds("--url-life", &args.url_life, LONGEST_URL);
        let quorum = mistakes.copies("--write-quorum", &args.write_quorum);
        let replicas = args.replicas.as_deref().map(|text| mistakes.copies("--replicas", text));
        let rate = args.move_rate.as_deref().map(|text| mistakes.read("--move-rate", text));
        let public_url = args.public_url.as_deref().map(|text| read_public_url(text, &mut mistakes));
        let settings = (|| {
            let server = server?;
            let http = HttpSettings {
                profile: Profile::Direct,
                gate: GateSettings {
                    access: access(&server, args),
                    counted: Counted::Here,
                    is_read_only: args.read_only,
                    ..GateSettings::default()
                },
                public_url: public_url.map_or(Some(None), |url| url.map(Some))?,
                redirect_above: above.filter(|_| !args.no_redirect),
                url_life: url_life?,
                body_idle: server.body_idle,
            };
            let terms = Terms {
                write_quorum: quorum?,
                move_rate: rate.map_or(Some(None), |rate| rate.map(Some))?,
                ..Terms::with_urls_of(http.url_life)
            };
            let stores = Stores { replicas: replicas.flatten(), ..stores? };
            Some(Self { server, stores, http, terms })
        })();
        mistakes.judge(settings)
    }
}

/// Who gets in: nobody without an account where others can reach the registry, unless that was allowed.
fn access(server: &ServerSettings, args: &ServeArgs) -> Access {
    if args.server.insecure_open {
        Access::Open
    } else if server.listen.ip().is_loopback() {
        Access::OpenUntilClaimed
    } else {
        Access::Closed
    }
}

/// An address without a path: clients find everything below it.
fn read_public_url(text: &str, mistakes: &mut Mistakes) -> Option<String> {
    let url: Url = mistakes.read("--public-url", text)?;
    if !matches!(url.scheme(), "http" | "https") || url.path() != "/" || url.query().is_some() || !url.has_host() {
        mistakes.add(format!("--public-url {text:?}: it is https://HOST or http://HOST, with a port if need be"));
        return None;
    }
    Some(url.origin().ascii_serialization())
}

/// The stores that the arguments name.
pub(crate) fn stores(args: &StoreArgs) -> Result<Stores, Mistakes> {
    let mut mistakes = Mistakes::default();
    let stores = read_stores(args, &mut mistakes);
    mistakes.judge(stores)
}

pub(crate) fn read_stores(args: &StoreArgs, mistakes: &mut Mistakes) -> Option<Stores> {
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
    Some(Stores::new(storage.into_iter().collect::<Option<Vec<_>>>()?, metadata?))
}

fn file_url(path: &Path, mistakes: &mut Mistakes) -> Option<Url> {
    let url = std::path::absolute(path).ok().and_then(|path| Url::from_file_path(path).ok());
    if url.is_none() {
        mistakes.add(format!("--data: {} is no path", path.display()));
    }
    url
}
