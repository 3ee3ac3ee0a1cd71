//! `s3://bucket?endpoint=http://127.0.0.1:4566&region=any-string&path_style=true`: a bucket and how to reach it.

use std::fmt;
use std::str::FromStr;

use url::Url;

/// A bucket, and how to reach it where that is not what the process's AWS settings say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Config {
    /// The bucket's name.
    pub bucket: String,
    /// Where the store listens, `http` or `https`; AWS's own endpoint when absent.
    pub endpoint: Option<Url>,
    /// The region that requests are signed for: any text.
    pub region: Option<String>,
    /// Whether the bucket is named in the path rather than in the host; where absent, exactly with an endpoint of one's own,
    /// because `bucket.localhost` resolves almost nowhere.
    pub path_style: Option<bool>,
}

/// Everything that is wrong with the URL of a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseS3ConfigError(Vec<S3ConfigProblem>);

/// One thing that is wrong with the URL of a bucket.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum S3ConfigProblem {
    /// Not a URL at all.
    #[error("it is no URL: {0}")]
    Url(#[from] url::ParseError),
    /// Another kind of store.
    #[error("its scheme is {0:?} rather than \"s3\"")]
    Scheme(String),
    /// No bucket, or not the name of one.
    #[error("a bucket's name has 3 to 255 letters, digits, '.', '_' and '-': {0:?} is not")]
    Bucket(String),
    /// A user, a password, a port, a path or a fragment.
    #[error("after the bucket only a query may follow")]
    Surplus,
    /// A key of the query that means nothing.
    #[error("there is no setting {0:?}; there are endpoint, region and path_style")]
    UnknownKey(String),
    /// A key of the query given twice.
    #[error("the setting {0:?} is given twice")]
    Repeated(String),
    /// An endpoint that is no `http` or `https` URL of a host.
    #[error("the endpoint is an http or https URL of a host: {0:?} is not")]
    Endpoint(String),
    /// An empty region.
    #[error("the region is empty")]
    Region,
    /// Neither `true` nor `false`.
    #[error("path_style is true or false: {0:?} is neither")]
    PathStyle(String),
}

impl ParseS3ConfigError {
    /// What is wrong, in the order of the URL; never empty.
    #[must_use]
    pub fn problems(&self) -> &[S3ConfigProblem] {
        &self.0
    }
}

impl fmt::Display for ParseS3ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the URL names no bucket")?;
        for (index, problem) in self.0.iter().enumerate() {
            write!(formatter, "{}{problem}", if index == 0 { ": " } else { "; " })?;
        }
        Ok(())
    }
}

impl std::error::Error for ParseS3ConfigError {}

impl FromStr for S3Config {
    type Err = ParseS3ConfigError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text).map_err(|error| ParseS3ConfigError(vec![error.into()]))?;
        Self::try_from(&url)
    }
}

impl TryFrom<&Url> for S3Config {
    type Error = ParseS3ConfigError;

    fn try_from(url: &Url) -> Result<Self, Self::Error> {
        let mut problems = Vec::new();
        if url.scheme() != "s3" {
            problems.push(S3ConfigProblem::Scheme(url.scheme().to_owned()));
        }
        let bucket = url.host_str().unwrap_or_default().to_owned();
        if !is_bucket(&bucket) {
            problems.push(S3ConfigProblem::Bucket(bucket.clone()));
        }
        if !is_bare(url) {
            problems.push(S3ConfigProblem::Surplus);
        }
        let mut config = Self { bucket, endpoint: None, region: None, path_style: None };
        let mut seen = Vec::new();
        for (key, value) in url.query_pairs() {
            if seen.contains(&key) {
                problems.push(S3ConfigProblem::Repeated(key.into_owned()));
                continue;
            }
            problems.extend(config.set(&key, &value).err());
            seen.push(key);
        }
        if problems.is_empty() { Ok(config) } else { Err(ParseS3ConfigError(problems)) }
    }
}

