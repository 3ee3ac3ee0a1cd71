//! The registry's library. Modules in order, each using only those before it.

pub mod oci;

pub mod calls;
pub mod causes;
pub mod clock;

pub mod storage;

pub mod metadata;

pub mod auth;

pub mod registry;

pub mod http;

pub mod config;

pub mod lambda;
