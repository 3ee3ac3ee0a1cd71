//! The command lines of `push` and `pull`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use shared::oci::RepositoryName;

use crate::image::{ImageName, Platform};

/// What the shell is told at the end.
const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted. What was interrupted or failed goes \
                          on where it was when it is repeated.";

#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct PushArgs {
    /// An archive of `docker save`, or an OCI image layout, as a directory or an archive; not compressed
    pub(crate) source: PathBuf,

    /// Where it goes, as `HOST[:PORT]/REPOSITORY[:TAG]`; without it, what the source calls it
    pub(crate) name: Option<ImageName>,

    /// Which image of the source, where there are several
    #[arg(long, value_name = "NAME")]
    pub(crate) image: Option<String>,

    /// Of an image for several platforms, only the one for this: `OS/ARCHITECTURE[/VARIANT]`
    #[arg(long, value_name = "PLATFORM")]
    pub(crate) platform: Option<Platform>,

    /// A repository of the same registry that may have layers of this image, which are then not sent; can be repeated
    #[arg(long, value_name = "REPOSITORY")]
    pub(crate) mount_from: Vec<RepositoryName>,

    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct PullArgs {
    /// What is fetched, as `HOST[:PORT]/REPOSITORY[:TAG|@DIGEST]`
    pub(crate) name: ImageName,

    /// Where it goes: a directory, which may hold images already, or a .tar file
    pub(crate) target: PathBuf,

    /// What is written; without it, a layout in a directory (one that exists, or TARGET ends with /) or an OCI archive (.tar)
    #[arg(long, value_enum)]
    pub(crate) format: Option<Format>,

    /// Of an image for several platforms, only the one for this: `OS/ARCHITECTURE[/VARIANT]`
    #[arg(long, value_name = "PLATFORM")]
    pub(crate) platform: Option<Platform>,

    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
}

/// How a registry is reached, and what is told meanwhile.
#[derive(Debug, Args)]
pub(crate) struct RemoteArgs {
    /// Speak plain HTTP also with registries on other machines
    #[arg(long)]
    pub(crate) plain_http: bool,

    /// The directory of docker's config.json, whose credentials and helpers are used; without it, ~/.docker
    #[arg(long, value_name = "DIR", env = "DOCKER_CONFIG")]
    pub(crate) docker_config: Option<PathBuf>,

    /// A bearer token to show to the registry instead of docker's credentials; better in the environment
    #[arg(long, value_name = "TOKEN", env = "RINGHOLD_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,

    /// How many layers are transferred at a time
    #[arg(long, value_name = "NUMBER", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub(crate) jobs: u8,

    /// Show no progress, only what the image is called in the end
    #[arg(long, conflicts_with = "json")]
    pub(crate) quiet: bool,

    /// Tell each event as a line of JSON on standard output, the last one with digest and sums
    #[arg(long)]
    pub(crate) json: bool,

    /// What is logged, to standard error: error, warn, info, debug, trace, or a filter
    #[arg(long, value_name = "FILTER", env = "RINGHOLD_LOG", default_value = "warn")]
    pub(crate) log: String,
}

/// What a pulled image is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// An OCI image layout in a directory
    OciDir,
    /// An OCI image layout in an archive
    OciArchive,
    /// What `docker load` reads; for one platform
    DockerArchive,
}
