//! Who somebody is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::oci::{as_text, excerpt};

/// The name of a user, robot, group or issuer: letters, digits and `.`, `_`, `-`, `@`, `+`, beginning with a letter or digit,
/// at most 64 of them. Names that differ in case only are different.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(String);

impl Name {
    /// The longest name, in characters.
    pub const MAX_LENGTH: usize = 64;

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text that is no name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no name: it has up to 64 letters, digits, and . _ - @ +, and begins with a letter or digit")]
pub struct ParseNameError(String);

impl FromStr for Name {
    type Err = ParseNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let of_names = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@' | '+');
        let begins_well = text.chars().next().is_some_and(|c| c.is_ascii_alphanumeric());
        if begins_well && text.len() <= Self::MAX_LENGTH && text.chars().all(of_names) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ParseNameError(excerpt(text)))
        }
    }
}

as_text!(Name);

/// Whom a grant or a token belongs to. As text: `user:alice`, `robot:ci`, `group:team-a`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// A person.
    User(Name),
    /// A program.
    Robot(Name),
    /// Several of them.
    Group(Name),
}

impl Subject {
    const fn parts(&self) -> (&'static str, &Name) {
        match self {
            Self::User(name) => ("user", name),
            Self::Robot(name) => ("robot", name),
            Self::Group(name) => ("group", name),
        }
    }

    /// The subject's name among its kind.
    #[must_use]
    pub const fn name(&self) -> &Name {
        self.parts().1
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, name) = self.parts();
        write!(f, "{kind}:{name}")
    }
}

/// A text that is no subject.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseSubjectError {
    /// It does not say what it is.
    #[error("{0:?} is nobody; user:alice, robot:ci and group:team-a are somebody")]
    Kind(String),
    /// Its name is none.
    #[error(transparent)]
    Name(#[from] ParseNameError),
}

impl FromStr for Subject {
    type Err = ParseSubjectError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("user", name)) => Ok(Self::User(name.parse()?)),
            Some(("robot", name)) => Ok(Self::Robot(name.parse()?)),
            Some(("group", name)) => Ok(Self::Group(name.parse()?)),
            _ => Err(ParseSubjectError::Kind(excerpt(text))),
        }
    }
}

impl Serialize for Subject {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Subject {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Who a caller is. As text, what a log and a token say: `anonymous`, `operator`, `user:alice`, `oidc:github/repo:o/r:…`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Principal {
    /// Nobody has said who.
    Anonymous,
    /// Whoever runs the process, by its socket.
    Operator,
    /// A user or robot.
    Account(Subject),
    /// Somebody that an issuer vouches for.
    Federated {
        /// The issuer's name here.
        issuer: Name,
        /// What the issuer calls them.
        subject: String,
    },
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => f.write_str("anonymous"),
            Self::Operator => f.write_str("operator"),
            Self::Account(subject) => subject.fmt(f),
            Self::Federated { issuer, subject } => write!(f, "oidc:{issuer}/{subject}"),
        }
    }
}

/// A text that names no principal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParsePrincipalError {
    /// The issuer of whom an issuer vouches for is not told.
    #[error("{0:?} names no issuer")]
    Issuer(String),
    /// It is nobody.
    #[error(transparent)]
    Subject(#[from] ParseSubjectError),
}

impl FromStr for Principal {
    type Err = ParsePrincipalError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "anonymous" => Ok(Self::Anonymous),
            "operator" => Ok(Self::Operator),
            _ => match text.strip_prefix("oidc:") {
                Some(rest) => {
                    let (issuer, subject) =
                        rest.split_once('/').ok_or_else(|| ParsePrincipalError::Issuer(excerpt(rest)))?;
                    let issuer = issuer.parse().map_err(ParseSubjectError::from)?;
                    Ok(Self::Federated { issuer, subject: subject.to_owned() })
                }
                None => Ok(Self::Account(text.parse()?)),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_passes_through_headers_keys_and_paths() {
        for name in ["a", "alice@example.org", "0-x_y.z+1", &"a".repeat(64)] {
            assert!(name.parse::<Name>().is_ok(), "{name}");
        }
        for name in ["", "-a", ".a", "a:b", "a/b", "a b", "é", "a\0", "a%2f", &"a".repeat(65)] {
            assert!(name.parse::<Name>().is_err(), "{name}");
        }
    }

    #[test]
    fn everybody_reads_as_they_are_written() {
        for text in ["anonymous", "operator", "user:alice", "robot:ci", "oidc:github/repo:o/r:ref:refs/heads/main"] {
            assert_eq!(text.parse::<Principal>().unwrap().to_string(), text);
        }
        for text in ["", "alice", "user:", "oidc:github", "oidc:/x", "admin:x"] {
            assert!(text.parse::<Principal>().is_err(), "{text}");
        }
    }
}
