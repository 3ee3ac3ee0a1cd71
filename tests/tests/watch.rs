//! The functions from source, by `cargo lambda watch` and `cargo lambda invoke`.

use harness::client::Client;
use harness::conformance;
use harness::events::{Event, seed};
use harness::image::Image;
use harness::journeys;
use harness::stack::Stack;
use harness::watch::Watch;
use shared::config::Aws;

/// A case of the conformance list that does not pass by here.
const EXCLUDED: [(&str, &str); 1] =
    [("large-manifest", "cargo lambda watch never passes on an answer of more than 5 MB in base64")];

#[tokio::test(flavor = "multi_thread")]
async fn every_event_has_its_recorded_answer_by_cargo_lambda_invoke() {
    let Some(stack) = Stack::fresh().await else { return };
    let aws = Aws { settings: Some(stack.emulator().sdk_config()), ..Aws::default() };
    seed(&stack.stores(), &aws).await;
    let Some(watch) = Watch::over(&stack) else { return };
    for event in Event::all() {
        event.check(&watch.invoke(&event.function, &event.path));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_client_pushes_and_pulls_and_every_case_of_the_conformance_list_passes() {
    const MIB: usize = 1 << 20;
    let Some(stack) = Stack::fresh().await else { return };
    let Some(watch) = Watch::over(&stack) else { return };
    let (registry, untyped) = (watch.registry(), watch.registry_of_untyped());
    conformance::all(&Client::new(registry), &EXCLUDED).await;
    let image = Image::of_noise(22, &[20 * MIB, 9 * MIB, 20_000]);
    journeys::push_in_chunks(registry, "team/large", &image).await;
    let journeys = move || {
        journeys::docker(untyped);
        journeys::containerd(registry);
        journeys::skopeo(registry);
        journeys::podman(registry);
        journeys::docker_pulls(registry, "team/large", &image);
        journeys::containerd_pulls(registry, "team/large", &image);
        journeys::skopeo_pulls(registry, "team/large", &image);
        journeys::podman_pulls(registry, "team/large", &image);
    };
    tokio::task::spawn_blocking(journeys).await.expect("every client is content");
}
