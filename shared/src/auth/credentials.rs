//! What a request says of who sends it.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::password::Password;

/// The credentials of a request.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// None.
    None,
    /// A name and a password, or a token in its place.
    Basic {
        /// The name.
        user: String,
        /// The password.
        password: Password,
    },
    /// A token.
    Bearer(String),
}

/// An `Authorization` that says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the Authorization header is neither Basic nor Bearer, or malformed")]
pub struct ParseCredentialsError;

impl Credentials {
    /// Reads an `Authorization` header.
    pub fn read(header: &str) -> Result<Self, ParseCredentialsError> {
        let (scheme, rest) = header.trim().split_once(' ').ok_or(ParseCredentialsError)?;
        let rest = rest.trim();
        if scheme.eq_ignore_ascii_case("bearer") && !rest.is_empty() {
            return Ok(Self::Bearer(rest.to_owned()));
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return Err(ParseCredentialsError);
        }
        let bytes = STANDARD.decode(rest).map_err(|_| ParseCredentialsError)?;
        let text = String::from_utf8(bytes).map_err(|_| ParseCredentialsError)?;
        let (user, password) = text.split_once(':').ok_or(ParseCredentialsError)?;
        Ok(Self::Basic { user: user.to_owned(), password: Password::given(password) })
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Basic { user, .. } => write!(f, "Basic({user:?}, …)"),
            Self::Bearer(_) => f.write_str("Bearer(…)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_schemes_are_read_however_they_are_spelled() {
        let basic = Credentials::Basic { user: "alice".to_owned(), password: Password::given("a:b") };
        assert_eq!(Credentials::read("Basic YWxpY2U6YTpi"), Ok(basic.clone()));
        assert_eq!(Credentials::read("basic  YWxpY2U6YTpi"), Ok(basic));
        assert_eq!(Credentials::read("BEARER x.y.z"), Ok(Credentials::Bearer("x.y.z".to_owned())));
    }

    #[test]
    fn what_is_malformed_is_an_error_and_nothing_shows_a_secret() {
        for header in ["", "Basic", "Bearer ", "Digest x", "Basic YWxpY2U=", "Basic !!!", "Basic /w=="] {
            assert!(Credentials::read(header).is_err(), "{header}");
        }
        let shown = format!("{:?} {:?}", Credentials::read("Basic YWxpY2U6YTpi"), Credentials::read("Bearer a:b"));
        assert!(!shown.contains("a:b"), "{shown}");
    }
}
