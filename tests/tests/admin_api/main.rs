//! The administration of accounts over HTTP, in this process.

mod accounts;
mod audit;
mod demotion;
mod functions;
mod schema;
mod statuses;
mod tokens;
mod world;
