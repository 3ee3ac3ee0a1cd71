//! Putting a manifest.

use std::collections::{BTreeMap, BTreeSet};

use super::DynamoDbStore;
use super::blobs::LIVE;
use super::item::{Item, binary, number, text};
use super::retry::Rounds;
use super::transaction::{Step, Transacted};
use super::unlink::{Mark, clear_mark, mark_of};
use super::uses;
use super::write::Write;
use crate::clock::Timestamp;
use crate::metadata::error::{Error, Result};
use crate::metadata::keys;
use crate::metadata::records::{Generation, ManifestRecord, TagRecord};
use crate::metadata::store::{ManifestPut, PutOutcome};
use crate::oci::{Digest, Tag};

/// How many children of an index its transaction looks at once more: with 79 other rows it must stay within 100.
const CHECKED_CHILDREN: usize = 20;

/// What a put must know of the repository before its transaction.
#[derive(Debug, Default)]
struct Seen {
    /// The manifest's present generation.
    previous: Option<Generation>,
    /// What each of the tags names.
    tags: BTreeMap<Tag, Digest>,
    /// Whether the repository exists.
    repository: bool,
    /// Children that do not.
    manifests: Vec<Digest>,
    /// Blobs that are not live.
    blobs: BTreeSet<Digest>,
    /// Blobs of which a collector, or somebody who takes them out of the repository, has yet to decide.
    undecided: BTreeSet<Digest>,
    /// Whether somebody has yet to decide on a link.
    marked: bool,
}

impl Seen {
    /// A tag that names another manifest, where none may be moved. That it stays so is for the transaction to say.
    fn taken(&self, put: &ManifestPut) -> Option<Tag> {
        let mut taken = self.tags.iter().filter(|(_, named)| **named != put.manifest.digest);
        if put.may_move_tags { None } else { taken.next().map(|(tag, _)| tag.clone()) }
    }
}

/// Four round trips for a new manifest of up to 25 blobs: uses, blobs, links, and the transaction; a fifth removes the
/// uses of the put that this one replaces.
pub(super) async fn put_manifest(store: &DynamoDbStore, put: &ManifestPut) -> Result<PutOutcome> {
    let blobs: BTreeSet<&Digest> = put.manifest.blobs.iter().collect();
    let (repository, digest) = (&put.repository, &put.manifest.digest);
    let uses = |generation| uses::keys_of(blobs.iter().copied(), repository, digest, generation);
    let mut generation = Generation::next(None, put.now);
    store.put_all(uses(generation).iter().map(uses::row).collect()).await?;
    let mut rounds = Rounds::of_a_race();
    loop {
        let seen = look(store, put, &blobs).await?;
        if !(seen.manifests.is_empty() && seen.blobs.is_empty()) {
            store.delete_all(uses(generation)).await?;
            return Ok(missing(seen));
        }
        if let Some(tag) = seen.taken(put) {
            store.delete_all(uses(generation)).await?;
            return Ok(PutOutcome::TagTaken(tag));
        }
        if let Some(previous) = seen.previous.filter(|previous| *previous >= generation) {
            // Put in the same millisecond, or by a faster clock. The new uses stand before the old ones go.
            let overtaken = uses(generation);
            generation = Generation::next(Some(previous), put.now);
            store.put_all(uses(generation).iter().map(uses::row).collect()).await?;
            store.delete_all(overtaken).await?;
        }
        if let Transacted::Done = store.transact(publication(put, generation, &seen)?).await? {
            if let Some(previous) = seen.previous {
                store.delete_all(uses(previous)).await?;
            }
            return Ok(PutOutcome::Published);
        }
        rounds.again().await?;
    }
}

/// Reads what the put names. The blobs first, then their links: from the moment at which a used blob is seen live no
/// collector takes it, so a link that is seen after that is not a leftover of an earlier life. Waits for the undecided.
async fn look(store: &DynamoDbStore, put: &ManifestPut, blobs: &BTreeSet<&Digest>) -> Result<Seen> {
    let mut rounds = Rounds::of_a_wait();
    loop {
        let mut seen = Seen::default();
        look_at_repository_and_blobs(store, put, blobs, &mut seen).await?;
        look_at_links(store, put, blobs, &mut seen).await?;
        let lost = !(seen.manifests.is_empty() && seen.blobs.is_empty());
        if seen.undecided.is_empty() || lost {
            return Ok(seen);
        }
        if !rounds.next().await {
            // A collector that does not decide may have died, and only an upload revives its blob. A mark goes by itself.
            if seen.marked {
                return Err(Error::Contended);
            }
            seen.blobs.append(&mut seen.undecided);
            return Ok(seen);
        }
    }
}

