//! The `ringhold` program: a container registry in one process, the tools of who runs it, and a client of any registry.

mod args;
mod commands;
mod image;
mod import;
mod log;
mod login;
mod proxy;
mod remote;
mod serve;
mod server;
mod settings;
mod transfer;

use std::process::ExitCode;

use clap::Parser;
use shared::causes::Causes;

use args::{Cli, Command, WorkCommand};
use transfer::Ended;

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Cli::parse_from(login::arguments(std::env::args_os())).command {
        Command::Serve(args) => serve::run(*args).await.map_err(|error| error.to_string()),
        Command::Proxy(args) => proxy::run(*args).await.map_err(|error| error.to_string()),
        Command::Push(args) => ended(transfer::push(*args).await),
        Command::Pull(args) => ended(transfer::pull(*args).await),
        Command::Login(args) => login::run(&args).await.map_err(|error| Causes(&error).to_string()),
        Command::CredentialHelper(command) => return login::credential_helper(&command).await,
        Command::Tags(args) => commands::tags::run(&args).await.map_err(|error| error.to_string()),
        Command::Ring(command) => commands::ring::run(command).await.map_err(|error| error.to_string()),
        Command::Scrub(args) => commands::ring::scrub(args).await.map_err(|error| error.to_string()),
        Command::Import(args) => ended(import::run(*args).await),
        Command::User(command) => commands::admin::user(command).await.map_err(|error| error.to_string()),
        Command::Robot(command) => commands::admin::robot(command).await.map_err(|error| error.to_string()),
        Command::Group(command) => commands::admin::group(command).await.map_err(|error| error.to_string()),
        Command::Token(command) => commands::admin::token(command).await.map_err(|error| error.to_string()),
        Command::Grant(command) => commands::admin::grant(command).await.map_err(|error| error.to_string()),
        Command::Repo(command) => commands::admin::repo(command).await.map_err(|error| error.to_string()),
        Command::Issuer(command) => commands::admin::issuer(command).await.map_err(|error| error.to_string()),
        Command::Keys(command) => commands::admin::keys(command).await.map_err(|error| error.to_string()),
        Command::Audit(args) => commands::admin::audit(args).await.map_err(|error| error.to_string()),
        Command::Mode(args) => commands::admin::mode(args).await.map_err(|error| error.to_string()),
        Command::Work(WorkCommand::List(args)) => commands::work::list(&args).await.map_err(|error| error.to_string()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("ringhold: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Leaves at once when interrupted: nothing that is still at work is waited for.
fn ended<E: std::error::Error + 'static>(ended: Result<Ended, E>) -> Result<(), String> {
    match ended {
        Ok(Ended::Done) => Ok(()),
        Ok(Ended::Interrupted) => {
            eprintln!("ringhold: interrupted; the same command goes on where this one was");
            std::process::exit(transfer::INTERRUPTED)
        }
        Err(error) => Err(Causes(&error).to_string()),
    }
}
