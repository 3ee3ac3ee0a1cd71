//! ID tokens, as `OpenID` Connect Core 1.0, section 3.1.3.7, has them checked. Pure: the keys are found elsewhere.

use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, Validation};
use serde_json::{Map, Value};

use super::error::Refusal;
use super::{LEEWAY, LONGEST};
use crate::clock::Timestamp;

/// How every token begins: the first characters of a JSON object, in base64url.
const BEGINNING: &str = "eyJ";

/// The longest subject, in characters.
const LONGEST_SUBJECT: usize = 255;

/// Whether a text looks like a token: three parts in base64url, the first an object.
pub(super) fn is_token(text: &str) -> bool {
    let is_part = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    text.starts_with(BEGINNING) && text.split('.').count() == 3 && text.split('.').all(is_part)
}

/// A token of which nothing is proven yet: what it says it is signed by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct IdToken<'a> {
    text: &'a str,
    pub(super) issuer: String,
    pub(super) kid: String,
    pub(super) algorithm: Algorithm,
}

impl<'a> IdToken<'a> {
    /// Reads it. One that is signed by a secret, or not at all, is none.
    pub(super) fn read(text: &'a str) -> Result<Self, Refusal> {
        let malformed = |error| Refusal::Malformed(Some(error));
        if text.len() > LONGEST {
            return Err(Refusal::TooLong);
        }
        let read = jsonwebtoken::dangerous::insecure_decode::<Map<String, Value>>(text).map_err(malformed)?;
        let (header, claims) = (read.header, read.claims);
        match header.alg.family() {
            AlgorithmFamily::Hmac => return Err(Refusal::Algorithm),
            AlgorithmFamily::Rsa | AlgorithmFamily::Ec | AlgorithmFamily::Ed => {}
        }
        if header.crit.is_some() {
            return Err(Refusal::Critical);
        }
        let kid = header.kid.ok_or(Refusal::UnknownKey)?;
        let issuer = claims.get("iss").and_then(Value::as_str).ok_or(Refusal::Claim("iss"))?.to_owned();
        Ok(Self { text, issuer, kid, algorithm: header.alg })
    }

    /// What it claims, if it is signed by this key.
    pub(super) fn verified(&self, key: &DecodingKey) -> Result<Map<String, Value>, Refusal> {
        let mut validation = Validation::new(self.algorithm);
        // What it claims is checked once, below.
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        Ok(jsonwebtoken::decode(self.text, key, &validation).map_err(Refusal::Signature)?.claims)
    }
}

/// What a proven token says of itself that holds now.
#[derive(Debug)]
pub(super) struct Stated {
    pub(super) subject: String,
    pub(super) until: Timestamp,
    audience: Vec<String>,
}

impl Stated {
    /// Reads the claims of a token, unless they do not hold now.
    pub(super) fn read(claims: &Map<String, Value>, now: Timestamp) -> Result<Self, Refusal> {
        let until = moment(claims, "exp")?.ok_or(Refusal::Claim("exp"))?;
        if until.plus(LEEWAY) <= now {
            return Err(Refusal::Expired);
        }
        for name in ["nbf", "iat"] {
            if moment(claims, name)?.is_some_and(|since| now.plus(LEEWAY) < since) {
                return Err(Refusal::Future);
            }
        }
        Ok(Self { subject: subject(claims)?, until, audience: audience(claims)? })
    }

    /// Whether the token is meant for that one.
    pub(super) fn is_for(&self, wanted: &str) -> bool {
        !wanted.is_empty() && self.audience.iter().any(|audience| audience == wanted)
    }
}

/// A time, in seconds since the epoch and perhaps parts of one.
fn moment(claims: &Map<String, Value>, name: &'static str) -> Result<Option<Timestamp>, Refusal> {
    let Some(value) = claims.get(name) else {
        return Ok(None);
    };
    let seconds = value.as_f64().filter(|seconds| *seconds >= 0.0).ok_or(Refusal::Claim(name))?;
    let since_epoch = std::time::Duration::try_from_secs_f64(seconds).map_err(|_| Refusal::Claim(name))?;
    Ok(Some(Timestamp::default().plus(since_epoch)))
}

fn subject(claims: &Map<String, Value>) -> Result<String, Refusal> {
    let subject = claims.get("sub").and_then(Value::as_str).unwrap_or_default();
    let is_good = !subject.is_empty() && subject.chars().count() <= LONGEST_SUBJECT;
    if is_good && !subject.chars().any(char::is_control) { Ok(subject.to_owned()) } else { Err(Refusal::Claim("sub")) }
}

