//! Which repositories something is about.

use std::str::FromStr;

use crate::oci::{as_text, excerpt};

/// A pattern of repository names, component by component: in a component `*` stands for any characters, `**` for one or
/// more whole components. `team-a/**` is everything below `team-a`, but not a repository of that name; `**` is everything.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pattern(String);

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParsePatternError {
    /// More than a name can have.
    #[error("a pattern has at most {most} characters", most = Pattern::MAX_LENGTH)]
    TooLong,
    /// No name is like this.
    #[error("{0:?} is no pattern of repositories; team-a/app, team-a/*, team-a/** and ** are some")]
    Malformed(String),
}

impl Pattern {
    /// The longest pattern, in characters.
    pub const MAX_LENGTH: usize = 255;

    /// Every repository.
    #[must_use]
    pub fn everything() -> Self {
        Self("**".to_owned())
    }

    /// The pattern.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the pattern of every repository.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.0 == "**"
    }

    /// Whether the name is of this pattern.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let pattern: Vec<&str> = self.0.split('/').collect();
        let name: Vec<&str> = name.split('/').collect();
        matches_all(&pattern, &name)
    }

    /// Whether every name of the other pattern is of this one too. Never a false yes: what stands for anything there must be
    /// swallowed whole by what stands for at least as much here. It may be a false no, as of `*/**` and `**/*`.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let pattern: Vec<&str> = self.0.split('/').collect();
        let other: Vec<&str> = other.0.split('/').collect();
        let is_like = |part: &&str, component: &&str| *component != "**" && matches_stars(part, component);
        greedy(&pattern, &other, |part| *part == "**", is_like, 1)
    }
}

/// Goes back to the last `**` only, as one can with stars: no pattern takes longer than its length times that of the name.
fn matches_all(pattern: &[&str], name: &[&str]) -> bool {
    greedy(pattern, name, |part| *part == "**", |part, component| matches_stars(part, component), 1)
}

/// Whether the whole text is like the pattern, in which `*` stands for any characters.
pub(super) fn matches_stars(pattern: &str, text: &str) -> bool {
    greedy(pattern.as_bytes(), text.as_bytes(), |byte| *byte == b'*', |byte, other| byte == other, 0)
}

/// Matches with a wildcard that stands for at least `least` of anything.
fn greedy<T>(
    pattern: &[T],
    text: &[T],
    is_wild: impl Fn(&T) -> bool,
    is_like: impl Fn(&T, &T) -> bool,
    least: usize,
) -> bool {
    let (mut at, mut read) = (0, 0);
    let mut wild: Option<(usize, usize)> = None;
    loop {
        match pattern.get(at) {
            Some(part) if is_wild(part) => {
                if text.len() - read < least {
                    return false;
                }
                read += least;
                at += 1;
                wild = Some((at, read));
                continue;
            }
            Some(part) if text.get(read).is_some_and(|item| is_like(part, item)) => {
                at += 1;
                read += 1;
                continue;
            }
            None if read == text.len() => return true,
            _ => {}
        }
        match wild {
            Some((after, from)) if from < text.len() => {
                wild = Some((after, from + 1));
                (at, read) = (after, from + 1);
            }
            _ => return false,
        }
    }
}

impl FromStr for Pattern {
    type Err = ParsePatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > Self::MAX_LENGTH {
            return Err(ParsePatternError::TooLong);
        }
        let is_component = |part: &str| {
            let of_names = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '.' | '_' | '-' | '*');
            !part.is_empty() && part.chars().all(of_names) && (part == "**" || !part.contains("**"))
        };
        if !text.split('/').all(is_component) {
            return Err(ParsePatternError::Malformed(excerpt(text)));
        }
        Ok(Self(text.to_owned()))
    }
}

impl From<&crate::oci::RepositoryName> for Pattern {
    fn from(name: &crate::oci::RepositoryName) -> Self {
        Self(name.as_str().to_owned())
    }
}

