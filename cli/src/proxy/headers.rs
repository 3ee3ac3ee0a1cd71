//! Which headers pass.

use http::HeaderMap;
use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HOST, HeaderName, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE, WWW_AUTHENTICATE,
};
use shared::http::CHALLENGE_COPY;

/// Not of HTTP, but of connections nevertheless.
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");

/// How a gateway of AWS renames a challenge.
const REMAPPED_CHALLENGE: HeaderName = HeaderName::from_static("x-amzn-remapped-www-authenticate");

/// What speaks of one connection only: RFC 9110, 7.6.1.
const OF_A_CONNECTION: [HeaderName; 8] =
    [CONNECTION, KEEP_ALIVE, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE];

/// A request's headers for the registry. Its host, its body's length and what it expects first are said anew.
pub(super) fn for_upstream(headers: &HeaderMap) -> HeaderMap {
    let mut passed = of_the_message(headers);
    for name in [HOST, EXPECT, CONTENT_LENGTH] {
        passed.remove(name);
    }
    passed
}

/// An answer's headers for the client. A challenge that a gateway has renamed gets its name back: without it nobody can
/// log in.
pub(super) fn for_client(headers: &HeaderMap) -> HeaderMap {
    let mut passed = of_the_message(headers);
    if !passed.contains_key(WWW_AUTHENTICATE) {
        let kept = [CHALLENGE_COPY, REMAPPED_CHALLENGE].iter().find_map(|name| passed.get(name).cloned());
        if let Some(challenge) = kept {
            passed.insert(WWW_AUTHENTICATE, challenge);
        }
    }
    passed
}

fn of_the_message(headers: &HeaderMap) -> HeaderMap {
    let mut passed = headers.clone();
    let named = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    for name in named.flat_map(|value| value.split(',')).filter_map(|name| name.trim().parse::<HeaderName>().ok()) {
        passed.remove(name);
    }
    for name in OF_A_CONNECTION {
        passed.remove(name);
    }
    passed
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, value);
        }
        headers
    }

    #[test]
    fn what_speaks_of_a_connection_stays_there_also_when_the_client_says_so() {
        let sent = headers(&[
            ("connection", "close, x-mine"),
            ("x-mine", "1"),
            ("keep-alive", "5"),
            ("transfer-encoding", "chunked"),
            ("te", "trailers"),
            ("host", "127.0.0.1:5001"),
            ("expect", "100-continue"),
            ("authorization", "Basic x"),
            ("accept", "a"),
            ("accept", "b"),
            ("range", "bytes=1-2"),
        ]);
        let kept = headers(&[("authorization", "Basic x"), ("accept", "a"), ("accept", "b"), ("range", "bytes=1-2")]);
        assert_eq!(for_upstream(&sent), kept);
    }

    #[test]
    fn a_challenge_gets_its_name_back_and_keeps_its_value() {
        for name in ["x-registry-challenge", "x-amzn-remapped-www-authenticate"] {
            assert_eq!(for_client(&headers(&[(name, "Basic realm=x")]))["www-authenticate"], "Basic realm=x");
        }
        let both = headers(&[("www-authenticate", "Bearer realm=y"), ("x-registry-challenge", "Basic realm=x")]);
        assert_eq!(for_client(&both)["www-authenticate"], "Bearer realm=y");
    }
}
