//! The keys that access tokens are signed with. The private half of the newest is read only by who issues tokens; the public
//! halves by every process, which then knows a good token without asking anybody.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use jsonwebtoken::{DecodingKey, EncodingKey};
use serde::{Deserialize, Serialize};

use super::accounts::{Accounts, Known, Record};
use super::caller::Caller;
use super::recent::Recent;
use super::secret::{NoRandomness, random_bytes};
use crate::clock::Timestamp;
use crate::metadata::{self, Book};

/// Under which name the key stands that tokens are signed with.
const CURRENT: &str = "current";

/// How long a process goes by what it has read. A key that it does not know is asked for at once, if not too often.
const KNOWN_FOR: Duration = Duration::from_mins(1);
const ASKED_AGAIN_AFTER: Duration = Duration::from_secs(2);

/// How many tokens a process knows at most to be signed by a key.
const MOST_PROVEN: usize = 4096;

/// How long a key that was followed by another still counts: longer than any token that it has signed.
pub(super) const OVERLAP: Duration = Duration::from_mins(15);

/// The public half of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicKey {
    /// The key's name, which a token gives as its `kid`.
    pub kid: String,
    /// The public point, in base64url.
    x: String,
    /// Since when there is this key.
    pub created: Timestamp,
    /// When it stops counting, once it was followed by another.
    #[serde(default)]
    pub retires: Option<Timestamp>,
}

impl PublicKey {
    /// The public point, in base64url.
    #[must_use]
    pub fn x(&self) -> &str {
        &self.x
    }

    fn counts(&self) -> bool {
        self.retires.is_none_or(|retires| Timestamp::now() < retires)
    }
}

impl Record for PublicKey {
    const BOOK: Book = Book::PublicKeys;

    fn key(&self) -> &str {
        &self.kid
    }

    fn expires(&self) -> Option<Timestamp> {
        self.retires
    }
}

/// The private half of the newest key.
#[derive(Clone, Serialize, Deserialize)]
struct SigningKey {
    kid: String,
    /// PKCS #8, in base64.
    pkcs8: String,
    created: Timestamp,
}

impl Record for SigningKey {
    const BOOK: Book = Book::SigningKeys;

    fn key(&self) -> &'static str {
        CURRENT
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}…)", self.kid)
    }
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The books cannot be read or written.
    #[error(transparent)]
    Metadata(#[from] metadata::Error),
    /// No key can be made, or the one that is kept cannot be used.
    #[error("the key that tokens are signed with cannot be used")]
    Unusable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<NoRandomness> for KeyError {
    fn from(error: NoRandomness) -> Self {
        Self::Unusable(error.into())
    }
}

/// The keys, as one process knows them.
#[derive(Debug)]
pub(super) struct Keys {
    accounts: Accounts,
    signing: Recent<(), Signer>,
    public: Recent<(), Arc<Vec<(PublicKey, DecodingKey)>>>,
    asked: Recent<(), ()>,
    /// Who presents the tokens that were found to be signed, by their hashes, with the names of their keys.
    proven: Recent<[u8; 32], (Arc<str>, Caller)>,
}

/// What signs.
#[derive(Clone)]
pub(super) struct Signer {
    pub(super) kid: String,
    pub(super) key: EncodingKey,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({}…)", self.kid)
    }
}

impl Keys {
    pub(super) fn new(accounts: Accounts) -> Self {
        Self {
            accounts,
            signing: Recent::new(KNOWN_FOR, 1),
            public: Recent::new(KNOWN_FOR, 1),
            asked: Recent::new(ASKED_AGAIN_AFTER, 1),
            proven: Recent::new(KNOWN_FOR, MOST_PROVEN),
        }
    }

    /// What tokens are signed with now. The first time ever, it is made.
    pub(super) async fn signer(&self) -> Result<Signer, KeyError> {
        if let Some(signer) = self.signing.get(&()) {
            return Ok(signer);
        }
        let since = self.signing.now();
        let kept = match self.accounts.get::<SigningKey>(CURRENT).await? {
            Some(kept) => kept.record,
            None => self.make(None).await?,
        };
        let pkcs8 = STANDARD_NO_PAD.decode(&kept.pkcs8).map_err(|error| KeyError::Unusable(error.into()))?;
        let signer = Signer { kid: kept.kid, key: EncodingKey::from_ed_der(&pkcs8) };
        self.signing.put_since(since, Duration::MAX, (), signer.clone());
        Ok(signer)
    }

