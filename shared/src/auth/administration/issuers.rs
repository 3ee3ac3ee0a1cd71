//! Who vouches for callers that have no account.

use super::super::accounts::Issuer;
use super::{AdminError, Administration, check_grants};

/// The most rules of an issuer.
pub(super) const MOST_RULES: usize = 100;

impl Administration<'_> {
    /// Trusts an issuer from now on, or by other rules; true when it was not trusted before, and the issuer.
    pub async fn put_issuer(&self, issuer: &Issuer) -> Result<(bool, Issuer), AdminError> {
        check(issuer)?;
        self.put(issuer, |before, next| next.created = before.created).await
    }

    /// Trusts an issuer no longer.
    pub async fn remove_issuer(&self, name: &str) -> Result<(), AdminError> {
        self.remove::<Issuer>(name).await.map(drop)
    }
}

fn check(issuer: &Issuer) -> Result<(), AdminError> {
    if issuer.rules.len() > MOST_RULES {
        return Err(AdminError::TooManyRules);
    }
    issuer.check()?;
    issuer.rules.iter().try_for_each(|rule| check_grants(&rule.grants))
}
