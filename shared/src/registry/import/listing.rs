//! What the sources link, repository by repository, of a page at a time.

use std::collections::{BTreeMap, BTreeSet};

use super::ImportSource;
use crate::oci::{Digest, RepositoryName, Tag};
use crate::registry::Result;
use crate::storage::{self, Link, ObjectPath, Objects};

/// What one repository links in all sources together.
#[derive(Debug, Default)]
pub(super) struct Links<'a> {
    pub(super) revisions: BTreeSet<Digest>,
    pub(super) layers: BTreeSet<Digest>,
    /// Of two sources with the same tag, the first counts.
    pub(super) tags: BTreeMap<Tag, TagLink<'a>>,
}

/// Where it is said what a tag names.
#[derive(Debug)]
pub(super) struct TagLink<'a> {
    pub(super) source: &'a ImportSource,
    pub(super) path: ObjectPath,
}

/// The repositories of all sources. One that several have comes once.
pub(super) struct Repositories<'a> {
    listings: Vec<Listing<'a>>,
}

/// The links of one source, in the byte order of their paths.
struct Listing<'a> {
    source: &'a ImportSource,
    objects: Objects<'a>,
    /// The next one, once it was looked at.
    ahead: Option<(RepositoryName, Link, ObjectPath)>,
}

impl<'a> Repositories<'a> {
    pub(super) fn of(sources: &'a [ImportSource]) -> Result<Self, storage::Error> {
        let listing = |source: &'a ImportSource| {
            let objects = Objects::below(&*source.driver, source.layout.repositories()?);
            Ok(Listing { source, objects, ahead: None })
        };
        Ok(Self { listings: sources.iter().map(listing).collect::<Result<_, storage::Error>>()? })
    }

    /// The next repository.
    pub(super) async fn next(&mut self) -> Result<Option<(RepositoryName, Links<'a>)>, storage::Error> {
        let mut first: Option<RepositoryName> = None;
        for listing in &mut self.listings {
            let Some(name) = listing.name().await? else { continue };
            if first.as_ref().is_none_or(|first| place(name) < place(first)) {
                first = Some(name.clone());
            }
        }
        let Some(first) = first else { return Ok(None) };
        let mut links = Links::default();
        for listing in &mut self.listings {
            while listing.name().await? == Some(&first) {
                listing.take(&mut links);
            }
        }
        Ok(Some((first, links)))
    }
}

/// Where a repository's links stand among those of others: not at its name, which is longer ones' beginning.
fn place(name: &RepositoryName) -> String {
    format!("{name}/_")
}

impl<'a> Listing<'a> {
    /// Whose the next link is.
    async fn name(&mut self) -> Result<Option<&RepositoryName>, storage::Error> {
        while self.ahead.is_none() {
            let Some(entry) = self.objects.next().await? else { break };
            self.ahead = self.source.layout.link(&entry.path).map(|(name, link)| (name, link, entry.path));
        }
        Ok(self.ahead.as_ref().map(|(name, ..)| name))
    }

    fn take(&mut self, links: &mut Links<'a>) {
        match self.ahead.take() {
            Some((_, Link::Revision(digest), _)) => drop(links.revisions.insert(digest)),
            Some((_, Link::Layer(digest), _)) => drop(links.layers.insert(digest)),
            Some((_, Link::Tag(tag), path)) => {
                links.tags.entry(tag).or_insert(TagLink { source: self.source, path });
            }
            None => {}
        }
    }
}
