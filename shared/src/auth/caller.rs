//! Somebody who asks for something.

use super::permit::Powers;
use super::principal::Principal;
use crate::clock::Timestamp;

/// Who asks, and what they may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Who they are.
    pub principal: Principal,
    /// How they have shown it.
    pub proof: Proof,
    /// What they may do.
    pub powers: Powers,
    /// Which token they have shown it by, or what they were given one for.
    pub token: Option<String>,
    /// When what they have shown was looked at. What has become of their account since then is not known here.
    pub since: Timestamp,
}

/// How a caller has shown who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// Not at all.
    None,
    /// By being let in everywhere: the registry is open, or the caller has its socket.
    Open,
    /// By a password or a token of their own, with the request.
    Credentials,
    /// By an access token. More may be allowed than it says: it is only as good as what was asked for.
    AccessToken,
}

impl Caller {
    /// Nobody who has said who they are.
    #[must_use]
    pub fn anonymous() -> Self {
        Self::without_account(Principal::Anonymous, Proof::None, Powers::default())
    }

    /// Somebody in an open registry.
    #[must_use]
    pub fn of_an_open_registry() -> Self {
        Self::without_account(Principal::Anonymous, Proof::Open, Powers::all())
    }

    /// Who runs the process.
    #[must_use]
    pub fn operator() -> Self {
        Self::without_account(Principal::Operator, Proof::Open, Powers::all())
    }

    /// Somebody who has just come, and is not looked up in the books.
    pub(super) fn without_account(principal: Principal, proof: Proof, powers: Powers) -> Self {
        Self { principal, proof, powers, token: None, since: Timestamp::now() }
    }
}
