//! An HTTP client that hides nothing: no redirects, no retries, no headers of its own. It asks over the network, or the
//! API in this process.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use futures::stream;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use shared::http::Api;

/// A client of one registry.
#[derive(Debug, Clone)]
pub struct Client(Way);

#[derive(Debug, Clone)]
enum Way {
    Network { pool: Pool<HttpConnector, UnsyncBoxBody<Bytes, Infallible>>, address: SocketAddr },
    Process(Api),
}

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

/// A request being put together.
#[derive(Debug)]
pub struct Call<'a> {
    client: &'a Client,
    method: Method,
    target: String,
    headers: Vec<(String, String)>,
    body: UnsyncBoxBody<Bytes, Infallible>,
}

/// What every answer has; the last two when it comes over the network.
const OF_EVERY_ANSWER: [&str; 4] =
    ["docker-distribution-api-version", "x-content-type-options", "date", "x-request-id"];

/// Why there is no answer.
pub type NoAnswer = Box<dyn std::error::Error + Send + Sync>;

impl Client {
    /// A client of the registry at this address.
    pub fn new(address: SocketAddr) -> Self {
        Self(Way::Network { pool: Pool::builder(TokioExecutor::new()).build_http(), address })
    }

    /// A client of a registry in this process.
    pub fn of(api: Api) -> Self {
        Self(Way::Process(api))
    }

    /// A request of this method and path, or whole URL.
    pub fn call(&self, method: Method, target: impl Into<String>) -> Call<'_> {
        let body = Full::default().boxed_unsync();
        Call { client: self, method, target: target.into(), headers: Vec::new(), body }
    }

    /// GET.
    pub async fn get(&self, target: impl Into<String>) -> Answer {
        self.call(Method::GET, target).send().await
    }

    /// HEAD.
    pub async fn head(&self, target: impl Into<String>) -> Answer {
        self.call(Method::HEAD, target).send().await
    }

    /// POST.
    pub async fn post(&self, target: impl Into<String>) -> Answer {
        self.call(Method::POST, target).send().await
    }

    /// DELETE.
    pub async fn delete(&self, target: impl Into<String>) -> Answer {
        self.call(Method::DELETE, target).send().await
    }
}

impl Call<'_> {
    /// With this header.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// With this body, whose length is told.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Full::new(body.into()).boxed_unsync();
        self
    }

    /// With a body of these pieces, each made when it is sent. Its length is not told, unless a header tells it.
    pub fn stream<I>(mut self, pieces: I) -> Self
    where
        I: IntoIterator<Item = Bytes, IntoIter: Send + 'static>,
    {
        let frames = pieces.into_iter().map(|piece| Ok(Frame::data(piece)));
        self.body = StreamBody::new(stream::iter(frames)).boxed_unsync();
        self
    }

    /// Sends it and reads the answer.
    pub async fn send(self) -> Answer {
        self.try_send().await.expect("the registry answers")
    }

    /// Sends it and reads the answer, if there is one.
    ///
    /// # Errors
    ///
    /// When the connection breaks off.
    pub async fn try_send(self) -> Result<Answer, NoAnswer> {
        let target = match &self.client.0 {
            Way::Network { address, .. } if self.target.starts_with('/') => format!("http://{address}{}", self.target),
            Way::Network { .. } | Way::Process(_) => self.target,
        };
        let mut request = Request::builder().method(self.method.clone()).uri(target.parse::<Uri>().expect("a URL"));
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let mut request = request.body(self.body).expect("a request");
        match &self.client.0 {
            Way::Network { pool, .. } => read(pool.request(request).await?).await,
            Way::Process(api) => {
                let length = http_body::Body::size_hint(request.body()).exact();
                let length = length.filter(|length| *length > 0 || matches!(self.method, Method::PUT | Method::POST));
                if let Some(length) = length {
                    request.headers_mut().entry(CONTENT_LENGTH).or_insert(length.into());
                }
                let request = request.map(|body| body.map_err(|never| match never {}).boxed_unsync());
                let mut answer = read(api.handle(request).await).await?;
                if self.method == Method::HEAD {
                    // No transport sends it.
                    answer.body.clear();
                }
                Ok(answer)
            }
        }
    }
}

async fn read<B>(response: Response<B>) -> Result<Answer, NoAnswer>
where
    B: http_body::Body<Data = Bytes, Error: Into<NoAnswer>>,
{
    let (parts, body) = response.into_parts();
    let body = body.collect().await.map_err(Into::into)?.to_bytes();
    Ok(Answer { status: parts.status, headers: parts.headers, body })
}

impl Answer {
    /// A header's value; empty when there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The code of its first error; empty when there is none.
    pub fn code(&self) -> String {
        let errors: serde_json::Value = serde_json::from_slice(&self.body).unwrap_or_default();
        errors["errors"][0]["code"].as_str().unwrap_or_default().to_owned()
    }

    /// Its body as JSON; null when it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Panics unless it has this status and, beside those that every answer has, exactly these headers. A length that is
    /// not among them is the body's.
    #[track_caller]
    pub fn expect(&self, status: u16, headers: &[(&str, &str)]) {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        assert_eq!(self.header("docker-distribution-api-version"), "registry/2.0", "{self:?}");
        assert_eq!(self.header("x-content-type-options"), "nosniff", "{self:?}");
        let (mut expected, length) = (headers.to_vec(), self.body.len().to_string());
        // Neither may tell the length of a body that it cannot have.
        let is_bare = matches!(self.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        if !is_bare && headers.iter().all(|(name, _)| *name != "content-length") {
            expected.push(("content-length", &length));
        }
        expected.sort_unstable();
        let mut found = self.own_headers();
        found.sort_unstable();
        assert_eq!(found, expected, "{self:?}");
    }

    /// Panics unless it is an error of this status and code, with exactly these headers beside those of its JSON. Returns
    /// the error's details.
    #[track_caller]
    pub fn expect_error(&self, status: u16, code: &str, headers: &[(&str, &str)]) -> serde_json::Value {
        let json = [("content-type", "application/json")];
        self.expect(status, &[headers, &json].concat());
        let mut body = self.json();
        let error = body["errors"][0].take();
        assert_eq!(body, serde_json::json!({ "errors": [null] }), "one error: {self:?}");
        assert_eq!(error["code"], code, "{self:?}");
        assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{self:?}");
        assert_eq!(error.as_object().map(serde_json::Map::len), Some(3), "code, message and detail: {self:?}");
        error["detail"].clone()
    }

    /// Its headers without those that every answer has, some only over the network.
    fn own_headers(&self) -> Vec<(&str, &str)> {
        let named = self.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap_or("not text")));
        named.filter(|(name, _)| !OF_EVERY_ANSWER.contains(name)).collect()
    }
}
