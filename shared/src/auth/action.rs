//! What can be done to a repository.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One thing that can be done to a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Read what it holds.
    Pull,
    /// Add layers and manifests, and give tags that nothing has yet.
    Push,
    /// Move a tag from one manifest to another.
    TagOverwrite,
    /// Delete manifests, tags and layers.
    Delete,
    /// Say who may do what to it.
    Administer,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 5] = [Self::Pull, Self::Push, Self::TagOverwrite, Self::Delete, Self::Administer];

    /// The action on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "push",
            Self::TagOverwrite => "tag-overwrite",
            Self::Delete => "delete",
            Self::Administer => "administer",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A text that is no action.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no action; there are pull, push, tag-overwrite, delete, administer, and * for all of them")]
pub struct ParseActionError(String);

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A set of actions. As text: names with commas between them, or `*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Actions(u8);

impl Actions {
    /// None.
    pub const NONE: Self = Self(0);
    /// All.
    pub const ALL: Self = Self::of(&Action::ALL);

    /// These.
    #[must_use]
    pub const fn of(actions: &[Action]) -> Self {
        let (mut bits, mut index) = (0, 0);
        while index < actions.len() {
            bits |= actions[index].bit();
            index += 1;
        }
        Self(bits)
    }

    /// Whether the action is among them.
    #[must_use]
    pub const fn contains(self, action: Action) -> bool {
        self.0 & action.bit() != 0
    }

    /// Those of both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Those of either.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = Action> {
        Action::ALL.into_iter().filter(move |action| self.contains(*action))
    }

    /// Reads what it knows of a list, and leaves the rest out: clients ask for actions of other registries too.
    #[must_use]
    pub fn known(text: &str) -> Self {
        let known = text.split(',').filter_map(|name| name.trim().parse().ok());
        known.fold(Self::NONE, Self::or)
    }
}

impl fmt::Display for Actions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.iter().map(Action::as_str).collect();
        f.pad(&names.join(","))
    }
}

impl FromStr for Actions {
    type Err = ParseActionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let one = |name: &str| match name {
            "*" => Ok(Self::ALL),
            name => Action::ALL
                .into_iter()
                .find(|action| action.as_str() == name)
                .map(|action| Self::of(&[action]))
                .ok_or_else(|| ParseActionError(name.chars().take(40).collect())),
        };
        text.split(',').map(|name| one(name.trim())).try_fold(Self::NONE, |all, one| Ok(all.or(one?)))
    }
}

impl Serialize for Actions {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(Action::as_str))
    }
}

impl<'de> Deserialize<'de> for Actions {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names = Vec::<String>::deserialize(deserializer)?;
        names.iter().try_fold(Self::NONE, |all, name| Ok(all.or(name.parse().map_err(serde::de::Error::custom)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_reads_as_it_is_written() {
        for bits in 0..32 {
            let actions = Actions(bits);
            assert_eq!(serde_json::from_str::<Actions>(&serde_json::to_string(&actions).unwrap()).unwrap(), actions);
            if !actions.is_empty() {
                assert_eq!(actions.to_string().parse(), Ok(actions));
            }
        }
        assert_eq!("*".parse(), Ok(Actions::ALL));
    }

    #[test]
    fn what_nobody_knows_is_an_error_or_left_out() {
        assert!("pull,fly".parse::<Actions>().is_err());
        assert_eq!(Actions::known("pull,fly,push"), Actions::of(&[Action::Pull, Action::Push]));
        assert_eq!(Actions::known(""), Actions::NONE);
    }
}
