//! Manifests: put when they are complete, read as they came, deleted with their tags.

use std::future::ready;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};

use super::prove::expect;
use super::{Error, Registry, Result};
use crate::clock::Timestamp;
use crate::metadata::{Generation, ManifestPut, ManifestRecord, PutOutcome};
use crate::oci::{Algorithm, Descriptor, Digest, Manifest, MediaKind, MediaType, Reference, RepositoryName, Tag};

/// The most bytes of annotations that fit beside a subject's other referrers.
const MAX_REFERRER: usize = 256 * 1024;
/// How many of those that a large manifest names are looked for at once.
const LOOKED_FOR_AT_ONCE: usize = 32;

/// A manifest that a client puts.
#[derive(Debug, Clone)]
pub struct PutManifest {
    /// The name that the client puts it under.
    pub reference: Reference,
    /// More tags that shall name it.
    pub tags: Vec<Tag>,
    /// Whether tags that name another manifest may be moved.
    pub may_move_tags: bool,
    /// What the client says that it is.
    pub media_type: Option<MediaType>,
    /// Its bytes.
    pub bytes: Bytes,
}

/// A manifest that became visible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewManifest {
    /// Its digest.
    pub digest: Digest,
    /// What it refers to.
    pub subject: Option<Digest>,
}

/// A manifest as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredManifest {
    /// Its digest.
    pub digest: Digest,
    /// What it was put as.
    pub media_type: MediaType,
    /// The bytes that were put.
    pub bytes: Bytes,
}

impl Registry {
    /// Publishes a manifest under its digest and tags, when everything that it names is in the repository.
    pub async fn put_manifest(&self, repository: &RepositoryName, put: PutManifest) -> Result<NewManifest> {
        let manifest = Manifest::parse(&put.bytes, put.media_type.as_ref())?;
        let digest = digest_of(&put.reference, &put.bytes)?;
        let tags = tags_of(put.reference, put.tags)?;
        let referrer = referrer_of(&manifest, &digest)?;
        let subject = manifest.subject().map(|subject| subject.digest.clone());
        let (children, blobs) = needs(&manifest);
        let children: Vec<_> = children.into_iter().map(|child| child.digest.clone()).collect();
        let mut blobs: Vec<_> = blobs.into_iter().map(|blob| blob.digest.clone()).collect();
        if blobs.len() > ManifestRecord::MAX_BLOBS {
            return Err(Error::TooManyBlobs { limit: ManifestRecord::MAX_BLOBS });
        }
        let inline = put.bytes.len() <= ManifestRecord::MAX_INLINE;
        if !inline {
            let missing = self.lacking(repository, &blobs, &children).await?;
            if !missing.is_empty() {
                return Err(Error::ManifestBlobUnknown { missing });
            }
            self.store_verified(repository, &digest, put.bytes.clone()).await?;
            blobs.push(digest.clone());
        }
        let now = Timestamp::now();
        let record = ManifestRecord {
            digest: digest.clone(),
            media_type: manifest.media_type().clone(),
            size: put.bytes.len() as u64,
            content: inline.then(|| put.bytes.to_vec()),
            subject: subject.clone(),
            blobs,
            generation: Generation::next(None, now),
            pushed: now,
        };
        let put = ManifestPut {
            repository: repository.clone(),
            manifest: record,
            children,
            referrer,
            tags,
            may_move_tags: put.may_move_tags,
            now,
        };
        match self.metadata.put_manifest(&put).await? {
            PutOutcome::Published => Ok(NewManifest { digest, subject }),
            PutOutcome::Missing { blobs, manifests } => {
                Err(Error::ManifestBlobUnknown { missing: blobs.into_iter().chain(manifests).collect() })
            }
            PutOutcome::TagTaken(tag) => Err(Error::TagTaken(tag)),
        }
    }

    /// The manifest that a tag or digest names.
    pub async fn manifest(&self, repository: &RepositoryName, reference: &Reference) -> Result<StoredManifest> {
        let digest = match reference {
            Reference::Digest(digest) => digest.clone(),
            Reference::Tag(tag) => self.metadata.tag(repository, tag).await?.ok_or(Error::ManifestUnknown)?.digest,
        };
        let record = self.metadata.manifest(repository, &digest).await?.ok_or(Error::ManifestUnknown)?;
        let bytes = match record.content {
            Some(content) => Bytes::from(content),
            None => self.read_large(repository, &digest).await?,
        };
        Ok(StoredManifest { digest, media_type: record.media_type, bytes })
    }

