//! Where a registry is.

use std::net::IpAddr;

use url::{Host, Url};

/// The registry of images whose name has no host.
pub(crate) const DEFAULT_REGISTRY: &str = "docker.io";

/// Where that registry answers.
const DEFAULT_REGISTRY_HOST: &str = "registry-1.docker.io";

/// What docker keeps the credentials of that registry under.
pub(crate) const DEFAULT_REGISTRY_KEY: &str = "https://index.docker.io/v1/";

/// The URL of the registry at `host`, which may have a port. Loopback addresses speak plain HTTP, others where `plain` says
/// so.
pub(crate) fn base_url(host: &str, plain: bool) -> Result<Url, url::ParseError> {
    let host = if host == DEFAULT_REGISTRY { DEFAULT_REGISTRY_HOST } else { host };
    let secure = Url::parse(&format!("https://{host}/"))?;
    if plain || is_loopback(&secure) { Url::parse(&format!("http://{host}/")) } else { Ok(secure) }
}

/// The URL of the registry that somebody calls by its host, or by a URL with nothing behind the host; none when that is
/// neither, or would pass the network in clear text though `plain` does not say so.
pub(crate) fn registry_url(text: &str, plain: bool) -> Option<Url> {
    let (scheme, host) = text.split_once("://").map_or((None, text), |(scheme, host)| (Some(scheme), host));
    let host = host.strip_suffix('/').unwrap_or(host);
    let mut base = base_url(host, plain).ok()?;
    match scheme {
        None => {}
        Some("https") => base.set_scheme("https").ok()?,
        Some("http") if base.scheme() == "http" => {}
        Some(_) => return None,
    }
    let is_bare = base.path() == "/" && base.query().is_none() && base.fragment().is_none();
    (is_bare && !host.contains(['@', '/'])).then_some(base)
}

/// Whether the URL is of this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => false,
    }
}

/// Host and port, as an error names a registry: never the path or the query, which may be secret.
pub(super) fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// What docker keeps the credentials of a registry under.
pub(crate) fn credentials_key(base: &Url) -> String {
    let host = host_of(base);
    if host == DEFAULT_REGISTRY_HOST { DEFAULT_REGISTRY_KEY.to_owned() } else { host }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_addresses_are_asked_in_clear_text_unless_it_is_said() {
        for (host, plain, url) in [
            ("127.0.0.1:5000", false, "http://127.0.0.1:5000/"),
            ("localhost", false, "http://localhost/"),
            ("[::1]:5000", false, "http://[::1]:5000/"),
            ("registry.example", false, "https://registry.example/"),
            ("registry.example:5000", true, "http://registry.example:5000/"),
            ("localhost.example", false, "https://localhost.example/"),
            ("docker.io", false, "https://registry-1.docker.io/"),
        ] {
            assert_eq!(base_url(host, plain).unwrap().as_str(), url);
        }
    }

    #[test]
    fn a_registry_is_called_by_its_host_or_its_url_and_nothing_more() {
        for (text, plain, url) in [
            ("registry.example", false, "https://registry.example/"),
            ("https://registry.example:5000/", false, "https://registry.example:5000/"),
            ("docker.io", false, "https://registry-1.docker.io/"),
            ("127.0.0.1:5000", false, "http://127.0.0.1:5000/"),
            ("http://127.0.0.1:5000", false, "http://127.0.0.1:5000/"),
            ("https://127.0.0.1:5000", false, "https://127.0.0.1:5000/"),
            ("http://registry.example", true, "http://registry.example/"),
        ] {
            assert_eq!(registry_url(text, plain).as_ref().map(Url::as_str), Some(url), "{text}");
        }
        for text in [
            "",
            "registry.example/app",
            "http://registry.example",
            "ftp://registry.example",
            "u:p@registry.example",
            "https://u:p@registry.example",
            "r.example?a",
            "r.example#a",
            "a b",
        ] {
            assert_eq!(registry_url(text, false), None, "{text}");
        }
    }

    #[test]
    fn credentials_are_kept_under_the_host_but_for_the_default_registry() {
        let key = |host| credentials_key(&base_url(host, false).unwrap());
        assert_eq!(key("registry.example:5000"), "registry.example:5000");
        assert_eq!(key("docker.io"), "https://index.docker.io/v1/");
    }
}
