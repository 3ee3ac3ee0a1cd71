//! All blobs by the index on their digests, which lags a little behind the table.

use super::DynamoDbStore;
use super::blobs;
use super::error::sorted;
use super::item::{Attributes, Item, key_of, text};
use crate::metadata::error::Result;
use crate::metadata::keys;
use crate::metadata::records::BlobRecord;
use crate::metadata::sector::Sector;
use crate::oci::Digest;

/// The index's name.
pub(super) const INDEX: &str = "sectors";
/// The attribute that only the rows of blobs have: the index holds nothing else.
pub(super) const SECTOR: &str = "sector";

pub(super) async fn blobs(
    store: &DynamoDbStore,
    sector: Sector,
    after: Option<&Digest>,
    limit: usize,
) -> Result<Vec<BlobRecord>> {
    let mut found = Vec::new();
    let mut start = after.map(|digest| start_after(sector, digest));
    while found.len() < limit {
        let call = store.client.query().table_name(&store.table).index_name(INDEX);
        let call = call.key_condition_expression("#sector = :sector").expression_attribute_names("#sector", SECTOR);
        let call = call.expression_attribute_values(":sector", text(sector)).set_exclusive_start_key(start.take());
        let answer = call.set_limit(i32::try_from(limit - found.len()).ok()).send().await.map_err(sorted)?;
        for row in answer.items.into_iter().flatten().map(Item) {
            found.extend(blobs::live(Some(&row))?);
        }
        start = answer.last_evaluated_key.filter(|key| !key.is_empty());
        if start.is_none() {
            break;
        }
    }
    Ok(found)
}

/// The key of a blob in the index, whether it is still there or not.
fn start_after(sector: Sector, digest: &Digest) -> Attributes {
    let mut key = key_of(&keys::blob(digest));
    key.insert(SECTOR.to_owned(), text(sector));
    key
}
