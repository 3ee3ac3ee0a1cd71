//! Why a registry did not do what it was asked for.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use http::StatusCode;
use reqwest::Response;
use serde::Deserialize;
use shared::oci::ErrorCode;

use super::address::host_of;
use super::answer;
use super::credentials::CredentialsError;

/// Most bytes of an error's body that are read.
const LARGEST_BODY: usize = 64 * 1024;

/// Most characters of a message that are shown.
const LONGEST_MESSAGE: usize = 300;

/// Why a registry did not do what it was asked for. Names hosts, never whole URLs.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RemoteError {
    /// This machine lacks what TLS needs.
    #[error("no HTTP client can be made")]
    Client(#[source] reqwest::Error),
    /// The connection failed, or broke off.
    #[error("the connection to {host} failed")]
    Connection {
        /// The other end.
        host: String,
        /// Why.
        source: reqwest::Error,
    },
    /// Nothing was taken, nor answered, for too long.
    #[error("{host} was silent for {} seconds", .after.as_secs())]
    Silent {
        /// The other end.
        host: String,
        /// For how long.
        after: Duration,
    },
    /// It refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It answered what no registry should.
    #[error("{host} answered what cannot be used: {what}")]
    Answer {
        /// The other end.
        host: String,
        /// What is wrong.
        what: &'static str,
    },
    /// What came is not what was asked for by its digest.
    #[error("{host} sent something else than {wanted}")]
    Digest {
        /// The other end.
        host: String,
        /// What was wanted.
        wanted: String,
    },
    /// A local file cannot be read, or is shorter than it was.
    #[error("{} cannot be read", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// There are credentials, which cannot be had.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// The registry wants credentials to be sent in clear text, or to nowhere.
    #[error("{host} names no place where its tokens can be safely asked for")]
    Realm {
        /// The registry.
        host: String,
    },
}

impl RemoteError {
    /// The connection to where `url` points failed.
    pub(super) fn connection(url: &url::Url, source: reqwest::Error) -> Self {
        Self::Connection { host: host_of(url), source: source.without_url() }
    }

    /// The answer is one that no registry should give.
    pub(super) fn answer(url: &url::Url, what: &'static str) -> Self {
        Self::Answer { host: host_of(url), what }
    }

    /// The status that it was refused with, if it was.
    pub(crate) fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Refused(refusal) => Some(refusal.status),
            Self::Client(_)
            | Self::Connection { .. }
            | Self::Silent { .. }
            | Self::Answer { .. }
            | Self::Digest { .. }
            | Self::File { .. }
            | Self::Credentials(_)
            | Self::Realm { .. } => None,
        }
    }
}

/// A status that means no, with the reasons that came with it.
#[derive(Debug, thiserror::Error)]
pub(crate) struct Refusal {
    host: String,
    doing: &'static str,
    /// The status.
    pub(crate) status: StatusCode,
    reasons: Vec<Reason>,
}

#[derive(Debug, Default, Deserialize)]
struct Reason {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

#[derive(Deserialize)]
struct Body {
    errors: Vec<Reason>,
}

impl Refusal {
    /// Reads what a registry or a bucket says about a request that it refused.
    pub(super) async fn read(doing: &'static str, response: Response) -> Self {
        let (host, status) = (host_of(response.url()), response.status());
        let body = answer::body(response, LARGEST_BODY).await.unwrap_or_default();
        Self { host, doing, status, reasons: reasons(&body) }
    }

    /// Whether one of the reasons is this.
    pub(super) fn says(&self, code: ErrorCode) -> bool {
        self.reasons.iter().any(|reason| reason.code == code.as_str())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} refused {} ({})", self.host, self.doing, self.status)?;
        for reason in &self.reasons {
            write!(formatter, ": {} {}", shown(&reason.code), shown(&reason.message))?;
        }
        if self.status == StatusCode::UNAUTHORIZED {
            write!(formatter, "; `docker login {}` lets it know who asks", self.host)?;
        }
        Ok(())
    }
}

fn reasons(body: &[u8]) -> Vec<Reason> {
    if let Ok(body) = serde_json::from_slice::<Body>(body) {
        return body.errors;
    }
    // A bucket's answer may quote the request: only its code is taken.
    let text = String::from_utf8_lossy(body);
    let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>")).map(|(code, _)| code);
    code.map(|code| Reason { code: code.to_owned(), message: String::new() }).into_iter().collect()
}

/// Foreign text, as a terminal may safely have it.
fn shown(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(LONGEST_MESSAGE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(body: &[u8]) -> String {
        let (host, status) = ("registry.example".to_owned(), StatusCode::FORBIDDEN);
        Refusal { host, doing: "the blob", status, reasons: reasons(body) }.to_string()
    }

    #[test]
    fn the_registrys_reasons_are_told_without_control_characters() {
        let told = refusal(br#"{"errors":[{"code":"DENIED","message":"not \u001b[31myours","detail":null}]}"#);
        assert_eq!(told, "registry.example refused the blob (403 Forbidden): DENIED not [31myours");
    }

    #[test]
    fn of_a_buckets_answer_only_the_code_is_told() {
        let body = b"<Error><Code>AccessDenied</Code><AWSAccessKeyId>AKIA</AWSAccessKeyId></Error>";
        assert_eq!(refusal(body).trim_end(), "registry.example refused the blob (403 Forbidden): AccessDenied");
        assert_eq!(refusal(b"<html>"), "registry.example refused the blob (403 Forbidden)");
    }
}
