//! One repository: its manifests, each after what it names, and then its tags.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};

use super::listing::{Links, TagLink};
use super::once::Once;
use super::{Import, ImportEvent, ImportFault, ImportItem, ManifestFate, TagFate};
use crate::metadata::{ManifestPut, ManifestRecord};
use crate::oci::{Descriptor, Digest, Manifest, Reference, RepositoryName, Tag};
use crate::registry::manifests::{PutManifest, needs};
use crate::registry::{Error, Result};
use crate::storage;

/// More than a link's content has.
const LONGEST_LINK: u64 = 1024;

/// A repository on its way.
struct Taking<'a> {
    import: &'a Import<'a>,
    name: &'a RepositoryName,
    links: &'a Links<'a>,
    /// The tags that each manifest shall get.
    tags: BTreeMap<Digest, Vec<Tag>>,
    /// Whether the repository has the blob in the end.
    blobs: Once<bool>,
    /// Whether the repository has the manifest in the end: of all that were decided in earlier rounds.
    decided: BTreeMap<Digest, bool>,
}

/// What came of a manifest.
enum Outcome {
    /// The repository has it, or never will.
    Over(bool),
    /// These of its children are to be decided first.
    Waits(Vec<Digest>),
}

impl Import<'_> {
    /// Takes over a repository.
    pub(super) async fn repository(&self, name: &RepositoryName, links: &Links<'_>) -> Result<()> {
        if links.revisions.is_empty() && links.tags.is_empty() {
            return Ok(());
        }
        self.tell(&ImportEvent::Repository(name.clone()));
        let tags = self.wanted_tags(name, links).await?;
        let mut taking = Taking { import: self, name, links, tags, blobs: Once::new(), decided: BTreeMap::new() };
        taking.manifests().await?;
        let unnamed = links.layers.iter().filter(|layer| !taking.blobs.knows(layer)).count();
        if unnamed > 0 {
            self.tell(&ImportEvent::Skipped { repository: name.clone(), layers: unnamed as u64 });
        }
        Ok(())
    }

    /// The tags that are to be set, by what they shall name.
    async fn wanted_tags(&self, name: &RepositoryName, links: &Links<'_>) -> Result<BTreeMap<Digest, Vec<Tag>>> {
        let looked = stream::iter(&links.tags).map(async |(tag, link)| self.wanted_tag(name, links, tag, link).await);
        let wanted: Vec<_> = looked.buffered(self.options.jobs()).try_collect().await?;
        let mut tags = BTreeMap::<Digest, Vec<Tag>>::new();
        for (digest, tag) in wanted.into_iter().flatten() {
            tags.entry(digest).or_default().push(tag);
        }
        Ok(tags)
    }

    /// The tag with what it shall name; none when there is nothing to set.
    async fn wanted_tag(
        &self,
        name: &RepositoryName,
        links: &Links<'_>,
        tag: &Tag,
        link: &TagLink<'_>,
    ) -> Result<Option<(Digest, Tag)>> {
        let digest = match named(link).await.map_err(ImportFault::into_outage) {
            Ok(digest) => digest,
            Err(Ok(outage)) => return Err(outage),
            Err(Err(fault)) => {
                self.problem(name, ImportItem::Tag(tag.clone()), fault);
                return Ok(None);
            }
        };
        match self.registry.metadata.tag(name, tag).await?.map(|record| record.digest) {
            Some(present) if present == digest => self.tell_tag(name, tag, &digest, TagFate::Present),
            Some(present) if !self.options.overwrite_tags => {
                self.tell_tag(name, tag, &digest, TagFate::Kept(present));
            }
            Some(_) | None if links.revisions.contains(&digest) => return Ok(Some((digest, tag.clone()))),
            Some(_) | None => self.problem(name, ImportItem::Tag(tag.clone()), ImportFault::Dangling(digest)),
        }
        Ok(None)
    }

    fn tell_tag(&self, name: &RepositoryName, tag: &Tag, digest: &Digest, fate: TagFate) {
        let (repository, tag, digest) = (name.clone(), tag.clone(), digest.clone());
        self.tell(&ImportEvent::Tag { repository, tag, digest, fate });
    }

    fn tell_manifest(&self, name: &RepositoryName, digest: &Digest, fate: ManifestFate) {
        self.tell(&ImportEvent::Manifest { repository: name.clone(), digest: digest.clone(), fate });
    }
}

