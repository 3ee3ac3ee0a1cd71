//! Two processes over the same buckets and table: none keeps a state that matters.

use std::time::Duration;

use bytes::Bytes;
use harness::client::{Answer, Client};
use harness::content::{digest, noise};
use harness::server::Server;
use harness::stack::Stack;
use http::{Method, StatusCode};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const CHUNK: usize = 3 * 1024 * 1024;

/// How often a client asks again while a dead request still holds its upload.
const PATIENCE: Duration = Duration::from_millis(500);

/// More often than that, and the upload is lost.
const ATTEMPTS: usize = 120;

fn chunk_of(content: &Bytes, offset: usize) -> Bytes {
    content.slice(offset..(offset + CHUNK).min(content.len()))
}

async fn begin(client: &Client) -> String {
    let begun = client.call(Method::POST, "/v2/shared/blobs/uploads/").send().await;
    assert_eq!(begun.status, StatusCode::ACCEPTED);
    begun.header("location").to_owned()
}

async fn patch(client: &Client, location: &str, content: &Bytes, offset: usize) -> Answer {
    let chunk = chunk_of(content, offset);
    let range = format!("{offset}-{}", offset + chunk.len() - 1);
    client.call(Method::PATCH, location).header("content-range", range).body(chunk).send().await
}

/// Where the upload goes on.
fn next(answer: &Answer) -> usize {
    answer.header("range").strip_prefix("0-").unwrap().parse::<usize>().unwrap() + 1
}

/// Sends half a chunk, once the server has said that it takes it, and nothing more.
async fn send_half(server: &Server, location: &str, content: &Bytes, offset: usize) -> TcpStream {
    let chunk = chunk_of(content, offset);
    let last = offset + chunk.len() - 1;
    let head = format!(
        "PATCH {location} HTTP/1.1\r\nhost: registry\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\
         content-range: {offset}-{last}\r\n\r\n",
        chunk.len()
    );
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut word = [0; 25];
    stream.read_exact(&mut word).await.unwrap();
    assert_eq!(word, *b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(&chunk[..chunk.len() / 2]).await.unwrap();
    stream.flush().await.unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_alternates_between_two_servers_outlives_one_of_them() {
    let Some(stack) = Stack::fresh().await else { return };
    let (one, two) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let mut first = stack.options(one.path()).start();
    let second = stack.options(two.path()).start();
    let (client, other) = (Client::new(first.address()), Client::new(second.address()));
    let content = noise(7, 7 * CHUNK + 12_345);

    let location = begin(&client).await;
    let mut offset = 0;
    for client in [&client, &other, &client, &other] {
        let answer = patch(client, &location, &content, offset).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
        offset = next(&answer);
    }
    let in_flight = send_half(&first, &location, &content, offset).await;
    let refused = patch(&other, &location, &content, offset).await;
    assert_eq!(refused.status, StatusCode::RANGE_NOT_SATISFIABLE, "the first server holds the upload");
    assert_eq!(next(&refused), offset);
    first.kill();
    drop(in_flight);

    let mut attempts = 0..ATTEMPTS;
    while offset < content.len() {
        attempts.next().expect("a dead server's claim lapses");
        let standing = other.get(&location).await;
        assert_eq!(standing.status, StatusCode::NO_CONTENT);
        offset = next(&standing);
        let answer = patch(&other, &location, &content, offset).await;
        match answer.status {
            StatusCode::ACCEPTED => offset = next(&answer),
            _ => tokio::time::sleep(PATIENCE).await,
        }
    }
    let digest = digest(&content);
    let put = other.call(Method::PUT, format!("{location}?digest={digest}")).send().await;
    assert_eq!(put.status, StatusCode::CREATED, "{put:?}");

    let revived = stack.options(one.path()).with(["--no-redirect"]).start();
    let got = Client::new(revived.address()).get(format!("/v2/shared/blobs/{digest}")).await;
    assert_eq!(harness::content::digest(&got.body), digest);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_clients_that_race_for_one_upload_exactly_one_advances() {
    let Some(stack) = Stack::fresh().await else { return };
    let (one, two) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let servers = [stack.options(one.path()).start(), stack.options(two.path()).start()];
    let clients = servers.each_ref().map(|server| Client::new(server.address()));
    let content = noise(8, 6 * CHUNK);
    let location = begin(&clients[0]).await;
    let mut offset = 0;
    while offset < content.len() {
        let raced = clients.each_ref().map(|client| patch(client, &location, &content, offset));
        let mut answers = futures::future::join_all(raced).await;
        answers.sort_by_key(|answer| answer.status);
        let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
        assert_eq!(statuses, [StatusCode::ACCEPTED, StatusCode::RANGE_NOT_SATISFIABLE]);
        let end = next(&answers[0]);
        assert_eq!(end, offset + CHUNK);
        assert!(next(&answers[1]) == end || answers[1].header("range") == format!("0-{}", offset.saturating_sub(1)));
        offset = end;
    }
    let digest = digest(&content);
    let put = clients[1].call(Method::PUT, format!("{location}?digest={digest}")).send().await;
    assert_eq!(put.status, StatusCode::CREATED, "{put:?}");
}
