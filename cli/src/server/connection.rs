//! One connection: HTTP/1.1 or cleartext HTTP/2, told apart by its first bytes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::Watcher;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_io_timeout::TimeoutStream;

use super::listener::told;
use super::{Answering, Limits, requests};

/// What a client with prior knowledge of HTTP/2 begins with.
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The first byte of a TLS handshake.
const TLS_HANDSHAKE: u8 = 0x16;

/// What docker must read here to go on in clear text.
const NOT_TLS: &[u8] = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

/// How often a client that has begun something like a preface is looked at again.
const PEEK_INTERVAL: Duration = Duration::from_millis(5);

/// How long a silent client of HTTP/2 may take to answer a ping.
const LONGEST_PONG: Duration = Duration::from_secs(20);

enum Protocol {
    Http1,
    Http2,
    Tls,
    Nothing,
}

/// Serves one connection to its end. Once `stopped`, one that has said nothing yet is closed.
pub(super) async fn serve(
    mut stream: TcpStream,
    peer: SocketAddr,
    answering: Arc<impl Answering>,
    limits: Limits,
    watcher: Watcher,
    mut stopped: watch::Receiver<bool>,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%peer, %error, "the connection keeps its delay");
    }
    let spoken = tokio::select! {
        spoken = tokio::time::timeout(limits.idle, protocol(&stream)) => spoken.unwrap_or(Protocol::Nothing),
        () = told(&mut stopped) => Protocol::Nothing,
    };
    if matches!(spoken, Protocol::Tls) {
        return refuse_tls(&mut stream).await;
    }
    let io = TokioIo::new(Box::pin(patient(stream, limits)));
    let service = service_fn(move |request| requests::answer(Arc::clone(&answering), peer, request));
    let served = match spoken {
        Protocol::Nothing | Protocol::Tls => return,
        Protocol::Http1 => {
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(limits.idle)
                .max_buf_size(limits.headers)
                .serve_connection(io, service);
            watcher.watch(connection).await
        }
        Protocol::Http2 => {
            let connection = http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .max_header_list_size(u32::try_from(limits.headers).unwrap_or(u32::MAX))
                .keep_alive_interval(limits.idle)
                .keep_alive_timeout(limits.idle.min(LONGEST_PONG))
                .serve_connection(io, service);
            watcher.watch(connection).await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%peer, %error, "a connection broke off");
    }
}

/// The connection, which breaks off when its client takes nothing of an answer for as long as it may be idle.
fn patient(stream: TcpStream, limits: Limits) -> TimeoutStream<TcpStream> {
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(limits.idle));
    stream
}

/// What the client speaks, without taking a byte from it.
async fn protocol(stream: &TcpStream) -> Protocol {
    let mut first = [0; HTTP2_PREFACE.len()];
    loop {
        match stream.peek(&mut first).await {
            Ok(0) | Err(_) => return Protocol::Nothing,
            Ok(_) if first[0] == TLS_HANDSHAKE => return Protocol::Tls,
            Ok(length) if !HTTP2_PREFACE.starts_with(&first[..length]) => return Protocol::Http1,
            Ok(length) if length == HTTP2_PREFACE.len() => return Protocol::Http2,
            Ok(_) => tokio::time::sleep(PEEK_INTERVAL).await,
        }
    }
}

async fn refuse_tls(stream: &mut TcpStream) {
    if stream.write_all(NOT_TLS).await.is_ok() {
        // What the client still sends is read away: a reset would overtake the answer.
        let mut rest = [0; 4096];
        let read_away = async { while matches!(tokio::io::AsyncReadExt::read(stream, &mut rest).await, Ok(1..)) {} };
        let _ = tokio::time::timeout(Duration::from_secs(1), read_away).await;
    }
}
