//! The layout of a bucket, spelled once:
//!
//! ```text
//! docker/registry/v2/blobs/<algorithm>/<first two hex>/<hex>/data   home of a blob (the layout of CNCF distribution)
//! _ringhold/staged/<upload id>/data                                 bytes of an upload, published or not
//! _ringhold/tails/<upload id>/<claim>                               what is too short for a part (of a path without
//!                                                                   an upload: 32 hex digits that begin with its point)
//! _ringhold/tails/nothing                                           where nothing lies, asked for to open a connection
//! _ringhold/aside/<moment>-<mark>/<path>                            what a scrub found damaged, or named by no row
//! _ringhold/tails/probe                                             asked for, to see whether the bucket serves
//! ```

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::oci::{Algorithm, Digest, UploadId};

/// Where an object lies in a bucket: components of `[A-Za-z0-9._-]` joined by `/`, none of them starting with a dot.
///
/// A path can therefore never leave a directory, hide a file, or need escaping in a URL.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ObjectPath(String);

/// Why a text is no [`ObjectPath`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParsePathError {
    /// Nothing at all, or more than a key may have.
    #[error("a path has 1 to {max} bytes, this one {0}", max = ObjectPath::MAX_BYTES)]
    Length(usize),
    /// An empty component, one that starts with a dot, one longer than a file name may be, or one with another character.
    #[error(
        "a path's components are of 1 to 255 letters, digits, '.', '_' and '-' and do not start with '.': {0:?} is not"
    )]
    Component(String),
}

/// What the paths of everything but homes begin with.
pub(super) const OWN: &str = "_ringhold/";
/// What the paths of homes begin with.
pub(super) const HOMES: &str = "docker/registry/v2/blobs/";

impl ObjectPath {
    const MAX_BYTES: usize = 1024;

    /// The home of a blob.
    #[must_use]
    pub fn blob(digest: &Digest) -> Self {
        let hex = digest.hex();
        Self(format!("{HOMES}{}/{}/{hex}/data", digest.algorithm().as_str(), &hex[..2]))
    }

    /// Where the bytes of an upload gather.
    #[must_use]
    pub fn staged(upload: &UploadId) -> Self {
        Self(format!("_ringhold/staged/{upload}/data"))
    }

    /// Where a writer of this path keeps what is too short for a part: a new place for each `claim`, so that no two
    /// writers share one. It has this path's point, hence its bucket.
    #[must_use]
    pub fn tail(&self, claim: &UploadId) -> Self {
        let owner = self.upload().map_or_else(|| self.name().hex()[..32].to_owned(), |upload| upload.to_string());
        Self(format!("_ringhold/tails/{owner}/{claim}"))
    }

    /// Where nothing ever lies.
    #[must_use]
    pub fn nothing() -> Self {
        Self("_ringhold/tails/nothing".to_owned())
    }

    /// Where an object goes that is damaged, or that nobody knows: nothing reads it there, and nothing removes it. The mark
    /// keeps apart what goes there at one moment.
    #[must_use]
    pub fn aside(&self, moment: u64, mark: &UploadId) -> Self {
        Self(format!("_ringhold/aside/{moment}-{mark}/{self}"))
    }

    /// What lies in every bucket, to be asked for.
    #[must_use]
    pub fn probe() -> Self {
        Self("_ringhold/tails/probe".to_owned())
    }

    /// Where everything staged lies.
    #[must_use]
    pub fn all_staged() -> Self {
        Self("_ringhold/staged".to_owned())
    }

    /// Where all homes lie.
    #[must_use]
    pub fn all_homes() -> Self {
        Self(HOMES.trim_end_matches('/').to_owned())
    }

    /// Where all tails lie.
    #[must_use]
    pub fn all_tails() -> Self {
        Self("_ringhold/tails".to_owned())
    }

    /// The path's point on the ring: the digest's if it is the home of a blob, the upload's if it belongs to one, else
    /// the first 32 bits of SHA-256 of the path itself.
    #[must_use]
    pub fn point(&self) -> u32 {
        self.upload().map_or_else(|| self.name().point(), |upload| upload.point())
    }

