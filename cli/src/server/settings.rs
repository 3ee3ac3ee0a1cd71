//! What every server is told on the command line.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use shared::config::Mistakes;
use tracing_subscriber::filter::Targets;

use super::Conditions;
use super::tls::Tls;
use crate::args::ServerArgs;

/// The longest that anything is waited for.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// From what the HTTP/1.1 parser needs to what nobody sends.
const HEADERS: RangeInclusive<u64> = 8192..=1_048_576;

/// What a server needs to know.
#[derive(Debug)]
pub(crate) struct ServerSettings {
    pub(crate) listen: SocketAddr,
    pub(crate) limits: Limits,
    pub(crate) body_idle: Duration,
    pub(crate) shutdown_grace: Duration,
    tls: Option<Tls>,
}

/// What a connection may cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) headers: usize,
    pub(crate) idle: Duration,
}

impl ServerSettings {
    /// Reads all of it. An address that others can reach is a mistake where that is a `danger`, unless it is allowed.
    pub(crate) fn read(listen: &str, danger: Option<&str>, args: &ServerArgs, mistakes: &mut Mistakes) -> Option<Self> {
        let address: Option<SocketAddr> = mistakes.read("--listen", listen);
        let is_reached = address.is_some_and(|address| !address.ip().is_loopback());
        if let Some(danger) = danger.filter(|_| is_reached && !args.insecure_open) {
            mistakes.add(format!(
                "--listen {listen:?}: others can reach this address and {danger}; --insecure-open allows it"
            ));
        }
        let headers = mistakes.number("--max-headers", &args.max_headers, HEADERS);
        let idle = mistakes.seconds("--idle-timeout", &args.idle_timeout, LONGEST_WAIT);
        let body_idle = mistakes.seconds("--body-timeout", &args.body_timeout, LONGEST_WAIT);
        let shutdown_grace = mistakes.seconds("--shutdown-grace", &args.shutdown_grace, LONGEST_WAIT);
        if let Err(error) = args.log.parse::<Targets>() {
            mistakes.add(format!("--log: {error}"));
        }
        let tls = Tls::read(args, mistakes);
        Some(Self {
            listen: address?,
            limits: Limits { headers: usize::try_from(headers?).ok()?, idle: idle? },
            body_idle: body_idle?,
            shutdown_grace: shutdown_grace?,
            tls,
        })
    }

    /// What its addresses begin with.
    pub(crate) fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// What connections are served on. The certificate is renewed from now on.
    pub(crate) fn conditions(self) -> std::io::Result<Conditions> {
        Ok(Conditions { limits: self.limits, certificate: self.tls.map(Tls::renewed).transpose()? })
    }
}
