//! What is told while an image is transferred: bars for people, lines of JSON for programs, or the name alone.

use std::io::Write;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use shared::oci::Digest;

use super::RemoteArgs;
use crate::remote::Progress;

/// How a blob's line looks.
const TEMPLATE: &str = "{prefix:12} {bar:30} {bytes:>10} / {total_bytes:10} {msg}";

/// How many digits of a digest a line shows.
const SHOWN_DIGITS: usize = 12;

/// Tells what happens. Whether anybody listens makes no difference.
#[derive(Debug)]
pub(super) struct Reporter {
    mode: Mode,
    bars: MultiProgress,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    People,
    Quiet,
    Json,
}

/// The line of one blob.
#[derive(Debug)]
pub(super) struct Line<'a> {
    reporter: &'a Reporter,
    digest: &'a Digest,
    size: u64,
    bar: ProgressBar,
}

/// What became of a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Fate {
    /// It was where it should be.
    Present,
    /// It was linked from another repository.
    Mounted,
    /// It was sent.
    Sent,
    /// It was fetched.
    Received,
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Event<'a> {
    Blob {
        digest: &'a Digest,
        size: u64,
        state: Fate,
    },
    Manifest {
        digest: &'a Digest,
    },
    Done {
        digest: &'a Digest,
        #[serde(flatten)]
        sums: &'a Sums,
    },
}

/// What a transfer came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(super) enum Sums {
    /// Of a push.
    Push {
        /// The sizes of the blobs that were sent.
        bytes_sent: u64,
        /// How many were.
        blobs_sent: u64,
        /// How many were there.
        blobs_present: u64,
        /// How many were linked from another repository.
        blobs_mounted: u64,
    },
    /// Of a pull.
    Pull {
        /// How many bytes of blobs were fetched.
        bytes_received: u64,
        /// How many blobs were.
        blobs_received: u64,
        /// How many were there.
        blobs_present: u64,
    },
}

impl Reporter {
    pub(super) fn new(args: &RemoteArgs) -> Self {
        let mode = match (args.json, args.quiet) {
            (true, _) => Mode::Json,
            (false, true) => Mode::Quiet,
            (false, false) => Mode::People,
        };
        let target = if mode == Mode::People { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self { mode, bars: MultiProgress::with_draw_target(target) }
    }

    /// A line for a blob on its way.
    pub(super) fn line<'a>(&'a self, digest: &'a Digest, size: u64) -> Line<'a> {
        let bar = self.bars.add(ProgressBar::new(size));
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_prefix(digest.hex()[..SHOWN_DIGITS].to_owned());
        bar.tick();
        Line { reporter: self, digest, size, bar }
    }

    /// A manifest is where it should be.
    pub(super) fn manifest(&self, digest: &Digest) {
        self.tell(&Event::Manifest { digest });
    }

    /// All is done; `name` is what the image is called where it is now.
    pub(super) fn done(&self, name: &str, digest: &Digest, sums: Sums) {
        match self.mode {
            Mode::Json => self.tell(&Event::Done { digest, sums: &sums }),
            Mode::Quiet => write_line(&format!("{name}@{digest}")),
            Mode::People => {
                eprintln!("{}", sums.told());
                write_line(&format!("{name}@{digest}"));
            }
        }
    }

    fn tell(&self, event: &Event<'_>) {
        if self.mode == Mode::Json
            && let Ok(line) = serde_json::to_string(event)
        {
            write_line(&line);
        }
    }
}

impl Line<'_> {
    /// Moves the line with a blob that is sent.
    pub(super) fn progress(&self) -> Progress {
        let bar = self.bar.clone();
        Progress::new(move |sent| bar.set_position(sent))
    }

    /// So many bytes are there.
    pub(super) fn is_at(&self, bytes: u64) {
        self.bar.set_position(bytes);
    }

    /// The blob is where it should be.
    pub(super) fn ended(self, state: Fate) {
        self.bar.set_position(self.size);
        self.bar.finish_with_message(match state {
            Fate::Present => "already there",
            Fate::Mounted => "mounted",
            Fate::Sent => "sent",
            Fate::Received => "received",
        });
        self.reporter.tell(&Event::Blob { digest: self.digest, size: self.size, state });
    }
}

impl Sums {
    fn told(&self) -> String {
        match self {
            Self::Push { bytes_sent, blobs_sent, blobs_present, blobs_mounted } => format!(
                "sent {blobs_sent} blobs of {bytes_sent} bytes, mounted {blobs_mounted}, {blobs_present} were there"
            ),
            Self::Pull { bytes_received, blobs_received, blobs_present } => {
                format!("received {blobs_received} blobs, {bytes_received} bytes; {blobs_present} were there")
            }
        }
    }
}

/// A line on standard output; nobody needs to read it.
pub(crate) fn write_line(line: &str) {
    if let Err(error) = writeln!(std::io::stdout(), "{line}") {
        tracing::debug!(%error, "standard output is closed");
    }
}

#[cfg(test)]
mod tests {
    use shared::oci::Algorithm;

    use super::*;

    #[test]
    fn the_last_line_of_json_has_digest_and_sums_side_by_side() {
        let digest = Digest::of(Algorithm::Sha256, b"");
        let sums = Sums::Push { bytes_sent: 5, blobs_sent: 1, blobs_present: 2, blobs_mounted: 0 };
        let line = serde_json::to_string(&Event::Done { digest: &digest, sums: &sums }).unwrap();
        let expected = format!(
            r#"{{"event":"done","digest":"{digest}","bytes_sent":5,"blobs_sent":1,"blobs_present":2,"blobs_mounted":0}}"#
        );
        assert_eq!(line, expected);
    }
}
