//! The buckets of one process.

use std::sync::{Mutex, PoisonError};

use aws_config::SdkConfig;

use super::{S3Config, S3Driver};
use crate::calls::Calls;

/// Opens buckets with the same credentials and connections. Those that are reached alike share a client.
#[derive(Debug)]
pub struct S3Buckets {
    shared: SdkConfig,
    calls: Option<Calls>,
    reached: Mutex<Vec<(S3Config, S3Driver)>>,
}

impl S3Buckets {
    /// None yet.
    #[must_use]
    pub fn new(shared: SdkConfig, calls: Option<Calls>) -> Self {
        Self { shared, calls, reached: Mutex::default() }
    }

    /// The bucket that `config` names. Asks nothing of the store.
    pub fn open(&self, config: &S3Config) -> S3Driver {
        let mut reached = self.reached.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, driver)) = reached.iter().find(|(other, _)| other.is_reached_as(config)) {
            return driver.sibling(&config.bucket);
        }
        let driver = S3Driver::connect(config, &self.shared, self.calls.clone());
        reached.push((config.clone(), driver.clone()));
        driver
    }
}
