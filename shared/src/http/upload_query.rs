//! What the query of an upload's request asks for.

use super::error::Error;
use super::query::Query;
use crate::oci::{Algorithm, Digest, RepositoryName};

/// How an upload begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Beginning {
    /// With a blob that the registry may have already.
    Mount {
        /// The blob.
        digest: Digest,
        /// Whose it is; the registry may look anywhere when it is not said.
        from: Option<RepositoryName>,
    },
    /// With all of the blob as the request's body.
    Whole(Digest),
    /// With nothing yet.
    Session,
}

/// Reads a POST's query: how the upload begins, and the hash that its content will be named by, if that is said.
pub fn begins(query: &Query) -> Result<(Beginning, Option<Algorithm>), Error> {
    let algorithm = query.parsed("digest-algorithm")?;
    let beginning = if let Some(digest) = query.parsed("mount")? {
        let from = query.first("from").filter(|from| !from.is_empty()).map(str::parse).transpose()?;
        Beginning::Mount { digest, from }
    } else {
        query.parsed(DIGEST)?.map_or(Beginning::Session, Beginning::Whole)
    };
    Ok((beginning, algorithm))
}

/// Reads a PUT's query: the digest that the upload is completed with.
pub fn completes(query: &Query) -> Result<Digest, Error> {
    query.parsed(DIGEST)?.ok_or(Error::DigestMissing)
}

const DIGEST: &str = "digest";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_is_tried_before_the_body_is_looked_at() {
        let digest = format!("sha256:{}", "ab".repeat(32));
        let query = Query::parse(Some(&format!("digest={digest}&mount={digest}&from=")));
        let mount = Beginning::Mount { digest: digest.parse().unwrap(), from: None };
        assert_eq!(begins(&query).unwrap(), (mount, None));
        let query = Query::parse(Some(&format!("digest={digest}&digest-algorithm=sha512")));
        assert_eq!(begins(&query).unwrap(), (Beginning::Whole(digest.parse().unwrap()), Some(Algorithm::Sha512)));
        assert_eq!(begins(&Query::default()).unwrap(), (Beginning::Session, None));
    }

    #[test]
    fn an_upload_is_completed_with_a_digest_only() {
        assert!(matches!(completes(&Query::default()), Err(Error::DigestMissing)));
        assert!(matches!(completes(&Query::parse(Some("digest=x"))), Err(Error::Digest(_))));
    }
}
