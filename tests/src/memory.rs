//! A registry in this process that keeps everything in memory: three buckets and a store of facts.

use std::sync::Arc;

use shared::auth::GateSettings;
use shared::config::{Aws, Stores};
use shared::http::{Api, Profile, Settings};
use shared::metadata::MetadataStore;
use shared::registry::{Registry, Terms};

use crate::client::Client;
use crate::front::Front;

/// A client of a new registry.
pub async fn registry() -> Client {
    Client::of(api(Terms::default()).await)
}

/// A new registry that answers on a free port as one behind a gateway would.
pub async fn behind_gateway() -> Front {
    let settings = Settings { gate: GateSettings::open(), profile: Profile::Gateway, ..Settings::default() };
    Front::of(api_with(Terms::default(), settings).await).await
}

/// A new registry on these terms.
pub async fn api(terms: Terms) -> Api {
    api_with(terms, Settings { gate: GateSettings::open(), ..Settings::default() }).await
}

/// A new registry on these terms, which answers by these settings.
pub async fn api_with(terms: Terms, settings: Settings) -> Api {
    api_and_facts(terms, settings).await.0
}

/// The same, and where its facts are.
pub async fn api_and_facts(terms: Terms, settings: Settings) -> (Api, Arc<dyn MetadataStore>) {
    let url = |text: &str| text.parse().expect("a URL");
    let storage = ["memory:one", "memory:two", "memory:three"].map(url);
    let stores = Stores::new(storage, url("memory:"));
    let (storage, metadata) = stores.open(&Aws::default()).await.expect("memory can be opened");
    (Api::new(Registry::new(storage, Arc::clone(&metadata), terms), settings).administering(), metadata)
}
