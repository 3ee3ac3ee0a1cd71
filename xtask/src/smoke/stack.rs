//! The registry that is asked, and what was pushed to it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};

use super::answer::Answer;
use super::curl::{Curl, Length, Request};
use super::finding::{Finding, Question};
use super::{Error, Result};

/// What may be asked of a stack that lets everybody in.
pub(super) struct Stack {
    curl: Curl,
    /// Scheme, host and, if there is one, the path that the registry lies below.
    url: String,
    /// The answer to the first question.
    first: Answer,
    repository: String,
    seed: Cell<u64>,
    blobs: RefCell<BTreeSet<String>>,
    manifests: RefCell<BTreeSet<String>>,
}

const REMOVED: Question = Question {
    asks: "Does everything that was pushed here go again?",
    relies: "DELETE of manifests and blobs answers 202",
};

impl Stack {
    /// Finds the registry; fails when none answers.
    pub(super) fn reach(url: &str) -> Result<Self> {
        let url = url.trim_end_matches('/').trim_end_matches("/v2").trim_end_matches('/').to_owned();
        if !(url.starts_with("https://") || url.starts_with("http://")) {
            return Err(Error::Address(url));
        }
        let curl = Curl::find()?;
        let first = curl.send(&Request::new("GET", format!("{url}/v2/")))?;
        if !matches!(first.status, 200 | 401) || first.header("docker-distribution-api-version").is_none() {
            return Err(Error::NoRegistry { url, seen: first.tell() });
        }
        let random = Sha256::digest(format!("{:?} {}", SystemTime::now(), std::process::id()));
        let seed = u64::from_be_bytes([0, 1, 2, 3, 4, 5, 6, 7].map(|index: usize| random[index])) | 1;
        let repository = format!("ringhold-smoke/{}", &hex::encode(random)[..12]);
        let (blobs, manifests) = <(RefCell<_>, RefCell<_>)>::default();
        Ok(Self { curl, url, first, repository, seed: Cell::new(seed), blobs, manifests })
    }

    /// Whether it lets nobody in.
    pub(super) fn is_closed(&self) -> bool {
        self.first.status == 401
    }

    /// The repository that is pushed into.
    pub(super) fn repository(&self) -> &str {
        &self.repository
    }

    /// The answer to the first question of all, `GET /v2/`.
    pub(super) fn first(&self) -> &Answer {
        &self.first
    }

    /// Whether HTTP/2 can be asked for.
    pub(super) fn speaks_http2(&self) -> bool {
        self.curl.speaks_http2()
    }

    /// The URL of a path of the API.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// The URL of a `Location`, as clients resolve it: a path begins at the host.
    fn resolve(&self, location: &str) -> String {
        if location.starts_with("http://") || location.starts_with("https://") {
            return location.to_owned();
        }
        let origin: Vec<_> = self.url.splitn(4, '/').take(3).collect();
        format!("{}{location}", origin.join("/"))
    }

    /// A path below the repository.
    pub(super) fn path(&self, rest: &str) -> String {
        format!("/v2/{}/{rest}", self.repository)
    }

    /// A request without a body, to where an answer pointed.
    pub(super) fn follow(&self, method: &str, location: &str) -> Result<Answer> {
        self.curl.send(&Request::new(method, self.resolve(location)))
    }

