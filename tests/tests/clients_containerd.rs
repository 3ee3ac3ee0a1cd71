//! containerd: pushes send each blob in one PUT, and what was stored is sent as it is.

use std::collections::BTreeSet;

use harness::client::Client;
use harness::containerd::Containerd;
use harness::content::verify;
use harness::image::{Image, Layout};
use harness::request_log::{RequestLog, count};

const MIB: usize = 1 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_was_pushed_and_removed_is_pulled_and_unpacked_as_it_was() {
    let Some(containerd) = Containerd::start() else { return };
    let (server, _log, _data) = RequestLog::of_new_server();
    let repository = format!("{}/team/app", server.address());
    let name = format!("{repository}:1");
    let image = Image::of_noise(1, &[60 * MIB, 5 * MIB, 20_000, 300]);
    let layout = Layout::default().image(&name, &image);
    containerd.import(&layout.archive());
    containerd.run(["images", "push", "--plain-http", &name]);

    let (digest, _) = verify(&Client::new(server.address()), "team/app", "1").await;
    assert_eq!(digest, image.digest());
    containerd.forget();
    containerd.run(["images", "pull", "--plain-http", "--snapshotter", "native", &name]);
    assert_eq!(containerd.content(), layout.digests());
    containerd.forget();
    containerd.run(["content", "fetch", "--plain-http", &format!("{repository}@{digest}")]);
    assert_eq!(containerd.content(), layout.digests());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_to_a_second_repository_mounts_the_blobs_of_the_first() {
    let Some(containerd) = Containerd::start() else { return };
    let (server, mut log, _data) = RequestLog::of_new_server();
    let [first, second] = ["first", "team/second"].map(|repository| format!("{}/{repository}:1", server.address()));
    let layout = Layout::default().image(&first, &Image::of_noise(2, &[20 * MIB, 20_000]));
    containerd.import(&layout.archive());
    containerd.run(["images", "push", "--plain-http", &first]);
    containerd.forget();
    // What is pulled carries where it came from.
    containerd.run(["content", "fetch", "--plain-http", &first]);
    containerd.run(["images", "tag", &first, &second]);
    log.since_last();
    containerd.run(["images", "push", "--plain-http", &second]);

    let asked = log.since_last();
    assert_eq!(count(&asked, "POST", 201), 3, "the config and each layer are mounted: {asked:?}");
    assert_eq!(count(&asked, "PUT", 201), 1, "the manifest alone is sent: {asked:?}");
    verify(&Client::new(server.address()), "team/second", "1").await;
    containerd.forget();
    containerd.run(["content", "fetch", "--plain-http", &second]);
    assert_eq!(containerd.content(), layout.digests());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_of_several_platforms_is_pushed_and_pulled_whole_or_in_part() {
    let Some(containerd) = Containerd::start() else { return };
    let (server, _log, _data) = RequestLog::of_new_server();
    let name = format!("{}/team/multi:1", server.address());
    let images = [("amd64", 3), ("arm64", 4)]
        .map(|(architecture, seed)| Image::for_architecture(architecture, seed, &[2 * MIB, 20_000]));
    let layout = Layout::default().index(&name, &images);
    containerd.import(&layout.archive());
    containerd.run(["images", "push", "--plain-http", &name]);

    let (index, _) = verify(&Client::new(server.address()), "team/multi", "1").await;
    containerd.forget();
    containerd.run(["content", "fetch", "--plain-http", "--all-platforms", &name]);
    assert_eq!(containerd.content(), layout.digests());
    containerd.forget();
    containerd.run(["content", "fetch", "--plain-http", "--platform", "linux/arm64", &name]);
    let arm64 = Layout::default().image(&name, &images[1]).digests();
    assert_eq!(containerd.content(), &arm64 | &BTreeSet::from([index.to_string()]));
}
