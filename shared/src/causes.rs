//! An error with everything that caused it, in one line: for the log, and for the person who runs the registry.

use std::error::Error;
use std::fmt;

/// Shows an error and, after colons, its causes.
#[derive(Debug, Clone, Copy)]
pub struct Causes<'a>(pub &'a (dyn Error + 'static));

impl fmt::Display for Causes<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)?;
        std::iter::successors(self.0.source(), |cause| (*cause).source())
            .try_for_each(|cause| write!(formatter, ": {cause}"))
    }
}