impl S3Config {
    /// Whether one client does for both.
    #[must_use]
    pub fn is_reached_as(&self, other: &Self) -> bool {
        (&self.endpoint, &self.region, self.path_style) == (&other.endpoint, &other.region, other.path_style)
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), S3ConfigProblem> {
        match key {
            "endpoint" => self.endpoint = Some(endpoint(value)?),
            "region" if value.is_empty() => return Err(S3ConfigProblem::Region),
            "region" => self.region = Some(value.to_owned()),
            "path_style" => {
                self.path_style = Some(value.parse().map_err(|_| S3ConfigProblem::PathStyle(value.to_owned()))?);
            }
            _ => return Err(S3ConfigProblem::UnknownKey(key.to_owned())),
        }
        Ok(())
    }
}

fn endpoint(text: &str) -> Result<Url, S3ConfigProblem> {
    let fits = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
    Url::parse(text).ok().filter(fits).ok_or_else(|| S3ConfigProblem::Endpoint(text.to_owned()))
}

fn is_bucket(name: &str) -> bool {
    (3..=255).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

fn is_bare(url: &Url) -> bool {
    matches!(url.path(), "" | "/")
        && url.username().is_empty()
        && url.password().is_none()
        && url.port().is_none()
        && url.fragment().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<S3ConfigProblem> {
        text.parse::<S3Config>().unwrap_err().problems().to_vec()
    }

    #[test]
    fn a_bucket_alone_leaves_everything_to_the_process() {
        for text in ["s3://layers-1", "s3://layers-1/", "s3://layers-1/?"] {
            let config: S3Config = text.parse().unwrap();
            let expected = S3Config { bucket: "layers-1".to_owned(), endpoint: None, region: None, path_style: None };
            assert_eq!(config, expected, "{text}");
        }
    }

    #[test]
    fn every_setting_is_read() {
        let text = "s3://My.Bucket_1?endpoint=https://store.example:9000/s3&region=any%20string&path_style=false";
        let config: S3Config = text.parse().unwrap();
        assert_eq!(config.bucket, "My.Bucket_1");
        assert_eq!(config.endpoint.unwrap().as_str(), "https://store.example:9000/s3");
        assert_eq!(config.region.as_deref(), Some("any string"));
        assert_eq!(config.path_style, Some(false));
    }

    #[test]
    fn every_problem_is_named() {
        let text = "gs://x:1/y?endpoint=ftp://a&region=&path_style=yes&zone=a&region=b";
        let expected = [
            S3ConfigProblem::Scheme("gs".to_owned()),
            S3ConfigProblem::Bucket("x".to_owned()),
            S3ConfigProblem::Surplus,
            S3ConfigProblem::Endpoint("ftp://a".to_owned()),
            S3ConfigProblem::Region,
            S3ConfigProblem::PathStyle("yes".to_owned()),
            S3ConfigProblem::UnknownKey("zone".to_owned()),
            S3ConfigProblem::Repeated("region".to_owned()),
        ];
        assert_eq!(problems(text), expected);
        let message = text.parse::<S3Config>().unwrap_err().to_string();
        assert!(expected.iter().all(|problem| message.contains(&problem.to_string())), "{message}");
    }

    #[test]
    fn what_is_no_bucket_is_refused() {
        assert_eq!(problems("s3:"), [S3ConfigProblem::Bucket(String::new())]);
        assert_eq!(problems("s3://a%2Fb"), [S3ConfigProblem::Bucket("a%2Fb".to_owned())]);
        assert_eq!(problems("s3://bucket/prefix"), [S3ConfigProblem::Surplus]);
        assert_eq!(problems("s3://key:secret@bucket"), [S3ConfigProblem::Surplus]);
        assert!(matches!(problems("bucket")[..], [S3ConfigProblem::Url(_)]));
        assert_eq!(
            problems("s3://bucket?endpoint=localhost:4566"),
            [S3ConfigProblem::Endpoint("localhost:4566".to_owned())]
        );
    }
}
