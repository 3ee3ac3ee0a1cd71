//! `ringhold tags`: which tags there are, and which name a manifest.

use serde::{Deserialize, Serialize};
use shared::metadata::MetadataStore;
use shared::oci::{Digest, RepositoryName, Tag};
use url::form_urlencoded;

use super::operator::{OperatorError, ask, metadata};
use crate::args::TagsArgs;

/// Rows read at a time.
const PAGE: usize = 1000;

/// Which tags are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Search {
    repository: Option<RepositoryName>,
    of: Option<Digest>,
}

/// A tag and what it names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    repository: RepositoryName,
    tag: Tag,
}

impl Search {
    fn read(repository: Option<&str>, of: Option<&str>) -> Result<Self, OperatorError> {
        let bad = |what: &str, error: &dyn std::fmt::Display| OperatorError::Argument(format!("{what}: {error}"));
        Ok(Self {
            repository: repository.map(str::parse).transpose().map_err(|error| bad("the repository", &error))?,
            of: of.map(str::parse).transpose().map_err(|error| bad("--of", &error))?,
        })
    }

    /// What the admin socket is asked for.
    pub(crate) fn from_query(query: &str) -> Result<Self, OperatorError> {
        let value = |name: &str| {
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
        };
        Self::read(value("repository").as_deref(), value("of").as_deref())
    }

    fn to_query(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.repository.iter().map(|name| ("repository", name.as_str())));
        query.extend_pairs(self.of.iter().map(|digest| ("of", digest.as_str())));
        query.finish()
    }
}

/// Prints the tags that are asked for.
pub(crate) async fn run(args: &TagsArgs) -> Result<(), OperatorError> {
    let search = Search::read(args.repository.as_deref(), args.of.as_deref())?;
    let answer = match &args.store.metadata {
        None => ask(&args.store.data, &format!("/tags?{}", search.to_query())).await?,
        Some(_) => None,
    };
    let lines: Vec<Line> = match answer {
        Some(answer) => serde_json::from_slice(&answer)?,
        None => find(&*metadata(&args.store).await?, &search).await?,
    };
    if args.json {
        println!("{}", serde_json::to_string_pretty(&lines)?);
    } else {
        for line in &lines {
            println!("{}:{}", line.repository, line.tag);
        }
    }
    Ok(())
}

/// The tags that are asked for, by repository and tag.
pub(crate) async fn find(metadata: &dyn MetadataStore, search: &Search) -> Result<Vec<Line>, shared::metadata::Error> {
    if let Some(repository) = &search.repository {
        return find_in(metadata, repository, search.of.as_ref()).await;
    }
    let (mut lines, mut after) = (Vec::new(), None);
    loop {
        let names = metadata.repositories(after.as_ref(), PAGE).await?;
        for name in &names {
            lines.extend(find_in(metadata, name, search.of.as_ref()).await?);
        }
        match names.last() {
            Some(last) if names.len() == PAGE => after = Some(last.clone()),
            _ => return Ok(lines),
        }
    }
}

async fn find_in(
    metadata: &dyn MetadataStore,
    repository: &RepositoryName,
    of: Option<&Digest>,
) -> Result<Vec<Line>, shared::metadata::Error> {
    let tags = match of {
        Some(digest) => metadata.tags_of(repository, digest).await?,
        None => all_tags(metadata, repository).await?,
    };
    Ok(tags.into_iter().map(|tag| Line { repository: repository.clone(), tag }).collect())
}

async fn all_tags(
    metadata: &dyn MetadataStore,
    repository: &RepositoryName,
) -> Result<Vec<Tag>, shared::metadata::Error> {
    let mut tags = Vec::<Tag>::new();
    loop {
        let page = metadata.tags(repository, tags.last(), PAGE).await?.unwrap_or_default();
        let last = page.len() < PAGE;
        tags.extend(page);
        if last {
            return Ok(tags);
        }
    }
}
