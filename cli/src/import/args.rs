//! The command line of `import`.

use clap::Args;
use shared::oci::RepositoryName;

use crate::args::StoreArgs;

/// What the shell is told at the end.
const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed or something was left out, 2 wrong usage, 130 interrupted. What was \
                          interrupted or failed goes on where it was when it is repeated. docs/import.md has each step.";

#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct ImportArgs {
    /// A store that distribution has written: `file:///DIR` or `s3://BUCKET[?endpoint=URL&region=NAME&path_style=BOOL]`.
    ///
    /// It is only read. Where it is a bucket of this registry (`--storage`), its layers stay where they lie.
    #[arg(required = true, value_name = "FROM")]
    pub(crate) from: Vec<String>,

    /// Distribution's `rootdirectory` in the bucket, if it has one
    #[arg(long, value_name = "PREFIX")]
    pub(crate) root: Option<String>,

    /// Only this repository, and those below it; can be repeated
    #[arg(long, value_name = "NAME")]
    pub(crate) repository: Vec<RepositoryName>,

    /// Write nothing, and say what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// Read and hash every layer that stays where it lies, instead of comparing its size
    #[arg(long)]
    pub(crate) verify: bool,

    /// Move tags that name something else in this registry; without it they are kept
    #[arg(long)]
    pub(crate) overwrite_tags: bool,

    /// Take every blob that no repository has in the end into this one, which keeps it for a year
    #[arg(long, value_name = "REPOSITORY")]
    pub(crate) blobs_into: Option<RepositoryName>,

    /// How much is done at a time
    #[arg(long, value_name = "NUMBER", default_value_t = 8, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub(crate) jobs: u8,

    /// Tell each event as a line of JSON on standard output, the last one with sums
    #[arg(long)]
    pub(crate) json: bool,

    /// What is logged, to standard error: error, warn, info, debug, trace, or a filter
    #[arg(long, value_name = "FILTER", env = "RINGHOLD_LOG", default_value = "warn")]
    pub(crate) log: String,

    #[command(flatten)]
    pub(crate) store: StoreArgs,
}
