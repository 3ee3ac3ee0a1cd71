//! Why a chore ended early.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why a chore ended early. What a failed program had to say stands above, in its own output.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A program could not be started.
    NotStarted { program: String, source: io::Error },
    /// A step's program ended without success.
    Step { name: String },
    /// A file or directory of the cache could not be read or written.
    Cache { path: PathBuf, source: io::Error },
    /// No directory is known to keep the cache in.
    NoCacheDirectory,
    /// Python 3 lacks what makes virtual environments, and nothing here can install it.
    NoVirtualEnvironments,
    /// The emulator did not come up.
    NoEmulator { log: PathBuf },
    /// Somebody else listens where the emulator should.
    Occupied { port: u16 },
    /// A program did not say what it was asked for.
    NoAnswer { what: &'static str },
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStarted { program, source } => write!(f, "{program} cannot be started: {source}"),
            Self::Step { name } => write!(f, "failed: {name}"),
            Self::Cache { path, source } => write!(f, "{}: {source}", path.display()),
            Self::NoCacheDirectory => write!(f, "set RINGHOLD_CACHE to a directory for tools: there is no HOME"),
            Self::NoEmulator { log } => write!(f, "the emulator did not come up; {} says why", log.display()),
            Self::Occupied { port } => write!(f, "port {port} is taken by what does not answer for AWS: use --port"),
            Self::NoAnswer { what } => write!(f, "{what} is not to be had"),
            Self::NoVirtualEnvironments => {
                write!(f, "python3 -m venv does not work here: install Python 3 with its venv module")
            }
        }
    }
}
