//! Clients of every kind, and what is none.

use std::time::{Duration, Instant};

use bytes::Bytes;
use harness::client::Client;
use harness::content::{digest, noise};
use harness::proxy::ProxyOptions;
use harness::server::Server;
use harness::tls::{Authority, PROTOCOLS, VERSIONS};
use http::{Request, StatusCode, Version};
use http_body_util::Full;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Stage;

/// The least that is waited for, and still no idle client may be left.
const IDLE: [&str; 2] = ["--idle-timeout", "1"];

#[tokio::test(flavor = "multi_thread")]
async fn both_versions_of_http_are_spoken_over_both_of_tls() {
    let stage = Stage::new();
    for version in VERSIONS {
        for (protocol, spoken) in PROTOCOLS.iter().zip([Version::HTTP_11, Version::HTTP_2]) {
            let client = stage.authority.client().version(version).offering(&[protocol]);
            let answer = client.get(stage.address(), "/v2/").await.unwrap();
            assert_eq!((answer.status(), answer.version()), (StatusCode::OK, spoken));
            assert_eq!(answer.headers()["strict-transport-security"], "max-age=31536000");
            assert_eq!(answer.into_body(), "{}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_knows_both_gets_http_2_and_one_that_names_none_gets_http_1() {
    let stage = Stage::new();
    let both = stage.authority.client().offering(&PROTOCOLS);
    assert_eq!(both.get(stage.address(), "/v2/").await.unwrap().version(), Version::HTTP_2);
    let silent = stage.authority.client();
    assert_eq!(silent.get(stage.address(), "/v2/").await.unwrap().version(), Version::HTTP_11);
    assert!(silent.offering(&["gopher"]).connect(stage.address()).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_trusts_another_authority_goes_away() {
    let stage = Stage::new();
    assert!(Authority::new().client().get(stage.address(), "/v2/").await.is_err());
    stage.authority.client().get(stage.address(), "/v2/").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn clear_text_is_not_said_to_be_secure() {
    let (server, _data) = Server::embedded();
    let answer = Client::new(server.address()).get("/v2/").await;
    assert!(!answer.headers.contains_key("strict-transport-security"));
    assert!(server.origin().starts_with("http://"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_layer_comes_back_as_it_was_pushed() {
    let stage = Stage::new();
    for (seed, protocol) in (1..).zip(PROTOCOLS) {
        let content = noise(seed, 8 * 1024 * 1024 + 1);
        let (client, digest) = (stage.authority.client().offering(&[protocol]), digest(&content));
        let push = Request::post(format!("/v2/a/blobs/uploads/?digest={digest}"));
        let pushed = client.send(stage.address(), push.body(Full::new(content.clone())).unwrap()).await.unwrap();
        assert_eq!(pushed.status(), StatusCode::CREATED);
        let pulled = client.get(stage.address(), &format!("/v2/a/blobs/{digest}")).await.unwrap();
        assert_eq!(pulled.into_body(), content);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clear_text_gets_no_answer_and_does_no_harm() {
    let stage = Stage::new();
    for sent in ["GET /v2/ HTTP/1.1\r\nhost: registry\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\0\0\0\0\0\0\0\0"]
    {
        let mut stream = TcpStream::connect(stage.address()).await.unwrap();
        stream.write_all(sent.as_bytes()).await.unwrap();
        let answer = end_of(stream, Duration::from_mins(1)).await;
        assert!(answer.len() < 16 && !answer.starts_with(b"HTTP"), "{answer:?}");
    }
    assert!(!stage.log().contains("answered"), "{}", stage.log());
    stage.authority.client().get(stage.address(), "/v2/").await.unwrap();
}

/// What still comes from a server that hangs up.
async fn end_of(mut stream: impl AsyncRead + Unpin, patience: Duration) -> Vec<u8> {
    let mut answer = Vec::new();
    // It may hang up in any way.
    let end = tokio::time::timeout(patience, stream.read_to_end(&mut answer)).await;
    assert!(end.is_ok(), "the server still waits for its client");
    answer
}

/// Waits until the server hangs up by itself, which it must not do at once.
async fn let_go(stream: impl AsyncRead + Unpin) {
    let begun = Instant::now();
    end_of(stream, Duration::from_secs(30)).await;
    assert!(begun.elapsed() > Duration::from_millis(500), "it was not given its time");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_says_nothing_is_let_go() {
    let stage = Stage::with(IDLE);
    let_go(TcpStream::connect(stage.address()).await.unwrap()).await;
    stage.authority.client().get(stage.address(), "/v2/").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_stops_in_the_middle_of_a_handshake_is_let_go() {
    let stage = Stage::with(IDLE);
    let mut stream = TcpStream::connect(stage.address()).await.unwrap();
    // The beginning of a handshake of 512 bytes.
    stream.write_all(&[22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]).await.unwrap();
    let_go(stream).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_says_nothing_after_its_handshake_is_let_go() {
    let stage = Stage::with(IDLE);
    for protocol in PROTOCOLS {
        let_go(stage.authority.client().offering(&[protocol]).connect(stage.address()).await.unwrap()).await;
    }
    let mut stream = stage.authority.client().offering(&["h2"]).connect(stage.address()).await.unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n").await.unwrap();
    let_go(stream).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_agrees_on_http_2_and_speaks_another_is_let_go() {
    let stage = Stage::new();
    let mut stream = stage.authority.client().offering(&["h2"]).connect(stage.address()).await.unwrap();
    stream.write_all(b"GET /v2/ HTTP/1.1\r\nhost: registry\r\n\r\n").await.unwrap();
    assert_eq!(end_of(stream, Duration::from_secs(30)).await, b"");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_in_its_handshake_does_not_hold_up_the_end() {
    let mut stage = Stage::new();
    let _silent = TcpStream::connect(stage.address()).await.unwrap();
    let _secure = stage.authority.client().offering(&["h2"]).connect(stage.address()).await.unwrap();
    stage.authority.client().get(stage.address(), "/v2/").await.unwrap();
    stage.server.signal("-TERM");
    stage.server.wait();
    assert!(stage.log().contains("stopping") && !stage.log().contains("grace period"), "{}", stage.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_takes_nothing_of_its_answer_is_let_go() {
    let stage = Stage::with(IDLE);
    let (client, content) = (stage.authority.client(), noise(1, 32 * 1024 * 1024));
    let digest = digest(&content);
    let push = Request::post(format!("/v2/large/blobs/uploads/?digest={digest}"));
    let pushed = client.send(stage.address(), push.body(Full::new(content.clone())).unwrap()).await.unwrap();
    assert_eq!(pushed.status(), StatusCode::CREATED);
    let mut stream = client.connect(stage.address()).await.unwrap();
    let request = format!("GET /v2/large/blobs/{digest} HTTP/1.1\r\nhost: registry\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(4)).await;
    let taken = end_of(stream, Duration::from_mins(1)).await;
    assert!(taken.len() < content.len(), "{} bytes came after all", taken.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_knows_who_asked() {
    let stage = Stage::new();
    let client = stage.authority.client();
    let mut stream = client.connect(stage.address()).await.unwrap();
    let own = stream.get_ref().0.local_addr().unwrap();
    stream.write_all(b"GET /v2/ HTTP/1.1\r\nhost: registry\r\nconnection: close\r\n\r\n").await.unwrap();
    end_of(stream, Duration::from_mins(1)).await;
    assert!(stage.log().contains(&format!("peer={own}")), "{}", stage.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_proxy_speaks_tls_too() {
    let (server, directory) = Server::embedded();
    let authority = Authority::new();
    let files = authority.issue().write(&directory.path().join("tls"));
    let proxy = ProxyOptions::before(server.address(), directory.path()).with(files.arguments()).start();
    assert_eq!(proxy.origin(), format!("https://{}", proxy.address()));
    let content = Bytes::from_static(b"through the proxy");
    let digest = digest(&content);
    for protocol in PROTOCOLS {
        let client = authority.client().offering(&[protocol]);
        let push = Request::post(format!("/v2/{}/blobs/uploads/?digest={digest}", protocol.len()));
        let pushed = client.send(proxy.address(), push.body(Full::new(content.clone())).unwrap()).await.unwrap();
        assert_eq!(pushed.status(), StatusCode::CREATED);
        assert_eq!(pushed.headers()["strict-transport-security"], "max-age=31536000");
        let pulled = client.get(proxy.address(), &format!("/v2/{}/blobs/{digest}", protocol.len())).await.unwrap();
        assert_eq!(pulled.into_body(), content);
    }
}
