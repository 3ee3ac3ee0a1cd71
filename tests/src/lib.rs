//! What the tests stand on: the program as a process, a client that hides nothing, real tools or a reason why not.

pub mod client;
pub mod containerd;
pub mod content;
pub mod daemon;
pub mod dockerd;
pub mod emulator;
pub mod events;
pub mod image;
pub mod memory;
pub mod request_log;
pub mod server;
pub mod stack;
pub mod tools;
