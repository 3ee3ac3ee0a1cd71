//! What the registry lets be done at all, whoever asks.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::accounts::{Accounts, Record};
use crate::metadata::{self, Book};

/// How long it may take until a switch is seen by every process.
pub(super) const KNOWN_FOR: Duration = Duration::from_secs(2);

/// Whether the registry may be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// It may.
    #[default]
    ReadWrite,
    /// It may not: nothing is pushed and nothing deleted, and everything can be pulled.
    ReadOnly,
}

impl Mode {
    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReadWrite => "read-write",
            Self::ReadOnly => "read-only",
        }
    }
}

/// The record of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Switch {
    mode: Mode,
}

impl Record for Switch {
    const BOOK: Book = Book::Settings;

    fn key(&self) -> &'static str {
        KEY
    }
}

const KEY: &str = "mode";

pub(super) async fn read(accounts: &Accounts) -> metadata::Result<Mode> {
    Ok(accounts.get::<Switch>(KEY).await?.map(|known| known.record.mode).unwrap_or_default())
}

pub(super) async fn write(accounts: &Accounts, mode: Mode) -> metadata::Result<()> {
    let is_there = accounts.change::<Switch>(KEY, |switch| switch.mode = mode).await?.is_some();
    if is_there || accounts.create(&Switch { mode }).await? {
        return Ok(());
    }
    accounts.change::<Switch>(KEY, |switch| switch.mode = mode).await.map(drop)
}
