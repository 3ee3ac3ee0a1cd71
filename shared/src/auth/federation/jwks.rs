//! The keys that an issuer publishes, as `OpenID` Connect Discovery 1.0 and RFC 7517 have it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::error::IssuerError;
use super::fetch::{self, Fetcher};
use super::oidc::IdToken;
use crate::auth::recent::Recent;

/// How long an issuer that failed is not asked again: so long, all who come are told at once.
const FAILED_FOR: Duration = Duration::from_secs(5);

/// The most issuers whose keys are known at once.
const MOST_ISSUERS: usize = 1000;

/// What an issuer says of itself.
#[derive(Debug, Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: Url,
}

/// Its keys. One that cannot be read is none, and takes no other with it.
#[derive(Debug, Deserialize)]
struct Published {
    keys: Vec<Value>,
}

#[derive(Debug)]
struct KeySet(Vec<Jwk>);

impl KeySet {
    fn new(published: Published) -> Self {
        Self(published.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).collect())
    }

    /// The key of that name, if it is one for checking signatures by this algorithm.
    fn find(&self, kid: &str, algorithm: Algorithm) -> Option<DecodingKey> {
        let is_named = |key: &&Jwk| key.common.key_id.as_deref() == Some(kid);
        let fitting = self.0.iter().filter(is_named).find(|key| fits(key, algorithm))?;
        DecodingKey::from_jwk(fitting).ok()
    }
}

/// Whether the key says of itself, wherever it says something, that it is for checking signatures by this algorithm.
fn fits(key: &Jwk, algorithm: Algorithm) -> bool {
    let is_kind = match (algorithm, &key.algorithm) {
        (
            Algorithm::RS256
            | Algorithm::RS384
            | Algorithm::RS512
            | Algorithm::PS256
            | Algorithm::PS384
            | Algorithm::PS512,
            AlgorithmParameters::RSA(_),
        ) => true,
        (Algorithm::ES256, AlgorithmParameters::EllipticCurve(key)) => key.curve == EllipticCurve::P256,
        (Algorithm::ES384, AlgorithmParameters::EllipticCurve(key)) => key.curve == EllipticCurve::P384,
        (Algorithm::EdDSA, AlgorithmParameters::OctetKeyPair(key)) => key.curve == EllipticCurve::Ed25519,
        // A secret that both know, or a key of another kind.
        _ => false,
    };
    let common = &key.common;
    let is_use = common.public_key_use.as_ref().is_none_or(|usage| *usage == PublicKeyUse::Signature);
    let is_operation = common.key_operations.as_ref().is_none_or(|all| all.contains(&KeyOperations::Verify));
    let is_algorithm = common.key_algorithm.is_none_or(|theirs| theirs == KeyAlgorithm::from(algorithm));
    is_kind && is_use && is_operation && is_algorithm
}

/// The keys of every issuer, as this process knows them.
#[derive(Debug)]
pub(super) struct KeySets {
    known: Recent<String, Arc<KeySet>>,
    asked: Recent<String, ()>,
    failed: Recent<String, Arc<IssuerError>>,
    /// Who fetches, while the others wait for what comes of it.
    turns: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

impl KeySets {
    pub(super) fn new(known_for: Duration, asked_again_after: Duration) -> Self {
        Self {
            known: Recent::new(known_for, MOST_ISSUERS),
            asked: Recent::new(asked_again_after, MOST_ISSUERS),
            failed: Recent::new(FAILED_FOR, MOST_ISSUERS),
            turns: Mutex::default(),
        }
    }

    /// The key that the token says it is signed by, of an issuer that is trusted; none when the issuer has no such key.
    pub(super) async fn key(
        &self,
        fetcher: &Fetcher,
        token: &IdToken<'_>,
    ) -> Result<Option<DecodingKey>, Arc<IssuerError>> {
        let issuer = &token.issuer;
        let find = |keys: &KeySet| keys.find(&token.kid, token.algorithm);
        if let Some(key) = self.known.get(issuer).and_then(|keys| find(&keys)) {
            return Ok(Some(key));
        }
        let turn = self.turn(issuer);
        let _turn = turn.lock().await;
        // Another may have fetched them in the meantime.
        let known = self.known.get(issuer);
        if let Some(key) = known.as_deref().and_then(find) {
            return Ok(Some(key));
        }
        if known.is_some() && self.asked.get(issuer).is_some() {
            return Ok(None);
        }
        if let Some(error) = self.failed.get(issuer) {
            return Err(error);
        }
        self.asked.put(issuer.clone(), ());
        match fetch::in_time(published(fetcher, issuer)).await {
            Ok(keys) => {
                let key = find(&keys);
                self.known.put(issuer.clone(), Arc::new(keys));
                Ok(key)
            }
            Err(error) => {
                let error = Arc::new(error);
                self.failed.put(issuer.clone(), Arc::clone(&error));
                Err(error)
            }
        }
    }

