//! Pulling: manifests first, then the blobs that they name, several at a time; named only when all is there.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt, TryStreamExt};
use shared::oci::{Descriptor, Digest, Manifest, MediaKind, Reference, RepositoryName};

use super::args::Format;
use super::report::{Fate, Reporter, Sums};
use super::target::{Layout, Target};
use super::{PullArgs, TransferError, connect, keep, pack};
use crate::image::Platform;
use crate::remote::Remote;

/// How deep indexes may be nested.
const DEEPEST: usize = 4;

/// An image in a repository, and the layout that it goes into.
struct Origin<'a> {
    remote: Remote,
    name: &'a RepositoryName,
    layout: &'a Layout,
    reporter: Reporter,
}

/// Pulls an image. Blobs that are whole are not fetched again, and others go on where they broke off.
pub(super) async fn run(args: &PullArgs) -> Result<(), TransferError> {
    let target = Target::choose(args)?;
    let origin = Origin {
        remote: connect(&args.name, &args.remote)?,
        name: &args.name.repository,
        layout: &target.layout,
        reporter: Reporter::new(&args.remote),
    };
    let root = origin.root(&args.name.reference()?, args.platform.as_ref()).await?;
    if target.format == Format::DockerArchive && is_index(root.kind()) {
        return Err(TransferError::SeveralPlatforms);
    }
    target.layout.prepare()?;
    let digest = root.digest.clone();
    let descriptor = Descriptor::new(root.media_type().clone(), digest.clone(), root.bytes().len() as u64);
    let needs = origin.manifests(&root).await?;
    let fetched = stream::iter(needs.blobs.values()).map(|blob| origin.blob(blob));
    let fates: Vec<Option<u64>> = fetched.buffer_unordered(args.remote.jobs.into()).try_collect().await?;
    if target.format == Format::OciDir {
        target.layout.name(&args.name, &descriptor)?;
    } else {
        // An archive holds this image alone, whatever was gathered for another one.
        target.layout.forget_names()?;
        target.layout.name(&args.name, &descriptor)?;
        let digests = needs.manifests.into_iter().chain(needs.blobs.into_keys());
        pack::pack(&target, &args.target, &args.name, &root, digests).await?;
    }
    origin.reporter.done(&format!("{}/{}", args.name.registry, args.name.repository), &digest, sums(&fates));
    Ok(())
}

/// What an image is made of.
#[derive(Default)]
struct Needs {
    /// Its manifests.
    manifests: BTreeSet<Digest>,
    /// Its blobs.
    blobs: BTreeMap<Digest, Descriptor>,
}

/// A manifest under its digest.
struct Known {
    digest: Digest,
    manifest: Manifest,
}

impl std::ops::Deref for Known {
    type Target = Manifest;

    fn deref(&self) -> &Manifest {
        &self.manifest
    }
}

impl Origin<'_> {
    /// The image that is asked for; of an index, its image for the platform if one is.
    async fn root(&self, reference: &Reference, platform: Option<&Platform>) -> Result<Known, TransferError> {
        let root = self.fetch(reference).await?;
        match platform.filter(|_| is_index(root.kind())) {
            None => Ok(root),
            Some(platform) => {
                let child = platform.child(root.bytes(), &root.manifests());
                let child = child.ok_or_else(|| TransferError::NoSuchPlatform(platform.to_string()))?;
                self.fetch(&child.digest.into()).await
            }
        }
    }

    async fn fetch(&self, reference: &Reference) -> Result<Known, TransferError> {
        let fetched = self.remote.manifest(self.name, reference).await?;
        let digest = fetched.digest;
        let parsed = Manifest::parse(&fetched.bytes, fetched.media_type.as_ref());
        let manifest = parsed.map_err(|source| TransferError::Manifest { digest: digest.clone(), source })?;
        Ok(Known { digest, manifest })
    }

    /// Keeps a manifest and all manifests that it names, and returns what the image is made of.
    async fn manifests(&self, root: &Known) -> Result<Needs, TransferError> {
        let mut needs = Needs::default();
        let mut level = self.kept(root, &mut needs)?;
        for _ in 0..DEEPEST {
            let mut next = Vec::new();
            for child in level {
                let child = self.fetch(&child.digest.into()).await?;
                next.extend(self.kept(&child, &mut needs)?);
            }
            level = next;
        }
        if level.is_empty() { Ok(needs) } else { Err(TransferError::TooDeep) }
    }

    /// Keeps one manifest, and returns the manifests that it names.
    fn kept(&self, known: &Known, needs: &mut Needs) -> Result<Vec<Descriptor>, TransferError> {
        if !needs.manifests.insert(known.digest.clone()) {
            return Ok(Vec::new());
        }
        self.layout.keep(&known.digest, known.bytes())?;
        self.reporter.manifest(&known.digest);
        let (others, children): (Vec<_>, Vec<_>) =
            known.manifests().into_iter().partition(|child| child.media_type.kind() == MediaKind::Other);
        let blobs = others.into_iter().chain(known.blobs());
        needs.blobs.extend(blobs.map(|blob| (blob.digest.clone(), blob.clone())));
        Ok(children.into_iter().cloned().collect())
    }

    /// Fetches a blob; how many bytes of it came, or none when it was there.
    async fn blob(&self, blob: &Descriptor) -> Result<Option<u64>, TransferError> {
        let line = self.reporter.line(&blob.digest, blob.size);
        let came = keep::fetch(&self.remote, self.name, blob, &self.layout.blob(&blob.digest), &line).await?;
        line.ended(if came.is_some() { Fate::Received } else { Fate::Present });
        Ok(came)
    }
}

fn is_index(kind: MediaKind) -> bool {
    match kind {
        MediaKind::OciIndex | MediaKind::DockerList => true,
        MediaKind::OciManifest | MediaKind::DockerManifest | MediaKind::Other => false,
    }
}

fn sums(fates: &[Option<u64>]) -> Sums {
    let received = fates.iter().flatten();
    Sums::Pull {
        bytes_received: received.clone().sum(),
        blobs_received: received.count() as u64,
        blobs_present: fates.iter().filter(|fate| fate.is_none()).count() as u64,
    }
}