    /// What names a path that no upload owns: its blob's digest, or the path's own.
    fn name(&self) -> Digest {
        self.digest().unwrap_or_else(|| Digest::of(Algorithm::Sha256, self.0.as_bytes()))
    }

    /// The digest whose home this is.
    #[must_use]
    pub fn digest(&self) -> Option<Digest> {
        let mut rest = self.0.strip_prefix(HOMES)?.split('/');
        let (algorithm, _, hex) = (rest.next()?, rest.next()?, rest.next()?);
        let digest = format!("{algorithm}:{hex}").parse().ok()?;
        (Self::blob(&digest) == *self).then_some(digest)
    }

    /// The upload that this path belongs to.
    #[must_use]
    pub fn upload(&self) -> Option<UploadId> {
        let own = self.0.strip_prefix("_ringhold/staged/").or_else(|| self.0.strip_prefix("_ringhold/tails/"))?;
        own.split('/').next()?.parse().ok()
    }

    /// The path as text, without a leading slash.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this path lies below `directory`: `ab/c` lies below `ab`, never below `a`.
    #[must_use]
    pub fn is_below(&self, directory: &Self) -> bool {
        self.0.strip_prefix(&directory.0).is_some_and(|rest| rest.starts_with('/'))
    }
}

impl FromStr for ObjectPath {
    type Err = ParsePathError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() || text.len() > Self::MAX_BYTES {
            return Err(ParsePathError::Length(text.len()));
        }
        match text.split('/').find(|component| !is_component(component)) {
            Some(component) => Err(ParsePathError::Component(component.to_owned())),
            None => Ok(Self(text.to_owned())),
        }
    }
}

fn is_component(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 255
        && !text.starts_with('.')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

impl TryFrom<String> for ObjectPath {
    type Error = ParsePathError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ObjectPath> for String {
    fn from(path: ObjectPath) -> Self {
        path.0
    }
}

impl fmt::Display for ObjectPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn path(text: &str) -> ObjectPath {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn the_home_of_a_blob_has_the_digests_point() {
        for algorithm in Algorithm::ALL {
            let digest = Digest::of(algorithm, b"layer");
            assert_eq!(ObjectPath::blob(&digest).point(), digest.point());
        }
    }

    #[test]
    fn whatever_belongs_to_an_upload_has_its_point() {
        let (upload, claim) = (UploadId::random(), UploadId::random());
        let staged = ObjectPath::staged(&upload);
        assert_eq!(staged.point(), upload.point());
        assert_eq!(staged.tail(&claim).point(), upload.point());
        assert_eq!(staged.tail(&claim).upload(), Some(upload));
    }

    #[test]
    fn what_goes_aside_at_one_moment_is_kept_apart() {
        let path = path("a/b");
        let [one, other] = [UploadId::random(), UploadId::random()].map(|mark| path.aside(1, &mark));
        assert_ne!(one, other);
        assert_eq!(one.as_str().parse(), Ok(one));
    }

    #[test]
    fn any_other_path_has_the_point_of_its_own_hash() {
        let point = |text: &str| Digest::of(Algorithm::Sha256, text.as_bytes()).point();
        let misplaced = format!("docker/registry/v2/blobs/sha256/00/{}/data", "f".repeat(64));
        for text in ["a", "a/b", "_ringhold/tails/short/claim", "_ringhold/staged", &misplaced] {
            assert_eq!(path(text).point(), point(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_tail_has_the_point_of_its_path(text in "(docker/registry/v2/blobs/sha256/|_ringhold/(staged|tails)/)?[0-9a-f]{1,40}(/data)?") {
            let (path, claim) = (path(&text), UploadId::random());
            prop_assert_eq!(path.tail(&claim).point(), path.point());
        }

        #[test]
        fn a_tail_has_the_point_of_its_blob(bytes: [u8; 8], sha512: bool) {
            let digest = Digest::of(Algorithm::ALL[usize::from(sha512)], &bytes);
            prop_assert_eq!(ObjectPath::blob(&digest).tail(&UploadId::random()).point(), digest.point());
        }
    }
}
