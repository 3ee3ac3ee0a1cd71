//! A store in a directory of a local file system.
//!
//! An object is the file of its path below the root. Everything else is below `.ringhold`, which no path can name:
//!
//! ```text
//! .ringhold/temporary/<process>/<id>   files that nothing names; swept once their process is gone
//! .ringhold/partial/<upload>           the bytes of a checkpointed writer; they stay until it is committed or cancelled
//! .ringhold/locks/<stripe>             held while an object is published, moved or deleted
//! ```
//!
//! A write is acknowledged once the file and every directory above it are on disk. A process killed at any moment leaves
//! whole objects, and files below `.ringhold`.
//!
//! Paths have no dot components, and an object is opened only if it is a regular file, never through a symbolic link in
//! its place: no call leaves the root. A *directory* that an operator replaced by a link is followed.

mod blocking;
mod driver;
mod root;
mod temporary;
mod unfinished;
mod version;
mod walk;
mod writer;

#[cfg(test)]
mod tests;

pub use driver::FilesystemDriver;
