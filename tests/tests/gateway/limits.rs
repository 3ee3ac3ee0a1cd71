//! What does not pass, and what clients are told.

use harness::content::{digest, noise};
use harness::dockerd::Dockerd;
use harness::image::Image;
use http::Method;

use super::{WIRE, stack};

const MIB: usize = 1 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn a_body_above_four_mebibytes_is_ours_to_refuse_until_the_gateway_does() {
    let Some(stack) = stack().await else { return };
    let _calm = WIRE.read().await;
    let client = stack.client();
    let push = async |size: usize| {
        let blob = noise(31, size);
        let target = format!("/v2/team/limits/blobs/uploads/?digest={}", digest(&blob));
        client.call(Method::POST, target).header("content-type", "application/octet-stream").body(blob).send().await
    };
    assert_eq!(push(4 * MIB).await.status, 201);
    for size in [4 * MIB + 1, 4_500_000] {
        let refused = push(size).await;
        assert_eq!((refused.status.as_u16(), &*refused.code()), (413, "UNSUPPORTED"), "{refused:?}");
        let message = refused.json()["errors"][0]["message"].to_string();
        assert!(["regctl", "ringhold serve"].iter().all(|way| message.contains(way)), "{message}");
    }
    for size in [5_000_000, 11 * MIB] {
        let refused = push(size).await;
        assert_eq!((refused.status.as_u16(), &*refused.code()), (413, ""), "the gateway's own answer: {refused:?}");
        assert!(refused.json()["message"].is_string(), "{refused:?}");
    }
}

/// docker gives up at once, and prints the way out.
#[test]
fn docker_prints_the_ways_out() {
    let Some(stack) = harness::deployment::Deployment::open() else { return };
    let _calm = WIRE.blocking_read();
    let Some(docker) = Dockerd::start() else { return };
    let name = format!("{}/team/too-large:1", stack.registry());
    docker.load(&Image::of_noise(32, &[4_300_000]), &name);
    let output = docker.command(["push", &name]).output().expect("docker runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("ringhold serve"), "{said}");
}
