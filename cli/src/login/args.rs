//! The command lines of `login` and of the credential helper.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use url::Url;

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct LoginArgs {
    /// The registry, as `HOST[:PORT]`
    pub(crate) registry: String,

    /// Who signs in
    #[arg(long, short, value_name = "NAME", required_unless_present = "aws", requires = "password_stdin")]
    pub(crate) user: Option<String>,

    /// Read the password, an access token or an ID token from standard input
    #[arg(long)]
    pub(crate) password_stdin: bool,

    /// Sign in as who one is to AWS, by a request that AWS credentials have signed
    #[arg(long, conflicts_with_all = ["user", "password_stdin"])]
    pub(crate) aws: bool,

    /// Print the password, and neither sign in nor keep anything: for `docker login --username aws --password-stdin`
    #[arg(long, requires = "aws")]
    pub(crate) print: bool,

    #[command(flatten)]
    pub(crate) aws_args: AwsArgs,

    /// Speak plain HTTP also with registries on other machines
    #[arg(long)]
    pub(crate) plain_http: bool,

    /// The directory of docker's config.json; without it, ~/.docker
    #[arg(long, value_name = "DIR", env = "DOCKER_CONFIG")]
    pub(crate) docker_config: Option<PathBuf>,
}

/// What a request to AWS says.
#[derive(Debug, Args)]
pub(crate) struct AwsArgs {
    /// What the registry calls itself to those who sign in by AWS; without it, its host
    #[arg(long, value_name = "NAME", env = "RINGHOLD_AUDIENCE")]
    pub(crate) audience: Option<String>,

    /// Where the registry asks AWS who has signed, if that is not where AWS usually answers
    #[arg(long, value_name = "URL", env = "AWS_ENDPOINT_URL_STS")]
    pub(crate) sts_endpoint: Option<Url>,
}

/// What docker asks its helpers. In `~/.docker/config.json`: `"credHelpers": { "HOST": "ringhold" }`, with this program
/// in the path as `docker-credential-ringhold`.
#[derive(Debug, Subcommand)]
pub(crate) enum HelperCommand {
    /// Print credentials for the registry on standard input
    Get(AwsArgs),
    /// Take credentials, and forget them
    Store,
    /// Do nothing: there is nothing to erase
    Erase,
    /// Print that nothing is kept
    List,
}
