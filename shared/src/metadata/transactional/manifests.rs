//! Manifests with their uses, tags and referrers: what names what is the same from both sides at every moment.

use std::collections::BTreeSet;

use super::engine::{Rows, RowsMut};
use super::{blobs, rows};
use crate::metadata::error::Result;
use crate::metadata::keys;
use crate::metadata::{Generation, ManifestPut, ManifestRecord, PutOutcome, TagRecord};
use crate::oci::{Digest, RepositoryName, Tag};

pub(super) fn get(rows: &dyn Rows, repository: &RepositoryName, digest: &Digest) -> Result<Option<ManifestRecord>> {
    rows::read(rows, &keys::manifest(repository, digest))
}

pub(super) fn tag(rows: &dyn Rows, repository: &RepositoryName, tag: &Tag) -> Result<Option<TagRecord>> {
    rows::read(rows, &keys::tag(repository, tag))
}

pub(super) fn put(rows: &mut dyn RowsMut, put: &ManifestPut) -> Result<PutOutcome> {
    let (blobs, manifests) = (missing_blobs(rows, put)?, missing_manifests(rows, put)?);
    if !blobs.is_empty() || !manifests.is_empty() {
        return Ok(PutOutcome::Missing { blobs, manifests });
    }
    if let Some(tag) = taken(rows, put)? {
        return Ok(PutOutcome::TagTaken(tag));
    }
    let (repository, digest) = (&put.repository, &put.manifest.digest);
    let previous = get(rows, repository, digest)?;
    let generation = Generation::next(previous.as_ref().map(|record| record.generation), put.now);
    if let Some(previous) = &previous {
        let_go(rows, repository, previous)?;
    }
    for blob in &put.manifest.blobs {
        rows::write(rows, &keys::usage(blob, repository, digest), &generation)?;
    }
    if let (Some(subject), Some(referrer)) = (&put.manifest.subject, &put.referrer) {
        rows::write(rows, &keys::referrer(repository, subject, digest), referrer)?;
    }
    let record = ManifestRecord { generation, ..put.manifest.clone() };
    rows::write(rows, &keys::manifest(repository, digest), &record)?;
    for name in &put.tags {
        move_tag(rows, put, name)?;
    }
    rows::write(rows, &keys::repository(repository), &rows::PRESENT)?;
    rows::write(rows, &keys::catalog(repository), &rows::PRESENT)?;
    Ok(PutOutcome::Published)
}

fn missing_blobs(rows: &dyn Rows, put: &ManifestPut) -> Result<Vec<Digest>> {
    let mut missing = Vec::new();
    for blob in put.manifest.blobs.iter().collect::<BTreeSet<_>>() {
        if blobs::linked(rows, &put.repository, blob)?.is_none() {
            missing.push(blob.clone());
        }
    }
    Ok(missing)
}

fn missing_manifests(rows: &dyn Rows, put: &ManifestPut) -> Result<Vec<Digest>> {
    let mut missing = Vec::new();
    for child in put.children.iter().collect::<BTreeSet<_>>() {
        if !rows::is_present(rows, &keys::manifest(&put.repository, child))? {
            missing.push(child.clone());
        }
    }
    Ok(missing)
}

/// A tag that names another manifest, where none may be moved.
fn taken(rows: &dyn Rows, put: &ManifestPut) -> Result<Option<Tag>> {
    if put.may_move_tags {
        return Ok(None);
    }
    for name in &put.tags {
        if tag(rows, &put.repository, name)?.is_some_and(|named| named.digest != put.manifest.digest) {
            return Ok(Some(name.clone()));
        }
    }
    Ok(None)
}

/// Removes what a manifest holds: its uses, and its entry among the referrers of its subject.
fn let_go(rows: &mut dyn RowsMut, repository: &RepositoryName, record: &ManifestRecord) -> Result<()> {
    for blob in &record.blobs {
        rows.delete(&keys::usage(blob, repository, &record.digest))?;
    }
    match &record.subject {
        Some(subject) => rows.delete(&keys::referrer(repository, subject, &record.digest)),
        None => Ok(()),
    }
}

fn move_tag(rows: &mut dyn RowsMut, put: &ManifestPut, name: &Tag) -> Result<()> {
    let (repository, manifest) = (&put.repository, &put.manifest);
    if let Some(old) = tag(rows, repository, name)? {
        rows.delete(&keys::tagged(repository, &old.digest, name))?;
    }
    let record = TagRecord {
        digest: manifest.digest.clone(),
        media_type: manifest.media_type.clone(),
        size: manifest.size,
        pushed: put.now,
    };
    rows::write(rows, &keys::tag(repository, name), &record)?;
    rows::write(rows, &keys::tagged(repository, &manifest.digest, name), &rows::PRESENT)
}

pub(super) fn delete(rows: &mut dyn RowsMut, repository: &RepositoryName, digest: &Digest) -> Result<Option<Vec<Tag>>> {
    let Some(record) = get(rows, repository, digest)? else { return Ok(None) };
    let tags = tags_of(rows, repository, digest)?;
    for name in &tags {
        rows.delete(&keys::tag(repository, name))?;
        rows.delete(&keys::tagged(repository, digest, name))?;
    }
    let_go(rows, repository, &record)?;
    rows.delete(&keys::manifest(repository, digest))?;
    Ok(Some(tags))
}

pub(super) fn delete_tag(rows: &mut dyn RowsMut, repository: &RepositoryName, name: &Tag) -> Result<bool> {
    let Some(record) = tag(rows, repository, name)? else { return Ok(false) };
    rows.delete(&keys::tag(repository, name))?;
    rows.delete(&keys::tagged(repository, &record.digest, name))?;
    Ok(true)
}

pub(super) fn tags_of(rows: &dyn Rows, repository: &RepositoryName, digest: &Digest) -> Result<Vec<Tag>> {
    let partition = keys::repository_partition(repository);
    rows::names(rows, &partition, &keys::tagged_prefix(digest), None, usize::MAX)
}
