//! What a token is asked for.

use shared::oci::RepositoryName;

/// What may be done with a token: reading a repository, or also writing it, and reading another one to mount from; or
/// nothing but saying who one is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::remote) struct Scope {
    name: Option<RepositoryName>,
    writes: bool,
    from: Option<RepositoryName>,
}

impl Scope {
    /// Saying who one is.
    pub(in crate::remote) const fn identity() -> Self {
        Self { name: None, writes: false, from: None }
    }

    /// Reading a repository.
    pub(in crate::remote) fn pull(name: &RepositoryName) -> Self {
        Self { name: Some(name.clone()), writes: false, from: None }
    }

    /// Writing a repository.
    pub(in crate::remote) fn push(name: &RepositoryName) -> Self {
        Self { name: Some(name.clone()), writes: true, from: None }
    }

    /// Writing a repository what another one has.
    pub(in crate::remote) fn mount(name: &RepositoryName, from: &RepositoryName) -> Self {
        Self { name: Some(name.clone()), writes: true, from: Some(from.clone()) }
    }

    /// Whether whoever has this may also do that.
    pub(super) fn covers(&self, other: &Self) -> bool {
        let from = other.from.is_none() || self.from == other.from;
        self.name == other.name && (self.writes || !other.writes) && from
    }

    /// The scopes in the words of token servers.
    pub(super) fn texts(&self) -> impl Iterator<Item = String> {
        let actions = if self.writes { "pull,push" } else { "pull" };
        let from = self.from.iter().map(|from| format!("repository:{from}:pull"));
        self.name.iter().map(move |name| format!("repository:{name}:{actions}")).chain(from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_for_writing_serves_for_reading_the_same_repository() {
        let (a, b): (RepositoryName, RepositoryName) = ("team/a".parse().unwrap(), "b".parse().unwrap());
        assert!(Scope::push(&a).covers(&Scope::pull(&a)));
        assert!(Scope::mount(&a, &b).covers(&Scope::push(&a)));
        assert!(!Scope::pull(&a).covers(&Scope::push(&a)));
        assert!(!Scope::push(&a).covers(&Scope::pull(&b)));
        assert!(!Scope::push(&a).covers(&Scope::mount(&a, &b)));
        assert!(!Scope::identity().covers(&Scope::pull(&a)));
        let texts: Vec<_> = Scope::mount(&a, &b).texts().collect();
        assert_eq!(texts, ["repository:team/a:pull,push", "repository:b:pull"]);
        assert_eq!(Scope::identity().texts().count(), 0);
    }
}
