//! What several runs gave.

/// The least, the middle one and the most of some values.
#[derive(Debug, Clone, Copy)]
pub struct Spread {
    /// The least.
    pub least: f64,
    /// The middle one; of an even number, the greater of the two in the middle.
    pub median: f64,
    /// The most.
    pub most: f64,
}

impl Spread {
    /// Of at least one value.
    #[must_use]
    pub fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        Self { least: values[0], median: values[values.len() / 2], most: values[values.len() - 1] }
    }
}
