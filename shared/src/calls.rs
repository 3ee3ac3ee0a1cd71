//! Counting the requests that AWS clients send. One counter can be attached to any number of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// How many requests were sent, by operation. Every attempt counts, a retried one too; a request that is only signed does
/// not. Clones share one count.
///
/// Attached to a client by `config.interceptor(calls.clone())`.
#[derive(Debug, Clone, Default)]
pub struct Calls(Arc<Mutex<BTreeMap<String, u64>>>);

impl Calls {
    /// All requests so far.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.read(|sent| sent.values().sum())
    }

    /// The requests of one operation so far, which is named as its API does: `PutObject`.
    #[must_use]
    pub fn of(&self, operation: &str) -> u64 {
        self.read(|sent| sent.get(operation).copied().unwrap_or_default())
    }

    /// The requests by operation since the last call of this.
    #[must_use]
    pub fn take(&self) -> BTreeMap<String, u64> {
        self.read(std::mem::take)
    }

    fn read<T>(&self, look: impl FnOnce(&mut BTreeMap<String, u64>) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[dyn_dispatch_hint]
impl Intercept for Calls {
    fn name(&self) -> &'static str {
        "Calls"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // A request that is made to be sent by somebody else comes by here too: it is signed in its query.
        if context.request().uri().contains("X-Amz-Signature=") {
            return Ok(());
        }
        let operation = config.load::<Metadata>().map_or_else(String::new, |metadata| metadata.name().to_owned());
        self.read(|sent| *sent.entry(operation).or_default() += 1);
        Ok(())
    }
}
