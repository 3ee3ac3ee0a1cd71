//! The query of a request: pairs in order, repeated names kept.

use std::str::FromStr;

use super::error::Error;

/// Most entries of a page when the client asks for no number.
const USUAL_PAGE: usize = 1000;

/// Most entries of a page, whatever the client asks for.
const LARGEST_PAGE: usize = 10_000;

/// The pairs of a query, decoded.
#[derive(Debug, Clone, Default)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a raw query; none is one of no pairs.
    #[must_use]
    pub fn parse(query: Option<&str>) -> Self {
        let pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        Self(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// The first value of that name.
    #[must_use]
    pub fn first(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Every value of that name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The first value of that name, as what it should be.
    pub fn parsed<T: FromStr>(&self, name: &str) -> Result<Option<T>, T::Err> {
        self.first(name).map(str::parse).transpose()
    }

    /// How many entries the client wants on a page.
    pub(super) fn page_size(&self) -> Result<usize, Error> {
        let Some(text) = self.first("n").filter(|text| !text.is_empty()) else {
            return Ok(USUAL_PAGE);
        };
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits {
            return Err(Error::PageSize);
        }
        Ok(text.parse().unwrap_or(LARGEST_PAGE).min(LARGEST_PAGE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_names_are_kept_in_order_and_decoded_once() {
        let query = Query::parse(Some("tag=a&x=1&tag=b%2Fc&digest=sha256%3Aab"));
        assert_eq!(query.all("tag").collect::<Vec<_>>(), ["a", "b/c"]);
        assert_eq!(query.first("digest"), Some("sha256:ab"));
        assert_eq!(query.first("absent"), None);
    }

    #[test]
    fn a_page_has_a_number_of_entries_or_the_usual_one() {
        assert_eq!(Query::parse(Some("n=7")).page_size().unwrap(), 7);
        assert_eq!(Query::parse(Some("n=0")).page_size().unwrap(), 0);
        assert_eq!(Query::parse(None).page_size().unwrap(), USUAL_PAGE);
        assert_eq!(Query::parse(Some("n=99999999999999999999999")).page_size().unwrap(), LARGEST_PAGE);
        for bad in ["n=-1", "n=x", "n=1.5", "n=+3", "n=%00"] {
            assert!(Query::parse(Some(bad)).page_size().is_err(), "{bad}");
        }
    }
}