/// What a tag names in its source.
async fn named(link: &TagLink<'_>) -> Result<Digest, ImportFault> {
    let content = link.source.driver.get_content(&link.path, LONGEST_LINK).await?;
    Ok(String::from_utf8_lossy(&content).trim().parse()?)
}

impl Taking<'_> {
    /// Brings all manifests, in rounds: what an index names is decided in a round before it. Nothing of a manifest is held
    /// from one round to the next but the digests that it waits for.
    async fn manifests(&mut self) -> Result<()> {
        let mut open: Vec<(Digest, Vec<Digest>)> =
            self.links.revisions.iter().map(|digest| (digest.clone(), Vec::new())).collect();
        while !open.is_empty() {
            let is_ready = |waits_for: &Vec<Digest>| waits_for.iter().all(|child| self.decided.contains_key(child));
            let (ready, mut waiting): (Vec<_>, Vec<_>) = open.into_iter().partition(|(_, waits)| is_ready(waits));
            let taken = stream::iter(ready).map(async |(digest, _)| {
                let outcome = self.manifest(&digest).await?;
                Ok::<_, Error>((digest, outcome))
            });
            let taken: Vec<_> = taken.buffer_unordered(self.import.options.jobs()).try_collect().await?;
            if taken.is_empty() {
                // No manifest can name what names it, so this cannot be.
                waiting.drain(..).for_each(|(digest, waits)| self.problem(&digest, ImportFault::Incomplete(waits)));
            }
            for (digest, outcome) in taken {
                match outcome {
                    Outcome::Over(is_there) => drop(self.decided.insert(digest, is_there)),
                    Outcome::Waits(children) => waiting.push((digest, children)),
                }
            }
            open = waiting;
        }
        Ok(())
    }

    async fn manifest(&self, digest: &Digest) -> Result<Outcome> {
        let outcome = match self.import.registry.metadata.manifest(self.name, digest).await? {
            Some(record) => self.keep(digest, &record).await,
            None => self.bring(digest).await,
        };
        match outcome.map_err(ImportFault::into_outage) {
            Ok(outcome) => Ok(outcome),
            Err(Ok(outage)) => Err(outage),
            Err(Err(fault)) => {
                self.problem(digest, fault);
                Ok(Outcome::Over(false))
            }
        }
    }

    /// A manifest that is there lacks nothing, except perhaps tags, and blobs that were lost since.
    async fn keep(&self, digest: &Digest, record: &ManifestRecord) -> Result<Outcome, ImportFault> {
        for blob in &record.blobs {
            self.blobs.get(blob, self.import.blob(self.name, blob, None)).await?;
        }
        self.import.tell_manifest(self.name, digest, ManifestFate::Present);
        if self.tags.contains_key(digest) {
            let reference = Reference::Digest(digest.clone());
            let stored = self.import.registry.manifest(self.name, &reference).await?;
            self.put(digest, &stored.bytes).await?;
        }
        Ok(Outcome::Over(true))
    }

    /// Publishes a manifest of the sources, after its blobs.
    async fn bring(&self, digest: &Digest) -> Result<Outcome, ImportFault> {
        let bytes = self.import.read_manifest(digest).await?;
        let manifest = Manifest::parse(&bytes, None).map_err(Error::from)?;
        let (children, blobs) = needs(&manifest);
        let undecided = |child: &&Digest| self.links.revisions.contains(child) && !self.decided.contains_key(child);
        let waits: Vec<_> = children.iter().map(|child| &child.digest).filter(undecided).cloned().collect();
        if !waits.is_empty() {
            return Ok(Outcome::Waits(waits));
        }
        let optional = manifest.foreign_layers().into_iter().filter(|layer| self.links.layers.contains(&layer.digest));
        let mut missing = self.missing_blobs(blobs.into_iter()).await?;
        self.missing_blobs(optional).await?;
        for child in children {
            if !self.has_manifest(&child.digest).await? {
                missing.push(child.digest.clone());
            }
        }
        if !missing.is_empty() {
            return Err(ImportFault::Incomplete(missing));
        }
        self.put(digest, &bytes).await?;
        self.import.tell_manifest(self.name, digest, ManifestFate::Published);
        Ok(Outcome::Over(true))
    }

    async fn has_manifest(&self, digest: &Digest) -> Result<bool> {
        match self.decided.get(digest) {
            Some(is_there) => Ok(*is_there),
            None => Ok(self.import.registry.metadata.manifest(self.name, digest).await?.is_some()),
        }
    }

    /// Takes over blobs, and says which of them the repository does not have in the end.
    async fn missing_blobs<'d>(&self, blobs: impl Iterator<Item = &'d Descriptor> + Send) -> Result<Vec<Digest>> {
        let taken = stream::iter(blobs).map(async |blob| {
            let taking = self.import.blob(self.name, &blob.digest, Some(blob.size));
            let is_there = self.blobs.get(&blob.digest, taking).await?;
            Ok::<_, Error>((!is_there).then(|| blob.digest.clone()))
        });
        let missing: Vec<_> = taken.buffered(self.import.options.jobs()).try_collect().await?;
        Ok(missing.into_iter().flatten().collect())
    }

    /// Puts the manifest, under all tags that it shall have.
    async fn put(&self, digest: &Digest, bytes: &Bytes) -> Result<(), ImportFault> {
        let tags = self.tags.get(digest).map(Vec::as_slice).unwrap_or_default();
        // Once without tags, when it has none.
        let (first, rest) = tags.split_at(tags.len().min(ManifestPut::MAX_TAGS));
        for tags in [first].into_iter().chain(rest.chunks(ManifestPut::MAX_TAGS)) {
            if !self.import.options.dry_run {
                let reference = Reference::Digest(digest.clone());
                let put = PutManifest {
                    reference,
                    tags: tags.to_vec(),
                    may_move_tags: true,
                    media_type: None,
                    bytes: bytes.clone(),
                };
                self.import.registry.put_manifest(self.name, put).await?;
            }
            for tag in tags {
                self.import.tell_tag(self.name, tag, digest, TagFate::Set);
            }
        }
        Ok(())
    }

    /// A manifest is left out, and its tags with it.
    fn problem(&self, digest: &Digest, fault: ImportFault) {
        self.import.problem(self.name, ImportItem::Manifest(digest.clone()), fault);
        for tag in self.tags.get(digest).into_iter().flatten() {
            self.import.problem(self.name, ImportItem::Tag(tag.clone()), ImportFault::Dangling(digest.clone()));
        }
    }
}

impl Import<'_> {
    /// The bytes of a manifest, from the first source that has them whole.
    async fn read_manifest(&self, digest: &Digest) -> Result<Bytes, ImportFault> {
        let mut fault = ImportFault::Missing;
        for source in self.sources {
            match source.driver.get_content(&source.layout.blob(digest)?, Manifest::MAX_BYTES as u64).await {
                Ok(bytes) => {
                    let actual = Digest::of(digest.algorithm(), &bytes);
                    if actual == *digest {
                        return Ok(bytes);
                    }
                    fault = Error::DigestMismatch { expected: digest.clone(), actual }.into();
                }
                Err(storage::Error::NotFound(_)) => {}
                Err(error) => fault = error.into(),
            }
        }
        Err(fault)
    }
}
