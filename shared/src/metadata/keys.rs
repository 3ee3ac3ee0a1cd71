//! The keys of the table, spelled once:
//!
//! | partition | sort | holds |
//! |---|---|---|
//! | `REPO#<name>` | `META` | that the repository exists |
//! | | `TAG#<tag>` | what a tag names |
//! | | `MANIFEST#<digest>` | a manifest |
//! | | `MANIFEST#<digest>#TAG#<tag>` | the way back from a manifest to its tags |
//! | | `REFERRER#<subject>#<digest>` | what a subject's list of referrers shows |
//! | `BLOB#<digest>` | `META` | where a blob is, and whether it is live |
//! | | `LINK#<name>` | that a repository may read it, and until when that alone keeps it |
//! | | `USE#<name>#<manifest>` | that a manifest needs it (a store without large transactions adds `#<generation>`) |
//! | `UPLOAD#<id>` | `META` | a session |
//! | | `PART#<first number>` | parts recorded by one request |
//! | `CATALOG#<shard>` | `<name>` | the index of repositories |
//! | `WORK#<shard>` | `<upload id>` | what is to be done about the object that an upload has staged |
//! | `SECTOR#<sector>` | `<digest>` | the index of blobs (a store with secondary indexes has one instead) |
//! | `RING` | `EPOCH#<number>` | a topology |
//! | | `PASS#<sector>` | how far a sector's blobs have been brought to their homes |
//! | | `HEALTH` | what is known of the buckets |
//! | `ACCOUNT#<book>` | `<name>` | a user, robot, group, token, issuer, key, or what is settled of a repository |
//! | `THROTTLE#<name>` | `META` | how often somebody has tried |
//! | `AUDIT#<day>#<shard>` | `<time>#<id>` | what somebody did or was refused |
//! | `EXPIRY` | `<time>#<partition>#<sort>` | what of these ends when (a store whose rows expire by themselves has none) |

use serde::{Deserialize, Serialize};

use super::deeds::{Deed, day};
use super::entries::{Book, check_name};
use super::error::Result;
use super::records::Generation;
use super::sector::Sector;
use crate::clock::Timestamp;
use crate::oci::{Algorithm, Digest, RepositoryName, Tag, UploadId};
use crate::storage::Epoch;

/// Where a row lies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Key {
    /// What is stored, and queried, together.
    pub(crate) partition: String,
    /// The order within it.
    pub(crate) sort: String,
}

/// The number of partitions that the index of repositories is spread over.
pub(crate) const CATALOG_SHARDS: u32 = 16;

/// The sort key of the row that a partition is about.
pub(crate) const META: &str = "META";
pub(crate) const TAG: &str = "TAG#";
pub(crate) const LINK: &str = "LINK#";
pub(crate) const PART: &str = "PART#";
pub(crate) const EPOCH: &str = "EPOCH#";
pub(crate) const RING: &str = "RING";
pub(crate) const PASS: &str = "PASS#";

fn key(partition: String, sort: impl Into<String>) -> Key {
    Key { partition, sort: sort.into() }
}

pub(crate) fn repository_partition(name: &RepositoryName) -> String {
    format!("REPO#{name}")
}

pub(crate) fn repository(name: &RepositoryName) -> Key {
    key(repository_partition(name), META)
}

pub(crate) fn tag(name: &RepositoryName, tag: &Tag) -> Key {
    key(repository_partition(name), format!("{TAG}{tag}"))
}

pub(crate) fn manifest(name: &RepositoryName, digest: &Digest) -> Key {
    key(repository_partition(name), format!("MANIFEST#{digest}"))
}

/// What the sort keys of a manifest's way back to its tags begin with.
pub(crate) fn tagged_prefix(digest: &Digest) -> String {
    format!("MANIFEST#{digest}#TAG#")
}

pub(crate) fn tagged(name: &RepositoryName, digest: &Digest, tag: &Tag) -> Key {
    key(repository_partition(name), format!("{}{tag}", tagged_prefix(digest)))
}

/// What the sort keys of a subject's referrers begin with.
pub(crate) fn referrer_prefix(subject: &Digest) -> String {
    format!("REFERRER#{subject}#")
}

pub(crate) fn referrer(name: &RepositoryName, subject: &Digest, digest: &Digest) -> Key {
    key(repository_partition(name), format!("{}{digest}", referrer_prefix(subject)))
}

pub(crate) fn blob_partition(digest: &Digest) -> String {
    format!("BLOB#{digest}")
}

pub(crate) fn blob(digest: &Digest) -> Key {
    key(blob_partition(digest), META)
}

pub(crate) fn link(digest: &Digest, name: &RepositoryName) -> Key {
    key(blob_partition(digest), format!("{LINK}{name}"))
}

/// What the sort keys of a repository's uses of a blob begin with.
pub(crate) fn use_prefix(name: &RepositoryName) -> String {
    format!("USE#{name}#")
}

/// What the sort keys of all uses of a blob begin with.
pub(crate) const USE: &str = "USE#";

pub(crate) fn usage(blob: &Digest, name: &RepositoryName, manifest: &Digest) -> Key {
    key(blob_partition(blob), format!("{}{manifest}", use_prefix(name)))
}

