//! The command line of accounts.

use clap::{Args, Subcommand};
use shared::auth::{Mode, Role};

use crate::args::StoreArgs;

/// Which registry is administered, and how the answer is printed.
#[derive(Debug, Args)]
pub(crate) struct AdminArgs {
    /// The registry, such as `registry.example`. Without it, it is the one of `--data` on this machine.
    ///
    /// Who asks is told by `RINGHOLD_USER` and `RINGHOLD_PASSWORD`, or by what `docker login` has kept.
    #[arg(long, value_name = "REGISTRY", env = "RINGHOLD_REGISTRY")]
    pub(crate) registry: Option<String>,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// What an account may do, and where it belongs.
#[derive(Debug, Args)]
pub(crate) struct RightsArgs {
    /// A role on the repositories of a pattern, such as `writer:team-a/**`; give it once per role
    #[arg(long = "grant", value_name = "ROLE:PATTERN")]
    pub(crate) grants: Vec<String>,

    /// The same as `--grant admin:**`
    #[arg(long)]
    pub(crate) admin: bool,

    /// A group that it is in; give it once per group
    #[arg(long = "group", value_name = "NAME")]
    pub(crate) groups: Vec<String>,
}

/// An account by its name.
#[derive(Debug, Args)]
pub(crate) struct NamedArgs {
    /// Its name
    pub(crate) name: String,

    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

/// An account that is made.
#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// Its name
    pub(crate) name: String,

    #[command(flatten)]
    pub(crate) rights: RightsArgs,

    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

/// An account that is changed. What is not named stays as it is.
#[derive(Debug, Args)]
pub(crate) struct SetArgs {
    /// Its name
    pub(crate) name: String,

    #[command(flatten)]
    pub(crate) rights: RightsArgs,

    /// Keep it out until it is enabled again
    #[arg(long, conflicts_with = "enable")]
    pub(crate) disable: bool,

    /// Let it in again
    #[arg(long)]
    pub(crate) enable: bool,

    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// List users
    List(AdminArgs),
    /// Make a user. Without a password one is generated, which is told once and has to be changed first of all
    Add {
        #[command(flatten)]
        add: AddArgs,
        /// Read the password from standard input
        #[arg(long)]
        password_stdin: bool,
    },
    /// Change what a user may do
    Set {
        #[command(flatten)]
        set: SetArgs,
        /// Read a new password from standard input
        #[arg(long)]
        password_stdin: bool,
    },
    /// Remove a user, with all tokens of theirs
    Remove(NamedArgs),
    /// Set one's own password: `RINGHOLD_USER` and `RINGHOLD_PASSWORD` are as they were, the new one comes from standard input
    Password(AdminArgs),
}

#[derive(Debug, Subcommand)]
pub(crate) enum RobotCommand {
    /// List robots
    List(AdminArgs),
    /// Make a robot; it signs in by tokens: `ringhold token add --owner robot:NAME`
    Add(AddArgs),
    /// Change what a robot may do
    Set(SetArgs),
    /// Remove a robot, with all its tokens
    Remove(NamedArgs),
}

#[derive(Debug, Subcommand)]
pub(crate) enum GroupCommand {
    /// List groups
    List(AdminArgs),
    /// Make a group, whose members may do what it may
    Add(AddArgs),
    /// Remove a group
    Remove(NamedArgs),
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// List tokens
    List {
        /// Only those of this user or robot: `user:NAME` or `robot:NAME`
        #[arg(long)]
        owner: Option<String>,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Make a token; its secret is told once
    Add {
        /// Whose: `user:NAME` or `robot:NAME`; one's own without it
        #[arg(long)]
        owner: Option<String>,
        /// What it is for
        #[arg(long, default_value = "unnamed")]
        label: String,
        /// Days until it ends
        #[arg(long, value_name = "DAYS", default_value = "90")]
        expires_in: u64,
        /// What it is good for, such as `team-a/**=pull,push`; give it once per pattern. Without it, for all that its owner may
        #[arg(long = "limit", value_name = "PATTERN=ACTIONS")]
        limits: Vec<String>,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// End a token
    Remove(NamedArgs),
}

/// A role of somebody.
#[derive(Debug, Args)]
pub(crate) struct GrantArgs {
    /// Whose: `user:NAME`, `robot:NAME` or `group:NAME`
    pub(crate) subject: String,
    /// The role: reader, writer, maintainer or admin
    pub(crate) role: Role,
    /// The repositories, such as `team-a/**`
    pub(crate) repositories: String,

    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum GrantCommand {
    /// List who may do what
    List {
        /// Only what this one may: `user:NAME`, `robot:NAME` or `group:NAME`
        #[arg(long)]
        subject: Option<String>,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Give somebody a role
    Add(GrantArgs),
    /// Take a role from somebody
    Remove(GrantArgs),
}

#[derive(Debug, Subcommand)]
pub(crate) enum RepoCommand {
    /// List repositories of which something is settled
    List(AdminArgs),
    /// Say who may pull from a repository without an account
    Set {
        /// The repository
        name: String,
        /// Everybody
        #[arg(long, conflicts_with = "private", required_unless_present = "private")]
        public: bool,
        /// Nobody
        #[arg(long)]
        private: bool,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Forget what was settled of a repository
    Remove(NamedArgs),
}

#[derive(Debug, Subcommand)]
pub(crate) enum IssuerCommand {
    /// List who vouches for callers without an account
    List(AdminArgs),
    /// Trust an issuer: its address, audience and rules come as JSON from standard input (docs/federation.md)
    Set(NamedArgs),
    /// Trust an issuer no longer
    Remove(NamedArgs),
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// List the keys that access tokens are signed with
    List(AdminArgs),
    /// Sign with a new key from now on
    Rotate {
        /// Let no token count any longer that an earlier key has signed
        #[arg(long)]
        at_once: bool,
        #[command(flatten)]
        admin: AdminArgs,
    },
}

/// What was done.
#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    /// Only what this one did, such as `user:alice`
    #[arg(long)]
    pub(crate) who: Option<String>,
    /// Only what was done to this repository or account
    #[arg(long)]
    pub(crate) object: Option<String>,
    /// Only what was refused
    #[arg(long)]
    pub(crate) refused: bool,
    /// The first day or moment, such as 2026-11-24 or 2026-11-24T16:41:10Z; a week ago without it
    #[arg(long, value_name = "MOMENT")]
    pub(crate) from: Option<String>,
    /// How many acts at most
    #[arg(long, default_value = "100")]
    pub(crate) limit: u32,

    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

/// What the registry lets be done at all.
#[derive(Debug, Args)]
pub(crate) struct ModeArgs {
    /// read-only or read-write; without it, the mode is told
    #[arg(value_parser = mode)]
    pub(crate) mode: Option<Mode>,

    #[command(flatten)]
    pub(crate) admin: AdminArgs,
}

fn mode(text: &str) -> Result<Mode, String> {
    match text {
        "read-only" => Ok(Mode::ReadOnly),
        "read-write" => Ok(Mode::ReadWrite),
        _ => Err("there are read-only and read-write".to_owned()),
    }
}
