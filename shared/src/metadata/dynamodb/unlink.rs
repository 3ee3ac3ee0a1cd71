//! Taking a blob out of a repository.
//!
//! The link is marked first, then uses are looked for. A put writes its uses first, then looks for the mark. So one of
//! the two sees the other; the put waits until the mark is gone, with the link or alone.

use std::time::Duration;

use super::DynamoDbStore;
use super::blobs::live;
use super::item::{Item, moment, text};
use super::query::Query;
use super::retry::Rounds;
use super::uses::{Kept, judge};
use super::write::{Write, Written};
use crate::clock::Timestamp;
use crate::metadata::error::Result;
use crate::metadata::keys::{self, Key};
use crate::metadata::store::Unlinked;
use crate::oci::{Digest, RepositoryName, UploadId};

/// How long a mark is waited for: longer than its maker needs, unless it died.
const MARK_LIFE: Duration = Duration::from_mins(1);

/// What a link's mark means to a put.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// There is none.
    Absent,
    /// Somebody is taking the blob out.
    Fresh,
    /// Somebody who was taking the blob out died.
    Stale,
}

/// The mark on a link.
pub(super) fn mark_of(link: &Item, now: Timestamp) -> Result<Mark> {
    if !link.has("mark") {
        return Ok(Mark::Absent);
    }
    let age = now.since(link.moment("marked")?);
    Ok(if age < MARK_LIFE { Mark::Fresh } else { Mark::Stale })
}

/// Takes a mark from a link, unless it has another by now. If its maker lives after all, it has to start again.
pub(super) async fn clear_mark(store: &DynamoDbStore, link: &Key, mark: &str) -> Result<()> {
    let clear = Write::update(link, "REMOVE #mark, #marked").when("#mark = :mark").with(":mark", text(mark));
    store.write(clear).await.map(drop)
}

pub(super) async fn unlink_blob(
    store: &DynamoDbStore,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<Unlinked> {
    let (link, blob) = (keys::link(digest, repository), keys::blob(digest));
    let mut rounds = Rounds::of_a_race();
    loop {
        let (mark, now) = (UploadId::random(), Timestamp::now());
        let marking = Write::update(&link, "SET #mark = :mark, #marked = :now").when("attribute_exists(#lease)");
        let marking = marking.with(":mark", text(&mark)).with(":now", moment(now));
        if let Written::Refused(_) = store.write(marking).await? {
            return Ok(Unlinked::Unknown);
        }
        let uses = Query::of(keys::blob_partition(digest)).beginning_with(keys::use_prefix(repository));
        let (kept, blob) = match futures::try_join!(judge(store, uses, now), store.get(&blob)) {
            Ok(found) => found,
            Err(error) => {
                clear_mark(store, &link, mark.as_str()).await?;
                return Err(error);
            }
        };
        let Kept::No(dead) = kept else {
            clear_mark(store, &link, mark.as_str()).await?;
            return Ok(Unlinked::InUse);
        };
        match store.write(Write::delete(&link).when("#mark = :mark").with(":mark", text(&mark))).await? {
            Written::Done(_) => {
                store.delete_all(dead).await?;
                return Ok(if live(blob.as_ref())?.is_some() { Unlinked::Removed } else { Unlinked::Unknown });
            }
            Written::Refused(None) => return Ok(Unlinked::Unknown),
            Written::Refused(Some(_)) => rounds.again().await?,
        }
    }
}
