//! May they? The one place where that is decided.

use std::fmt;

use super::action::Action;
use super::caller::{Caller, Proof};
use crate::oci::RepositoryName;

/// What a request needs before it is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// Nothing: it says no more than that the process is there.
    Nothing,
    /// That the caller has said who they are.
    Identity,
    /// An action on a repository.
    Action(Action, RepositoryName),
    /// To administer the registry.
    Administration,
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("nothing"),
            Self::Identity => f.write_str("identity"),
            Self::Action(action, name) => write!(f, "{action} {name}"),
            Self::Administration => f.write_str("administer the registry"),
        }
    }
}

/// Who may read a repository without saying who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Visibility {
    /// Nobody.
    #[default]
    Private,
    /// Everybody.
    Public,
}

impl Visibility {
    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Public => "public",
        }
    }
}

/// What is decided, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Yes: nobody has to be anybody for it.
    Free,
    /// Yes: everybody may read the repository.
    Public,
    /// Yes: the caller was given the right to.
    Granted,
    /// No: the caller has not said who they are, and that may change it.
    NeedsSignIn,
    /// No: the caller's access token does not say so, and another may.
    BeyondToken,
    /// No.
    Refused,
}

impl Decision {
    /// Whether the request may be answered.
    #[must_use]
    pub const fn is_yes(self) -> bool {
        match self {
            Self::Free | Self::Public | Self::Granted => true,
            Self::NeedsSignIn | Self::BeyondToken | Self::Refused => false,
        }
    }

    /// The reason, as an audit says it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Public => "public",
            Self::Granted => "granted",
            Self::NeedsSignIn => "needs-sign-in",
            Self::BeyondToken => "beyond-token",
            Self::Refused => "refused",
        }
    }
}

/// Decides whether the caller may have what the request needs. `visibility` is that of the repository in question.
/// Pure: it knows nothing but its arguments, and never whether what is asked for exists.
#[must_use]
pub fn decide(caller: &Caller, need: &Need, visibility: Visibility) -> Decision {
    let granted = match need {
        Need::Nothing => return Decision::Free,
        Need::Action(Action::Pull, _) if visibility == Visibility::Public => return Decision::Public,
        Need::Identity => caller.proof != Proof::None,
        Need::Action(action, name) => caller.powers.on(name.as_str()).contains(*action),
        Need::Administration => caller.powers.administers_all(),
    };
    match (granted, caller.proof) {
        (true, _) => Decision::Granted,
        (false, Proof::None) => Decision::NeedsSignIn,
        (false, Proof::AccessToken) => Decision::BeyondToken,
        (false, Proof::Open | Proof::Credentials) => Decision::Refused,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::auth::{Grant, Permit, Powers, Principal, Role};

    fn caller(proof: Proof, powers: Powers) -> Caller {
        Caller::without_account(Principal::Anonymous, proof, powers)
    }

    fn grant(repositories: &str, role: Role) -> Powers {
        Powers::granted(&[Grant { repositories: repositories.parse().unwrap(), role }])
    }

    fn need(action: Action) -> Need {
        Need::Action(action, "team-a/app".parse().unwrap())
    }

    #[test]
    fn the_table_of_roles_and_actions() {
        use Action::{Administer, Delete, Pull, Push, TagOverwrite};
        use Decision::{Granted, NeedsSignIn, Public, Refused};
        let table = [
            (None, [NeedsSignIn, NeedsSignIn, NeedsSignIn, NeedsSignIn, NeedsSignIn]),
            (Some(Role::Reader), [Granted, Refused, Refused, Refused, Refused]),
            (Some(Role::Writer), [Granted, Granted, Granted, Refused, Refused]),
            (Some(Role::Maintainer), [Granted, Granted, Granted, Granted, Refused]),
            (Some(Role::Admin), [Granted, Granted, Granted, Granted, Granted]),
        ];
        for (role, decisions) in table {
            let caller =
                role.map_or_else(Caller::anonymous, |role| caller(Proof::Credentials, grant("team-a/**", role)));
            for (action, decision) in [Pull, Push, TagOverwrite, Delete, Administer].into_iter().zip(decisions) {
                assert_eq!(decide(&caller, &need(action), Visibility::Private), decision, "{role:?} {action}");
                let public = if action == Pull { Public } else { decision };
                assert_eq!(decide(&caller, &need(action), Visibility::Public), public, "{role:?} {action}");
            }
        }
    }

    #[test]
    fn a_token_that_says_less_asks_for_another() {
        let caller = caller(Proof::AccessToken, grant("team-a/app", Role::Reader));
        assert_eq!(decide(&caller, &need(Action::Push), Visibility::Private), Decision::BeyondToken);
        assert_eq!(decide(&caller, &Need::Administration, Visibility::Private), Decision::BeyondToken);
        assert_eq!(decide(&caller, &Need::Identity, Visibility::Private), Decision::Granted);
    }

    fn any_powers() -> impl Strategy<Value = Powers> {
        let pattern = prop::sample::select(vec!["**", "a/**", "a/b", "b", "*", "a/*"]);
        let permit = (pattern, 0_usize..4).prop_map(|(pattern, role)| Permit {
            repositories: pattern.parse().unwrap(),
            actions: Role::ALL[role].actions(),
        });
        prop::collection::vec(permit, 0..3).prop_map(Powers::of)
    }

    proptest! {
        #[test]
        fn nobody_without_powers_gets_more_than_what_is_public(
            action in prop::sample::select(Action::ALL.to_vec()), name in prop::sample::select(vec!["a", "a/b", "b"]),
        ) {
            let need = Need::Action(action, name.parse().unwrap());
            for proof in [Proof::None, Proof::Open, Proof::Credentials, Proof::AccessToken] {
                let caller = caller(proof, Powers::default());
                prop_assert!(!decide(&caller, &need, Visibility::Private).is_yes());
                prop_assert_eq!(decide(&caller, &need, Visibility::Public).is_yes(), action == Action::Pull);
                prop_assert!(!decide(&caller, &Need::Administration, Visibility::Public).is_yes());
            }
        }

        #[test]
        fn limits_only_take_away(
            powers in any_powers(), limit in prop::sample::select(vec!["**", "a/**", "b"]),
            action in prop::sample::select(Action::ALL.to_vec()), name in prop::sample::select(vec!["a", "a/b", "b"]),
        ) {
            let limits = vec![Permit { repositories: limit.parse().unwrap(), actions: Role::Writer.actions() }];
            let (free, limited) = (caller(Proof::Credentials, powers.clone()), caller(Proof::Credentials, powers.within(limits)));
            for need in [Need::Action(action, name.parse().unwrap()), Need::Administration] {
                if decide(&limited, &need, Visibility::Private).is_yes() {
                    prop_assert!(decide(&free, &need, Visibility::Private).is_yes());
                }
            }
        }
    }
}
