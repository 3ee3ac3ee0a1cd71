//! An HTTP client that hides nothing: no redirects, no retries, no headers of its own.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// A client of one registry.
#[derive(Debug, Clone)]
pub struct Client {
    pool: Pool<HttpConnector, Full<Bytes>>,
    address: SocketAddr,
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
    body: Bytes,
}

impl Client {
    /// A client of the registry at this address.
    pub fn new(address: SocketAddr) -> Self {
        Self { pool: Pool::builder(TokioExecutor::new()).build_http(), address }
    }

    /// A request of this method and path, or whole URL.
    pub fn call(&self, method: Method, target: impl Into<String>) -> Call<'_> {
        Call { client: self, method, target: target.into(), headers: Vec::new(), body: Bytes::new() }
    }

    /// GET.
    pub async fn get(&self, target: impl Into<String>) -> Answer {
        self.call(Method::GET, target).send().await
    }

    /// HEAD.
    pub async fn head(&self, target: impl Into<String>) -> Answer {
        self.call(Method::HEAD, target).send().await
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

    /// With this body.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
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
    pub async fn try_send(self) -> Result<Answer, Box<dyn std::error::Error + Send + Sync>> {
        let target = if self.target.starts_with('/') {
            format!("http://{}{}", self.client.address, self.target)
        } else {
            self.target
        };
        let mut request = Request::builder().method(self.method).uri(target.parse::<Uri>().expect("a URL"));
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(self.body)).expect("a request");
        let response = self.client.pool.request(request).await?;
        let (parts, body) = response.into_parts();
        Ok(Answer { status: parts.status, headers: parts.headers, body: body.collect().await?.to_bytes() })
    }
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
}
