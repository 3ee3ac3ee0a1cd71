//! Certificates of the tests' own, and a client that trusts nothing else.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::trust::Trust;

/// HTTP/1.1 and HTTP/2, as a handshake names them.
pub const PROTOCOLS: [&str; 2] = ["http/1.1", "h2"];

/// Both versions of TLS.
pub const VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];

/// An address of this machine that others reach it by; the loopback's where there is none.
pub fn own_address() -> IpAddr {
    // Nothing is sent: it is only found out from where it would be.
    let chosen = UdpSocket::bind("0.0.0.0:0").and_then(|socket| {
        socket.connect("192.0.2.1:9")?;
        socket.local_addr()
    });
    chosen.map_or(Ipv4Addr::LOCALHOST.into(), |address| address.ip())
}

/// Who certifies: a root that clients trust, and one below it that vouches for servers.
pub struct Authority {
    root: CertifiedIssuer<'static, KeyPair>,
    below: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate with those that vouch for it, and its key: both in PEM.
#[derive(Debug, Clone)]
pub struct Pair {
    /// The chain.
    pub certificate: String,
    /// The key, as PKCS#8.
    pub key: String,
}

/// Where a pair lies.
#[derive(Debug, Clone)]
pub struct PairFiles {
    /// The chain.
    pub certificate: PathBuf,
    /// The key.
    pub key: PathBuf,
}

/// A client that trusts one authority.
#[derive(Debug, Clone)]
pub struct TlsClient {
    roots: Arc<RootCertStore>,
    versions: Vec<&'static SupportedProtocolVersion>,
    protocols: Vec<Vec<u8>>,
}

impl Authority {
    /// One that nobody has heard of.
    pub fn new() -> Self {
        let authority = |name: &str| {
            let mut params = CertificateParams::new([]).expect("no names");
            params.distinguished_name.push(DnType::CommonName, name);
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            (params, KeyPair::generate().expect("a key"))
        };
        let ((params, key), (below, key_below)) = (authority("the root"), authority("the one below"));
        let root = CertifiedIssuer::self_signed(params, key).expect("a root");
        let below = CertifiedIssuer::signed_by(below, key_below, &root).expect("one below");
        Self { root, below }
    }

    /// Certifies that a new key is the key of 127.0.0.1.
    pub fn issue(&self) -> Pair {
        self.certify(&KeyPair::generate().expect("a key"))
    }

    /// Certifies that this key is the key of 127.0.0.1.
    pub fn certify(&self, key: &KeyPair) -> Pair {
        self.certify_for(key, Ipv4Addr::LOCALHOST.into())
    }

    /// Certifies that a new key is the key of this address.
    pub fn issue_for(&self, address: IpAddr) -> Pair {
        self.certify_for(&KeyPair::generate().expect("a key"), address)
    }

    fn certify_for(&self, key: &KeyPair, address: IpAddr) -> Pair {
        let params = CertificateParams::new([address.to_string()]).expect("an address");
        let certificate = params.signed_by(key, &self.below).expect("a certificate");
        Pair { certificate: certificate.pem() + &self.below.pem(), key: key.serialize_pem() }
    }

    /// Writes its own certificate into this directory, for clients of others that are to trust it.
    pub fn write(&self, directory: &Path) -> Trust {
        std::fs::create_dir_all(directory).expect("the directory can be made");
        std::fs::write(directory.join("ca.crt"), self.root.pem()).expect("it can be written");
        Trust::authority(directory)
    }

