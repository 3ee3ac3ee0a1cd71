//! `/v2/_catalog`, `/v2/<name>/tags/list` and `/v2/<name>/referrers/<digest>`: lists in pages.

use std::fmt::Display;

use http::StatusCode;
use http::header::LINK;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use super::error::Error;
use super::headers::FILTERS_APPLIED;
use super::reply::Reply;
use super::route::Route;
use super::{Api, Call};
use crate::oci::{Digest, MediaType, RepositoryName, Tag};

/// Everything but the characters that RFC 3986 never reserves.
pub(super) const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Most pages of repositories that one answer looks through.
const MOST_PAGES: usize = 20;

/// Most referrers of a page: each brings its annotations.
const LARGEST_REFERRERS: usize = 1000;

impl Api {
    pub(super) async fn catalog(&self, call: &Call) -> Result<Reply, Error> {
        let size = call.query.page_size()?;
        let after: Option<RepositoryName> = call.query.parsed("last")?;
        let (names, next) = self.visible(call, after, size).await?;
        let reply = Reply::json(StatusCode::OK, "application/json", &json!({ "repositories": names }));
        Ok(linked(reply, &Route::Catalog, size, next, None))
    }

    /// Up to `size` repositories that the caller may pull, after `after`, and the name to go on after, when there may be more.
    /// However few those are of all, one answer looks through no more than some: it may have fewer, and go on.
    async fn visible(
        &self,
        call: &Call,
        mut after: Option<RepositoryName>,
        size: usize,
    ) -> Result<(Vec<RepositoryName>, Option<RepositoryName>), Error> {
        let sight = self.gate.sight(&call.caller).await?;
        let mut names: Vec<RepositoryName> = Vec::new();
        for _ in 0..MOST_PAGES {
            let wanted = size + 1;
            let read = self.registry.repositories(after.as_ref(), wanted).await?;
            let is_last = read.len() < wanted;
            for name in read {
                if names.len() == size {
                    let next = names.last().cloned();
                    return Ok((names, next));
                }
                after = Some(name.clone());
                if sight.has(&name) {
                    names.push(name);
                }
            }
            if is_last {
                return Ok((names, None));
            }
        }
        Ok((names, after))
    }

    pub(super) async fn tags(&self, name: &RepositoryName, call: &Call) -> Result<Reply, Error> {
        let size = call.query.page_size()?;
        let after: Option<Tag> = call.query.parsed("last")?;
        let (tags, more) = page(size, self.registry.tags(name, after.as_ref(), size + 1).await?);
        let reply = Reply::json(StatusCode::OK, "application/json", &json!({ "name": name, "tags": tags }));
        Ok(linked(reply, &Route::Tags { name: name.clone() }, size, tags.last().filter(|_| more), None))
    }

    pub(super) async fn referrers(&self, name: &RepositoryName, subject: &Digest, call: &Call) -> Result<Reply, Error> {
        let size = call.query.page_size()?.clamp(1, LARGEST_REFERRERS);
        let after: Option<Digest> = call.query.parsed("last")?;
        let wanted = call.query.first("artifactType").filter(|text| !text.is_empty());
        let artifact_type: Option<MediaType> = wanted.map(str::parse).transpose()?;
        let page = self.registry.referrers(name, subject, artifact_type.as_ref(), after.as_ref(), size).await?;
        let index = json!({
            "schemaVersion": 2,
            "mediaType": MediaType::OCI_INDEX,
            "manifests": page.referrers,
        });
        let mut reply = Reply::json(StatusCode::OK, MediaType::OCI_INDEX.as_str(), &index);
        if artifact_type.is_some() {
            reply = reply.with(&FILTERS_APPLIED, "artifactType");
        }
        let route = Route::Referrers { name: name.clone(), subject: subject.clone() };
        Ok(linked(reply, &route, size, page.next.as_ref(), artifact_type.as_ref()))
    }
}

/// The first `size` of what was read, and whether more follow. A page of nothing is followed by nothing: it has no last
/// entry to go on from.
fn page<T>(size: usize, mut read: Vec<T>) -> (Vec<T>, bool) {
    let more = read.len() > size;
    read.truncate(size);
    (read, more)
}

/// The answer with a link to the page after `last`, when there is one.
fn linked(
    reply: Reply,
    route: &Route,
    size: usize,
    last: Option<impl Display>,
    artifact_type: Option<&MediaType>,
) -> Reply {
    let Some(last) = last else {
        return reply;
    };
    let escaped = |text: &dyn Display| utf8_percent_encode(&text.to_string(), RESERVED).to_string();
    let filter = artifact_type.map(|wanted| format!("&artifactType={}", escaped(wanted))).unwrap_or_default();
    reply.with(&LINK, format!("<{route}?n={size}&last={}{filter}>; rel=\"next\"", escaped(&last)))
}
