//! What a 401 says of how to sign in.

use std::fmt;

use http::header::HOST;
use http::request::Parts;

use super::Settings;
use super::error::Refusal;
use super::headers::FORWARDED_PROTO;
use super::peer::Peer;
use super::profile::Profile;
use super::route::Route;
use crate::auth::{Need, SERVICE, Scope};

/// Where tokens are had, and what a token must be good for. As text: the value of `WWW-Authenticate`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// The registry's address, as the client has it.
    base: String,
    scope: String,
    refusal: Option<Refusal>,
}

impl Challenge {
    /// The challenge of a request, at the address that the client used: whoever changes it in a request misleads only
    /// themselves.
    pub(super) fn of(parts: &Parts, peer: Option<Peer>, settings: &Settings) -> Self {
        let base = settings.public_url.clone().unwrap_or_else(|| {
            let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
            let host = host.or_else(|| parts.uri.authority().map(http::uri::Authority::as_str));
            let forwarded = parts.headers.get(FORWARDED_PROTO).and_then(|scheme| scheme.to_str().ok());
            let is_secure = match forwarded {
                Some(scheme) => scheme.eq_ignore_ascii_case("https"),
                None => peer.map_or(settings.profile == Profile::Gateway, |peer| peer.is_secure),
            };
            let scheme = if is_secure { "https" } else { "http" };
            // A quote or a control character would end the value, and is in no host's name.
            let is_of_hosts = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '-' | '_' | '[' | ']');
            format!("{scheme}://{}", host.filter(|host| host.chars().all(is_of_hosts)).unwrap_or("localhost"))
        });
        Self { base, scope: String::new(), refusal: None }
    }

    /// The challenge that asks for a token which is good for this.
    pub(super) fn asking_for(mut self, needs: &[Need]) -> Self {
        self.scope = Scope::of_needs(needs);
        self
    }

    /// The challenge after what was presented was refused.
    pub(super) const fn refusing(mut self, refusal: Refusal) -> Self {
        self.refusal = Some(refusal);
        self
    }
}

impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { base, scope, refusal } = self;
        write!(f, "Bearer realm=\"{base}{}\",service=\"{SERVICE}\"", Route::Token)?;
        if !scope.is_empty() {
            write!(f, ",scope=\"{scope}\"")?;
        }
        match refusal.and_then(Refusal::error) {
            Some(error) => write!(f, ",error=\"{error}\""),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn challenge(uri: &str, headers: &[(&str, &str)], peer: Option<Peer>, settings: &Settings) -> String {
        let mut request = Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        Challenge::of(&parts, peer, settings).to_string()
    }

    #[test]
    fn the_realm_is_where_the_client_is_already() {
        let (direct, loopback) = (Settings::default(), std::net::IpAddr::from([127, 0, 0, 1]));
        let peer = |is_secure| Some(Peer { address: loopback, is_secure });
        let host = [("host", "127.0.0.1:5000")];
        let plain = "Bearer realm=\"http://127.0.0.1:5000/token\",service=\"ringhold\"";
        assert_eq!(challenge("/v2/", &host, peer(false), &direct), plain);
        assert!(challenge("/v2/", &host, peer(true), &direct).contains("\"https://127.0.0.1:5000/token\""));
        assert!(challenge("https://r.example/v2/", &[], peer(true), &direct).contains("\"https://r.example/token\""));
        let behind = [("host", "r.example"), ("x-forwarded-proto", "https")];
        assert!(challenge("/v2/", &behind, peer(false), &direct).contains("\"https://r.example/token\""));
        let gateway = Settings { profile: Profile::Gateway, ..Settings::default() };
        assert!(challenge("/v2/", &[("host", "r.example")], None, &gateway).contains("\"https://r.example/token\""));
        let named = Settings { public_url: Some("https://named.example".to_owned()), ..Settings::default() };
        assert!(challenge("/v2/", &behind, None, &named).contains("\"https://named.example/token\""));
    }

    #[test]
    fn no_host_ends_the_value() {
        for host in ["a\"b", "a b", "a,b", ""] {
            let told = challenge("/v2/", &[("host", host)], None, &Settings::default());
            assert_eq!(told.matches('"').count(), 4, "{told}");
        }
    }
}
