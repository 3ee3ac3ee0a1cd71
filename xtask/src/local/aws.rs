//! Where AWS's API is emulated, and who does it.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::Command;
use std::time::Duration;

/// The longest that somebody who listens may take to say who he is.
const PATIENCE: Duration = Duration::from_secs(10);

/// Variables of a developer's shell that would lead a program elsewhere.
const MISLEADING: [&str; 5] = [
    "AWS_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL_DYNAMODB",
];

/// AWS's API on this machine.
#[derive(Debug, Clone, Copy)]
pub(super) struct Aws {
    pub(super) port: u16,
}

/// Who answers on a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answers {
    Nobody,
    Emulator,
    LocalStack,
    /// Somebody who is neither.
    Stranger,
}

impl Aws {
    /// The API's address. Not by number: to the emulator, that is the registry.
    pub(super) fn endpoint(self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// The registry's address, in the emulator.
    pub(super) fn registry(self) -> String {
        format!("http://{}:{}", Ipv4Addr::LOCALHOST, self.port)
    }

    /// Lets a program talk to this AWS and to no other.
    pub(super) fn lead(self, command: &mut Command) -> &mut Command {
        for name in MISLEADING {
            command.env_remove(name);
        }
        command.env("AWS_ENDPOINT_URL", self.endpoint()).env("AWS_REGION", "us-east-1");
        command.env("AWS_DEFAULT_REGION", "us-east-1").env("SAM_CLI_TELEMETRY", "0");
        command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test")
    }

    /// Who answers.
    pub(super) fn answers(self) -> Answers {
        match self.is_found("/_ministack/health") {
            None => Answers::Nobody,
            Some(true) => Answers::Emulator,
            Some(false) if self.is_found("/_localstack/health") == Some(true) => Answers::LocalStack,
            Some(false) => Answers::Stranger,
        }
    }

    /// Whether there is something at a path; none when nobody listens.
    fn is_found(self, path: &str) -> Option<bool> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE).ok()?;
        Some(status(&mut stream, path).is_ok_and(|status| status.ends_with(" 200")))
    }
}

/// The protocol and the status of the answer.
fn status(stream: &mut TcpStream, path: &str) -> std::io::Result<String> {
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut start = [0; "HTTP/1.1 200".len()];
    stream.read_exact(&mut start)?;
    Ok(String::from_utf8_lossy(&start).into_owned())
}
