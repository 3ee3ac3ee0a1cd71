//! Who may do what. `decision` is pure and says it; `gate` finds out who asks, and what they were given; `accounts` are the
//! books that say so, and `administration` is how they are changed; `federation` asks those who vouch for callers without an
//! account. Uses `oci`, `clock` and `metadata`.

mod access_token;
mod accounts;
mod action;
mod administration;
mod audit;
mod caller;
mod credentials;
mod decision;
mod federation;
mod first_admin;
mod gate;
mod keys;
mod mode;
mod password;
mod pattern;
mod permit;
mod principal;
mod recent;
mod role;
mod scope;
mod secret;
mod sign_in;
mod throttle;

pub use access_token::{Issued, LIFE, SERVICE, TokenError};
pub use accounts::{
    Accounts, Group, Issuer, Known, Record, RepositorySettings, Robot, Rule, Token, TokenKind, TokenUse, User,
};
pub use action::{Action, Actions, ParseActionError};
pub use administration::{
    AccountChange, AdminError, Administration, HeldGrant, MOST_GRANTS, MOST_GROUPS, NewToken, NewUser, PasswordChange,
    Thing, TokenLife, TokenSeen, UserChange,
};
pub use audit::{Act, ActsWanted, KeptAct};
pub use caller::{Caller, Proof};
pub use credentials::{Credentials, ParseCredentialsError};
pub use decision::{Decision, Need, Visibility, decide};
pub use federation::{
    FederationSettings, IssuerCheckError, IssuerError, PresignError, RuleError, password_for, password_of, presign,
};
pub use first_admin::{FIRST_ADMIN, FirstPassword};
pub use gate::{Access, Counted, Gate, GateError, GateSettings, Sight};
pub use keys::{KeyError, PublicKey};
pub use mode::Mode;
pub use password::{HashError, Password, PasswordHash, PasswordLengthError};
pub use pattern::{ParsePatternError, Pattern};
pub use permit::{Grant, Permit, Powers};
pub use principal::{Name, ParseNameError, ParsePrincipalError, ParseSubjectError, Principal, Subject};
pub use role::{ParseRoleError, Role};
pub use scope::Scope;
pub use secret::{NoRandomness, ParseTokenIdError, SecretHash, TokenId, TokenSecret};
pub use sign_in::SignInError;
