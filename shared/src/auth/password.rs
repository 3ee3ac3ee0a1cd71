//! Passwords, which are kept only as what argon2id makes of them.

use std::fmt;
use std::sync::{Arc, LazyLock};

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash as Phc;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use super::secret::{NoRandomness, random_bytes};

/// How many passwords are hashed at once: each takes 19 MiB and a processor for a while.
const AT_ONCE: usize = 2;

static TURNS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(AT_ONCE)));

/// A password as somebody has typed it. Nothing shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

/// A password that is too easily guessed, or too long to be hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a password has {least} to {most} characters", least = Password::LEAST, most = Password::MOST)]
pub struct PasswordLengthError;

impl Password {
    /// The fewest characters of a new one.
    pub const LEAST: usize = 12;
    /// The most bytes of any.
    pub const MOST: usize = 1024;

    /// What a request has brought, whatever it is.
    #[must_use]
    pub fn given(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// One that shall be somebody's from now on.
    pub fn chosen(text: impl Into<String>) -> Result<Self, PasswordLengthError> {
        let text = text.into();
        if text.chars().count() < Self::LEAST || text.len() > Self::MOST {
            return Err(PasswordLengthError);
        }
        Ok(Self(text))
    }

    /// One that nobody has chosen, and nobody guesses.
    pub fn generated() -> Result<Self, NoRandomness> {
        Ok(Self(URL_SAFE_NO_PAD.encode(random_bytes::<18>()?)))
    }

    /// The characters.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    pub async fn hash(&self) -> Result<PasswordHash, HashError> {
        let salt: [u8; 16] = random_bytes().map_err(|error| HashError(error.into()))?;
        let text = self.0.clone();
        hashing(move || {
            let hash: Phc = Argon2::default().hash_password_with_salt(text.as_bytes(), &salt)?;
            Ok(PasswordHash(hash.to_string()))
        })
        .await
    }

    /// Whether it is the one that was kept. Where nothing was, as much time passes before that is said.
    pub async fn is(&self, kept: Option<&PasswordHash>) -> Result<bool, HashError> {
        if self.0.len() > Self::MOST {
            return Ok(false);
        }
        let (text, exists) = (self.0.clone(), kept.is_some());
        let kept = kept.map_or(DECOY, |kept| kept.0.as_str()).to_owned();
        let is_right = hashing(move || {
            let kept = Phc::new(&kept)?;
            Ok(Argon2::default().verify_password(text.as_bytes(), &kept).is_ok())
        })
        .await?;
        Ok(is_right && exists)
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// A hash like every other, of nothing that anybody knows.
const DECOY: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// What is kept of a password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PasswordHash(String);

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// A password that could not be hashed.
#[derive(Debug, thiserror::Error)]
#[error("a password could not be hashed")]
pub struct HashError(#[source] Box<dyn std::error::Error + Send + Sync>);

/// Hashes where waiting stops nobody else, and not more at once than there is memory for.
async fn hashing<T: Send + 'static>(
    hash: impl FnOnce() -> Result<T, argon2::password_hash::Error> + Send + 'static,
) -> Result<T, HashError> {
    let _turn = Arc::clone(&TURNS).acquire_owned().await.map_err(|error| HashError(error.into()))?;
    let hashed = tokio::task::spawn_blocking(hash).await.map_err(|error| HashError(error.into()))?;
    hashed.map_err(|error| HashError(error.to_string().into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_known_again_and_no_other_is() {
        let password = Password::chosen("correct horse battery").unwrap();
        let kept = password.hash().await.unwrap();
        assert!(password.is(Some(&kept)).await.unwrap());
        assert!(!Password::given("correct horse batterz").is(Some(&kept)).await.unwrap());
        assert_ne!(password.hash().await.unwrap(), kept, "each has a salt of its own");
    }

    #[tokio::test]
    async fn nobody_has_no_password_and_the_decoy_is_a_hash_of_the_usual_cost() {
        assert!(!Password::given("").is(None).await.unwrap());
        let decoy = Phc::new(DECOY).unwrap();
        let usual = Phc::new(&Password::given("x").hash().await.unwrap().0).unwrap();
        assert_eq!(decoy.params.to_string(), usual.params.to_string());
        assert_eq!(decoy.hash.unwrap().as_bytes().len(), usual.hash.unwrap().as_bytes().len());
    }

    #[test]
    fn a_generated_password_is_one_that_may_be_chosen_and_never_the_same() {
        let (one, other) = (Password::generated().unwrap(), Password::generated().unwrap());
        assert!(Password::chosen(one.expose()).is_ok());
        assert_ne!(one, other);
    }

    #[test]
    fn nothing_shows_a_password() {
        assert_eq!(format!("{:?}", Password::given("secret")), "Password(…)");
        assert_eq!(format!("{:?}", PasswordHash("secret".to_owned())), "PasswordHash(…)");
        assert!(Password::chosen("too short").is_err());
        assert!(Password::chosen("x".repeat(1025)).is_err());
    }
}