    /// Makes the next key; of two processes that do so at once, the key of one is taken by both. The public half is there
    /// before anything is signed with the private one.
    async fn make(&self, known: Option<&Known<SigningKey>>) -> Result<SigningKey, KeyError> {
        let unusable = |error: aws_lc_rs::error::Unspecified| KeyError::Unusable(error.into());
        let pair = Ed25519KeyPair::generate().map_err(unusable)?;
        let (kid, created) = (hex::encode(random_bytes::<8>()?), Timestamp::now());
        let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        let pkcs8 = STANDARD_NO_PAD.encode(pair.to_pkcs8v1().map_err(unusable)?.as_ref());
        let public = PublicKey { kid: kid.clone(), x, created, retires: None };
        let private = SigningKey { kid, pkcs8, created };
        self.accounts.create(&public).await?;
        let is_first = match known {
            Some(known) => self.accounts.replace(known, &private).await?,
            None => self.accounts.create(&private).await?,
        };
        if is_first {
            return Ok(private);
        }
        self.accounts.remove::<PublicKey>(&public.kid).await?;
        let theirs = self.accounts.get::<SigningKey>(CURRENT).await?;
        theirs.map(|known| known.record).ok_or(KeyError::Metadata(metadata::Error::Contended))
    }

    /// Signs with a new key from now on. Those before it go on counting for a while, or not at all.
    pub(super) async fn rotate(&self, at_once: bool) -> Result<PublicKey, KeyError> {
        let known = self.accounts.get::<SigningKey>(CURRENT).await?;
        // None that another rotation makes meanwhile: it may be what is signed with next.
        let before = self.public().await?;
        let next = self.make(known.as_ref()).await?;
        for public in before.iter().filter(|public| public.kid != next.kid) {
            if at_once {
                self.accounts.remove::<PublicKey>(&public.kid).await?;
            } else if public.retires.is_none() {
                let retires = Timestamp::now().plus(OVERLAP);
                self.accounts.change(&public.kid, |public: &mut PublicKey| public.retires = Some(retires)).await?;
            }
        }
        self.signing.clear();
        self.public.clear();
        let current = self.accounts.get::<PublicKey>(&next.kid).await?.map(|known| known.record);
        current.ok_or(KeyError::Metadata(metadata::Error::Contended))
    }

    /// Every key that counts.
    pub(super) async fn public(&self) -> Result<Vec<PublicKey>, KeyError> {
        Ok(self.accounts.all::<PublicKey>().await?)
    }

    /// The public half of the key of that name, if it counts.
    pub(super) async fn verifying(&self, kid: &str) -> Result<Option<DecodingKey>, KeyError> {
        let find = |keys: &[(PublicKey, DecodingKey)]| {
            let mut known = keys.iter().filter(|(public, _)| public.kid == kid && public.counts());
            known.next().map(|(_, key)| key.clone())
        };
        let known = self.public.get(&());
        if let Some(found) = known.as_deref().and_then(|keys| find(keys)) {
            return Ok(Some(found));
        }
        if known.is_some() && self.asked.get(&()).is_some() {
            return Ok(None);
        }
        let since = self.public.now();
        let read = self.public().await?.into_iter().filter_map(|public| {
            let key = DecodingKey::from_ed_components(&public.x).ok()?;
            Some((public, key))
        });
        let read = Arc::new(read.collect::<Vec<_>>());
        self.public.put_since(since, Duration::MAX, (), Arc::clone(&read));
        self.asked.put((), ());
        Ok(find(&read))
    }

    /// Who presents the token of this hash, where that was proven a moment ago by a key that still counts.
    pub(super) async fn proven(&self, hash: &[u8; 32]) -> Result<Option<Caller>, KeyError> {
        let Some((kid, caller)) = self.proven.get(hash) else {
            return Ok(None);
        };
        Ok(self.verifying(&kid).await?.map(|_| caller))
    }

    /// Remembers who presents a token that is signed by this key and good for so long.
    pub(super) fn prove(&self, hash: [u8; 32], kid: &str, caller: &Caller, life: Duration) {
        self.proven.put_since(self.proven.now(), life, hash, (kid.into(), caller.clone()));
    }
}
