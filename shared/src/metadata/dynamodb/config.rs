//! Where the table is, as a URL: `dynamodb://table?endpoint=http://127.0.0.1:4566&region=eu-central-1`.

use std::str::FromStr;

use url::Url;

/// Which table, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DynamoDbConfig {
    /// The table's name.
    pub table: String,
    /// The service's address, when it is not AWS's own.
    pub endpoint: Option<Url>,
    /// The region, when it is not the process's own.
    pub region: Option<String>,
}

/// Why a text is no [`DynamoDbConfig`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseDynamoDbError {
    /// Not a URL at all.
    #[error("a table is named by a URL")]
    NotAUrl(#[from] url::ParseError),
    /// The URL of something else.
    #[error("a table's URL begins with dynamodb://, not with {0}:")]
    Scheme(String),
    /// The name breaks the service's rule.
    #[error("a table's name has 3 to 255 letters, digits, '_', '.' and '-': {0:?} is not one")]
    Table(String),
    /// A user, a password, a port, a path or a fragment.
    #[error("a table's URL has a name and options, nothing else")]
    Surplus,
    /// An option that means nothing here.
    #[error("a table's URL has the options endpoint and region, not {0:?}")]
    UnknownOption(String),
    /// An option given twice.
    #[error("the option {0:?} is given twice")]
    Repeated(String),
    /// An endpoint that is not an http(s) address.
    #[error("an endpoint is an http or https URL: {0:?} is not one")]
    Endpoint(String),
    /// A region without a name.
    #[error("the region is empty")]
    Region,
}

impl DynamoDbConfig {
    /// The URL's scheme.
    pub const SCHEME: &str = "dynamodb";

    /// The configuration that a URL spells.
    pub fn from_url(url: &Url) -> Result<Self, ParseDynamoDbError> {
        if url.scheme() != Self::SCHEME {
            return Err(ParseDynamoDbError::Scheme(url.scheme().to_owned()));
        }
        let surplus = !url.username().is_empty()
            || url.password().is_some()
            || url.port().is_some()
            || !matches!(url.path(), "" | "/")
            || url.fragment().is_some();
        if surplus {
            return Err(ParseDynamoDbError::Surplus);
        }
        let mut config = Self { table: table(url.host_str().unwrap_or_default())?, endpoint: None, region: None };
        for (option, value) in url.query_pairs() {
            match &*option {
                "endpoint" => set(&mut config.endpoint, &option, endpoint(&value)?)?,
                "region" if value.is_empty() => return Err(ParseDynamoDbError::Region),
                "region" => set(&mut config.region, &option, value.into_owned())?,
                unknown => return Err(ParseDynamoDbError::UnknownOption(unknown.to_owned())),
            }
        }
        Ok(config)
    }
}

impl FromStr for DynamoDbConfig {
    type Err = ParseDynamoDbError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_url(&text.parse()?)
    }
}

fn table(name: &str) -> Result<String, ParseDynamoDbError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    if (3..=255).contains(&name.len()) && name.bytes().all(allowed) {
        Ok(name.to_owned())
    } else {
        Err(ParseDynamoDbError::Table(name.to_owned()))
    }
}

fn endpoint(text: &str) -> Result<Url, ParseDynamoDbError> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.ok_or_else(|| ParseDynamoDbError::Endpoint(text.to_owned()))
}

fn set<T>(slot: &mut Option<T>, option: &str, value: T) -> Result<(), ParseDynamoDbError> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(ParseDynamoDbError::Repeated(option.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<DynamoDbConfig, ParseDynamoDbError> {
        text.parse()
    }

    #[test]
    fn a_table_alone_is_enough() {
        let config = DynamoDbConfig { table: "Registry_1".to_owned(), endpoint: None, region: None };
        assert_eq!(parse("dynamodb://Registry_1"), Ok(config.clone()));
        assert_eq!(parse("dynamodb://Registry_1/"), Ok(config));
    }

    #[test]
    fn an_endpoint_and_a_region_can_be_named() {
        let config = parse("dynamodb://facts?endpoint=http://127.0.0.1:4566&region=local").ok();
        assert_eq!(config.as_ref().and_then(|config| config.region.as_deref()), Some("local"));
        let endpoint = config.and_then(|config| config.endpoint);
        assert_eq!(endpoint.as_ref().map(Url::as_str), Some("http://127.0.0.1:4566/"));
    }

    #[test]
    fn each_fault_has_its_own_error() {
        use ParseDynamoDbError as E;
        assert!(matches!(parse("facts"), Err(E::NotAUrl(_))));
        assert_eq!(parse("s3://facts"), Err(E::Scheme("s3".to_owned())));
        assert_eq!(parse("dynamodb:facts"), Err(E::Surplus));
        assert_eq!(parse("dynamodb://ab"), Err(E::Table("ab".to_owned())));
        assert_eq!(parse("dynamodb://a$bc"), Err(E::Table("a$bc".to_owned())));
        for surplus in ["dynamodb://me@facts", "dynamodb://facts:1", "dynamodb://facts/more", "dynamodb://facts#more"] {
            assert_eq!(parse(surplus), Err(E::Surplus), "{surplus}");
        }
        assert_eq!(parse("dynamodb://facts?regoin=x"), Err(E::UnknownOption("regoin".to_owned())));
        assert_eq!(parse("dynamodb://facts?region=a&region=b"), Err(E::Repeated("region".to_owned())));
        assert_eq!(parse("dynamodb://facts?region="), Err(E::Region));
        for wrong in ["localhost:80", "ftp://host", "x"] {
            assert_eq!(parse(&format!("dynamodb://facts?endpoint={wrong}")), Err(E::Endpoint(wrong.to_owned())));
        }
    }
}