    /// A request to where an answer pointed.
    pub(super) fn request<'a>(&self, method: &'a str, location: &str) -> Request<'a> {
        Request::new(method, self.resolve(location))
    }

    /// Sends a request.
    pub(super) fn send(&self, request: &Request<'_>) -> Result<Answer> {
        self.curl.send(request)
    }

    /// A request without a body.
    pub(super) fn ask(&self, method: &str, path: &str) -> Result<Answer> {
        self.curl.send(&Request::new(method, self.url(path)))
    }

    /// Begins an upload.
    pub(super) fn begin(&self) -> Result<Answer> {
        self.ask("POST", &self.path("blobs/uploads/"))
    }

    /// Appends to an upload, with a length.
    pub(super) fn append(&self, location: &str, from: usize, bytes: &[u8]) -> Result<Answer> {
        let range = format!("{from}-{}", from + bytes.len().saturating_sub(1));
        let request = self.request("PATCH", location).header("Content-Range", &range);
        self.curl.send(&request.body(bytes, Length::Known))
    }

    /// Completes an upload.
    pub(super) fn complete(&self, location: &str, digest: &str) -> Result<Answer> {
        let answer = self.follow("PUT", &with_digest(location, digest))?;
        self.note(&answer, digest);
        if answer.status != 201 {
            self.follow("DELETE", location)?;
        }
        Ok(answer)
    }

    /// Pushes a blob in one PUT; its digest, and the last answer.
    pub(super) fn push(&self, bytes: &[u8]) -> Result<(String, Answer)> {
        let digest = digest(bytes);
        let begun = self.begin()?;
        let Some(location) = begun.header("location") else { return Ok((digest, begun)) };
        let request = self.request("PUT", &with_digest(location, &digest)).body(bytes, Length::Known);
        let answer = self.curl.send(&request)?;
        self.note(&answer, &digest);
        Ok((digest, answer))
    }

    /// Pushes chunks one after the other; the answer to the last request, or to the first that was refused.
    pub(super) fn push_chunks(&self, chunks: &[&[u8]], digest: &str) -> Result<Answer> {
        let begun = self.begin()?;
        let Some(mut location) = begun.header("location").map(ToOwned::to_owned) else { return Ok(begun) };
        let mut from = 0;
        for chunk in chunks {
            let answer = self.append(&location, from, chunk)?;
            if answer.status != 202 {
                self.follow("DELETE", &location)?;
                return Ok(answer);
            }
            from += chunk.len();
            location = answer.header("location").unwrap_or(&location).to_owned();
        }
        self.complete(&location, digest)
    }

    /// Puts a manifest under a tag or digest, with a query if it has one.
    pub(super) fn put_manifest(&self, reference: &str, media_type: &str, bytes: &[u8]) -> Result<Answer> {
        let request = Request::new("PUT", self.url(&self.path(&format!("manifests/{reference}"))));
        let answer = self.curl.send(&request.header("Content-Type", media_type).body(bytes, Length::Known))?;
        if answer.status == 201 {
            self.manifests.borrow_mut().insert(digest(bytes));
        }
        Ok(answer)
    }

    /// Fetches, from wherever it is redirected to; whether it was.
    pub(super) fn fetch(&self, path: &str) -> Result<(Answer, bool)> {
        let answer = self.ask("GET", path)?;
        match answer.header("location") {
            Some(location) if answer.status == 307 => Ok((self.follow("GET", location)?, true)),
            _ => Ok((answer, false)),
        }
    }

    /// Bytes that nobody has pushed before.
    pub(super) fn noise(&self, size: usize) -> Vec<u8> {
        let mut state = self.seed.get();
        let mut bytes = Vec::with_capacity(size + 8);
        while bytes.len() < size {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            bytes.extend_from_slice(&state.to_le_bytes());
        }
        self.seed.set(state);
        bytes.truncate(size);
        bytes
    }

    /// A blob that was pushed is to be removed.
    fn note(&self, answer: &Answer, digest: &str) {
        if answer.status == 201 {
            self.blobs.borrow_mut().insert(digest.to_owned());
        }
    }

    /// Deletes everything that was pushed.
    pub(super) fn remove_all(&self) -> Result<Finding> {
        let (mut removed, mut kept) = (0, Vec::new());
        let manifests = self.manifests.borrow().iter().map(|digest| format!("manifests/{digest}")).collect::<Vec<_>>();
        let blobs = self.blobs.borrow().iter().map(|digest| format!("blobs/{digest}")).collect::<Vec<_>>();
        for path in manifests.into_iter().chain(blobs) {
            let answer = self.ask("DELETE", &self.path(&path))?;
            if answer.status == 202 { removed += 1 } else { kept.push(format!("{path}: {}", answer.tell())) }
        }
        let seen = match kept.first() {
            None => format!("all {removed} went from {}", self.repository),
            Some(first) => format!("{} stay in {}: {first}", kept.len(), self.repository),
        };
        Ok(REMOVED.judge(kept.is_empty(), seen))
    }
}

/// The SHA-256 digest, as the API spells it.
pub(super) fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

/// A location with the digest in its query.
fn with_digest(location: &str, digest: &str) -> String {
    let separator = if location.contains('?') { '&' } else { '?' };
    format!("{location}{separator}digest={digest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_goes_behind_what_the_query_has() {
        assert_eq!(with_digest("/a", "sha256:b"), "/a?digest=sha256:b");
        assert_eq!(with_digest("/a?x=1", "sha256:b"), "/a?x=1&digest=sha256:b");
    }
}