fn audience(claims: &Map<String, Value>) -> Result<Vec<String>, Refusal> {
    let text = |value: &Value| value.as_str().map(ToOwned::to_owned);
    let audience = match claims.get("aud") {
        Some(Value::Array(all)) => all.iter().map(text).collect(),
        Some(one) => text(one).map(|one| vec![one]),
        None => None,
    };
    audience.ok_or(Refusal::Claim("aud"))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::json;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000_000);

    fn token(header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.AAAA", part(header), part(claims))
    }

    fn stated(change: impl Fn(&mut Value)) -> Result<Stated, Refusal> {
        let mut claims = json!({ "sub": "s", "aud": "here", "exp": 1_000_300, "nbf": 1_000_000, "iat": 1_000_000 });
        change(&mut claims);
        Stated::read(claims.as_object().unwrap(), NOW)
    }

    #[test]
    fn tokens_are_told_by_their_shape_from_passwords() {
        for text in ["eyJhbGciOiJub25lIn0.e30.", "eyJ.a-_.b", "eyJ.."] {
            assert!(is_token(text), "{text}");
        }
        for text in ["", "eyJ", "eyJ.a", "eyJ.a.b.c", "eyJ.a.b=", "a.b.c", " eyJ.a.b", "eyJ.a.correct horse"] {
            assert!(!is_token(text), "{text}");
        }
    }

    #[test]
    fn what_a_token_says_it_is_signed_by_is_read_and_refused_where_it_is_no_public_key() {
        let good = token(&json!({ "alg": "RS256", "kid": "k" }), &json!({ "iss": "https://i" }));
        let read = IdToken::read(&good).unwrap();
        assert_eq!((read.issuer.as_str(), read.kid.as_str(), read.algorithm), ("https://i", "k", Algorithm::RS256));
        for alg in ["none", "None", "HS256", "HS384", "HS512", "ES512", "", "rs256"] {
            let bad = token(&json!({ "alg": alg, "kid": "k" }), &json!({ "iss": "https://i" }));
            assert!(IdToken::read(&bad).is_err(), "{alg}");
        }
        let claims = json!({ "iss": "https://i" });
        assert!(IdToken::read(&token(&json!({ "alg": "RS256" }), &claims)).is_err());
        assert!(IdToken::read(&token(&json!({ "alg": "RS256", "kid": "k", "crit": ["x"] }), &claims)).is_err());
        for claims in [json!({}), json!({ "iss": 7 }), json!({ "iss": ["https://i"] }), json!([]), json!("iss")] {
            assert!(IdToken::read(&token(&json!({ "alg": "RS256", "kid": "k" }), &claims)).is_err(), "{claims}");
        }
        let long = token(&json!({ "alg": "RS256", "kid": "k".repeat(LONGEST) }), &json!({ "iss": "https://i" }));
        assert!(matches!(IdToken::read(&long), Err(Refusal::TooLong)));
    }

    #[test]
    fn times_are_kept_to_within_half_a_minute() {
        let at = |name: &'static str, seconds: f64| stated(|claims| claims[name] = json!(seconds));
        assert!(at("exp", 999_971.0).is_ok());
        assert!(matches!(at("exp", 999_970.0), Err(Refusal::Expired)));
        for name in ["nbf", "iat"] {
            assert!(at(name, 1_000_030.0).is_ok());
            assert!(matches!(at(name, 1_000_030.5), Err(Refusal::Future)));
        }
        assert_eq!(at("exp", 1_000_100.5).unwrap().until, Timestamp::from_millis(1_000_100_500));
        for wrong in [json!("1000300"), json!(null), json!(-1), json!([1_000_300]), json!(1e300)] {
            for name in ["exp", "nbf", "iat"] {
                let refused = stated(|claims| claims[name] = wrong.clone());
                assert!(matches!(refused, Err(Refusal::Claim(_))), "{name} {wrong}");
            }
        }
    }

    #[test]
    fn a_token_without_an_end_a_subject_or_an_audience_is_refused() {
        for name in ["exp", "sub", "aud"] {
            let refused = stated(|claims| drop(claims.as_object_mut().unwrap().remove(name)));
            assert!(matches!(refused, Err(Refusal::Claim(missing)) if missing == name));
        }
        for name in ["nbf", "iat"] {
            assert!(stated(|claims| drop(claims.as_object_mut().unwrap().remove(name))).is_ok());
        }
        for subject in [json!(""), json!(7), json!("a\nb"), json!("a\u{7f}"), json!("a".repeat(256))] {
            assert!(stated(|claims| claims["sub"] = subject.clone()).is_err(), "{subject}");
        }
        assert!(stated(|claims| claims["sub"] = json!("é".repeat(255))).is_ok());
    }

    #[test]
    fn an_audience_is_one_or_among_several_and_no_part_of_one() {
        assert!(stated(|_| {}).unwrap().is_for("here"));
        assert!(stated(|claims| claims["aud"] = json!(["there", "here"])).unwrap().is_for("here"));
        for other in [json!("her"), json!("here "), json!("HERE"), json!(["there"]), json!([]), json!("")] {
            assert!(!stated(|claims| claims["aud"] = other.clone()).unwrap().is_for("here"), "{other}");
        }
        assert!(!stated(|claims| claims["aud"] = json!("")).unwrap().is_for(""));
        assert!(stated(|claims| claims["aud"] = json!(["here", 7])).is_err());
    }
}
