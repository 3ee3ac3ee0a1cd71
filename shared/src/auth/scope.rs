//! What a client asks a token for, in the grammar of Docker's token endpoint: `repository:team-a/app:pull,push`.

use std::fmt;

use super::action::{Action, Actions};
use super::decision::Need;
use crate::oci::RepositoryName;

/// One thing that a token shall be good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Actions on a repository.
    Repository(RepositoryName, Actions),
    /// The list of repositories.
    Catalog,
    /// Administering the registry.
    Administration,
}

impl Scope {
    /// Reads the scopes of a parameter, which are separated by spaces. Those that are of no kind known here are left out:
    /// a token that says nothing of them is the answer that clients expect. So are repositories that no name can have.
    pub fn read(text: &str) -> impl Iterator<Item = Self> {
        text.split_ascii_whitespace().filter_map(Self::one)
    }

    fn one(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        let (name, actions) = rest.rsplit_once(':')?;
        // A class of repositories may be told, as in `repository(plugin)`.
        let kind = kind.split_once('(').map_or(kind, |(kind, _)| kind);
        match (kind, name) {
            ("repository", name) => {
                let asked = if actions == "*" { Actions::ALL } else { Actions::known(actions) };
                // Clients know of no overwriting: who may push wants that too.
                let asked =
                    if asked.contains(Action::Push) { asked.or(Actions::of(&[Action::TagOverwrite])) } else { asked };
                Some(Self::Repository(name.parse().ok()?, asked))
            }
            ("registry", "catalog") => Some(Self::Catalog),
            ("registry", "admin") => Some(Self::Administration),
            _ => None,
        }
    }

    /// What a client must ask for to get what requests need, as its text.
    #[must_use]
    pub fn of_needs(needs: &[Need]) -> String {
        let mut scopes: Vec<(String, Vec<&'static str>)> = Vec::new();
        for need in needs {
            let (what, named) = match need {
                Need::Nothing | Need::Identity => continue,
                Need::Administration => ("registry:admin".to_owned(), vec!["*"]),
                // Whoever pushes looks first at what is there, and says nothing of that.
                Need::Action(Action::Push, name) => (format!("repository:{name}"), vec!["pull", "push"]),
                Need::Action(action, name) => (format!("repository:{name}"), vec![action.as_str()]),
            };
            match scopes.iter_mut().find(|(known, _)| *known == what) {
                Some((_, actions)) => {
                    let more: Vec<_> = named.into_iter().filter(|action| !actions.contains(action)).collect();
                    actions.extend(more);
                }
                None => scopes.push((what, named)),
            }
        }
        let scopes: Vec<_> = scopes.iter().map(|(what, actions)| format!("{what}:{}", actions.join(","))).collect();
        scopes.join(" ")
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Repository(name, actions) => write!(f, "repository:{name}:{actions}"),
            Self::Catalog => f.write_str("registry:catalog:*"),
            Self::Administration => f.write_str("registry:admin:*"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<String> {
        Scope::read(text).map(|scope| scope.to_string()).collect()
    }

    #[test]
    fn what_clients_ask_for_is_understood() {
        assert_eq!(read("repository:team-a/app:pull"), ["repository:team-a/app:pull"]);
        assert_eq!(read("repository:a:push,pull"), ["repository:a:pull,push,tag-overwrite"]);
        assert_eq!(read("repository:a:*"), ["repository:a:pull,push,tag-overwrite,delete,administer"]);
        assert_eq!(read("repository(plugin):a:pull registry:catalog:*"), ["repository:a:pull", "registry:catalog:*"]);
        assert_eq!(read("registry:admin:* repository:b:delete"), ["registry:admin:*", "repository:b:delete"]);
    }

    #[test]
    fn what_nobody_knows_is_left_out() {
        for text in ["", " ", "repository", "repository:a", "x:a:pull", "repository:A B:pull", "repository::pull"] {
            assert!(read(text).is_empty(), "{text}");
        }
        assert_eq!(read("repository:a:fly"), ["repository:a:"]);
    }

    #[test]
    fn needs_are_told_once_for_each_repository() {
        let name: RepositoryName = "a".parse().unwrap();
        let other: RepositoryName = "b".parse().unwrap();
        let needs = [
            Need::Action(Action::Pull, name.clone()),
            Need::Action(Action::Push, name.clone()),
            Need::Action(Action::Pull, other),
            Need::Identity,
        ];
        assert_eq!(Scope::of_needs(&needs), "repository:a:pull,push repository:b:pull");
        assert_eq!(Scope::of_needs(&[Need::Action(Action::Push, name)]), "repository:a:pull,push");
        assert_eq!(Scope::of_needs(&[Need::Identity]), "");
    }
}
