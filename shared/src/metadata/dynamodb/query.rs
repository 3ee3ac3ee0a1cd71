//! Rows of one partition, in the order of their sort keys.

use std::ops::Range;

use super::DynamoDbStore;
use super::error::sorted;
use super::item::{Attributes, Item, key_of, text};
use super::write::names;
use crate::metadata::error::Result;
use crate::metadata::keys::Key;

/// Which sort keys.
#[derive(Debug, Clone)]
enum Sorts {
    All,
    BeginningWith(String),
    Between(Range<String>),
}

impl Sorts {
    fn condition(&self) -> &'static str {
        match self {
            Self::All => "#pk = :partition",
            Self::BeginningWith(_) => "#pk = :partition AND begins_with(#sk, :prefix)",
            Self::Between(_) => "#pk = :partition AND #sk BETWEEN :first AND :last",
        }
    }

    fn values(&self) -> Vec<(&'static str, &str)> {
        match self {
            Self::All => Vec::new(),
            Self::BeginningWith(prefix) => vec![(":prefix", prefix)],
            Self::Between(sorts) => vec![(":first", &sorts.start), (":last", &sorts.end)],
        }
    }
}

/// Which rows, and how much of them.
#[derive(Debug, Clone)]
pub(super) struct Query {
    partition: String,
    sorts: Sorts,
    after: Option<Attributes>,
    projection: Option<&'static str>,
    backwards: bool,
}

impl Query {
    /// All rows of a partition.
    pub(super) fn of(partition: String) -> Self {
        Self { partition, sorts: Sorts::All, after: None, projection: None, backwards: false }
    }

    /// Only those whose sort key begins with `prefix`.
    pub(super) fn beginning_with(mut self, prefix: impl Into<String>) -> Self {
        self.sorts = Sorts::BeginningWith(prefix.into());
        self
    }

    /// Only those whose sort key is one of these, or the one that ends them. None may end before it begins.
    pub(super) fn between(mut self, sorts: Range<String>) -> Self {
        self.sorts = Sorts::Between(sorts);
        self
    }

    /// Only those after this key, which itself begins as the others do.
    pub(super) fn after(mut self, key: Option<&Key>) -> Self {
        self.after = key.map(key_of);
        self
    }

    /// Only these attributes, `#name` being the attribute `name`.
    pub(super) fn only(mut self, projection: &'static str) -> Self {
        self.projection = Some(projection);
        self
    }

    /// The last first.
    pub(super) fn backwards(mut self) -> Self {
        self.backwards = true;
        self
    }
}

impl DynamoDbStore {
    /// Up to `limit` of the rows, as they are now. One round trip per page of a megabyte.
    pub(super) async fn query(&self, query: Query, limit: usize) -> Result<Vec<Item>> {
        let mut rows = Vec::new();
        let mut pages = self.pages(query);
        while rows.len() < limit {
            match pages.next(limit - rows.len()).await? {
                Some(page) => rows.extend(page),
                None => break,
            }
        }
        Ok(rows)
    }

    /// The rows, page by page.
    pub(super) fn pages(&self, query: Query) -> Pages<'_> {
        Pages { store: self, after: query.after.clone(), query, done: false }
    }
}

/// A query under way.
#[derive(Debug)]
pub(super) struct Pages<'a> {
    store: &'a DynamoDbStore,
    query: Query,
    after: Option<Attributes>,
    done: bool,
}

impl Pages<'_> {
    /// The next page, of up to `limit` rows; none after the last. A page may be empty.
    pub(super) async fn next(&mut self, limit: usize) -> Result<Option<Vec<Item>>> {
        if self.done {
            return Ok(None);
        }
        let condition = self.query.sorts.condition();
        let call = self.store.client.query().table_name(&self.store.table).consistent_read(true);
        let call = call
            .key_condition_expression(condition)
            .set_projection_expression(self.query.projection.map(str::to_owned));
        let call = call.set_expression_attribute_names(names(&[condition, self.query.projection.unwrap_or_default()]));
        let mut call = call.expression_attribute_values(":partition", text(&self.query.partition));
        for (name, value) in self.query.sorts.values() {
            call = call.expression_attribute_values(name, text(value));
        }
        let call = call.scan_index_forward(!self.query.backwards).set_exclusive_start_key(self.after.take());
        let answer = call.set_limit(i32::try_from(limit).ok()).send().await.map_err(sorted)?;
        self.after = answer.last_evaluated_key.filter(|key| !key.is_empty());
        self.done = self.after.is_none();
        Ok(Some(answer.items.into_iter().flatten().map(Item).collect()))
    }
}
