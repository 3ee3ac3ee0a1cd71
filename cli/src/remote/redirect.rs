//! Following redirects of what is read.

use http::header::LOCATION;
use reqwest::Response;
use url::Url;

use super::auth::Scope;
use super::call::Call;
use super::{Remote, RemoteError, retry};

/// The most redirects of one request.
const MOST: usize = 5;

impl Remote {
    /// Sends a request that reads, patiently, and follows where it is sent. Credentials go to the registry alone, and from
    /// TLS nothing leads to clear text.
    pub(super) async fn read(&self, call: Call, scope: &Scope) -> Result<Response, RemoteError> {
        retry::patiently(|| self.follow(&call, scope)).await
    }

    async fn follow(&self, call: &Call, scope: &Scope) -> Result<Response, RemoteError> {
        let mut next = Call { headers: call.headers.clone(), ..Call::new(call.method.clone(), call.url.clone()) };
        for _ in 0..MOST {
            let response = self.send_once(&next, scope).await?;
            if !response.status().is_redirection() {
                return Ok(response);
            }
            let Some(target) = target(&response) else {
                return Err(RemoteError::answer(&next.url, "a redirect to nowhere"));
            };
            if next.url.scheme() == "https" && target.scheme() != "https" {
                return Err(RemoteError::answer(&next.url, "a redirect from TLS to clear text"));
            }
            next.url = target;
        }
        Err(RemoteError::answer(&next.url, "too many redirects"))
    }
}

fn target(response: &Response) -> Option<Url> {
    let location = response.headers().get(LOCATION)?.to_str().ok()?;
    response.url().join(location).ok().filter(|url| matches!(url.scheme(), "http" | "https"))
}
