//! The AWS stack on this machine: what answers for AWS, the stack in it, and functions run from source.

mod aws;
mod emulator;
mod localstack;
mod stack;
mod watch;

use clap::Subcommand;

use crate::failure::Failure;
use crate::places::Places;
use crate::python::Environment;
use aws::{Answers, Aws};

/// What is to be done with the stack on this machine.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,

    /// Port of AWS's API and of the registry
    #[arg(long, global = true, env = "RINGHOLD_LOCAL_PORT", default_value_t = 4566)]
    port: u16,
}

#[derive(Subcommand)]
enum Action {
    /// Starts what answers for AWS, builds and deploys the stack, and says where the registry is.
    Up,
    /// Builds the stack for this machine, into target/local.
    Build,
    /// Stops what `up` or `watch` started. What was pushed is gone with it.
    Down,
    /// Says what is running.
    Status,
    /// Runs the functions from source, behind a router, over the template's buckets and table.
    Watch,
}

/// Does it.
pub(crate) fn run(places: &Places, arguments: &Arguments) -> Result<(), Failure> {
    let aws = Aws { port: arguments.port };
    match arguments.action {
        Action::Up => up(places, aws),
        Action::Build => build(places),
        Action::Down => {
            emulator::stop(places)?;
            localstack::stop(places)
        }
        Action::Status => {
            status(places, aws);
            Ok(())
        }
        Action::Watch => {
            start(places, aws)?;
            watch::run(places, aws)
        }
    }
}

/// Builds every function, and the template that names them.
pub(crate) fn build(places: &Places) -> Result<(), Failure> {
    Environment::Sam.install(places)?;
    stack::build(places)
}

fn up(places: &Places, aws: Aws) -> Result<(), Failure> {
    let answers = start(places, aws)?;
    stack::build(places)?;
    stack::deploy(places, aws, answers)?;
    status(places, aws);
    Ok(())
}

/// Starts what is there, unless something answers already: LocalStack where there is a token for it, else the emulator.
fn start(places: &Places, aws: Aws) -> Result<Answers, Failure> {
    Environment::Emulator.install(places)?;
    Environment::Sam.install(places)?;
    match aws.answers() {
        Answers::Nobody if localstack::is_wanted(aws) => localstack::start(places)?,
        Answers::Nobody => emulator::start(places, aws)?,
        Answers::Stranger => return Err(Failure::Occupied { port: aws.port }),
        Answers::Emulator | Answers::LocalStack => {}
    }
    Ok(aws.answers())
}

/// Prints what is running, and where.
fn status(places: &Places, aws: Aws) {
    let answers = aws.answers();
    match answers {
        Answers::Nobody => println!("Nothing listens on port {}.", aws.port),
        Answers::Stranger => println!("What listens on port {} does not answer for AWS.", aws.port),
        Answers::LocalStack => println!("LocalStack answers for AWS at {}.", aws.endpoint()),
        Answers::Emulator => println!("The emulator answers for AWS at {}.", aws.endpoint()),
    }
    if let Some(log) = emulator::log_of_running(places) {
        println!("  log       {}", log.display());
    }
    if !matches!(answers, Answers::Emulator | Answers::LocalStack) {
        return;
    }
    match stack::registry(places, aws, answers) {
        Some(url) => {
            let host = url.split("//").nth(1).unwrap_or(&url).trim_end_matches('/');
            println!("  registry  {url}");
            println!("  push      docker tag IMAGE {host}/NAME:TAG && docker push {host}/NAME:TAG");
        }
        None => println!("  the stack is not deployed: `cargo xtask local up` does it"),
    }
}
