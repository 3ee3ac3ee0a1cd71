//! Uploads whose bytes go straight into a bucket: `/v2/<name>/_ringhold/uploads/direct` and what lies below.

mod wire;

pub use wire::{
    DIRECT_UPLOADS, Offer, PartRequest, PartRequests, PartSent, PartWanted, PartsSent, PartsWanted, Standing, State,
};
