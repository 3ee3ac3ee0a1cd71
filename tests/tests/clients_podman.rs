//! podman: like skopeo in its requests, but it packs the layers anew.

use harness::client::Client;
use harness::content::verify;
use harness::image::Image;
use harness::podman::Podman;
use harness::request_log::{RequestLog, count};

const MIB: usize = 1 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_was_pushed_and_removed_is_pulled_as_it_was() {
    let Some(podman) = Podman::find() else { return };
    let (server, _log, _data) = RequestLog::of_new_server();
    let repository = format!("{}/team/app", server.address());
    let name = format!("{repository}:1");
    let image = Image::of_noise(1, &[40 * MIB, 5 * MIB, 20_000, 300]);
    podman.load(&image, &name);
    podman.run(&["push", "--tls-verify=false", &name]);

    let (digest, manifest) = verify(&Client::new(server.address()), "team/app", "1").await;
    assert_eq!(manifest["config"]["digest"], image.id().as_str());
    let layers = serde_json::to_string(&image.layers()).unwrap();
    for pulled in [name, format!("{repository}@{digest}")] {
        podman.forget();
        assert_eq!(podman.pull(&pulled), image.id().hex(), "{pulled}");
        assert_eq!(podman.run(&["image", "inspect", "--format", "{{json .RootFS.Layers}}", &pulled]), layers);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_to_a_second_repository_mounts_the_layers_of_the_first() {
    let Some(podman) = Podman::find() else { return };
    let (server, mut log, _data) = RequestLog::of_new_server();
    let [first, second] = ["first", "team/second"].map(|repository| format!("{}/{repository}:1", server.address()));
    let image = Image::of_noise(2, &[20 * MIB, 20_000]);
    podman.load(&image, &first);
    podman.run(&["push", "--tls-verify=false", &first]);
    podman.run(&["tag", &first, &second]);
    log.since_last();
    podman.run(&["push", "--tls-verify=false", &second]);

    let asked = log.since_last();
    assert!(count(&asked, "POST", 201) >= 2, "the layers are mounted: {asked:?}");
    assert!(count(&asked, "PATCH", 202) <= 1, "nothing but the config is sent again: {asked:?}");
    verify(&Client::new(server.address()), "team/second", "1").await;
    podman.forget();
    assert_eq!(podman.pull(&second), image.id().hex());
}
