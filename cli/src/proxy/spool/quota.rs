//! How much all uploads together may store.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Why no more can be stored.
#[derive(Debug, thiserror::Error)]
pub(in crate::proxy) enum Full {
    /// More than is allowed.
    #[error(
        "uploads on their way through this proxy may have {limit} bytes together, and this would make them {wanted}: \
         push again when others are done, or give the proxy a larger --spool-quota"
    )]
    Quota {
        /// How much is allowed.
        limit: u64,
        /// How much it would be.
        wanted: u64,
    },
    /// More than fits.
    #[error("the disk of this proxy's --spool is full: make room, or give the proxy another")]
    Disk(#[source] io::Error),
}

/// A number of bytes, which reservations share.
#[derive(Debug, Clone)]
pub(super) struct Quota {
    limit: u64,
    used: Arc<AtomicU64>,
}

impl Quota {
    pub(super) fn new(limit: u64) -> Self {
        Self { limit, used: Arc::default() }
    }

    /// A reservation of nothing yet.
    pub(super) fn reservation(&self) -> Reservation {
        Reservation { quota: self.clone(), bytes: 0 }
    }
}

/// Bytes that one upload may store; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Reservation {
    quota: Quota,
    bytes: u64,
}

impl Reservation {
    /// Reserves up to `bytes` in all, if that is allowed. What is reserved already stays so.
    pub(super) fn grow_to(&mut self, bytes: u64) -> Result<(), Full> {
        let more = bytes.saturating_sub(self.bytes);
        let Quota { limit, used } = &self.quota;
        let grown = |used: u64| used.checked_add(more).filter(|used| used <= limit);
        match used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, grown) {
            Ok(_) => {
                self.bytes += more;
                Ok(())
            }
            Err(used) => Err(Full::Quota { limit: *limit, wanted: used.saturating_add(more) }),
        }
    }

    /// Gives back what is above `bytes`.
    pub(super) fn shrink_to(&mut self, bytes: u64) {
        let less = self.bytes.saturating_sub(bytes);
        self.bytes -= less;
        self.quota.used.fetch_sub(less, Ordering::Relaxed);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.shrink_to(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reservations_share_what_there_is_and_give_it_back() {
        let quota = Quota::new(10);
        let (mut one, mut other) = (quota.reservation(), quota.reservation());
        assert!(one.grow_to(6).is_ok() && other.grow_to(4).is_ok());
        assert!(matches!(other.grow_to(5), Err(Full::Quota { limit: 10, wanted: 11 })));
        one.shrink_to(5);
        assert!(other.grow_to(5).is_ok());
        drop(one);
        assert!(other.grow_to(10).is_ok());
        assert!(other.grow_to(u64::MAX).is_err());
        drop(other);
        assert_eq!(quota.used.load(Ordering::Relaxed), 0);
    }
}
