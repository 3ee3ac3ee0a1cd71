//! The command line. Texts are taken as they come and read in `settings`, so that every mistake is told at once.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::commands::admin::{
    AuditArgs, GrantCommand, GroupCommand, IssuerCommand, KeysCommand, ModeArgs, RepoCommand, RobotCommand,
    TokenCommand, UserCommand,
};
use crate::commands::ring::{RingCommand, ScrubArgs};
use crate::import::ImportArgs;
use crate::login::{HelperCommand, LoginArgs};
use crate::transfer::{PullArgs, PushArgs};

/// A container registry that runs as one program, or on AWS Lambda with no server at all.
///
/// Start with `ringhold serve`, then `docker push 127.0.0.1:5000/NAME:TAG`.
#[derive(Debug, Parser)]
#[command(name = "ringhold", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the registry from this machine: with no arguments, from directories under ./ringhold-data
    Serve(Box<ServeArgs>),
    /// Take pushes of any size on this machine, and bring them to a registry behind a gateway, past its limits
    Proxy(Box<ProxyArgs>),
    /// Push an image from an archive or a layout, to any registry; needs no container engine
    Push(Box<PushArgs>),
    /// Pull an image from any registry into a layout or an archive; needs no container engine
    Pull(Box<PullArgs>),
    /// Sign in to a registry, and keep the credentials where docker keeps them
    Login(Box<LoginArgs>),
    /// Be docker's credential helper for registries that know their callers by AWS: no secret is kept anywhere
    #[command(subcommand)]
    CredentialHelper(HelperCommand),
    /// List tags: of a repository, of a digest, or of a digest in one repository
    Tags(TagsArgs),
    /// The buckets: what they hold, and how they join and leave
    #[command(subcommand)]
    Ring(RingCommand),
    /// Read everything, compare it with its digest, and repair what is damaged
    Scrub(ScrubArgs),
    /// Take over what stores of CNCF distribution hold: repositories, tags, layers
    Import(Box<ImportArgs>),
    /// Users, who sign in by a password
    #[command(subcommand)]
    User(UserCommand),
    /// Robots: programs, which sign in by tokens
    #[command(subcommand)]
    Robot(RobotCommand),
    /// Groups of users and robots that may do the same
    #[command(subcommand)]
    Group(GroupCommand),
    /// Tokens, by which users and robots sign in without a password
    #[command(subcommand)]
    Token(TokenCommand),
    /// Who may do what
    #[command(subcommand)]
    Grant(GrantCommand),
    /// Who may pull from a repository without an account
    #[command(subcommand)]
    Repo(RepoCommand),
    /// Who vouches for callers without an account: GitHub Actions, GitLab CI, Kubernetes, AWS
    #[command(subcommand)]
    Issuer(IssuerCommand),
    /// The keys that access tokens are signed with
    #[command(subcommand)]
    Keys(KeysCommand),
    /// What was done and refused, by whom
    Audit(AuditArgs),
    /// Whether the registry may be changed now
    Mode(ModeArgs),
    /// What the registry does in the background
    #[command(subcommand)]
    Work(WorkCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum WorkCommand {
    /// List what is to be done: blobs to bring home, bytes to verify, copies to remove
    List(WorkListArgs),
}

/// Where the registry keeps what it has.
#[derive(Debug, Args)]
pub(crate) struct StoreArgs {
    /// Directory for everything that has no URL of its own: three buckets, the metadata, the admin socket
    #[arg(long, value_name = "DIR", env = "RINGHOLD_DATA", default_value = "ringhold-data")]
    pub(crate) data: PathBuf,

    /// A bucket of the ring; give it once per bucket, or several separated by commas.
    ///
    /// `file:///DIR`, `s3://BUCKET[?endpoint=URL&region=NAME&path_style=BOOL]` or `memory:NAME`. S3 credentials come from
    /// where the AWS tools take them. Without any bucket, there are three directories below `--data`.
    #[arg(long, value_name = "URL", env = "RINGHOLD_STORAGE", value_delimiter = ',')]
    pub(crate) storage: Vec<String>,

    /// The metadata: `file:///FILE`, `dynamodb://TABLE[?endpoint=URL&region=NAME]` or `memory:`.
    ///
    /// A file is an embedded store, which belongs to one process at a time. Without a URL, there is one below `--data`.
    #[arg(long, value_name = "URL", env = "RINGHOLD_METADATA")]
    pub(crate) metadata: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS", env = "RINGHOLD_LISTEN", default_value = "127.0.0.1:5000")]
    pub(crate) listen: String,

    #[command(flatten)]
    pub(crate) store: StoreArgs,

    /// Send clients straight to the bucket for blobs of more than this many bytes, where it has URLs (S3)
    #[arg(long, value_name = "BYTES", env = "RINGHOLD_REDIRECT_ABOVE", default_value = "65536")]
    pub(crate) redirect_above: String,

    /// Never send clients to a bucket: every byte passes this process
    #[arg(long, env = "RINGHOLD_NO_REDIRECT")]
    pub(crate) no_redirect: bool,

    /// How many buckets shall hold each blob of a ring that is new; `ringhold ring apply` changes one that is there
    #[arg(long, value_name = "NUMBER", env = "RINGHOLD_REPLICAS")]
    pub(crate) replicas: Option<String>,

    /// How many copies of a blob must be durable before its push is acknowledged; the ring must have as many replicas
    #[arg(long, value_name = "NUMBER", env = "RINGHOLD_WRITE_QUORUM", default_value = "1")]
    pub(crate) write_quorum: String,

    /// Most bytes a second that are moved in the background when the ring has changed
    #[arg(long, value_name = "BYTES", env = "RINGHOLD_MOVE_RATE")]
    pub(crate) move_rate: Option<String>,

    /// Seconds that a redirect's URL lives
    #[arg(long, value_name = "SECONDS", env = "RINGHOLD_URL_LIFE", default_value = "1200")]
    pub(crate) url_life: String,

    /// Where clients find the registry, when that is not the address that they connect to: behind a proxy that changes it
    #[arg(long, value_name = "URL", env = "RINGHOLD_PUBLIC_URL")]
    pub(crate) public_url: Option<String>,

    /// Let nothing be pushed or deleted
    #[arg(long, env = "RINGHOLD_READ_ONLY")]
    pub(crate) read_only: bool,

    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// How connections are served, and what is logged.
#[derive(Debug, Args)]
pub(crate) struct ServerArgs {
    /// Most bytes of a request's headers
    #[arg(long, value_name = "BYTES", env = "RINGHOLD_MAX_HEADERS", default_value = "32768")]
    pub(crate) max_headers: String,

    /// Seconds that a connection may be idle, or take to send a request's headers
    #[arg(long, value_name = "SECONDS", env = "RINGHOLD_IDLE_TIMEOUT", default_value = "75")]
    pub(crate) idle_timeout: String,

    /// Seconds that a client may send nothing in the middle of a body
    #[arg(long, value_name = "SECONDS", env = "RINGHOLD_BODY_TIMEOUT", default_value = "60")]
    pub(crate) body_timeout: String,

    /// Seconds that requests in flight get to finish when the process is told to stop
    #[arg(long, value_name = "SECONDS", env = "RINGHOLD_SHUTDOWN_GRACE", default_value = "30")]
    pub(crate) shutdown_grace: String,

    /// Speak TLS, with this certificate: a file in PEM, of the certificate and those that vouch for it.
    ///
    /// It and its key are read again when they change, which is looked for every 30 seconds, and on SIGHUP.
    #[arg(long, value_name = "FILE", env = "RINGHOLD_TLS_CERT")]
    pub(crate) tls_cert: Option<PathBuf>,

    /// The certificate's private key: a file in PEM, of PKCS#8, PKCS#1 or SEC1
    #[arg(long, value_name = "FILE", env = "RINGHOLD_TLS_KEY")]
    pub(crate) tls_key: Option<PathBuf>,

    /// Form of the log
    #[arg(long, value_enum, env = "RINGHOLD_LOG_FORMAT", default_value = "text")]
    pub(crate) log_format: LogFormat,

    /// What is logged: error, warn, info, debug, trace, or a filter such as `info,shared=debug`
    #[arg(long, value_name = "FILTER", env = "RINGHOLD_LOG", default_value = "info")]
    pub(crate) log: String,

    /// Let everybody in who reaches the address, whoever they are
    #[arg(long, env = "RINGHOLD_INSECURE_OPEN")]
    pub(crate) insecure_open: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ProxyArgs {
    /// The registry that everything is brought to, and pulled from
    #[arg(long, value_name = "URL", env = "RINGHOLD_PROXY_TO")]
    pub(crate) to: String,

    /// Address to listen on
    #[arg(long, value_name = "ADDRESS", env = "RINGHOLD_PROXY_LISTEN", default_value = "127.0.0.1:5001")]
    pub(crate) listen: String,

    /// Directory for uploads on their way; without it, one below the user's cache.
    ///
    /// It belongs to one proxy at a time, and nobody else may look into it.
    #[arg(long, value_name = "DIR", env = "RINGHOLD_PROXY_SPOOL")]
    pub(crate) spool: Option<PathBuf>,

    /// Where users' programs keep what they can make again
    #[arg(long, hide = true, value_name = "DIR", env = "XDG_CACHE_HOME")]
    pub(crate) cache_home: Option<OsString>,

    /// Where the user's files are
    #[arg(long, hide = true, value_name = "DIR", env = "HOME")]
    pub(crate) home: Option<OsString>,

    /// Most bytes of all uploads on their way together
    #[arg(long, value_name = "BYTES", env = "RINGHOLD_PROXY_SPOOL_QUOTA", default_value = "21474836480")]
    pub(crate) spool_quota: String,

    /// Never send clients to a bucket: every byte passes this process
    #[arg(long, env = "RINGHOLD_PROXY_NO_REDIRECT")]
    pub(crate) no_redirect: bool,

    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For reading
    Text,
    /// A JSON object per line
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct WorkListArgs {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

#[derive(Debug, Args)]
pub(crate) struct TagsArgs {
    /// The repository; without it, every one is looked through
    pub(crate) repository: Option<String>,

    /// Only tags that name this manifest
    #[arg(long, value_name = "DIGEST")]
    pub(crate) of: Option<String>,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) store: StoreArgs,
}