/// The use of one put, where two puts of a manifest must not write each other's. Padded: who reads on while a later put
/// takes over sees one of the two.
pub(crate) fn usage_of_put(blob: &Digest, name: &RepositoryName, manifest: &Digest, put: Generation) -> Key {
    key(blob_partition(blob), format!("{}{manifest}#{:020}", use_prefix(name), put.0))
}

/// What the partitions of all uploads begin with.
pub(crate) const UPLOAD: &str = "UPLOAD#";

pub(crate) fn upload_partition(id: &UploadId) -> String {
    format!("{UPLOAD}{id}")
}

pub(crate) fn upload(id: &UploadId) -> Key {
    key(upload_partition(id), META)
}

/// The row of the parts recorded together, by the number of the first: padded, so that rows sort as numbers do.
pub(crate) fn parts(id: &UploadId, first: u32) -> Key {
    key(upload_partition(id), format!("{PART}{first:05}"))
}

pub(crate) fn catalog_partition(shard: u32) -> String {
    format!("CATALOG#{shard:02}")
}

/// A repository's entry in the index.
pub(crate) fn catalog(name: &RepositoryName) -> Key {
    let shard = Digest::of(Algorithm::Sha256, name.as_str().as_bytes()).point() % CATALOG_SHARDS;
    key(catalog_partition(shard), name.as_str())
}

/// The number of partitions that work is spread over: as many requests find all that is due.
pub(crate) const WORK_SHARDS: u32 = 4;

pub(crate) fn work_partition(shard: u32) -> String {
    format!("WORK#{shard:02}")
}

/// The work of an upload.
pub(crate) fn work(upload: &UploadId) -> Key {
    key(work_partition(upload.point() % WORK_SHARDS), upload.as_str())
}

/// A topology, by its number: padded, so that epochs sort as numbers do.
pub(crate) fn epoch(epoch: Epoch) -> Key {
    key(RING.to_owned(), format!("{EPOCH}{:010}", epoch.0))
}

pub(crate) fn sector_partition(sector: Sector) -> String {
    format!("SECTOR#{sector}")
}

/// A blob's entry in the index.
pub(crate) fn sector_entry(digest: &Digest) -> Key {
    key(sector_partition(Sector::of(digest)), digest.to_string())
}

pub(crate) fn pass(sector: Sector) -> Key {
    key(RING.to_owned(), format!("{PASS}{sector}"))
}

pub(crate) fn health() -> Key {
    key(RING.to_owned(), "HEALTH")
}

/// The number of partitions that the deeds of a day are spread over.
pub(crate) const AUDIT_SHARDS: u32 = 4;

pub(crate) fn book_partition(book: Book) -> String {
    format!("ACCOUNT#{}", book.name())
}

/// A record of a book; an error when no record can have the name.
pub(crate) fn entry(book: Book, name: &str) -> Result<Key> {
    check_name(name)?;
    Ok(if book.is_listed() { key(book_partition(book), name) } else { key(format!("THROTTLE#{name}"), META) })
}

/// What the records of a book come after whose names come after this one, be it a name or not; none: all of them do.
pub(crate) fn after_entry(book: Book, name: &str) -> Option<Key> {
    (!name.is_empty()).then(|| key(book_partition(book), clipped(name)))
}

/// As much of a text as a key has room for. That is more than any name has: whatever comes after the one comes after the
/// other.
fn clipped(text: &str) -> &str {
    &text[..text.floor_char_boundary(1000)]
}

pub(crate) fn audit_partition(day: u64, shard: u32) -> String {
    format!("AUDIT#{day}#{shard}")
}

/// A deed; an error when none can have its name.
pub(crate) fn deed(deed: &Deed) -> Result<Key> {
    check_name(&deed.id)?;
    let shard = Digest::of(Algorithm::Sha256, deed.id.as_bytes()).point() % AUDIT_SHARDS;
    Ok(key(audit_partition(day(deed.at), shard), deed_sort(deed.at, &deed.id)))
}

pub(crate) fn deed_sort(at: Timestamp, id: &str) -> String {
    format!("{}#{}", moment(at), clipped(id))
}

/// What the deeds of a moment begin with, and come after: padded, so that they sort as their times do.
pub(crate) fn moment(at: Timestamp) -> String {
    format!("{:014}", at.as_millis())
}

/// The partition of all ends.
pub(crate) const EXPIRY: &str = "EXPIRY";

/// The end of what lies under a key.
pub(crate) fn expiry(at: Timestamp, of: &Key) -> Key {
    key(EXPIRY.to_owned(), format!("{}#{}#{}", end(at), of.partition, of.sort))
}

/// What the ends of a moment begin with, and come after: padded, so that they sort as their times do, whichever these are.
pub(crate) fn end(at: Timestamp) -> String {
    format!("{:020}", at.as_millis())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::Entry;

    /// DynamoDB takes no sort key that is empty or has more than 1024 bytes, not even to go on after it.
    #[test]
    fn a_list_can_go_on_after_any_text() {
        assert_eq!(after_entry(Book::Users, ""), None);
        for text in ["a", &"a".repeat(5000), &"é".repeat(5000), &("a".to_owned() + &"\u{1f433}".repeat(5000))] {
            let sort = after_entry(Book::Users, text).unwrap().sort;
            assert!(sort.len() <= 1024 && (sort.len() > Entry::MAX_NAME || sort == text));
            assert!(deed_sort(Timestamp::from_millis(u64::MAX), text).len() <= 1024);
        }
    }
}
