//! A large layer, sent in one streamed request and fetched back, passes through little memory.

use bytes::Bytes;
use futures::StreamExt;
use harness::client::Client;
use harness::content::noise;
use harness::server::Server;
use harness::stack::Stack;
use http::{Method, Request, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Empty, StreamBody};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use shared::oci::{Algorithm, Digest, Digester};
use tempfile::TempDir;
use tokio::net::TcpStream;

const MIB: u64 = 1024 * 1024;
const PIECE: u64 = 4 * MIB;
const MOST_MEMORY: u64 = 100 * MIB;

/// A layer of so many pieces, none like another; never held whole.
fn pieces(count: u64) -> impl Iterator<Item = Bytes> + Send + 'static {
    let noise = noise(3, usize::try_from(PIECE).unwrap());
    (0..count).map(move |number| {
        let mut piece = noise.to_vec();
        piece[..8].copy_from_slice(&number.to_le_bytes());
        piece.into()
    })
}

fn digest_of(pieces: impl Iterator<Item = Bytes>) -> Digest {
    let mut digester = Digester::new(Algorithm::Sha256);
    pieces.for_each(|piece| digester.update(&piece));
    digester.finish()
}

/// Sends a request on a connection of its own, and gives the answer before its body.
async fn send<B>(server: &Server, request: Request<B>) -> http::Response<Incoming>
where
    B: http_body::Body<Data = Bytes, Error = std::io::Error> + Send + 'static,
{
    let stream = TcpStream::connect(server.address()).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender.send_request(request).await.unwrap()
}

/// Pushes a layer of this size and pulls it, while the server has never held more memory than `most`.
async fn push_and_pull(server: &Server, size: u64, most: u64) {
    let (client, count) = (Client::new(server.address()), size / PIECE);
    let location = client.call(Method::POST, "/v2/large/blobs/uploads/").send().await.header("location").to_owned();
    let body = StreamBody::new(futures::stream::iter(pieces(count)).map(|piece| Ok(Frame::data(piece))));
    let patch = Request::patch(&location).header("host", "registry").body(body).unwrap();
    let patched = send(server, patch).await;
    assert_eq!(patched.status(), StatusCode::ACCEPTED);
    assert_eq!(patched.headers()["range"], format!("0-{}", size - 1));

    let digest = digest_of(pieces(count));
    let put = client.call(Method::PUT, format!("{location}?digest={digest}")).send().await;
    assert_eq!(put.status, StatusCode::CREATED, "{put:?}");

    let nothing = Empty::new().map_err(|never| match never {});
    let get = Request::get(format!("/v2/large/blobs/{digest}")).header("host", "registry").body(nothing).unwrap();
    let mut got = send(server, get).await;
    assert_eq!(got.headers()["content-length"], size.to_string());
    let mut digester = Digester::new(Algorithm::Sha256);
    while let Some(frame) = got.frame().await {
        digester.update(frame.unwrap().data_ref().unwrap());
    }
    assert_eq!(digester.finish(), digest);
    let peak = server.peak_memory();
    eprintln!("{} MiB passed through {} MiB", size / MIB, peak / MIB);
    assert!(peak < most, "{} MiB, at most {}", peak / MIB, most / MIB);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_gib_pass_through_the_embedded_default() {
    let (server, _data) = Server::embedded();
    push_and_pull(&server, 2048 * MIB, MOST_MEMORY).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quarter_of_a_gib_passes_through_to_s3_and_back() {
    let Some(stack) = Stack::fresh().await else { return };
    let data = TempDir::new().unwrap();
    let server = stack.options(data.path()).with(["--no-redirect"]).start();
    // Parts on their way are held to be sent again; the AWS SDKs' own code, unoptimised, is a third of what is resident.
    let most = server.peak_memory() + MOST_MEMORY;
    push_and_pull(&server, 256 * MIB, most).await;
}
