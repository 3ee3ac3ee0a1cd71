//! The `ringhold` program: a container registry in one process, and the tools of who runs it.

mod args;
mod commands;
mod log;
mod proxy;
#[expect(dead_code, unused_imports, reason = "the commands that use it come next")]
mod remote;
mod serve;
mod server;
mod settings;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Serve(args) => serve::run(*args).await.map_err(|error| error.to_string()),
        Command::Proxy(args) => proxy::run(*args).await.map_err(|error| error.to_string()),
        Command::Tags(args) => commands::tags::run(&args).await.map_err(|error| error.to_string()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("ringhold: {message}");
            ExitCode::FAILURE
        }
    }
}
