//! Pushing: blobs first, several at a time, then manifests, each after all that it names.

use futures::stream::{self, StreamExt, TryStreamExt};
use shared::oci::{Digest, Reference, RepositoryName};

use super::report::{Fate, Reporter, Sums};
use super::{PushArgs, TransferError, connect};
use crate::image::{Choice, Image, ImageError, ImageName, LocalManifest};
use crate::remote::{LocalBlob, Remote, Uploaded};

/// A repository that an image goes into.
struct Destination<'a> {
    remote: Remote,
    name: &'a RepositoryName,
    mount_from: &'a [RepositoryName],
    reporter: Reporter,
}

/// Pushes an image. What the repository has already is not sent again, so a push that broke off goes on.
pub(super) async fn run(args: &PushArgs) -> Result<(), TransferError> {
    let image = open(args).await?;
    let name = match &args.name {
        Some(name) => name.clone(),
        None => own_name(&image)?,
    };
    let Some(root) = image.manifests.last() else {
        return Err(ImageError::NoImage(args.source.clone()).into());
    };
    let reference = reference(&name, root)?;
    let destination = Destination {
        remote: connect(&name, &args.remote)?,
        name: &name.repository,
        mount_from: &args.mount_from,
        reporter: Reporter::new(&args.remote),
    };
    let blobs = stream::iter(&image.blobs).map(|blob| destination.blob(blob));
    let fates: Vec<(Fate, u64)> = blobs.buffer_unordered(args.remote.jobs.into()).try_collect().await?;
    for manifest in &image.manifests {
        let reference = if manifest == root { reference.clone() } else { manifest.digest.clone().into() };
        destination.manifest(manifest, &reference).await?;
    }
    destination.reporter.done(&format!("{}/{}", name.registry, name.repository), &root.digest, sums(&fates));
    Ok(())
}

impl Destination<'_> {
    async fn blob(&self, blob: &LocalBlob) -> Result<(Fate, u64), TransferError> {
        let line = self.reporter.line(&blob.digest, blob.size);
        let fate = if self.remote.has_blob(self.name, &blob.digest).await? {
            Fate::Present
        } else if self.mounted(&blob.digest).await {
            Fate::Mounted
        } else {
            match self.remote.upload(self.name, blob, line.progress()).await? {
                Uploaded::Sent => Fate::Sent,
                Uploaded::Present => Fate::Present,
            }
        };
        line.ended(fate);
        Ok((fate, blob.size))
    }

    /// Whether one of the repositories that were named had the blob. A registry that does not let it be mounted gets it sent.
    async fn mounted(&self, digest: &Digest) -> bool {
        for from in self.mount_from {
            match self.remote.mount(self.name, digest, from).await {
                Ok(true) => return true,
                Ok(false) => {}
                Err(error) => tracing::debug!(%error, %from, "nothing could be mounted"),
            }
        }
        false
    }

    async fn manifest(&self, manifest: &LocalManifest, reference: &Reference) -> Result<(), TransferError> {
        let LocalManifest { digest, media_type, bytes } = manifest;
        self.remote.put_manifest(self.name, reference, media_type, bytes.clone()).await?;
        self.reporter.manifest(digest);
        Ok(())
    }
}

async fn open(args: &PushArgs) -> Result<Image, TransferError> {
    let (source, image, platform) = (args.source.clone(), args.image.clone(), args.platform.clone());
    let open = move || Image::open(&source, Choice { name: image.as_deref(), platform: platform.as_ref() });
    let opened = tokio::task::spawn_blocking(open).await;
    let failed = |error| ImageError::Read { path: args.source.clone(), source: std::io::Error::other(error) };
    Ok(opened.map_err(failed)??)
}

/// What the source calls its image, if that says where to push it.
fn own_name(image: &Image) -> Result<ImageName, TransferError> {
    // A layout may say the tag alone.
    let name = image.name.clone().filter(|name| name.contains('/')).ok_or(TransferError::Nameless)?;
    name.parse().map_err(|source| TransferError::Name { name, source })
}

/// What the image is put under: its tag; its digest where that is all that the name says.
fn reference(name: &ImageName, root: &LocalManifest) -> Result<Reference, TransferError> {
    if let Some(wanted) = name.digest.as_ref().filter(|wanted| **wanted != root.digest) {
        return Err(TransferError::OtherDigest { wanted: wanted.clone(), found: root.digest.clone() });
    }
    match &name.tag {
        Some(tag) => Ok(tag.clone().into()),
        None => Ok(name.reference()?),
    }
}

fn sums(fates: &[(Fate, u64)]) -> Sums {
    let count = |wanted| fates.iter().filter(|(fate, _)| *fate == wanted).count() as u64;
    Sums::Push {
        bytes_sent: fates.iter().filter(|(fate, _)| *fate == Fate::Sent).map(|(_, size)| size).sum(),
        blobs_sent: count(Fate::Sent),
        blobs_present: count(Fate::Present),
        blobs_mounted: count(Fate::Mounted),
    }
}
