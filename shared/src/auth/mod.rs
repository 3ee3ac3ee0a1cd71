//! Who may do what. `decision` is pure and says it; what surrounds it finds out who asks, and what they were given.

mod action;
mod caller;
mod decision;
mod pattern;
mod permit;
mod principal;
mod role;
mod scope;

pub use action::{Action, Actions, ParseActionError};
pub use caller::{Caller, Proof};
pub use decision::{Decision, Need, Visibility, decide};
pub use pattern::{ParsePatternError, Pattern};
pub use permit::{Grant, Permit, Powers};
pub use principal::{Name, ParseNameError, ParsePrincipalError, ParseSubjectError, Principal, Subject};
pub use role::{ParseRoleError, Role};
pub use scope::Scope;
