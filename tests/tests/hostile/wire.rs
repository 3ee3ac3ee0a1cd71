//! Bytes sent as they are, and the answer taken apart by hand: no client library would send such requests.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longer than any answer may take, however slow the machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// An answer, read until the connection was closed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Exchange {
    /// Its status; none when the connection was closed without an answer.
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    /// What came after its headers.
    pub(crate) body: Vec<u8>,
}

impl Exchange {
    fn parse(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let (head, body) = end.map_or((bytes, &[][..]), |end| (&bytes[..end], &bytes[end + 4..]));
        let head = String::from_utf8_lossy(head);
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok());
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
        Self { status: status.unwrap_or_default(), headers, body: body.to_vec() }
    }

    /// A header's value; empty when there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// Its body as JSON; null when it is none.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

impl fmt::Display for Exchange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = String::from_utf8_lossy(&self.body[..self.body.len().min(300)]);
        write!(formatter, "{} {:?} {body:?}", self.status, self.headers)
    }
}

/// A new connection.
pub(crate) async fn connect(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).await.expect("the server accepts connections")
}

/// Sends bytes on a connection of their own, and reads until the server closes it.
pub(crate) async fn exchange(address: SocketAddr, bytes: &[u8]) -> Exchange {
    Exchange::parse(&send(address, bytes).await)
}

/// As [`exchange`], for more than one answer.
pub(crate) async fn exchange_and_read(address: SocketAddr, bytes: &[u8]) -> String {
    String::from_utf8_lossy(&send(address, bytes).await).into_owned()
}

async fn send(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let (reader, mut writer) = connect(address).await.into_split();
    let reading = read_to_end(reader);
    // A server that has heard enough may close the connection before everything is written.
    let writing = async {
        let _ = writer.write_all(bytes).await;
        writer
    };
    tokio::join!(reading, writing).0
}

/// Sends bytes, says that no more will come, and reads until the server closes the connection.
pub(crate) async fn exchange_and_end(address: SocketAddr, bytes: &[u8]) -> Exchange {
    let mut stream = connect(address).await;
    stream.write_all(bytes).await.expect("the server reads");
    stream.shutdown().await.expect("the connection is open");
    Exchange::parse(&read_to_end(stream).await)
}

/// Sends bytes and hangs up.
pub(crate) async fn hang_up(address: SocketAddr, bytes: &[u8]) {
    let mut stream = connect(address).await;
    stream.write_all(bytes).await.expect("the server reads");
}

/// Sends the pieces, with so much time between them, and reads until the server closes the connection.
pub(crate) async fn trickle(address: SocketAddr, pieces: &[&[u8]], pause: Duration) -> Exchange {
    let (reader, mut writer) = connect(address).await.into_split();
    let reading = read_to_end(reader);
    let writing = async {
        for piece in pieces {
            if writer.write_all(piece).await.is_err() {
                break;
            }
            tokio::time::sleep(pause).await;
        }
        writer
    };
    let (read, _writer) = tokio::join!(reading, writing);
    Exchange::parse(&read)
}

/// What comes until the connection ends, whichever way it ends.
async fn read_to_end(mut stream: impl tokio::io::AsyncRead + Unpin) -> Vec<u8> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 8192]);
    let reading = async {
        while let Ok(length @ 1..) = stream.read(&mut buffer).await {
            bytes.extend_from_slice(&buffer[..length]);
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.expect("the server closes the connection");
    bytes
}
