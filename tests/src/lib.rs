//! What the tests stand on: the program as a process, a client that hides nothing, real tools or a reason why not.

pub mod client;
pub mod content;
pub mod emulator;
pub mod memory;
pub mod server;
pub mod tools;
