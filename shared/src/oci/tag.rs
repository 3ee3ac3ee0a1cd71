//! A name that moves from one manifest to the next.

use std::str::FromStr;

use super::text::as_text;

/// A tag: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`. Its case matters.
///
/// Never empty, `.` or `..`, without slashes: it is safe in a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(String);

impl Tag {
    /// The longest tag, in characters.
    pub const MAX_LENGTH: usize = 128;

    /// The tag.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text is not a tag.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseTagError {
    /// Nothing at all.
    #[error("the tag is empty")]
    Empty,
    /// More than 128 characters.
    #[error("the tag has {0} bytes; at most 128 are allowed")]
    TooLong(usize),
    /// A dot or dash in front.
    #[error("a tag begins with a letter, a digit or '_', not with {0:?}")]
    InvalidStart(char),
    /// A character outside the grammar.
    #[error("tags have no {0:?}; they are made of letters, digits, '.', '_' and '-'")]
    InvalidCharacter(char),
}

impl FromStr for Tag {
    type Err = ParseTagError;

    fn from_str(tag: &str) -> Result<Self, Self::Err> {
        if tag.len() > Self::MAX_LENGTH {
            return Err(ParseTagError::TooLong(tag.len()));
        }
        match tag.chars().find(|&c| !is_word(c) && !matches!(c, '.' | '-')) {
            Some(stranger) => return Err(ParseTagError::InvalidCharacter(stranger)),
            None => match tag.chars().next() {
                None => return Err(ParseTagError::Empty),
                Some(start) if !is_word(start) => return Err(ParseTagError::InvalidStart(start)),
                Some(_) => {}
            },
        }
        Ok(Self(tag.to_owned()))
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

as_text!(Tag);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(tag: &str) -> Result<Tag, ParseTagError> {
        tag.parse()
    }

    #[test]
    fn tags_in_use_are_tags() {
        let fallback = format!("sha256-{}.sig", "0".repeat(64));
        for tag in ["latest", "v1.2.3-rc.1_2", "_", "list", "LATEST", "1", "a.", &fallback, &"t".repeat(128)] {
            assert_eq!(parse(tag).as_ref().map(Tag::as_str), Ok(tag));
        }
    }

    #[test]
    fn each_fault_has_its_own_error() {
        assert_eq!(parse(""), Err(ParseTagError::Empty));
        assert_eq!(parse(&"t".repeat(129)), Err(ParseTagError::TooLong(129)));
        assert_eq!(parse("."), Err(ParseTagError::InvalidStart('.')));
        assert_eq!(parse("-rc"), Err(ParseTagError::InvalidStart('-')));
        assert_eq!(parse("a/b"), Err(ParseTagError::InvalidCharacter('/')));
        assert_eq!(parse("a:b"), Err(ParseTagError::InvalidCharacter(':')));
        assert_eq!(parse("ä"), Err(ParseTagError::InvalidCharacter('ä')));
        assert_eq!(parse("a\n"), Err(ParseTagError::InvalidCharacter('\n')));
    }

    proptest! {
        #[test]
        fn every_word_of_the_grammar_parses(tag in "[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}") {
            prop_assert_eq!(parse(&tag).map(|parsed| parsed.to_string()), Ok(tag));
        }

        #[test]
        fn nothing_that_parses_climbs_a_path(tag in "[./_a\\\\-]{0,4}") {
            if parse(&tag).is_ok() {
                prop_assert!(tag != "." && tag != ".." && !tag.contains('/') && !tag.is_empty());
            }
        }
    }
}