    /// A client that trusts this authority and no other.
    pub fn client(&self) -> TlsClient {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.der().clone()).expect("a root");
        TlsClient { roots: Arc::new(roots), versions: VERSIONS.into(), protocols: Vec::new() }
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Pair {
    /// Writes it into this directory.
    pub fn write(&self, directory: &Path) -> PairFiles {
        std::fs::create_dir_all(directory).expect("the directory can be made");
        let files = PairFiles { certificate: directory.join("cert.pem"), key: directory.join("key.pem") };
        std::fs::write(&files.certificate, &self.certificate).expect("it can be written");
        std::fs::write(&files.key, &self.key).expect("it can be written");
        files
    }
}

impl PairFiles {
    /// The arguments that name it.
    pub fn arguments(&self) -> [String; 4] {
        let text = |path: &Path| path.to_str().expect("text").to_owned();
        ["--tls-cert".to_owned(), text(&self.certificate), "--tls-key".to_owned(), text(&self.key)]
    }
}

impl TlsClient {
    /// Speaks only this version of TLS.
    pub fn version(mut self, version: &'static SupportedProtocolVersion) -> Self {
        self.versions = vec![version];
        self
    }

    /// Offers these protocols, and no others.
    pub fn offering(mut self, protocols: &[&str]) -> Self {
        self.protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        self
    }

    /// Opens a connection, as far as the handshake.
    pub async fn connect(&self, address: SocketAddr) -> std::io::Result<TlsStream<TcpStream>> {
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        let builder = builder.with_protocol_versions(&self.versions).expect("versions that the provider knows");
        let mut config = builder.with_root_certificates(Arc::clone(&self.roots)).with_no_client_auth();
        config.alpn_protocols.clone_from(&self.protocols);
        let stream = TcpStream::connect(address).await?;
        TlsConnector::from(Arc::new(config)).connect(ServerName::from(address.ip()), stream).await
    }

    /// The answer to a request on a connection of its own, in the protocol that was agreed upon.
    pub async fn send(&self, address: SocketAddr, request: Request<Full<Bytes>>) -> std::io::Result<Response<Bytes>> {
        let (mut parts, body) = request.into_parts();
        let target = parts.uri.path_and_query().expect("a path").clone();
        let stream = self.connect(address).await?;
        let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        let io = TokioIo::new(stream);
        let answer = if is_http2 {
            parts.uri = format!("https://{address}{target}").parse().expect("a URL");
            let (mut sender, connection) = http2::handshake(TokioExecutor::new(), io).await.expect("HTTP/2");
            tokio::spawn(connection);
            sender.send_request(Request::from_parts(parts, body)).await
        } else {
            parts.uri = target.into();
            parts.headers.insert("host", address.to_string().parse().expect("a value"));
            let (mut sender, connection) = http1::handshake(io).await.expect("HTTP/1.1");
            tokio::spawn(connection);
            sender.send_request(Request::from_parts(parts, body)).await
        };
        let (parts, body) = answer.map_err(std::io::Error::other)?.into_parts();
        let body = body.collect().await.map_err(std::io::Error::other)?.to_bytes();
        Ok(Response::from_parts(parts, body))
    }

    /// GET, on a connection of its own.
    pub async fn get(&self, address: SocketAddr, path: &str) -> std::io::Result<Response<Bytes>> {
        self.send(address, Request::get(path).body(Full::default()).expect("a request")).await
    }
}

/// A key out of its PKCS#8, in the older form of its kind, under this name: PKCS#1 for RSA, SEC1 for a curve.
pub fn older_form(key: &KeyPair, name: &str) -> String {
    let mut rest = content(key.serialized_der()).0;
    // The version and the algorithm.
    for _ in 0..2 {
        rest = content(rest).1;
    }
    let text = BASE64_STANDARD.encode(content(rest).0);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN {name}-----\n{}\n-----END {name}-----\n", lines.join("\n"))
}

/// What the first element of DER holds, and what follows it.
fn content(der: &[u8]) -> (&[u8], &[u8]) {
    let (lengths, rest) = match der[1] {
        short @ 0..128 => (usize::from(short), &der[2..]),
        long => {
            let (length, rest) = der[2..].split_at(usize::from(long & 127));
            (length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), rest)
        }
    };
    rest.split_at(lengths)
}
