//! Real clients push images of small layers, and pull layers of any size.

use harness::deployment::Deployment;
use harness::image::Image;
use harness::journeys;

use super::WIRE;

const MIB: usize = 1 << 20;

/// What only one client at a time is asked to do: each is a daemon of its own.
fn with_stack(journey: impl FnOnce(&Deployment)) {
    let Some(stack) = Deployment::open() else { return };
    let _calm = WIRE.blocking_read();
    journey(stack);
}

#[test]
fn docker_pushes_and_pulls() {
    with_stack(|stack| journeys::docker(stack.registry()));
}

#[test]
fn containerd_pushes_and_pulls() {
    with_stack(|stack| journeys::containerd(stack.registry()));
}

#[test]
fn skopeo_pushes_and_pulls() {
    with_stack(|stack| journeys::skopeo(stack.registry()));
}

#[test]
fn podman_pushes_and_pulls() {
    with_stack(|stack| journeys::podman(stack.registry()));
}

#[test]
fn every_client_pulls_layers_of_any_size() {
    let Some(stack) = Deployment::open() else { return };
    let _calm = WIRE.blocking_read();
    let image = Image::of_noise(21, &[40 * MIB, 9 * MIB, 20_000]);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    runtime.block_on(journeys::push_in_chunks(stack.registry(), "team/large", &image));
    journeys::docker_pulls(stack.registry(), "team/large", &image);
    journeys::containerd_pulls(stack.registry(), "team/large", &image);
    journeys::skopeo_pulls(stack.registry(), "team/large", &image);
    journeys::podman_pulls(stack.registry(), "team/large", &image);
}
