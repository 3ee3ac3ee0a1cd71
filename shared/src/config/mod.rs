//! What a process is told, and opening the stores that it names: every mistake is found before any is told.

mod mistakes;
mod sources;
mod stores;

pub use mistakes::Mistakes;
pub use stores::{Aws, OpenError, OpenErrors, Opened, Stores, Traffic, bucket_name, sdk_settings};
