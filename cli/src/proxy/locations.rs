//! What an answer says of other places: those of the registry become places of the proxy, all others stay.

use http::header::{HeaderName, LINK, LOCATION};
use http::{HeaderMap, HeaderValue};
use url::Url;

/// Rewrites the places that an answer names.
pub(super) fn rewrite(headers: &mut HeaderMap, upstream: &Url) {
    replace(headers, &LOCATION, |text| local(text, upstream));
    replace(headers, &LINK, |text| {
        let (target, rest) = text.strip_prefix('<')?.split_once('>')?;
        Some(format!("<{}>{rest}", local(target, upstream)?))
    });
}

fn replace(headers: &mut HeaderMap, name: &HeaderName, rewritten: impl Fn(&str) -> Option<String>) {
    let values: Vec<_> = headers.get_all(name).iter().cloned().collect();
    headers.remove(name);
    for value in values {
        let new = value.to_str().ok().and_then(&rewritten).and_then(|text| HeaderValue::try_from(text).ok());
        headers.append(name, new.unwrap_or(value));
    }
}

/// The path of an absolute URL of the registry; none of what is relative already, or elsewhere.
fn local(text: &str, upstream: &Url) -> Option<String> {
    let url = Url::parse(text).ok()?;
    // Behind TLS that ends before it, a registry may take itself for one in clear text.
    let is_upstream =
        url.host() == upstream.host() && (url.port() == upstream.port() || url.origin() == upstream.origin());
    is_upstream.then(|| url[url::Position::BeforePath..].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(name: &HeaderName, value: &str) -> String {
        let upstream = Url::parse("https://registry.example").unwrap();
        let mut headers = HeaderMap::from_iter([(name.clone(), HeaderValue::from_str(value).unwrap())]);
        rewrite(&mut headers, &upstream);
        headers[name].to_str().unwrap().to_owned()
    }

    #[test]
    fn places_of_the_registry_become_places_of_the_proxy() {
        for (told, passed) in [
            ("https://registry.example/v2/a/blobs/uploads/1?x=%2F", "/v2/a/blobs/uploads/1?x=%2F"),
            ("https://registry.example:443/v2/", "/v2/"),
            ("http://registry.example/v2/", "/v2/"),
            ("/v2/a/manifests/1", "/v2/a/manifests/1"),
            ("https://bucket.example/key?signature=%2F", "https://bucket.example/key?signature=%2F"),
            ("https://registry.example:8443/v2/", "https://registry.example:8443/v2/"),
        ] {
            assert_eq!(rewritten(&LOCATION, told), passed);
        }
    }

    #[test]
    fn the_next_page_is_one_of_the_proxy() {
        for (told, passed) in [
            (
                r#"<https://registry.example/v2/_catalog?n=1&last=a>; rel="next""#,
                r#"</v2/_catalog?n=1&last=a>; rel="next""#,
            ),
            (r#"</v2/_catalog?last=a>; rel="next""#, r#"</v2/_catalog?last=a>; rel="next""#),
        ] {
            assert_eq!(rewritten(&LINK, told), passed);
        }
    }
}
