//! Which actions are allowed where.

use serde::{Deserialize, Serialize};

use super::action::{Action, Actions};
use super::pattern::Pattern;
use super::role::Role;

/// Actions on the repositories of a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Permit {
    /// The repositories.
    pub repositories: Pattern,
    /// What may be done to them.
    pub actions: Actions,
}

/// A role on the repositories of a pattern, given to somebody.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Grant {
    /// The repositories.
    pub repositories: Pattern,
    /// What may be done to them.
    pub role: Role,
}

impl From<&Grant> for Permit {
    fn from(grant: &Grant) -> Self {
        Self { repositories: grant.repositories.clone(), actions: grant.role.actions() }
    }
}

/// Everything that a caller may do: what the permits allow, within the limits where there are any.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Powers {
    permits: Vec<Permit>,
    limits: Option<Vec<Permit>>,
}

impl Powers {
    /// What these permits allow.
    #[must_use]
    pub const fn of(permits: Vec<Permit>) -> Self {
        Self { permits, limits: None }
    }

    /// What these grants allow.
    #[must_use]
    pub fn granted<'a>(grants: impl IntoIterator<Item = &'a Grant>) -> Self {
        Self::of(grants.into_iter().map(Permit::from).collect())
    }

    /// Everything.
    #[must_use]
    pub fn all() -> Self {
        Self::of(vec![Permit { repositories: Pattern::everything(), actions: Actions::ALL }])
    }

    /// The same, but nothing beyond these limits.
    #[must_use]
    pub fn within(mut self, limits: Vec<Permit>) -> Self {
        self.limits = Some(limits);
        self
    }

    /// What may be done to the repository.
    #[must_use]
    pub fn on(&self, repository: &str) -> Actions {
        let allowed = on(&self.permits, repository);
        self.limits.as_ref().map_or(allowed, |limits| allowed.and(on(limits, repository)))
    }

    /// Whether all that the other says of who may do what may be said by this too.
    #[must_use]
    pub(super) fn administers_as_much_as(&self, other: &Self) -> bool {
        let administer = Actions::of(&[Action::Administer]);
        let claimed = other.permits.iter().filter(|permit| permit.actions.contains(Action::Administer));
        claimed.map(|permit| Permit { repositories: permit.repositories.clone(), actions: administer }).all(|permit| {
            allow(&self.permits, &permit) && self.limits.as_deref().is_none_or(|limits| allow(limits, &permit))
        })
    }

    /// What the permits allow, before any limits.
    #[must_use]
    pub fn permits(&self) -> &[Permit] {
        &self.permits
    }

    /// What there is beyond which nothing is allowed, if there is such a thing.
    #[must_use]
    pub fn limits(&self) -> Option<&[Permit]> {
        self.limits.as_deref()
    }

    /// Whether it may be said who may do what to every repository of this pattern.
    #[must_use]
    pub fn administers(&self, repositories: &Pattern) -> bool {
        let wanted = Permit { repositories: repositories.clone(), actions: Actions::of(&[Action::Administer]) };
        allow(&self.permits, &wanted) && self.limits.as_deref().is_none_or(|limits| allow(limits, &wanted))
    }

    /// Whether there is any repository of which that may be said.
    #[must_use]
    pub fn administers_some(&self) -> bool {
        let has_some = |permits: &[Permit]| permits.iter().any(|permit| permit.actions.contains(Action::Administer));
        has_some(&self.permits) && self.limits.as_deref().is_none_or(has_some)
    }

    /// Whether the registry as a whole may be administered.
    #[must_use]
    pub fn administers_all(&self) -> bool {
        let has_all = |permits: &[Permit]| {
            permits
                .iter()
                .any(|permit| permit.repositories.is_everything() && permit.actions.contains(Action::Administer))
        };
        has_all(&self.permits) && self.limits.as_deref().is_none_or(has_all)
    }
}

/// Whether these permits allow all that the other does. Never a false yes.
pub(super) fn allow(permits: &[Permit], wanted: &Permit) -> bool {
    let covering = permits.iter().filter(|permit| permit.repositories.covers(&wanted.repositories));
    let allowed = covering.fold(Actions::NONE, |all, permit| all.or(permit.actions));
    allowed.and(wanted.actions) == wanted.actions
}

fn on(permits: &[Permit], repository: &str) -> Actions {
    let matching = permits.iter().filter(|permit| permit.repositories.matches(repository));
    matching.fold(Actions::NONE, |all, permit| all.or(permit.actions))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(repositories: &str, role: Role) -> Grant {
        Grant { repositories: repositories.parse().unwrap(), role }
    }

    #[test]
    fn grants_add_up_and_limits_take_away() {
        let grants = [grant("team-a/**", Role::Reader), grant("team-a/app", Role::Maintainer)];
        let powers = Powers::granted(&grants);
        assert_eq!(powers.on("team-a/web"), Role::Reader.actions());
        assert_eq!(powers.on("team-a/app"), Role::Maintainer.actions());
        assert_eq!(powers.on("team-b/app"), Actions::NONE);
        let limit = Permit { repositories: "team-a/app".parse().unwrap(), actions: "pull,push".parse().unwrap() };
        let limited = powers.within(vec![limit]);
        assert_eq!(limited.on("team-a/app").to_string(), "pull,push");
        assert_eq!(limited.on("team-a/web"), Actions::NONE);
    }

    #[test]
    fn an_admin_of_a_pattern_administers_what_lies_inside() {
        let powers = Powers::granted(&[grant("team-a/**", Role::Admin), grant("team-b/**", Role::Maintainer)]);
        let administers = |powers: &Powers, pattern: &str| powers.administers(&pattern.parse().unwrap());
        assert!(administers(&powers, "team-a/**") && administers(&powers, "team-a/app"));
        for pattern in ["**", "team-*/app", "team-a", "team-b/app"] {
            assert!(!administers(&powers, pattern), "{pattern}");
        }
        assert!(powers.administers_some());
        let limit = Permit { repositories: "team-a/app".parse().unwrap(), actions: Actions::ALL };
        let limited = powers.clone().within(vec![limit]);
        assert!(administers(&limited, "team-a/app") && !administers(&limited, "team-a/**"));
        let limit = Permit { repositories: "**".parse().unwrap(), actions: Role::Writer.actions() };
        assert!(!powers.within(vec![limit]).administers_some());
    }

    #[test]
    fn only_an_admin_of_everything_administers_the_registry() {
        assert!(Powers::all().administers_all());
        assert!(Powers::granted(&[grant("**", Role::Admin)]).administers_all());
        assert!(!Powers::granted(&[grant("**", Role::Maintainer)]).administers_all());
        assert!(!Powers::granted(&[grant("*", Role::Admin)]).administers_all());
        assert!(!Powers::all().within(vec![]).administers_all());
        assert!(!Powers::default().administers_all());
    }
}