as_text!(Pattern);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        pattern.parse::<Pattern>().unwrap().matches(name)
    }

    /// The definition once more, word for word.
    fn by_definition(pattern: &[&str], name: &[&str]) -> bool {
        fn chars(pattern: &[u8], text: &[u8]) -> bool {
            match pattern {
                [] => text.is_empty(),
                [b'*', rest @ ..] => (0..=text.len()).any(|skip| chars(rest, &text[skip..])),
                [byte, rest @ ..] => text.first() == Some(byte) && chars(rest, &text[1..]),
            }
        }
        match pattern {
            [] => name.is_empty(),
            ["**", rest @ ..] => (1..=name.len()).any(|skip| by_definition(rest, &name[skip..])),
            [part, rest @ ..] => {
                name.first().is_some_and(|component| chars(part.as_bytes(), component.as_bytes()))
                    && by_definition(rest, &name[1..])
            }
        }
    }

    #[test]
    fn a_tree_is_what_lies_below_it() {
        assert!(matches("team-a/**", "team-a/app"));
        assert!(matches("team-a/**", "team-a/app/web"));
        assert!(!matches("team-a/**", "team-a"));
        assert!(!matches("team-a/**", "team-ab/app"));
        assert!(!matches("team-a/**", "x/team-a/app"));
        assert!(matches("team-a/*", "team-a/app"));
        assert!(!matches("team-a/*", "team-a/app/web"));
        assert!(matches("team-*/app", "team-b/app"));
        assert!(matches("**", "a") && matches("**", "a/b/c"));
        assert!(matches("a", "a") && !matches("a", "b") && !matches("a", "a/b"));
    }

    #[test]
    fn what_no_name_can_be_is_no_pattern() {
        for text in ["", "/", "a/", "/a", "a//b", "A", "a b", "a***", "a/**b", "%", "a\0"] {
            assert!(text.parse::<Pattern>().is_err(), "{text}");
        }
        assert_eq!("a".repeat(256).parse::<Pattern>(), Err(ParsePatternError::TooLong));
    }

    fn covers(pattern: &str, other: &str) -> bool {
        pattern.parse::<Pattern>().unwrap().covers(&other.parse().unwrap())
    }

    #[test]
    fn a_pattern_covers_what_lies_wholly_inside() {
        for (pattern, other) in [
            ("**", "**"),
            ("**", "team-a/**"),
            ("team-a/**", "team-a/**"),
            ("team-a/**", "team-a/*"),
            ("team-a/**", "team-a/app"),
            ("team-a/**", "team-a/x/**"),
            ("team-*/app", "team-a*/app"),
            ("*", "a*"),
            ("**/app", "x/**/app"),
        ] {
            assert!(covers(pattern, other), "{pattern} {other}");
        }
        for (pattern, other) in [
            ("*", "**"),
            ("team-a/*", "team-a/**"),
            ("team-a/**", "team-a"),
            ("team-a/**", "team-*/app"),
            ("team-a/**", "**"),
            ("team-a/app", "team-a/*"),
            ("*/**", "**"),
            ("a*", "*"),
        ] {
            assert!(!covers(pattern, other), "{pattern} {other}");
        }
    }

    #[test]
    fn a_hostile_pattern_is_soon_done() {
        let pattern: Pattern = ["**/a*a*a*a*"; 20].join("/").parse().unwrap();
        assert!(!pattern.matches(&["aaaaaaaaab"; 25].join("/")));
    }

    proptest! {
        #[test]
        fn a_pattern_matches_what_its_definition_says(
            pattern in "(\\*\\*|[ab*]{1,3})(/(\\*\\*|[ab*]{1,3})){0,3}", name in "[ab]{1,3}(/[ab]{1,3}){0,4}",
        ) {
            prop_assume!(pattern.parse::<Pattern>().is_ok());
            let parts: Vec<_> = pattern.split('/').collect();
            let components: Vec<_> = name.split('/').collect();
            prop_assert_eq!(matches(&pattern, &name), by_definition(&parts, &components), "{} {}", pattern, name);
        }

        #[test]
        fn what_a_pattern_covers_it_matches_all_of(
            pattern in "(\\*\\*|[ab*]{1,3})(/(\\*\\*|[ab*]{1,3})){0,3}",
            other in "(\\*\\*|[ab*]{1,3})(/(\\*\\*|[ab*]{1,3})){0,3}",
            names in prop::collection::vec("[ab]{1,3}(/[ab]{1,3}){0,4}", 20),
        ) {
            let (Ok(pattern), Ok(other)) = (pattern.parse::<Pattern>(), other.parse::<Pattern>()) else { return Ok(()) };
            prop_assert!(pattern.covers(&pattern) && Pattern::everything().covers(&pattern));
            if pattern.covers(&other) {
                for name in names.iter().filter(|name| other.matches(name)) {
                    prop_assert!(pattern.matches(name), "{} covers {} but not {}", pattern, other, name);
                }
            }
        }

        #[test]
        fn a_name_is_covered_exactly_when_it_is_matched(
            pattern in "(\\*\\*|[ab*]{1,3})(/(\\*\\*|[ab*]{1,3})){0,3}", name in "[ab]{1,3}(/[ab]{1,3}){0,4}",
        ) {
            let Ok(pattern) = pattern.parse::<Pattern>() else { return Ok(()) };
            prop_assert_eq!(pattern.covers(&name.parse().unwrap()), pattern.matches(&name));
        }

        #[test]
        fn covering_passes_on(
            patterns in prop::collection::vec("(\\*\\*|a|\\*|a\\*)(/(\\*\\*|a|\\*|a\\*)){0,2}", 3),
        ) {
            let patterns: Vec<Pattern> = patterns.iter().map(|text| text.parse().unwrap()).collect();
            if patterns[0].covers(&patterns[1]) && patterns[1].covers(&patterns[2]) {
                prop_assert!(patterns[0].covers(&patterns[2]));
            }
        }
    }
}
