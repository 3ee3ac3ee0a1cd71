//! Requests that stop before their end, or take their time.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use harness::content::IMAGE;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::paths::ABSENT;
use crate::wire::connect;

/// Less than a server waits that waits for a second.
pub(crate) const PAUSE: Duration = Duration::from_millis(300);

fn request(line: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    [format!("{line} HTTP/1.1\r\nhost: registry\r\n{headers}\r\n\r\n").as_bytes(), body].concat()
}

/// Requests that announce more than comes: a little and a lot, whose length is told and not.
pub(crate) fn unfinished(upload: &str, fresh: &str) -> Vec<Vec<u8>> {
    let (little, lot) = (vec![7; 1000], vec![7; 6_000_000]);
    let lines = [
        format!("PATCH {upload}"),
        format!("PATCH {fresh}"),
        format!("PUT {upload}?digest={ABSENT}"),
        format!("PUT {fresh}?digest={ABSENT}"),
        format!("POST /v2/hostile/blobs/uploads/?digest={ABSENT}"),
        "PUT /v2/hostile/manifests/1".to_owned(),
    ];
    let mut all = Vec::new();
    for line in lines {
        all.push(request(&line, "content-length: 10000000", &little));
        all.push(request(&line, "content-length: 9223372036854775807", &little));
        all.push(request(&line, "transfer-encoding: chunked", &[b"fffff\r\n", &*little].concat()));
        if !line.contains("manifests") {
            all.push(request(&line, "content-length: 10000000", &lot));
            all.push(request(&line, "transfer-encoding: chunked", &[b"ffffff\r\n", &*lot].concat()));
        }
    }
    all
}

/// Requests whose body stops in the middle, on a connection that stays.
pub(crate) fn bodies(upload: &str, offset: usize) -> Vec<Vec<u8>> {
    let length = "content-length: 100";
    let ranged = format!("{length}\r\ncontent-range: {offset}-{}", offset + 99);
    vec![
        request(&format!("PATCH {upload}"), &ranged, b"some"),
        request(&format!("POST /v2/hostile/blobs/uploads/?digest={ABSENT}"), length, b"some"),
        request(
            &format!("POST /v2/hostile/blobs/uploads/?digest={ABSENT}"),
            "content-length: 9000000",
            &[7; 5_000_000],
        ),
        request("PUT /v2/hostile/manifests/1", &format!("{length}\r\ncontent-type: {IMAGE}"), b"{"),
        request("PUT /v2/hostile/manifests/1", length, b""),
        request("PUT /v2/hostile/manifests/1", "transfer-encoding: chunked", b"64\r\n{"),
    ]
}

/// Connections on which no request comes to its end: pieces that are sent with pauses.
pub(crate) fn connections() -> Vec<Vec<Vec<u8>>> {
    let drops = |bytes: &[u8]| bytes.iter().map(|byte| vec![*byte]).collect();
    vec![
        Vec::new(),
        vec![b"G".to_vec()],
        vec![b"GET /v2/ HTTP/1.1\r\nhost: registry\r\n".to_vec()],
        vec![b"PRI * HT".to_vec()],
        vec![b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec()],
        drops(b"GET /v2/ HTTP/1.1\r\nhost: registry\r\nx: y\r\n"),
        drops(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r"),
    ]
}

/// A connection that was used, and is not used again, is closed.
pub(crate) async fn answered_and_idle(address: SocketAddr) {
    let mut stream = connect(address).await;
    stream.write_all(&request("GET /v2/", "x: y", b"")).await.expect("the server reads");
    let mut answer = Vec::new();
    tokio::time::timeout(Duration::from_mins(1), stream.read_to_end(&mut answer))
        .await
        .expect("the server closes the connection")
        .expect("the server ends it well");
    assert!(answer.starts_with(b"HTTP/1.1 200"));
}

/// A request that sends its body little by little.
pub(crate) fn steady(upload: &str, body: &Bytes) -> Vec<Vec<u8>> {
    let head =
        request(&format!("PATCH {upload}"), &format!("connection: close\r\ncontent-length: {}", body.len()), b"");
    std::iter::once(head).chain(body.chunks(body.len().div_ceil(8)).map(<[u8]>::to_vec)).collect()
}
