//! Why somebody was not let in: because of them, or because of who should say who they are.

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why an issuer did not say what it should. Names no URL: it may be somebody's secret.
#[derive(Debug, thiserror::Error)]
pub enum IssuerError {
    /// It took too long.
    #[error("nothing was answered in time")]
    Slow,
    /// The connection did not come up, or broke.
    #[error("the connection failed")]
    Connection(#[source] BoxError),
    /// It answered with this status.
    #[error("the answer was {0}")]
    Status(u16),
    /// The answer broke off, or is larger than any should be.
    #[error("the answer cannot be read to its end")]
    Body(#[source] BoxError),
    /// The answer is not the document that it should be.
    #[error("the answer is not the document that was asked for")]
    Document(#[source] Option<serde_json::Error>),
    /// What is found under an issuer's name calls itself otherwise.
    #[error("what is published there is of another issuer")]
    OtherIssuer,
    /// It cannot be asked in a way that nobody listens to, or changes what it says.
    #[error("an issuer and its keys have https URLs, or are on this machine")]
    Insecure,
}

/// Why somebody is not who they claim to be, or nobody who is let in. For the log.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("it is too long")]
    TooLong,
    #[error("it is no token")]
    Malformed(#[source] Option<jsonwebtoken::errors::Error>),
    #[error("it is signed by an algorithm that is not trusted")]
    Algorithm,
    #[error("its header demands what is not known")]
    Critical,
    #[error("it is of an issuer that is not known")]
    UnknownIssuer,
    #[error("it is signed by a key that its issuer does not publish for that")]
    UnknownKey,
    #[error("its signature is wrong")]
    Signature(#[source] jsonwebtoken::errors::Error),
    #[error("its claim {0:?} is missing or malformed")]
    Claim(&'static str),
    #[error("it is for somebody else")]
    Audience,
    #[error("it has expired")]
    Expired,
    #[error("it is from the future")]
    Future,
    #[error("it is no request of who has signed it: {0}")]
    Request(&'static str),
    #[error("AWS does not take it for signed, or for this registry")]
    Unsigned,
    #[error("no rule is for {0:?}")]
    NoRule(String),
}
