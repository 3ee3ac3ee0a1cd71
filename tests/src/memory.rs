//! A registry in this process that keeps everything in memory: three buckets and a store of facts.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use http::Request;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use shared::config::{Aws, Stores};
use shared::http::{Access, Api, Profile, Settings};
use shared::registry::{Registry, Terms};
use tokio::net::TcpListener;

use crate::client::Client;

/// A client of a new registry.
pub async fn registry() -> Client {
    Client::of(api(Terms::default()).await)
}

/// A new registry that answers on a free port as one behind a gateway would.
pub async fn behind_gateway() -> SocketAddr {
    let settings = Settings { access: Access::Open, profile: Profile::Gateway, ..Settings::default() };
    let api = with_settings(Terms::default(), settings).await;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port is free");
    let address = listener.local_addr().expect("it has an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let api = api.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                let api = api.clone();
                async move {
                    let request = request.map(|body| body.map_err(Into::into).boxed_unsync());
                    Ok::<_, Infallible>(api.handle(request).await)
                }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}

/// A new registry on these terms.
pub async fn api(terms: Terms) -> Api {
    with_settings(terms, Settings { access: Access::Open, ..Settings::default() }).await
}

async fn with_settings(terms: Terms, settings: Settings) -> Api {
    let url = |text: &str| text.parse().expect("a URL");
    let storage = ["memory:one", "memory:two", "memory:three"].map(url);
    let stores = Stores { storage: storage.into(), metadata: url("memory:") };
    let (storage, metadata) = stores.open(&Aws::default()).await.expect("memory can be opened");
    Api::new(Registry::new(storage, Arc::clone(&metadata), terms), settings)
}
