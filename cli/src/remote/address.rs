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
    fn credentials_are_kept_under_the_host_but_for_the_default_registry() {
        let key = |host| credentials_key(&base_url(host, false).unwrap());
        assert_eq!(key("registry.example:5000"), "registry.example:5000");
        assert_eq!(key("docker.io"), "https://index.docker.io/v1/");
    }
}
