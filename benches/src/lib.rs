//! What measurements have in common: statistics and plots.

mod spread;
mod svg;

pub use spread::Spread;
pub use svg::Frame;