async fn look_at_repository_and_blobs(
    store: &DynamoDbStore,
    put: &ManifestPut,
    blobs: &BTreeSet<&Digest>,
    seen: &mut Seen,
) -> Result<()> {
    let name = &put.repository;
    let (manifest, repository) = (keys::manifest(name, &put.manifest.digest), keys::repository(name));
    let children: BTreeSet<&Digest> = put.children.iter().collect();
    let mut wanted = vec![manifest.clone(), repository.clone()];
    wanted.extend(blobs.iter().map(|blob| keys::blob(blob)));
    wanted.extend(children.iter().map(|child| keys::manifest(name, child)));
    wanted.extend(put.tags.iter().map(|tag| keys::tag(name, tag)));
    let rows = store.read_only(wanted, "#pk, #sk, #state, #generation, #digest").await?;
    seen.repository = rows.contains_key(&repository);
    seen.previous = rows.get(&manifest).map(generation).transpose()?;
    for tag in &put.tags {
        if let Some(row) = rows.get(&keys::tag(name, tag)) {
            seen.tags.insert(tag.clone(), row.parsed("digest")?);
        }
    }
    let absent = children.into_iter().filter(|child| !rows.contains_key(&keys::manifest(name, child)));
    seen.manifests = absent.cloned().collect();
    for blob in blobs.iter().copied() {
        match rows.get(&keys::blob(blob)) {
            None => drop(seen.blobs.insert(blob.clone())),
            Some(row) if row.text("state")? == LIVE => {}
            Some(_) => drop(seen.undecided.insert(blob.clone())),
        }
    }
    Ok(())
}

async fn look_at_links(
    store: &DynamoDbStore,
    put: &ManifestPut,
    blobs: &BTreeSet<&Digest>,
    seen: &mut Seen,
) -> Result<()> {
    let links = blobs.iter().map(|blob| keys::link(blob, &put.repository)).collect();
    let links = store.read_only(links, "#pk, #sk, #mark, #marked").await?;
    for blob in blobs.iter().copied() {
        let key = keys::link(blob, &put.repository);
        let Some(link) = links.get(&key) else {
            seen.undecided.remove(blob);
            seen.blobs.insert(blob.clone());
            continue;
        };
        match mark_of(link, Timestamp::now())? {
            Mark::Absent => {}
            Mark::Fresh => {
                seen.marked = true;
                seen.undecided.insert(blob.clone());
            }
            Mark::Stale => {
                clear_mark(store, &key, link.text("mark")?).await?;
                seen.undecided.insert(blob.clone());
            }
        }
    }
    Ok(())
}

fn missing(seen: Seen) -> PutOutcome {
    PutOutcome::Missing { blobs: seen.blobs.into_iter().collect(), manifests: seen.manifests }
}

/// A manifest's generation.
pub(super) fn generation(row: &Item) -> Result<Generation> {
    row.number("generation").map(Generation)
}

/// The transaction: the manifest, its tags with their ways back, its entry among its subject's referrers, and the
/// repository if this is its first. Of [`ManifestPut::MAX_TAGS`] tags it takes 79 rows.
fn publication(put: &ManifestPut, generation: Generation, seen: &Seen) -> Result<Vec<Step>> {
    let (name, digest) = (&put.repository, &put.manifest.digest);
    let mut steps = vec![manifest_step(put, generation, seen.previous)?];
    for tag in put.tags.iter().collect::<BTreeSet<_>>() {
        let key = keys::tag(name, tag);
        let record = TagRecord {
            digest: digest.clone(),
            media_type: put.manifest.media_type.clone(),
            size: put.manifest.size,
            pushed: put.now,
        };
        let row = Item::new(&key).with("digest", text(digest)).with_body(&record)?;
        let moved = Write::put(&key, row);
        steps.push(match seen.tags.get(tag) {
            None => moved.when("attribute_not_exists(#pk)").into(),
            Some(present) => moved.when("#digest = :present").with(":present", text(present)).into(),
        });
        let way_back = keys::tagged(name, digest, tag);
        steps.push(Write::put(&way_back, Item::new(&way_back)).into());
        if let Some(old) = seen.tags.get(tag).filter(|old| *old != digest) {
            steps.push(Write::delete(&keys::tagged(name, old, tag)).into());
        }
    }
    if let (Some(subject), Some(referrer)) = (&put.manifest.subject, &put.referrer) {
        let key = keys::referrer(name, subject, digest);
        steps.push(Write::put(&key, Item::new(&key).with_body(referrer)?).into());
    }
    // A child that goes in this very moment takes the index with it, as far as a transaction has room to look.
    let children: BTreeSet<&Digest> = put.children.iter().collect();
    for child in children.into_iter().take(CHECKED_CHILDREN) {
        let key = keys::manifest(name, child);
        steps.push(Step::Check(Write::delete(&key).when("attribute_exists(#pk)")));
    }
    if !seen.repository {
        for key in [keys::repository(name), keys::catalog(name)] {
            steps.push(Write::put(&key, Item::new(&key)).into());
        }
    }
    Ok(steps)
}

fn manifest_step(put: &ManifestPut, generation: Generation, previous: Option<Generation>) -> Result<Step> {
    let key = keys::manifest(&put.repository, &put.manifest.digest);
    let mut record = ManifestRecord { generation, ..put.manifest.clone() };
    // As bytes beside the JSON: as base64 in it they would take a third more of the 400 KB that a row may have.
    let content = record.content.take();
    let mut row = Item::new(&key).with("generation", number(generation.0)).with_body(&record)?;
    if let Some(content) = content {
        row = row.with("content", binary(content));
    }
    let write = Write::put(&key, row);
    Ok(match previous {
        None => write.when("attribute_not_exists(#pk)").into(),
        Some(previous) => write.when("#generation = :previous").with(":previous", number(previous.0)).into(),
    })
}
