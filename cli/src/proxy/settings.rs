//! What `ringhold proxy` is told on the command line, read.

use std::ffi::OsString;
use std::path::PathBuf;

use shared::config::Mistakes;
use url::Url;

use crate::args::ProxyArgs;
use crate::server::ServerSettings;

/// Where uploads lie below the user's cache.
const SPOOL_IN_CACHE: &str = "ringhold/spool";

/// The user's cache below the user's home.
const CACHE_IN_HOME: &str = ".cache";

/// Everything that the proxy needs to know.
#[derive(Debug)]
pub(super) struct ProxySettings {
    pub(super) to: Url,
    pub(super) server: ServerSettings,
    pub(super) spool: PathBuf,
    pub(super) spool_quota: u64,
    pub(super) redirects: bool,
}

impl ProxySettings {
    /// Reads all of it.
    pub(super) fn read(args: &ProxyArgs) -> Result<Self, Mistakes> {
        let mut mistakes = Mistakes::default();
        let to = mistakes.read("--to", &args.to).and_then(|url| upstream(url, &mut mistakes));
        let is_clear = args.server.tls_cert.is_none();
        let danger = is_clear.then_some("credentials would pass the network in clear text");
        let server = ServerSettings::read(&args.listen, danger, &args.server, &mut mistakes);
        let spool_quota = mistakes.number("--spool-quota", &args.spool_quota, 1..=u64::MAX);
        let spool = args.spool.clone().or_else(|| usual_spool(args));
        if spool.is_none() {
            mistakes.add("--spool: there is no home directory that a spool could be below");
        }
        let settings = (|| {
            Some(Self {
                to: to?,
                server: server?,
                spool: spool?,
                spool_quota: spool_quota?,
                redirects: !args.no_redirect,
            })
        })();
        mistakes.judge(settings)
    }
}

/// The address of a registry, which has a scheme, a host, perhaps a port, and nothing else.
fn upstream(url: Url, mistakes: &mut Mistakes) -> Option<Url> {
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let anonymous = url.username().is_empty() && url.password().is_none();
    if matches!(url.scheme(), "http" | "https") && url.has_host() && bare && anonymous {
        return Some(url);
    }
    mistakes.add("--to: it should look like https://registry.example, with no path, no query and no password");
    None
}

fn usual_spool(args: &ProxyArgs) -> Option<PathBuf> {
    let absolute = |path: &Option<OsString>| path.as_ref().map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = absolute(&args.cache_home).or_else(|| Some(absolute(&args.home)?.join(CACHE_IN_HOME)))?;
    Some(cache.join(SPOOL_IN_CACHE))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Cli, Command};

    fn read(arguments: &[&str]) -> Result<ProxySettings, String> {
        let usual = ["ringhold", "proxy", "--home", "/home/who", "--cache-home", ""];
        let Command::Proxy(args) = Cli::try_parse_from(usual.iter().chain(arguments)).unwrap().command else {
            panic!("another command");
        };
        ProxySettings::read(&args).map_err(|mistakes| mistakes.to_string())
    }

    #[test]
    fn the_registry_alone_must_be_named() {
        let settings = read(&["--to", "https://registry.example"]).unwrap();
        assert_eq!(settings.server.listen.to_string(), "127.0.0.1:5001");
        assert_eq!((settings.spool_quota, settings.redirects), (20 << 30, true));
        assert_eq!(settings.spool, PathBuf::from("/home/who/.cache/ringhold/spool"));
    }

    #[test]
    fn an_address_with_more_than_a_host_is_refused_without_being_repeated() {
        for to in ["https://who:secret@registry.example", "https://registry.example/secret", "ftp://registry.example"] {
            let told = read(&["--to", to]).unwrap_err();
            assert!(told.contains("--to") && !told.contains("secret@") && !told.contains("/secret"), "{told}");
        }
    }

    #[test]
    fn others_reach_the_proxy_only_when_that_is_wanted() {
        let open = ["--to", "https://registry.example", "--listen", "0.0.0.0:5001"];
        assert!(read(&open).unwrap_err().contains("--insecure-open"));
        assert!(read(&[&open[..], &["--insecure-open"]].concat()).is_ok());
        let secure = read(&[&open[..], &["--tls-cert", "absent", "--tls-key", "absent"]].concat()).unwrap_err();
        assert!(secure.contains("--tls-cert") && !secure.contains("--insecure-open"), "{secure}");
    }
}
