//! Bringing verified blobs to the registry. A delivery runs to its end whatever becomes of the request that wanted it, and
//! one blob is brought once, however many requests want it meanwhile.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use http::HeaderValue;
use shared::oci::{Digest, RepositoryName};
use url::Url;

use super::error::Error;
use crate::remote::{Credentials, LocalBlob, Progress, Remote, RemoteError};

/// What is brought where, and by whom: nobody gains by what another may do.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Parcel {
    pub(super) name: RepositoryName,
    pub(super) digest: Digest,
    pub(super) authorization: Option<HeaderValue>,
}

/// Deliveries that are under way.
#[derive(Debug)]
pub(super) struct Deliveries {
    remote: Remote,
    under_way: Arc<Mutex<HashMap<Parcel, Delivery>>>,
}

/// The outcome of a delivery, for everybody who waits for it.
pub(super) type Delivery = Shared<BoxFuture<'static, Result<(), Undelivered>>>;

/// Why a blob was not brought.
#[derive(Debug, Clone)]
pub(super) enum Undelivered {
    /// The registry did not take it.
    Remote(Arc<RemoteError>),
    /// The code has a mistake.
    Panicked,
}

impl From<Undelivered> for Error {
    fn from(undelivered: Undelivered) -> Self {
        match undelivered {
            Undelivered::Remote(error) => Self::Undelivered(error),
            Undelivered::Panicked => Self::DeliveryPanicked,
        }
    }
}

impl Parcel {
    pub(super) fn new(name: &RepositoryName, digest: &Digest, authorization: Option<&HeaderValue>) -> Self {
        let mut authorization = authorization.cloned();
        if let Some(secret) = &mut authorization {
            secret.set_sensitive(true);
        }
        Self { name: name.clone(), digest: digest.clone(), authorization }
    }
}

impl Deliveries {
    /// Deliveries to the registry at `to`. Sends nothing yet.
    pub(super) fn new(to: Url) -> Result<Self, RemoteError> {
        Ok(Self { remote: Remote::new(to, Credentials::Fixed(None))?, under_way: Arc::default() })
    }

    /// The delivery of this, if it is under way.
    pub(super) fn under_way(&self, parcel: &Parcel) -> Option<Delivery> {
        lock(&self.under_way).get(parcel).cloned()
    }

    /// The delivery of this, begun with these bytes unless it is under way already.
    pub(super) fn deliver(&self, parcel: Parcel, blob: LocalBlob) -> Delivery {
        let mut under_way = lock(&self.under_way);
        if let Some(delivery) = under_way.get(&parcel) {
            return delivery.clone();
        }
        let remote = self.remote.with_credentials(Credentials::Fixed(parcel.authorization.clone()));
        let (all, own) = (Arc::clone(&self.under_way), parcel.clone());
        let task = tokio::spawn(async move {
            let uploaded = remote.upload(&own.name, &blob, Progress::new(|_| {})).await;
            lock(&all).remove(&own);
            uploaded.map(drop).map_err(|error| Undelivered::Remote(Arc::new(error)))
        });
        let delivery = task.map(|ended| ended.unwrap_or(Err(Undelivered::Panicked))).boxed().shared();
        under_way.insert(parcel, delivery.clone());
        delivery
    }
}

fn lock(under_way: &Mutex<HashMap<Parcel, Delivery>>) -> MutexGuard<'_, HashMap<Parcel, Delivery>> {
    under_way.lock().unwrap_or_else(PoisonError::into_inner)
}
