//! What the tests stand on: the program as a process, a client that hides nothing, real tools or a reason why not.

pub mod client;
pub mod conformance;
pub mod containerd;
pub mod content;
pub mod daemon;
pub mod deployment;
pub mod distribution;
pub mod dockerd;
pub mod emulator;
pub mod events;
pub mod front;
pub mod image;
pub mod journeys;
pub mod lambda;
pub mod memory;
pub mod podman;
pub mod proxy;
pub mod request_log;
pub mod s3_server;
pub mod server;
pub mod skopeo;
pub mod stack;
pub mod tools;
pub mod transfer;
pub mod watch;
pub mod wire;
