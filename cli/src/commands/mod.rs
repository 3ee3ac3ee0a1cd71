//! The operator's commands. Each can reach the store through the serving process, or open it when none serves.

pub(crate) mod admin;
mod operator;
pub(crate) mod ring;
pub(crate) mod tags;
pub(crate) mod work;
