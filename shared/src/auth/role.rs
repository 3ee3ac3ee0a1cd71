//! What a grant allows.

use std::str::FromStr;

use super::action::{Action, Actions};
use crate::oci::{as_text, excerpt};

/// A set of actions with a name. Each role may do what the one before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Pulls.
    Reader,
    /// Pushes too, and moves tags.
    Writer,
    /// Deletes too.
    Maintainer,
    /// Says who may do what, too. On every repository: administers the registry.
    Admin,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Reader, Self::Writer, Self::Maintainer, Self::Admin];

    /// The role's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Writer => "writer",
            Self::Maintainer => "maintainer",
            Self::Admin => "admin",
        }
    }

    /// What it allows.
    #[must_use]
    pub const fn actions(self) -> Actions {
        use Action::{Delete, Pull, Push, TagOverwrite};
        match self {
            Self::Reader => Actions::of(&[Pull]),
            Self::Writer => Actions::of(&[Pull, Push, TagOverwrite]),
            Self::Maintainer => Actions::of(&[Pull, Push, TagOverwrite, Delete]),
            Self::Admin => Actions::ALL,
        }
    }
}

/// A text that is no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no role; there are reader, writer, maintainer and admin")]
pub struct ParseRoleError(String);

impl FromStr for Role {
    type Err = ParseRoleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or_else(|| ParseRoleError(excerpt(text)))
    }
}

as_text!(Role);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_do_what_the_one_before_may_and_more() {
        for pair in Role::ALL.windows(2) {
            let (less, more) = (pair[0].actions(), pair[1].actions());
            assert_eq!(less.and(more), less);
            assert_ne!(less, more);
        }
        assert_eq!(Role::ALL.map(|role| role.as_str().parse()), Role::ALL.map(Ok));
    }
}
