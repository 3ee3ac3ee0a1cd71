//! `ringhold serve` and `ringhold tags` as whoever runs them sees them.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use bytes::Bytes;
use futures::channel::mpsc;
use futures::{SinkExt, StreamExt};
use harness::client::Client;
use harness::content::{digest, noise, push_blob, push_image};
use harness::server::{ServeOptions, Server, program};
use http::{Method, Request, StatusCode, Version};
use http_body::Frame;
use http_body_util::{BodyExt, Empty, StreamBody};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

fn ringhold(arguments: &[&str]) -> Output {
    Command::new(program()).args(arguments).output().expect("the program runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn terminate(server: &Server) {
    signal(server, "-TERM");
}

fn signal(server: &Server, name: &str) {
    let sent = Command::new("kill").args([name, &server.process().to_string()]).status();
    assert!(sent.expect("kill runs").success());
}

#[test]
fn every_mistake_in_the_settings_is_told_at_once() {
    let data = TempDir::new().unwrap();
    let output = ringhold(&[
        "serve",
        "--data",
        data.path().to_str().unwrap(),
        "--listen",
        "nowhere",
        "--storage",
        "no url",
        "--metadata",
        "neither",
        "--url-life",
        "soon",
        "--max-headers",
        "many",
    ]);
    assert!(!output.status.success());
    let told = text(&output.stderr);
    for mistake in ["--listen", "--storage", "--metadata", "--url-life", "--max-headers"] {
        assert!(told.contains(mistake), "{mistake} is missing in {told}");
    }
}

#[test]
fn an_address_that_others_reach_wants_to_be_meant() {
    let data = TempDir::new().unwrap();
    let output = ringhold(&["serve", "--data", data.path().to_str().unwrap(), "--listen", "0.0.0.0:0"]);
    assert!(!output.status.success());
    assert!(text(&output.stderr).contains("--insecure-open"));
}

#[test]
fn a_second_process_on_the_same_data_is_told_so() {
    let (_server, data) = Server::embedded();
    let output = ringhold(&["serve", "--data", data.path().to_str().unwrap(), "--listen", "127.0.0.1:0"]);
    assert!(!output.status.success());
    assert!(text(&output.stderr).contains("belongs to a process that is running"), "{}", text(&output.stderr));
}

#[test]
fn an_address_that_is_taken_is_named_and_nothing_is_left_behind() {
    let (server, data) = Server::embedded();
    let (other, taken) = (data.path().join("other"), server.address().to_string());
    let output = ringhold(&["serve", "--data", other.to_str().unwrap(), "--listen", &taken]);
    assert!(!output.status.success());
    assert!(text(&output.stderr).contains(&taken), "{}", text(&output.stderr));
    assert!(!other.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_goes_to_a_file_has_no_colours() {
    let (server, data) = Server::embedded();
    Client::new(server.address()).get("/v2/").await;
    let log = std::fs::read_to_string(data.path().join("serve.log")).unwrap();
    assert!(log.contains("method=GET path=\"/v2/\" status=200"), "{log}");
}

#[test]
fn other_buckets_than_those_of_the_metadata_are_refused() {
    let data = TempDir::new().unwrap();
    drop(ServeOptions::embedded(data.path()).start());
    let other = format!("file://{}/elsewhere", data.path().display());
    let output =
        ringhold(&["serve", "--data", data.path().to_str().unwrap(), "--listen", "127.0.0.1:0", "--storage", &other]);
    assert!(!output.status.success());
    assert!(text(&output.stderr).contains("bucket-1, bucket-2, bucket-3"), "{}", text(&output.stderr));
}

#[test]
fn a_ring_that_is_new_has_as_many_replicas_as_it_is_told_and_keeps_them() {
    let data = TempDir::new().unwrap();
    let replicas = || {
        let shown = ringhold(&["ring", "show", "--json", "--data", data.path().to_str().unwrap()]);
        serde_json::from_slice::<serde_json::Value>(&shown.stdout).expect("JSON")["replicas"].as_u64()
    };
    drop(ServeOptions::embedded(data.path()).with(["--replicas", "2"]).start());
    assert_eq!(replicas(), Some(2));
    drop(ServeOptions::embedded(data.path()).with(["--replicas", "3"]).start());
    assert_eq!(replicas(), Some(2));
}

#[test]
fn more_replicas_than_buckets_are_refused() {
    let data = TempDir::new().unwrap();
    let output =
        ringhold(&["serve", "--data", data.path().to_str().unwrap(), "--listen", "127.0.0.1:0", "--replicas", "4"]);
    assert!(!output.status.success());
    assert!(text(&output.stderr).contains("4 replicas cannot lie in 3 buckets"), "{}", text(&output.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn data_that_moved_to_another_directory_is_served_from_there() {
    let data = TempDir::new().unwrap();
    let (old, new) = (data.path().join("old"), data.path().join("new"));
    let server = ServeOptions::embedded(&old).start();
    let pushed = push_image(&Client::new(server.address()), "moved", "1", &[noise(1, 5000)]).await;
    drop(server);
    std::fs::rename(&old, &new).unwrap();
    let server = ServeOptions::embedded(&new).start();
    let got = Client::new(server.address()).get("/v2/moved/manifests/1").await;
    assert_eq!(digest(&got.body), pushed);
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_are_found_beside_the_server_and_without_it() {
    let (mut server, data) = Server::embedded();
    let client = Client::new(server.address());
    let one = push_image(&client, "team/app", "one", &[noise(1, 100)]).await;
    push_image(&client, "team/app", "first", &[noise(1, 100)]).await;
    push_image(&client, "team/app", "two", &[noise(2, 100)]).await;
    push_image(&client, "other", "copy", &[noise(1, 100)]).await;

    let expected = "other:copy\nteam/app:first\nteam/app:one\n";
    assert_eq!(tags(data.path(), &["--of", one.as_str()]), expected);
    assert_eq!(tags(data.path(), &["team/app", "--of", one.as_str()]), "team/app:first\nteam/app:one\n");
    assert_eq!(tags(data.path(), &["team/app"]), "team/app:first\nteam/app:one\nteam/app:two\n");
    let json: serde_json::Value = serde_json::from_str(&tags(data.path(), &["other", "--json"])).unwrap();
    assert_eq!(json, serde_json::json!([{ "repository": "other", "tag": "copy" }]));

    server.kill();
    assert_eq!(tags(data.path(), &["--of", one.as_str()]), expected);
}

fn tags(data: &Path, arguments: &[&str]) -> String {
    let output = Command::new(program()).arg("tags").args(arguments).arg("--data").arg(data).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_process_says_that_it_lives_and_that_it_is_ready() {
    let (server, _data) = Server::embedded();
    let client = Client::new(server.address());
    for path in ["/healthz", "/readyz"] {
        let answer = client.get(path).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.header("x-request-id").len(), 32);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clear_text_http_2_is_spoken_to_those_who_know() {
    let (server, _data) = Server::embedded();
    let stream = TcpStream::connect(server.address()).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::get(format!("http://{}/v2/", server.address())).body(Empty::<Bytes>::new()).unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert_eq!((response.status(), response.version()), (StatusCode::OK, Version::HTTP_2));
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "{}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_in_flight_is_finished_when_the_process_is_told_to_stop() {
    let (server, _data) = Server::embedded();
    let client = Client::new(server.address());
    let begun = client.call(Method::POST, "/v2/slow/blobs/uploads/").send().await;
    let (mut body, frames) = mpsc::channel::<Bytes>(1);

    let stream = TcpStream::connect(server.address()).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let frames = StreamBody::new(frames.map(|bytes| Ok::<_, std::io::Error>(Frame::data(bytes))));
    let request = Request::patch(begun.header("location")).header("host", "registry").body(frames).unwrap();
    let answer = tokio::spawn(async move { sender.send_request(request).await });
    body.send(Bytes::from_static(b"before ")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;

    terminate(&server);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(TcpStream::connect(server.address()).await.is_err(), "nobody new is let in");
    body.send(Bytes::from_static(b"after")).await.unwrap();
    drop(body);
    let answer = answer.await.unwrap().unwrap();
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    assert_eq!(answer.headers()["range"], "0-11");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_has_said_nothing_does_not_hold_up_the_end() {
    let (mut server, data) = Server::embedded();
    let _silent = TcpStream::connect(server.address()).await.unwrap();
    Client::new(server.address()).get("/v2/").await;
    terminate(&server);
    server.wait();
    let log = std::fs::read_to_string(data.path().join("serve.log")).unwrap();
    assert!(!log.contains("grace period"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_pressed_again_does_not_wait_for_requests_in_flight() {
    let (mut server, data) = Server::embedded();
    let stream = TcpStream::connect(server.address()).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let begun = Client::new(server.address()).call(Method::POST, "/v2/slow/blobs/uploads/").send().await;
    let (mut body, frames) = mpsc::channel::<Bytes>(1);
    let frames = StreamBody::new(frames.map(|bytes| Ok::<_, std::io::Error>(Frame::data(bytes))));
    let request = Request::patch(begun.header("location")).header("host", "registry").body(frames).unwrap();
    let answer = tokio::spawn(async move { sender.send_request(request).await });
    body.send(Bytes::from_static(b"never more than this")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;

    signal(&server, "-INT");
    let log = || std::fs::read_to_string(data.path().join("serve.log")).unwrap();
    while !log().contains("stopping") {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!answer.is_finished(), "the first waits");
    signal(&server, "-INT");
    server.wait();
    assert!(answer.await.unwrap().is_err() && !log().contains("grace period"), "the second does not: {}", log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_takes_nothing_of_its_answer_is_let_go() {
    let data = TempDir::new().unwrap();
    let server = ServeOptions::embedded(data.path()).with(["--idle-timeout", "1"]).start();
    let content = noise(1, 32 * 1024 * 1024);
    let digest = push_blob(&Client::new(server.address()), "large", &content).await;
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let request = format!("GET /v2/large/blobs/{digest} HTTP/1.1\r\nhost: registry\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(4)).await;
    let mut taken = Vec::new();
    let end = tokio::time::timeout(Duration::from_mins(1), stream.read_to_end(&mut taken)).await;
    assert!(end.is_ok(), "the server still waits for its client");
    assert!(taken.len() < content.len(), "{} bytes came after all", taken.len());
}
