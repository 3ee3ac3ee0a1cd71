//! Keys that tokens are signed with, made anew for each run.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, KeyPair,
};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use serde_json::{Value, json};

/// How many bytes PKCS #8 puts before an RSA key of 2048 bits, which is all that is signed with.
const PKCS8_OF_RSA: usize = 26;

/// A private key, and what is published of it.
pub(crate) struct Key {
    pub(crate) kid: String,
    pub(crate) algorithm: Algorithm,
    private: EncodingKey,
    pub(crate) public: Value,
}

impl Key {
    /// A new key for this algorithm.
    pub(crate) fn new(kid: &str, algorithm: Algorithm) -> Self {
        let (private, public) = match algorithm {
            Algorithm::ES256 => elliptic(&ECDSA_P256_SHA256_FIXED_SIGNING, algorithm),
            Algorithm::ES384 => elliptic(&ECDSA_P384_SHA384_FIXED_SIGNING, algorithm),
            Algorithm::EdDSA => {
                let pair = Ed25519KeyPair::generate().expect("a key can be made");
                let private = EncodingKey::from_ed_der(pair.to_pkcs8v1().expect("it can be written").as_ref());
                let public = Jwk::from_encoding_key(&private, algorithm);
                (private, public)
            }
            _ => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key can be made");
                let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).expect("it can be written");
                let public = DecodingKey::from_rsa_der(pair.public_key().as_ref());
                (
                    EncodingKey::from_rsa_der(&der.as_ref()[PKCS8_OF_RSA..]),
                    Jwk::from_decoding_key(&public, Some(algorithm)),
                )
            }
        };
        let public = public.expect("it has a public half");
        let mut public = serde_json::to_value(public).expect("it is JSON");
        public["kid"] = json!(kid);
        public["use"] = json!("sig");
        Self { kid: kid.to_owned(), algorithm, private, public }
    }

    /// The same key, published without its algorithm, and used for this one.
    pub(crate) fn used_for(mut self, algorithm: Algorithm) -> Self {
        self.public.as_object_mut().expect("it is an object").remove("alg");
        self.algorithm = algorithm;
        self
    }

    /// A token of these claims.
    pub(crate) fn sign(&self, claims: &Value) -> String {
        let header = Header { kid: Some(self.kid.clone()), ..Header::new(self.algorithm) };
        jsonwebtoken::encode(&header, claims, &self.private).expect("it can be signed")
    }
}

fn elliptic(
    curve: &'static EcdsaSigningAlgorithm,
    algorithm: Algorithm,
) -> (EncodingKey, jsonwebtoken::errors::Result<Jwk>) {
    let pair = EcdsaKeyPair::generate(curve).expect("a key can be made");
    let private = EncodingKey::from_ec_der(pair.to_pkcs8v1().expect("it can be written").as_ref());
    let public = Jwk::from_encoding_key(&private, algorithm);
    (private, public)
}
