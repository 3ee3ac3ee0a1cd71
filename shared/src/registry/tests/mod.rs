//! The registry with every call to its stores under control: killed at each of them, and with another request between any
//! two of them. The storage is S3 in process, a call being one request to it.

mod facts;
mod import;
mod interleaving;
mod kills;
mod life;
mod probe;
mod ring;
mod scrub;
mod sweep;
mod versions;
mod world;
