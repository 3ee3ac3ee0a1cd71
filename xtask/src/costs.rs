//! What a registry costs on AWS: docs/costs.md, computed from the prices, calls and uses in docs/costs.

mod bill;
mod inputs;
mod page;
mod price;
mod text;
mod usage;

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::failure::Failure;
use inputs::Inputs;

/// How the page is dealt with.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Write nothing; fail when docs/costs.md is not what the inputs give.
    #[arg(long)]
    check: bool,
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
enum Error {
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    /// An input is not what it should be.
    #[error("{}: {source}", path.display())]
    Malformed { path: PathBuf, source: Box<toml::de::Error> },
    /// An operation's parts do not add up to it.
    #[error("docs/costs/calls.toml: {operation}: {what}")]
    Sum { operation: String, what: &'static str },
    /// A step is of an operation that nothing is known of.
    #[error("docs/costs/uses.toml: there is no operation {0:?} in calls.toml")]
    NoSuchOperation(String),
    /// The page is another than the inputs give.
    #[error("docs/costs.md is not what its inputs give: run `cargo xtask costs`")]
    Stale,
}

/// Writes docs/costs.md in the checkout at `root`, or checks it.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Result<(), Failure> {
    if arguments.check { verify(root) } else { write(root).map_err(reported) }
}

/// Fails when docs/costs.md in the checkout at `root` is not what its inputs give.
pub(crate) fn verify(root: &Path) -> Result<(), Failure> {
    check(root).map_err(reported)
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` calls")]
fn reported(error: Error) -> Failure {
    eprintln!("{error}");
    Failure::Step { name: "costs".to_owned() }
}

fn write(root: &Path) -> Result<(), Error> {
    let (path, page) = (path(root), page::render(&Inputs::load(root)?)?);
    std::fs::write(&path, page).map_err(|source| Error::File { path, source })
}

fn check(root: &Path) -> Result<(), Error> {
    let (path, page) = (path(root), page::render(&Inputs::load(root)?)?);
    let present = std::fs::read_to_string(&path).map_err(|source| Error::File { path, source })?;
    if present == page { Ok(()) } else { Err(Error::Stale) }
}

fn path(root: &Path) -> PathBuf {
    root.join("docs").join("costs.md")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_what_its_inputs_give() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        check(root).unwrap();
    }
}
