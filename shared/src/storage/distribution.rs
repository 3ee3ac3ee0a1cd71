//! The layout of a store of CNCF distribution, below what its `rootdirectory` names, spelled once:
//!
//! ```text
//! docker/registry/v2/blobs/<algorithm>/<first two hex>/<hex>/data      a layer, a configuration, a manifest
//! docker/registry/v2/repositories/<name>/_layers/<algorithm>/<hex>/link       the repository may read the blob
//! docker/registry/v2/repositories/<name>/_manifests/revisions/<algorithm>/<hex>/link   it has the manifest
//! docker/registry/v2/repositories/<name>/_manifests/tags/<tag>/current/link   the digest of what the tag names
//! docker/registry/v2/repositories/<name>/_manifests/tags/<tag>/index/…        what the tag has named
//! docker/registry/v2/repositories/<name>/_uploads/…                           what has not become a blob
//! ```

use super::path::{ObjectPath, ParsePathError};
use crate::oci::{Digest, RepositoryName, Tag};

const REPOSITORIES: &str = "docker/registry/v2/repositories";
const BLOBS: &str = "docker/registry/v2/blobs";

/// Where things lie in a store of distribution.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DistributionLayout {
    root: Option<ObjectPath>,
}

/// What a repository links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// A manifest.
    Revision(Digest),
    /// What a tag names: the link's content is its digest.
    Tag(Tag),
    /// A blob.
    Layer(Digest),
}

impl DistributionLayout {
    /// The layout below a root; at the top of the store when there is none.
    #[must_use]
    pub fn new(root: Option<ObjectPath>) -> Self {
        Self { root }
    }

    /// Whether blobs lie where a bucket of ours has them too.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.root.is_none()
    }

    /// What all links lie below.
    pub fn repositories(&self) -> Result<ObjectPath, ParsePathError> {
        self.below_root(REPOSITORIES)
    }

    /// What all blobs lie below.
    pub fn blobs(&self) -> Result<ObjectPath, ParsePathError> {
        self.below_root(BLOBS)
    }

    /// Where a blob lies.
    pub fn blob(&self, digest: &Digest) -> Result<ObjectPath, ParsePathError> {
        self.below_root(ObjectPath::blob(digest).as_str())
    }

    /// The digest of the blob that lies there; none when no blob does.
    #[must_use]
    pub fn digest(&self, path: &ObjectPath) -> Option<Digest> {
        self.rest(path)?.parse::<ObjectPath>().ok()?.digest()
    }

    /// The link that lies there, and whose it is; none when it is anything else. Of one repository all links are neighbours
    /// in the byte order of paths: nobody else's name goes on with `/_`.
    #[must_use]
    pub fn link(&self, path: &ObjectPath) -> Option<(RepositoryName, Link)> {
        let (name, link) = self.rest(path)?.strip_prefix(REPOSITORIES)?.strip_prefix('/')?.split_once("/_")?;
        let digest = |algorithm, hex| format!("{algorithm}:{hex}").parse().ok();
        let link = match *link.split('/').collect::<Vec<_>>() {
            ["manifests", "revisions", algorithm, hex, "link"] => Link::Revision(digest(algorithm, hex)?),
            ["manifests", "tags", tag, "current", "link"] => Link::Tag(tag.parse().ok()?),
            ["layers", algorithm, hex, "link"] => Link::Layer(digest(algorithm, hex)?),
            _ => return None,
        };
        Some((name.parse().ok()?, link))
    }

    fn below_root(&self, path: &str) -> Result<ObjectPath, ParsePathError> {
        match &self.root {
            Some(root) => format!("{root}/{path}").parse(),
            None => path.parse(),
        }
    }

    /// A path without the root.
    fn rest<'a>(&self, path: &'a ObjectPath) -> Option<&'a str> {
        match &self.root {
            Some(root) => path.as_str().strip_prefix(root.as_str())?.strip_prefix('/'),
            None => Some(path.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::Algorithm;

    fn path(text: &str) -> ObjectPath {
        text.parse().unwrap()
    }

    fn layouts() -> [DistributionLayout; 2] {
        [None, Some(path("team/registry"))].map(DistributionLayout::new)
    }

    #[test]
    fn links_are_read_below_any_root() {
        let digest = Digest::of(Algorithm::Sha256, b"manifest");
        for (link, expected) in [
            (format!("_manifests/revisions/sha256/{}/link", digest.hex()), Link::Revision(digest.clone())),
            ("_manifests/tags/_1.0/current/link".to_owned(), Link::Tag("_1.0".parse().unwrap())),
            (format!("_layers/sha256/{}/link", digest.hex()), Link::Layer(digest.clone())),
        ] {
            for (layout, name) in layouts().iter().zip(["app", "a/tags/list"]) {
                let path = format!("{}/{name}/{link}", layout.repositories().unwrap()).parse().unwrap();
                assert_eq!(layout.link(&path), Some((name.parse().unwrap(), expected.clone())), "{path}");
            }
        }
    }

    #[test]
    fn what_is_no_link_is_none() {
        let digest = Digest::of(Algorithm::Sha256, b"manifest");
        for text in [
            format!("app/_manifests/tags/1/index/sha256/{}/link", digest.hex()),
            format!("app/_manifests/revisions/sha256/{}/signatures/sha256/{}/link", digest.hex(), digest.hex()),
            format!("app/_manifests/revisions/sha256/{}/link", &digest.hex()[1..]),
            format!("App/_layers/sha256/{}/link", digest.hex()),
            "app/_uploads/a/startedat".to_owned(),
            "app/_manifests/tags/-/current/link".to_owned(),
        ] {
            for layout in layouts() {
                let path = format!("{}/{text}", layout.repositories().unwrap()).parse().unwrap();
                assert_eq!(layout.link(&path), None, "{path}");
            }
        }
        let [top, _] = layouts();
        let elsewhere = format!("team/registry/{REPOSITORIES}/app/_layers/sha256/{}/link", digest.hex());
        assert_eq!(top.link(&path(&elsewhere)), None);
    }

    #[test]
    fn a_blob_lies_where_it_is_found() {
        let digest = Digest::of(Algorithm::Sha512, b"layer");
        for layout in layouts() {
            let path = layout.blob(&digest).unwrap();
            assert!(path.is_below(&layout.blobs().unwrap()));
            assert_eq!(layout.digest(&path), Some(digest.clone()));
            assert_eq!(layout.is_ours(), path == ObjectPath::blob(&digest));
        }
    }
}