    /// Removes a tag, or a manifest with every tag that names it.
    pub async fn delete_manifest(&self, repository: &RepositoryName, reference: &Reference) -> Result<()> {
        let existed = match reference {
            Reference::Tag(tag) => self.metadata.delete_tag(repository, tag).await?,
            Reference::Digest(digest) => self.metadata.delete_manifest(repository, digest).await?.is_some(),
        };
        if existed { Ok(()) } else { Err(Error::ManifestUnknown) }
    }

    /// What the repository does not have of this: asked before the bytes of a large manifest are stored, so that a refused
    /// one leaves none behind. Whether it may become visible is for the transaction to say.
    async fn lacking(&self, repository: &RepositoryName, blobs: &[Digest], children: &[Digest]) -> Result<Vec<Digest>> {
        let blobs = stream::iter(blobs.to_vec()).map(|digest| async move {
            let is_there = self.metadata.linked_blob(repository, &digest).await?.is_some();
            Ok((!is_there).then_some(digest))
        });
        let children = stream::iter(children.to_vec()).map(|digest| async move {
            let is_there = self.metadata.manifest(repository, &digest).await?.is_some();
            Ok((!is_there).then_some(digest))
        });
        let missing = blobs.buffered(LOOKED_FOR_AT_ONCE).chain(children.buffered(LOOKED_FOR_AT_ONCE));
        missing.try_filter_map(|missing| ready(Ok(missing))).try_collect().await
    }

    async fn read_large(&self, repository: &RepositoryName, digest: &Digest) -> Result<Bytes> {
        let blob = self.blob(repository, digest).await?;
        let limit = Manifest::MAX_BYTES as u64;
        self.ask_any_place(&blob, |driver, path| async move { driver.get_content(&path, limit).await }).await
    }
}

/// The digest that the manifest is put under: the client's, when the bytes are what it says.
fn digest_of(reference: &Reference, bytes: &[u8]) -> Result<Digest> {
    let expected = match reference {
        Reference::Tag(_) => return Ok(Digest::of(Algorithm::Sha256, bytes)),
        Reference::Digest(digest) => digest,
    };
    expect(Digest::of(expected.algorithm(), bytes), expected)?;
    Ok(expected.clone())
}

/// Every tag that shall name the manifest, once each.
fn tags_of(reference: Reference, mut tags: Vec<Tag>) -> Result<Vec<Tag>> {
    if let Reference::Tag(tag) = reference {
        tags.push(tag);
    }
    tags.sort();
    tags.dedup();
    if tags.len() > ManifestPut::MAX_TAGS {
        return Err(Error::TooManyTags { limit: ManifestPut::MAX_TAGS });
    }
    Ok(tags)
}

fn referrer_of(manifest: &Manifest, digest: &Digest) -> Result<Option<Descriptor>> {
    if manifest.subject().is_none() {
        return Ok(None);
    }
    let referrer = manifest.descriptor(digest.clone());
    if serde_json::to_vec(&referrer).is_ok_and(|row| row.len() <= MAX_REFERRER) {
        return Ok(Some(referrer));
    }
    Err(Error::AnnotationsTooLarge { limit: MAX_REFERRER })
}

/// What has to be in the repository before the manifest: other manifests, and blobs.
pub(super) fn needs(manifest: &Manifest) -> (Vec<&Descriptor>, Vec<&Descriptor>) {
    let (children, files): (Vec<_>, Vec<_>) = manifest.manifests().into_iter().partition(|child| is_manifest(child));
    (children, manifest.blobs().into_iter().chain(files).collect())
}

/// Whether an index's child is a manifest. BuildKit keeps its cache in an index whose children are blobs.
fn is_manifest(child: &Descriptor) -> bool {
    match child.media_type.kind() {
        MediaKind::OciManifest | MediaKind::OciIndex | MediaKind::DockerManifest | MediaKind::DockerList => true,
        MediaKind::Other => false,
    }
}
