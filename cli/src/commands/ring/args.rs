//! The command line of `ringhold ring`.

use std::num::NonZeroU64;
use std::time::Duration;

use clap::{Args, Subcommand};
use shared::config::bucket_name;
use shared::registry::Scrub;
use shared::storage::{BucketId, BucketState, Changes, Joining};

use super::Question;
use crate::args::StoreArgs;
use crate::commands::operator::OperatorError;

#[derive(Debug, Subcommand)]
pub(crate) enum RingCommand {
    /// Show the buckets, their shares, and what they hold
    Show(Asking),
    /// Show what a change would move, and change nothing
    Plan(PlanArgs),
    /// Change the ring; what then lies elsewhere than it should is moved in the background
    Apply(ApplyArgs),
    /// Show how far the last change is carried out
    Status(Asking),
    /// Show where a blob belongs, and where its bytes are now
    Locate(LocateArgs),
    /// List the last changes, the newest first
    History(HistoryArgs),
    /// Bring every blob to its homes again that lies in fewer buckets than it should, or in others
    Repair(Asking),
}

#[derive(Debug, Args)]
pub(crate) struct Asking {
    /// Print JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Debug, Args)]
struct ChangeArgs {
    /// A bucket that joins; its name on the ring is its host's or its last directory's. May be given again
    #[arg(long, value_name = "URL")]
    add: Vec<String>,

    /// A bucket that is to be emptied: nothing new is put into it. May be given again
    #[arg(long, value_name = "ID")]
    drain: Vec<String>,

    /// A bucket that leaves the ring, once it is empty. May be given again
    #[arg(long, value_name = "ID")]
    remove: Vec<String>,

    /// A bucket's share against the others'. May be given again
    #[arg(long, value_name = "ID=WEIGHT")]
    weight: Vec<String>,

    /// What a bucket may be used for: active, draining, read-only or down. May be given again
    #[arg(long, value_name = "ID=STATE")]
    state: Vec<String>,

    /// How many buckets shall hold each blob
    #[arg(long, value_name = "NUMBER")]
    replicas: Option<u8>,
}

#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    change: ChangeArgs,

    /// How many bytes a second are moved, to tell how long it takes
    #[arg(long, value_name = "BYTES", default_value = "100000000")]
    rate: u64,

    #[command(flatten)]
    asking: Asking,
}

#[derive(Debug, Args)]
pub(crate) struct ApplyArgs {
    #[command(flatten)]
    change: ChangeArgs,

    /// The largest part of all copies that may be moved, in percent
    #[arg(long, value_name = "PERCENT", default_value = "60")]
    max_move: f64,

    /// Remove a bucket at once, though a process may still put blobs into it that has not heard of its being drained: only
    /// when no other process serves
    #[arg(long)]
    now: bool,

    #[command(flatten)]
    asking: Asking,
}

#[derive(Debug, Args)]
pub(crate) struct LocateArgs {
    /// The blob
    digest: String,

    #[command(flatten)]
    asking: Asking,
}

#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    /// The most that are listed
    #[arg(long, value_name = "NUMBER", default_value = "20")]
    limit: usize,

    #[command(flatten)]
    asking: Asking,
}

#[derive(Debug, Args)]
pub(crate) struct ScrubArgs {
    /// Repair what is found: from another copy, or by taking out of sight what nothing is left of
    #[arg(long)]
    repair: bool,

    /// What part of all blobs to read, in percent
    #[arg(long, value_name = "PERCENT", default_value = "100")]
    sample: f64,

    /// The most bytes to read a second
    #[arg(long, value_name = "BYTES")]
    rate: Option<NonZeroU64>,

    /// How many seconds old an object must be to be called an orphan when no row names it
    #[arg(long, value_name = "SECONDS", default_value = "86400")]
    orphans_after: u64,

    /// Stop before more blobs than this are lost: it is likelier then that a bucket is not the one it should be
    #[arg(long, value_name = "NUMBER", default_value = "10")]
    max_lost: u64,

    #[command(flatten)]
    asking: Asking,
}

impl ScrubArgs {
    pub(super) fn read(self) -> Asked {
        let orphans_after = Duration::from_secs(self.orphans_after);
        let Self { repair, rate, max_lost, .. } = self;
        let scrub = Scrub { repair, sample: self.sample / 100.0, rate, orphans_after, max_lost };
        self.asking.of(Question::Scrub { scrub })
    }
}

/// A command, read.
pub(super) struct Asked {
    pub(super) store: StoreArgs,
    pub(super) json: bool,
    pub(super) question: Question,
}

impl Asking {
    fn of(self, question: Question) -> Asked {
        Asked { store: self.store, json: self.json, question }
    }
}

impl RingCommand {
    pub(super) fn read(self) -> Result<Asked, OperatorError> {
        Ok(match self {
            Self::Show(asking) => asking.of(Question::Show),
            Self::Plan(PlanArgs { change, rate, asking }) => {
                asking.of(Question::Plan { changes: change.read()?, rate: rate.max(1) })
            }
            Self::Apply(ApplyArgs { change, max_move, now, asking }) => {
                asking.of(Question::Apply { changes: change.read()?, max_move: max_move / 100.0, now })
            }
            Self::Status(asking) => asking.of(Question::Status),
            Self::Locate(LocateArgs { digest, asking }) => {
                asking.of(Question::Locate { digest: parsed("the digest", &digest)? })
            }
            Self::History(HistoryArgs { limit, asking }) => asking.of(Question::History { limit }),
            Self::Repair(asking) => asking.of(Question::Repair),
        })
    }
}

impl ChangeArgs {
    fn read(&self) -> Result<Changes, OperatorError> {
        let ids = |flag: &str, texts: &[String]| {
            texts.iter().map(|text| parsed(flag, text)).collect::<Result<Vec<BucketId>, _>>()
        };
        Ok(Changes {
            add: self.add.iter().map(|text| joining(text)).collect::<Result<_, _>>()?,
            drain: ids("--drain", &self.drain)?,
            remove: ids("--remove", &self.remove)?,
            weight: self
                .weight
                .iter()
                .map(|text| pair("--weight", text, |of| parsed("--weight", of)))
                .collect::<Result<_, _>>()?,
            state: self.state.iter().map(|text| pair("--state", text, state)).collect::<Result<_, _>>()?,
            replicas: self.replicas,
        })
    }
}

fn joining(text: &str) -> Result<Joining, OperatorError> {
    let url = parsed("--add", text)?;
    let id = bucket_name(&url).ok_or_else(|| {
        OperatorError::Argument(format!(
            "--add: {text} has no name: a host or a directory of letters, digits and hyphens"
        ))
    })?;
    Ok(Joining { id, url })
}

fn state(text: &str) -> Result<BucketState, OperatorError> {
    serde_json::from_value(text.into())
        .map_err(|_| OperatorError::Argument(format!("--state: {text:?} is not active, draining, read-only or down")))
}

fn pair<K, V>(flag: &str, text: &str, value: impl Fn(&str) -> Result<V, OperatorError>) -> Result<(K, V), OperatorError>
where
    K: std::str::FromStr<Err: std::fmt::Display>,
{
    let (key, rest) = text
        .split_once('=')
        .ok_or_else(|| OperatorError::Argument(format!("{flag}: {text:?} is not a bucket, =, and what it gets")))?;
    Ok((parsed(flag, key)?, value(rest)?))
}

fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(what: &str, text: &str) -> Result<T, OperatorError> {
    text.parse().map_err(|error| OperatorError::Argument(format!("{what}: {error}")))
}
