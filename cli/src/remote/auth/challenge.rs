//! What a registry says it wants, in `WWW-Authenticate`.

use http::HeaderMap;
use http::header::WWW_AUTHENTICATE;

/// A way to show who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// A name and a password.
    Basic,
    /// A token, which `realm` gives out.
    Bearer {
        /// The URL.
        realm: String,
        /// Whom the token is for, in the registry's own word.
        service: Option<String>,
    },
}

/// A scheme and its parameters, as they came.
#[derive(Debug, PartialEq, Eq)]
struct Raw<'a> {
    scheme: &'a str,
    parameters: Vec<(&'a str, String)>,
}

impl Challenge {
    /// The best of all that an answer offers: tokens before passwords.
    pub(super) fn best_of(headers: &HeaderMap) -> Option<Self> {
        let values = headers.get_all(WWW_AUTHENTICATE).into_iter().filter_map(|value| value.to_str().ok());
        let offered: Vec<_> = values.flat_map(parse).collect();
        let bearer = offered.iter().find_map(Raw::bearer);
        bearer.or_else(|| offered.iter().any(|raw| raw.scheme.eq_ignore_ascii_case("Basic")).then_some(Self::Basic))
    }
}

impl Raw<'_> {
    fn bearer(&self) -> Option<Challenge> {
        let value = |name: &str| {
            let mut parameters = self.parameters.iter();
            parameters.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
        };
        let realm = value("realm").filter(|_| self.scheme.eq_ignore_ascii_case("Bearer"))?;
        Some(Challenge::Bearer { realm, service: value("service") })
    }
}

/// Reads `Scheme key="value", key=value, Scheme …`; what does not fit is passed over.
fn parse(text: &str) -> Vec<Raw<'_>> {
    let (mut found, mut rest) = (Vec::<Raw<'_>>::new(), text);
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let end = rest.find([' ', '\t', ',', '=']).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        if word.is_empty() && after.is_empty() {
            return found;
        }
        rest = if let Some(after) = after.strip_prefix('=') {
            let (value, after) = value(after);
            if let Some(raw) = found.last_mut() {
                raw.parameters.push((word, value));
            }
            after
        } else {
            found.push(Raw { scheme: word, parameters: Vec::new() });
            after
        };
    }
}

/// A parameter's value, quoted or not, and what follows it.
fn value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, rest) = text.split_at(text.find([',', ' ', '\t']).unwrap_or(text.len()));
        return (value.to_owned(), rest);
    };
    let (mut value, mut characters) = (String::new(), quoted.char_indices());
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            _ => value.push(character),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn best(values: &[&'static str]) -> Option<Challenge> {
        let headers = values.iter().map(|value| (WWW_AUTHENTICATE, HeaderValue::from_static(value)));
        Challenge::best_of(&headers.collect())
    }

    fn bearer(realm: &str, service: Option<&str>) -> Challenge {
        Challenge::Bearer { realm: realm.to_owned(), service: service.map(str::to_owned) }
    }

    #[test]
    fn a_bearer_challenge_is_read_with_commas_in_its_scope() {
        let value = r#"Bearer realm="https://auth.example/token",service="registry",scope="repository:a:pull,push""#;
        assert_eq!(best(&[value]), Some(bearer("https://auth.example/token", Some("registry"))));
        assert_eq!(
            best(&["bearer realm=https://auth.example/token"]),
            Some(bearer("https://auth.example/token", None))
        );
    }

    #[test]
    fn tokens_are_preferred_to_passwords_in_one_header_or_in_two() {
        let expected = Some(bearer("https://a.example/", None));
        assert_eq!(best(&[r#"Basic realm="x", Bearer realm="https://a.example/""#]), expected);
        assert_eq!(best(&["Basic realm=\"x\"", "Bearer realm=\"https://a.example/\""]), expected);
        assert_eq!(best(&["Basic"]), Some(Challenge::Basic));
    }

    #[test]
    fn an_escaped_quote_does_not_end_a_value() {
        assert_eq!(best(&[r#"Bearer realm="https://a.example/\"x""#]), Some(bearer("https://a.example/\"x", None)));
    }

    #[test]
    fn what_cannot_be_answered_is_none() {
        for value in ["", "Negotiate", "Bearer", "Bearer service=\"x\"", "=", "\"", ",,,", "Digest a=\""] {
            assert_eq!(best(&[value]), None, "{value}");
        }
    }
}
