//! One connection: HTTP/1.1 or HTTP/2, told apart by its first bytes, or agreed upon while TLS is.

use std::io::{Cursor, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::Watcher;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::listener::told;
use super::tls::HTTP2;
use super::{Answering, Conditions, Limits, requests};

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
    stream: TcpStream,
    peer: SocketAddr,
    answering: Arc<impl Answering>,
    conditions: Conditions,
    watcher: Watcher,
    stopped: watch::Receiver<bool>,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%peer, %error, "the connection keeps its delay");
    }
    let limits = conditions.limits;
    match conditions.certificate {
        None => serve_open(stream, Served { peer, is_secure: false, answering, limits, watcher }, stopped).await,
        Some(certificate) => {
            let served = Served { peer, is_secure: true, answering, limits, watcher };
            serve_secure(stream, certificate.acceptor(), served, stopped).await;
        }
    }
}

async fn serve_open(mut stream: TcpStream, served: Served<impl Answering>, stopped: watch::Receiver<bool>) {
    match begun(protocol(&stream), served.limits, stopped).await.unwrap_or(Protocol::Nothing) {
        Protocol::Http1 => served.http1(stream).await,
        Protocol::Http2 => served.http2(stream).await,
        Protocol::Tls => refuse_tls(&mut stream).await,
        Protocol::Nothing => {}
    }
}

async fn serve_secure(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    served: Served<impl Answering>,
    stopped: watch::Receiver<bool>,
) {
    match begun(handshake(stream, acceptor), served.limits, stopped).await {
        None => {}
        Some(Err(error)) => tracing::debug!(peer = %served.peer, %error, "a connection was not made secure"),
        Some(Ok(Secured::Http1(stream))) => served.http1(stream).await,
        Some(Ok(Secured::Http2(stream))) => {
            let (rest, answers) = tokio::io::split(stream);
            served.http2(tokio::io::join(Cursor::new(HTTP2_PREFACE).chain(rest), answers)).await;
        }
    }
}

/// How a connection begins; none when it does not in time.
async fn begun<T>(begins: impl Future<Output = T>, limits: Limits, mut stopped: watch::Receiver<bool>) -> Option<T> {
    tokio::select! {
        begun = tokio::time::timeout(limits.idle, begins) => begun.ok(),
        () = told(&mut stopped) => None,
    }
}

/// A connection made secure, whose client has said what it speaks.
enum Secured {
    Http1(TlsStream<TcpStream>),
    /// Without its preface, which is read here: the implementation of HTTP/2 would wait for it forever.
    Http2(TlsStream<TcpStream>),
}

async fn handshake(stream: TcpStream, acceptor: TlsAcceptor) -> std::io::Result<Secured> {
    let mut stream = acceptor.accept(stream).await?;
    if stream.get_ref().1.alpn_protocol() != Some(HTTP2) {
        return Ok(Secured::Http1(stream));
    }
    let mut first = [0; HTTP2_PREFACE.len()];
    stream.read_exact(&mut first).await?;
    if first != HTTP2_PREFACE {
        return Err(ErrorKind::InvalidData.into());
    }
    Ok(Secured::Http2(stream))
}

/// What serving a connection takes.
struct Served<A> {
    peer: SocketAddr,
    is_secure: bool,
    answering: Arc<A>,
    limits: Limits,
    watcher: Watcher,
}

impl<A: Answering> Served<A> {
    async fn http1(self, stream: impl AsyncRead + AsyncWrite + Send + 'static) {
        let Self { peer, is_secure, answering, limits, watcher } = self;
        let service = service_fn(move |request| requests::answer(Arc::clone(&answering), peer, is_secure, request));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.idle)
            .max_buf_size(limits.headers)
            .serve_connection(TokioIo::new(Box::pin(patient(stream, limits))), service);
        ended(peer, watcher.watch(connection).await);
    }

    async fn http2(self, stream: impl AsyncRead + AsyncWrite + Send + 'static) {
        let Self { peer, is_secure, answering, limits, watcher } = self;
        let service = service_fn(move |request| requests::answer(Arc::clone(&answering), peer, is_secure, request));
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_header_list_size(u32::try_from(limits.headers).unwrap_or(u32::MAX))
            .keep_alive_interval(limits.idle)
            .keep_alive_timeout(limits.idle.min(LONGEST_PONG))
            .serve_connection(TokioIo::new(Box::pin(patient(stream, limits))), service);
        ended(peer, watcher.watch(connection).await);
    }
}

fn ended(peer: SocketAddr, served: hyper::Result<()>) {
    if let Err(error) = served {
        tracing::debug!(%peer, %error, "a connection broke off");
    }
}

/// The connection, which breaks off when its client takes nothing of an answer for as long as it may be idle.
fn patient<S: AsyncRead + AsyncWrite>(stream: S, limits: Limits) -> TimeoutStream<S> {
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
        let read_away = async { while matches!(stream.read(&mut rest).await, Ok(1..)) {} };
        let _ = tokio::time::timeout(Duration::from_secs(1), read_away).await;
    }
}
