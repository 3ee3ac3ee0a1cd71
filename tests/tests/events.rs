//! Every recorded event is answered by its function as it was recorded, byte for byte.

use std::time::Duration;

use harness::events::{Event, api, registry, seed};
use harness::stack::Stack;
use serde_json::{Value, json};
use shared::config::Aws;
use shared::http::Api;
use shared::lambda::{BatchAnswer, GatewayEvent, exchange};
use shared::registry::Registry;
use tokio::time::Instant;

#[tokio::test]
async fn every_event_has_its_recorded_answer() {
    let Some(stack) = Stack::fresh().await else { return };
    let (stores, aws) = (stack.stores(), Aws { settings: Some(stack.emulator().sdk_config()), ..Aws::default() });
    seed(&stores, &aws).await;
    let (api, registry) = (api(&stores, &aws).await, registry(&stores, &aws).await);
    for event in Event::all() {
        event.check(&answer(&event, &api, &registry).await);
    }
}

async fn answer(event: &Event, api: &Api, registry: &Registry) -> Value {
    if event.function == "maintenance" {
        let event = serde_json::from_str(&event.text()).expect("a background event");
        let report = maintenance::handle(registry.clone(), event, Instant::now() + Duration::from_secs(20)).await;
        assert_eq!(report.unwrap().failed, 0);
        return json!(BatchAnswer::default());
    }
    let (gateway, api) = (serde_json::from_str::<GatewayEvent>(&event.text()).expect("a gateway's event"), api.clone());
    let answer = match event.function.as_str() {
        "blobs" => exchange(gateway, |request| blobs::handle(api, request)).await,
        "uploads" => exchange(gateway, |request| uploads::handle(api, request)).await,
        "manifests" => exchange(gateway, |request| manifests::handle(api, request)).await,
        "tags" => exchange(gateway, |request| tags::handle(api, request)).await,
        "fallback" => exchange(gateway, |request| fallback::handle(api, request)).await,
        function => panic!("no function is called {function}"),
    };
    json!(answer)
}