    fn turn(&self, issuer: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(turns.entry(issuer.to_owned()).or_default())
    }
}

/// Asks the issuer where its keys are, and then for them.
async fn published(fetcher: &Fetcher, issuer: &str) -> Result<KeySet, IssuerError> {
    let discovery = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let discovery: Url = discovery.parse().map_err(|_| IssuerError::Insecure)?;
    if !fetch::is_safe(&discovery) {
        return Err(IssuerError::Insecure);
    }
    let said: Discovery = fetcher.json(&discovery).await?;
    if said.issuer != issuer {
        return Err(IssuerError::OtherIssuer);
    }
    // One from elsewhere must not make this machine ask itself.
    let is_safe = said.jwks_uri.scheme() == "https" || (fetch::is_local(&said.jwks_uri) && fetch::is_local(&discovery));
    if !is_safe {
        return Err(IssuerError::Insecure);
    }
    fetcher.json(&said.jwks_uri).await.map(KeySet::new)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const POINT: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    fn set(keys: &Value) -> KeySet {
        KeySet::new(serde_json::from_value(json!({ "keys": keys })).unwrap())
    }

    #[test]
    fn a_key_is_good_for_what_it_says_and_its_kind_allows() {
        let keys = set(&json!([
            { "kid": "rsa", "kty": "RSA", "n": "AQAB", "e": "AQAB" },
            { "kid": "rs256", "kty": "RSA", "n": "AQAB", "e": "AQAB", "alg": "RS256", "use": "sig" },
            { "kid": "enc", "kty": "RSA", "n": "AQAB", "e": "AQAB", "use": "enc" },
            { "kid": "sign", "kty": "RSA", "n": "AQAB", "e": "AQAB", "key_ops": ["sign"] },
            { "kid": "oaep", "kty": "RSA", "n": "AQAB", "e": "AQAB", "alg": "RSA-OAEP" },
            { "kid": "p256", "kty": "EC", "crv": "P-256", "x": POINT, "y": POINT },
            { "kid": "p384", "kty": "EC", "crv": "P-384", "x": POINT, "y": POINT },
            { "kid": "ed", "kty": "OKP", "crv": "Ed25519", "x": POINT },
            { "kid": "secret", "kty": "oct", "k": POINT, "alg": "HS256" },
        ]));
        let algorithms = [
            Algorithm::HS256,
            Algorithm::RS256,
            Algorithm::PS512,
            Algorithm::ES256,
            Algorithm::ES384,
            Algorithm::EdDSA,
        ];
        let good = |kid: &str| -> Vec<Algorithm> {
            algorithms.into_iter().filter(|algorithm| keys.find(kid, *algorithm).is_some()).collect()
        };
        assert_eq!(good("rsa"), [Algorithm::RS256, Algorithm::PS512]);
        assert_eq!(good("rs256"), [Algorithm::RS256]);
        assert_eq!(good("p256"), [Algorithm::ES256]);
        assert_eq!(good("p384"), [Algorithm::ES384]);
        assert_eq!(good("ed"), [Algorithm::EdDSA]);
        for kid in ["enc", "sign", "oaep", "secret", "", "other"] {
            assert_eq!(good(kid), [], "{kid}");
        }
    }

    #[test]
    fn a_key_that_cannot_be_read_takes_no_other_with_it() {
        let keys = set(&json!([
            7,
            { "kid": 7, "kty": "RSA", "n": "AQAB", "e": "AQAB" },
            { "kid": "a", "kty": "EC", "crv": "secp256k1", "x": POINT, "y": POINT },
            { "kid": "b", "kty": "RSA", "n": "!", "e": "AQAB" },
            { "kid": "c", "kty": "RSA", "n": "AQAB", "e": "AQAB" },
        ]));
        assert!(keys.find("a", Algorithm::ES256).is_none());
        assert!(keys.find("b", Algorithm::RS256).is_none());
        assert!(keys.find("c", Algorithm::RS256).is_some());
    }
}
