//! The name of a repository.

use std::str::FromStr;

use super::text::{as_text, excerpt};

/// A repository's name: components of `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*` joined by `/`, at most 255 characters.
///
/// Never empty, never with an empty, `.` or `..` component: it is safe in a path. A component may well be called `blobs`,
/// `tags`, `list` or `manifests`: whoever parses a route has to expect it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RepositoryName(String);

impl RepositoryName {
    /// The longest name, in characters.
    pub const MAX_LENGTH: usize = 255;

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The parts between the slashes, at least one, none empty.
    #[must_use]
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/')
    }
}

/// Why a text is not a repository name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseRepositoryNameError {
    /// Nothing at all.
    #[error("the repository name is empty")]
    Empty,
    /// More than 255 characters.
    #[error("the repository name has {0} bytes; at most 255 are allowed")]
    TooLong(usize),
    /// A leading, trailing or doubled slash.
    #[error("the repository name has an empty component")]
    EmptyComponent,
    /// A character outside the grammar.
    #[error("repository names have no {0:?}; they are made of a-z, 0-9, '.', '_', '-' and '/'")]
    InvalidCharacter(char),
    /// Separators at an end of a component, or a run of them that is none of `.`, `_`, `__` and dashes.
    #[error("in {0:?} a separator is misplaced; one '.', '_', '__' or any dashes stand between letters or digits")]
    MisplacedSeparator(String),
}

impl FromStr for RepositoryName {
    type Err = ParseRepositoryNameError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        if name.is_empty() {
            return Err(ParseRepositoryNameError::Empty);
        }
        if name.len() > Self::MAX_LENGTH {
            return Err(ParseRepositoryNameError::TooLong(name.len()));
        }
        name.split('/').try_for_each(check_component)?;
        Ok(Self(name.to_owned()))
    }
}

fn check_component(component: &str) -> Result<(), ParseRepositoryNameError> {
    if component.is_empty() {
        return Err(ParseRepositoryNameError::EmptyComponent);
    }
    if let Some(stranger) = component.chars().find(|&c| !is_word(c) && !matches!(c, '.' | '_' | '-')) {
        return Err(ParseRepositoryNameError::InvalidCharacter(stranger));
    }
    if !separators_are_placed(component) {
        return Err(ParseRepositoryNameError::MisplacedSeparator(excerpt(component)));
    }
    Ok(())
}

fn is_word(c: char) -> bool {
    matches!(c, 'a'..='z' | '0'..='9')
}

/// Reads words and separators in turn; a component begins and ends with a word.
fn separators_are_placed(component: &str) -> bool {
    let mut rest = component;
    loop {
        let after_word = rest.trim_start_matches(is_word);
        if after_word.len() == rest.len() {
            return false;
        }
        if after_word.is_empty() {
            return true;
        }
        rest = after_word.trim_start_matches(|c| !is_word(c));
        let separator = &after_word[..after_word.len() - rest.len()];
        if !matches!(separator, "." | "_" | "__") && separator.contains(['.', '_']) {
            return false;
        }
    }
}

as_text!(RepositoryName);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(name: &str) -> Result<RepositoryName, ParseRepositoryNameError> {
        name.parse()
    }

    /// The grammar once more, as an automaton: the state is what may come next.
    fn is_in_the_grammar(name: &str) -> bool {
        let (mut state, mut length) = ('/', 0);
        for c in name.chars() {
            state = match (state, c) {
                (_, 'a'..='z' | '0'..='9') => 'w',
                ('w', '/' | '.' | '_' | '-') | ('-', '-') => c,
                ('_', '_') => '=',
                _ => return false,
            };
            length += 1;
        }
        state == 'w' && length <= 255
    }

    #[test]
    fn names_made_of_route_words_are_names() {
        for name in [
            "a",
            "0",
            "library/ubuntu",
            "blobs/uploads",
            "tags/list",
            "manifests/blobs/tags/list",
            "a--b",
            "a__b.c_d-e---f/1",
        ] {
            assert_eq!(parse(name).as_ref().map(RepositoryName::as_str), Ok(name));
        }
    }

    #[test]
    fn each_fault_has_its_own_error() {
        use ParseRepositoryNameError as E;
        assert_eq!(parse(""), Err(E::Empty));
        for name in ["/", "/a", "a/", "a//b"] {
            assert_eq!(parse(name), Err(E::EmptyComponent), "{name}");
        }
        for (name, stranger) in [("A", 'A'), ("a/é", 'é'), ("a b", ' '), ("a\0", '\0'), ("a:b", ':'), ("a%2fb", '%')]
        {
            assert_eq!(parse(name), Err(E::InvalidCharacter(stranger)), "{name}");
        }
        for name in [".", "..", "_catalog", "a_", "-a", "a-", "a..b", "a___b", "a.-b", "a-_b", "a._b"] {
            assert_eq!(parse(name), Err(E::MisplacedSeparator(name.into())), "{name}");
        }
    }

    #[test]
    fn at_most_255_characters() {
        assert!(parse(&"a".repeat(255)).is_ok());
        assert_eq!(parse(&"a".repeat(256)), Err(ParseRepositoryNameError::TooLong(256)));
    }

    #[test]
    fn components_are_the_parts_between_slashes() {
        let components = parse("a/b.c/d").map(|name| name.components().map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(components, Ok(vec!["a".into(), "b.c".into(), "d".into()]));
    }

    proptest! {
        #[test]
        fn a_name_parses_exactly_when_the_grammar_has_it(name in "[a0._/A-]{0,9}") {
            prop_assert_eq!(parse(&name).is_ok(), is_in_the_grammar(&name), "{}", name);
        }

        #[test]
        fn every_word_of_the_published_grammar_parses(
            name in "[a-z0-9]{1,4}((\\.|_|__|-{1,3})[a-z0-9]{1,4}){0,3}(/[a-z0-9]{1,4}((\\.|_|__|-{1,3})[a-z0-9]{1,4}){0,3}){0,3}",
        ) {
            prop_assert_eq!(parse(&name).map(|parsed| parsed.to_string()), Ok(name));
        }
    }
}
