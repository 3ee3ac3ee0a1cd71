//! Asks a deployed registry what nobody could know before it ran on AWS: what its gateway does to headers, lengths, paths
//! and bodies, and whether that is what Ringhold relies on.
//!
//! It speaks through curl: every byte of a request is then as the question needs it, and whoever doubts an answer can ask
//! again by hand. It pushes into one repository of its own, and deletes what it pushed.

mod answer;
mod blobs;
mod bodies;
mod challenge;
mod curl;
mod finding;
mod manifests;
mod paths;
mod pull;
mod stack;
mod table;
mod unanswered;
mod uploads;

use std::io;

use clap::Args;

use crate::failure::Failure;
use finding::{Finding, Verdict};
use stack::Stack;

/// Which registry is asked.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Where the registry is: what `sam deploy` printed as its address.
    #[arg(long)]
    url: String,
    /// Print JSON in place of a table.
    #[arg(long)]
    json: bool,
}

/// Why there are no answers.
#[derive(Debug, thiserror::Error)]
enum Error {
    /// Without curl nothing can be asked.
    #[error("curl cannot be run: {0}")]
    Curl(#[source] io::Error),
    /// What goes to curl, or comes from it, lies in files.
    #[error("a temporary file: {0}")]
    File(#[from] io::Error),
    /// The address is none.
    #[error("{0:?} is no address of a registry: it begins with https:// or http://")]
    Address(String),
    /// Whatever answers does not speak the protocol.
    #[error("no registry answers at {url}: {seen}")]
    NoRegistry { url: String, seen: String },
}

type Result<T> = std::result::Result<T, Error>;

/// A group of questions.
type Ask = fn(&Stack) -> Result<Vec<Finding>>;

/// In an order in which earlier questions explain why later ones fail.
const OPEN: [Ask; 6] = [paths::ask, manifests::ask, blobs::ask, uploads::ask, bodies::ask, pull::ask];

/// Asks everything and prints what was seen. Fails when something that Ringhold relies on is not so.
pub(crate) fn run(arguments: &Arguments) -> std::result::Result<(), Failure> {
    let failed = || Failure::Step { name: "smoke".to_owned() };
    let findings = answers(&arguments.url).map_err(|error| {
        eprintln!("{error}");
        failed()
    })?;
    let print = if arguments.json { table::json } else { table::text };
    println!("{}", print(&arguments.url, &findings));
    if findings.iter().any(|finding| finding.verdict == Verdict::Differs) { Err(failed()) } else { Ok(()) }
}

fn answers(url: &str) -> Result<Vec<Finding>> {
    let stack = Stack::reach(url)?;
    let mut findings = challenge::ask(&stack)?;
    if stack.is_closed() {
        findings.push(challenge::closed());
    } else {
        eprintln!("pushing into {}", stack.repository());
        let asked: Result<Vec<_>> = OPEN.iter().map(|ask| ask(&stack)).collect();
        // What was pushed goes, also when curl failed in between.
        let removed = stack.remove_all()?;
        findings.extend(asked?.into_iter().flatten());
        findings.push(removed);
    }
    findings.extend(unanswered::all());
    Ok(findings)
}
