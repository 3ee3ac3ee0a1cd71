//! A row as the service keeps it: the key, attributes that conditions name, and the rest as JSON in one of them.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::clock::Timestamp;
use crate::metadata::error::{Error, Result};
use crate::metadata::keys::Key;

/// The attributes of a row, by name.
pub(super) type Attributes = HashMap<String, AttributeValue>;

/// The partition key.
pub(super) const PK: &str = "pk";
/// The sort key.
pub(super) const SK: &str = "sk";
/// When the service may remove the row, in seconds since the epoch.
pub(super) const EXPIRES: &str = "expires";
/// What no condition names, as JSON.
pub(super) const BODY: &str = "body";

/// A row, written or read.
#[derive(Debug, Clone)]
pub(super) struct Item(pub(super) Attributes);

/// A row that does not read as what its key says.
#[derive(Debug, thiserror::Error)]
#[error("{key}: the attribute {attribute:?} is missing or malformed")]
struct Malformed {
    key: String,
    attribute: &'static str,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// A text attribute.
pub(super) fn text(value: impl fmt::Display) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

/// A number attribute.
pub(super) fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// A moment as a number attribute, in milliseconds.
pub(super) fn moment(value: Timestamp) -> AttributeValue {
    number(value.as_millis())
}

/// Any value as the JSON of a text attribute.
pub(super) fn json(value: &impl Serialize) -> Result<AttributeValue> {
    serde_json::to_string(value).map(AttributeValue::S).map_err(|error| Error::Failed(error.into()))
}

/// The attributes of a key.
pub(super) fn key_of(key: &Key) -> Attributes {
    HashMap::from([(PK.to_owned(), text(&key.partition)), (SK.to_owned(), text(&key.sort))])
}

impl Item {
    /// A row with nothing but its key.
    pub(super) fn new(key: &Key) -> Self {
        Self(key_of(key))
    }

    /// The row with another attribute.
    pub(super) fn with(mut self, name: &str, value: AttributeValue) -> Self {
        self.0.insert(name.to_owned(), value);
        self
    }

    /// The row with a record as its body.
    pub(super) fn with_body(self, record: &impl Serialize) -> Result<Self> {
        Ok(self.with(BODY, json(record)?))
    }

    /// Where the row lies.
    pub(super) fn key(&self) -> Result<Key> {
        Ok(Key { partition: self.text(PK)?.to_owned(), sort: self.text(SK)?.to_owned() })
    }

    /// What follows `prefix` in the row's sort key, parsed.
    pub(super) fn after<T: FromStr>(&self, prefix: &str) -> Result<T>
    where
        T::Err: std::error::Error + Send + Sync + 'static,
    {
        let rest = self.text(SK)?.strip_prefix(prefix).ok_or_else(|| self.malformed(SK, None))?;
        rest.parse().map_err(|error: T::Err| self.malformed(SK, Some(error.into())))
    }

    /// Whether the row has the attribute.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// A text attribute.
    pub(super) fn text(&self, name: &'static str) -> Result<&str> {
        match self.0.get(name) {
            Some(AttributeValue::S(text)) => Ok(text),
            _ => Err(self.malformed(name, None)),
        }
    }

    /// A number attribute.
    pub(super) fn number(&self, name: &'static str) -> Result<u64> {
        match self.0.get(name) {
            Some(AttributeValue::N(digits)) => {
                digits.parse().map_err(|error: std::num::ParseIntError| self.malformed(name, Some(error.into())))
            }
            _ => Err(self.malformed(name, None)),
        }
    }

    /// A moment.
    pub(super) fn moment(&self, name: &'static str) -> Result<Timestamp> {
        self.number(name).map(Timestamp::from_millis)
    }

    /// A text attribute, parsed.
    pub(super) fn parsed<T: FromStr>(&self, name: &'static str) -> Result<T>
    where
        T::Err: std::error::Error + Send + Sync + 'static,
    {
        self.text(name)?.parse().map_err(|error: T::Err| self.malformed(name, Some(error.into())))
    }

    /// A text attribute's JSON.
    pub(super) fn json<T: DeserializeOwned>(&self, name: &'static str) -> Result<T> {
        serde_json::from_str(self.text(name)?).map_err(|error| self.malformed(name, Some(error.into())))
    }

    /// The record that is the row's body.
    pub(super) fn body<T: DeserializeOwned>(&self) -> Result<T> {
        self.json(BODY)
    }

    /// A binary attribute, when the row has it.
    pub(super) fn bytes(&self, name: &'static str) -> Result<Option<Vec<u8>>> {
        match self.0.get(name) {
            None => Ok(None),
            Some(AttributeValue::B(bytes)) => Ok(Some(bytes.clone().into_inner())),
            Some(_) => Err(self.malformed(name, None)),
        }
    }

    /// The error for an attribute that is not what it should be.
    pub(super) fn malformed(
        &self,
        attribute: &'static str,
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Error {
        let part = |name| match self.0.get(name) {
            Some(AttributeValue::S(text)) => text.as_str(),
            _ => "?",
        };
        Error::Corrupt(Box::new(Malformed { key: format!("{}/{}", part(PK), part(SK)), attribute, source }))
    }
}

/// A binary attribute.
pub(super) fn binary(bytes: Vec<u8>) -> AttributeValue {
    AttributeValue::B(Blob::new(bytes))
}
