//! What is read from a request's query.

use std::str::FromStr;

use crate::http::Call;
use crate::http::error::Error;

impl Call {
    /// The value of that name, if there is one.
    pub(super) fn parameter<T>(&self, name: &'static str) -> Result<Option<T>, Error>
    where
        T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
    {
        self.query.parsed(name).map_err(|error: T::Err| Error::Parameter { name, source: error.into() })
    }

    /// The value of that name, which there must be.
    pub(super) fn needed<T>(&self, name: &'static str) -> Result<T, Error>
    where
        T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
    {
        self.parameter(name)?.ok_or(Error::ParameterMissing(name))
    }
}
