//! A server on a port of its own that answers by a function, and remembers what it was asked.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::stream::{self, StreamExt};
use http::{HeaderMap, Request, Response};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use url::Url;

pub(super) type Answer = Response<UnsyncBoxBody<Bytes, std::io::Error>>;

/// A request, read to its end.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// Method, path and query.
    pub(super) line: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Asked {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

#[derive(Debug)]
pub(super) struct Fake {
    port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Fake {
    /// Answers each request by `answer`, which is also told how many there were before.
    pub(super) async fn start(answer: impl Fn(&Asked, usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (remembering, answer) = (Arc::clone(&asked), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (remembering, answer) = (Arc::clone(&remembering), Arc::clone(&answer));
                let service = service_fn(move |request: Request<Incoming>| {
                    let (remembering, answer) = (Arc::clone(&remembering), Arc::clone(&answer));
                    async move {
                        let (parts, body) = request.into_parts();
                        let body = body.collect().await.unwrap().to_bytes();
                        let asked =
                            Asked { line: format!("{} {}", parts.method, parts.uri), headers: parts.headers, body };
                        let before = {
                            let mut remembered = remembering.lock().unwrap();
                            remembered.push(asked.clone());
                            remembered.len() - 1
                        };
                        Ok::<_, Infallible>(answer(&asked, before))
                    }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { port, asked }
    }

    pub(super) fn url(&self) -> Url {
        format!("http://127.0.0.1:{}/", self.port).parse().unwrap()
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.line).collect()
    }
}

pub(super) fn answer(status: u16, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Answer {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(Full::new(body.into()).map_err(|never| match never {}).boxed_unsync()).unwrap()
}

/// An answer whose connection breaks after these bytes of `length`.
pub(super) fn broken(status: u16, headers: &[(&str, &str)], bytes: Bytes, length: usize) -> Answer {
    let breaking = stream::once(async {
        // Not before the bytes are under way.
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        Err(std::io::Error::other("broken"))
    });
    let frames = stream::iter([Ok(Frame::data(bytes))]).chain(breaking);
    let mut response = answer(status, headers, "");
    response.headers_mut().insert("content-length", length.into());
    response.map(|_| BodyExt::boxed_unsync(StreamBody::new(frames)))
}
