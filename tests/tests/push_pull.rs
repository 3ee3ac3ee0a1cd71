//! `ringhold push` and `ringhold pull`, against this registry and against CNCF distribution.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use harness::client::Client;
use harness::content::{digest, noise, verify};
use harness::distribution::Distribution;
use harness::dockerd::Dockerd;
use harness::image::{Image, Layout, digests_in};
use harness::memory::behind_gateway;
use harness::server::Server;
use harness::stack::Stack;
use harness::transfer::Transfer;
use tempfile::TempDir;

const MIB: usize = 1 << 20;

/// An image with layers for each way of being sent, the last one of a single block.
fn image(seed: u64) -> Image {
    Image::of_noise(seed, &[9 * MIB, 5 * MIB + 1, 20_000, 1])
}

fn written(layout: &Layout, directory: &TempDir, name: &str) -> PathBuf {
    let path = directory.path().join(name);
    layout.write(&path);
    path
}

fn temporary() -> TempDir {
    TempDir::new().expect("a temporary directory can be made")
}

/// Every file below a directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).expect("it can be listed").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Pushes a layout, pulls it back in each format, and pushes it again: nothing is changed, and nothing sent twice.
async fn goes_round(address: SocketAddr) {
    let (transfer, directory) = (Transfer::new(), temporary());
    let image = image(1);
    let layout = Layout::default().image("1", &image);
    let source = written(&layout, &directory, "source");
    let name = format!("{address}/team/app:1");

    let first = transfer.push(&source, &name);
    assert_eq!(first.sums()["digest"], image.digest().as_str());
    assert_eq!(first.sums()["blobs_sent"], 5, "{first:?}");
    let (pushed, _) = verify(&Client::new(address), "team/app", "1").await;
    assert_eq!(pushed, image.digest());

    let second = transfer.push(&source, &name);
    assert_eq!((&second.sums()["blobs_sent"], &second.sums()["bytes_sent"]), (&0.into(), &0.into()));
    assert_eq!(second.sums()["blobs_present"], 5);

    let pulled = directory.path().join("pulled/");
    let fetched = transfer.pull(&name, &pulled);
    assert_eq!(
        (&fetched.sums()["digest"], &fetched.sums()["blobs_received"]),
        (&image.digest().as_str().into(), &5.into())
    );
    assert_eq!(digests_in(&pulled), layout.digests());

    let archive = directory.path().join("pulled.tar");
    transfer.pull(&format!("{address}/team/app@{pushed}"), &archive);
    let copied = transfer.push(&archive, &format!("{address}/team/copy:1"));
    assert_eq!(copied.sums()["digest"], image.digest().as_str());
    assert!(!directory.path().join("pulled.tar.partial").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_layout_goes_round_through_this_registry() {
    let (server, _data) = Server::embedded();
    goes_round(server.address()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_layout_goes_round_through_cncf_distribution() {
    let Some(distribution) = Distribution::start() else { return };
    goes_round(distribution.address()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_layout_goes_round_through_a_gateway_that_lets_four_megabytes_pass() {
    goes_round(behind_gateway().await.address()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn layers_go_straight_into_the_buckets_and_come_straight_from_them() {
    let Some(stack) = Stack::fresh().await else { return };
    let data = temporary();
    let server = stack.options(data.path()).start();
    let (transfer, directory) = (Transfer::new(), temporary());
    // The first is large enough to be sent in parts, which the registry verifies in the background.
    let layout = Layout::default().image("1", &Image::of_noise(14, &[257 * MIB, 9 * MIB, 20_000]));
    let source = written(&layout, &directory, "source");
    let name = format!("{}/team/app:1", server.address());
    assert_eq!(transfer.push(&source, &name).sums()["blobs_sent"], 4);
    assert_eq!(transfer.push(&source, &name).sums()["blobs_sent"], 0);
    let log = std::fs::read_to_string(data.path().join("serve.log")).expect("the server has a log");
    assert!(log.contains("/team/app/_ringhold/uploads/direct") && !log.contains("/team/app/blobs/uploads"), "{log}");

    let pulled = directory.path().join("pulled/");
    assert_eq!(transfer.pull(&name, &pulled).sums()["blobs_received"], 4);
    assert_eq!(digests_in(&pulled), layout.digests());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_docker_saved_is_pushed_under_its_own_name_and_can_be_loaded_again() {
    let (server, _data) = Server::embedded();
    let (transfer, directory) = (Transfer::new(), temporary());
    let image = image(2);
    let name = format!("{}/team/saved:1", server.address());
    let saved = directory.path().join("saved.tar");
    std::fs::write(&saved, image.docker_archive(&name)).expect("an archive can be written");

    let first = transfer.done(&["push", saved.to_str().expect("a path")]);
    let client = Client::new(server.address());
    let (pushed, manifest) = verify(&client, "team/saved", "1").await;
    assert_eq!(first.sums()["digest"], pushed.as_str());
    assert_eq!(manifest["config"]["digest"], image.id().as_str());
    let layers: Vec<_> = image.layers().iter().map(|layer| serde_json::json!(layer)).collect();
    let found: Vec<_> =
        manifest["layers"].as_array().expect("layers").iter().map(|layer| layer["digest"].clone()).collect();
    assert_eq!(found, layers);
    let again = transfer.done(&["push", saved.to_str().expect("a path")]);
    assert_eq!((&again.sums()["digest"], &again.sums()["blobs_sent"]), (&pushed.as_str().into(), &0.into()));

    let loaded = directory.path().join("loaded.tar");
    transfer.done(&["pull", &name, loaded.to_str().expect("a path"), "--format", "docker-archive"]);
    let copied = transfer.push(&loaded, &format!("{}/team/copy:1", server.address()));
    assert_eq!(copied.sums()["digest"], pushed.as_str(), "the same image makes the same manifest");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_docker_daemon_saves_it_can_pull_and_what_is_pulled_it_can_load() {
    let Some(docker) = Dockerd::start() else { return };
    let (server, _data) = Server::embedded();
    let (transfer, directory) = (Transfer::new(), temporary());
    let name = format!("{}/team/app:1", server.address());
    let image = Image::of_noise(13, &[MIB, 20_000]);
    docker.load(&image, &name);
    let id = docker.id(&name);
    let path = |file: &str| directory.path().join(file).to_str().expect("a path").to_owned();
    docker.run(["save", "--output", &path("saved.tar"), &name]);
    docker.run(["image", "rm", &name]);

    transfer.done(&["push", &path("saved.tar")]);
    docker.run(["pull", &name]);
    assert_eq!(docker.id(&name), id);
    docker.run(["image", "rm", &name]);
    transfer.done(&["pull", &name, &path("pulled.tar"), "--format", "docker-archive"]);
    docker.run(["load", "--input", &path("pulled.tar")]);
    assert_eq!(docker.id(&name), id);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_goes_whole_or_one_platform_of_it() {
    let (server, _data) = Server::embedded();
    let (transfer, directory) = (Transfer::new(), temporary());
    let images = [("amd64", 3), ("arm64", 4)].map(|(machine, seed)| Image::for_architecture(machine, seed, &[20_000]));
    let layout = Layout::default().index("1", &images);
    let archive = directory.path().join("index.tar");
    std::fs::write(&archive, layout.archive()).expect("an archive can be written");
    let name = format!("{}/team/multi:1", server.address());

    transfer.push(&archive, &name);
    let (_, index) = verify(&Client::new(server.address()), "team/multi", "1").await;
    assert_eq!(index["manifests"].as_array().map(Vec::len), Some(2));
    let whole = directory.path().join("whole/");
    transfer.pull(&name, &whole);
    assert_eq!(digests_in(&whole), layout.digests());

    let one = directory.path().join("one/");
    let pull = ["pull", &name, one.to_str().expect("a path"), "--platform", "linux/arm64"];
    assert_eq!(transfer.done(&pull).sums()["digest"], images[1].digest().as_str());
    let push = ["push", archive.to_str().expect("a path"), &name, "--platform", "linux/amd64"];
    assert_eq!(transfer.done(&push).sums()["digest"], images[0].digest().as_str());

    let packed = directory.path().join("packed.tar");
    let several = ["pull", &name, packed.to_str().expect("a path"), "--format", "docker-archive"];
    transfer.push(&archive, &name);
    assert_eq!(transfer.run(&several).status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn layers_of_another_repository_are_mounted() {
    let (server, _data) = Server::embedded();
    let (transfer, directory) = (Transfer::new(), temporary());
    let source = written(&Layout::default().image("1", &image(5)), &directory, "source");
    transfer.push(&source, &format!("{}/team/base:1", server.address()));
    let other = format!("{}/team/other:1", server.address());
    let mounted = transfer.done(&["push", source.to_str().expect("a path"), &other, "--mount-from", "team/base"]);
    assert_eq!((&mounted.sums()["blobs_mounted"], &mounted.sums()["bytes_sent"]), (&5.into(), &0.into()));
    verify(&Client::new(server.address()), "team/other", "1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_push_sends_only_what_is_missing_when_it_is_repeated() {
    let (server, _data) = Server::embedded();
    let (transfer, directory) = (Transfer::new(), temporary());
    let source = written(&Layout::default().image("1", &Image::of_noise(6, &[4 * MIB; 20])), &directory, "source");
    let name = format!("{}/team/app:1", server.address());
    let push = ["push", source.to_str().expect("a path"), &name, "--jobs", "1"];

    let first = transfer.interrupted(&push, 10);
    assert_eq!(first.status.code(), Some(130), "{first:?}");
    assert!(first.errors.contains("interrupted"), "{first:?}");
    let second = transfer.done(&push);
    let sent = second.sums()["blobs_sent"].as_u64().expect("a number");
    let present = second.sums()["blobs_present"].as_u64().expect("a number");
    // The one that was on its way may have arrived.
    assert!(present >= first.blobs("sent") && present <= first.blobs("sent") + 1, "{second:?}");
    assert!(sent > 0 && sent + present == 21, "{second:?}");
    verify(&Client::new(server.address()), "team/app", "1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_goes_on_with_what_is_there() {
    let (server, _data) = Server::embedded();
    let (transfer, directory) = (Transfer::new(), temporary());
    let image = Image::of_noise(7, &[4 * MIB; 12]);
    let layout = Layout::default().image("1", &image);
    let name = format!("{}/team/app:1", server.address());
    transfer.push(&written(&layout, &directory, "source"), &name);

    let target = directory.path().join("target/");
    let pull = ["pull", &name, target.to_str().expect("a path"), "--jobs", "1"];
    let first = transfer.interrupted(&pull, 5);
    assert_eq!(first.status.code(), Some(130), "{first:?}");
    // Of one blob, half is there; of another, half of something else.
    let missing = |blob: &&Bytes| !target.join("blobs/sha256").join(digest(blob).hex()).exists();
    let [half, wrong] = image.blobs().filter(missing).filter(|blob| blob.len() > MIB).take(2).collect::<Vec<_>>()[..]
    else {
        panic!("two blobs are missing: {first:?}");
    };
    let part = |blob: &Bytes| target.join("blobs/sha256").join(format!("{}.part", digest(blob).hex()));
    std::fs::write(part(half), &half[..2 * MIB]).expect("a file can be written");
    std::fs::write(part(wrong), noise(8, 2 * MIB)).expect("a file can be written");
    let second = transfer.done(&pull);
    assert!(second.sums()["blobs_present"].as_u64() >= Some(first.blobs("received")), "{second:?}");
    let missing = 13 - second.sums()["blobs_present"].as_u64().expect("a number");
    assert_eq!(second.sums()["blobs_received"], missing);
    assert_eq!(digests_in(&target), layout.digests());
    assert!(files(&target).iter().all(|path| path.extension().is_none_or(|extension| extension != "part")));
    assert_eq!(transfer.done(&pull).sums()["bytes_received"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_layer_that_rotted_in_the_registry_is_refused() {
    let (server, data) = Server::embedded();
    let (transfer, directory) = (Transfer::new(), temporary());
    let image = Image::of_noise(9, &[MIB]);
    let layer = image.blobs().nth(1).expect("a layer").clone();
    let name = format!("{}/team/app:1", server.address());
    transfer.push(&written(&Layout::default().image("1", &image), &directory, "source"), &name);
    let stored = files(data.path()).into_iter().find(|path| std::fs::read(path).is_ok_and(|bytes| bytes == layer));
    let mut rotten = layer.to_vec();
    rotten[MIB / 2] ^= 1;
    std::fs::write(stored.expect("the layer lies in a file"), rotten).expect("it can be written");

    let target = directory.path().join("target/");
    let output = transfer.run(&["pull", &name, target.to_str().expect("a path")]);
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains(&format!("what came as {} has another digest", digest(&layer))), "{told}");
    let left: Vec<_> =
        files(&target).into_iter().filter(|path| path.to_string_lossy().contains(digest(&layer).hex())).collect();
    assert!(left.is_empty() && !target.join("index.json").exists(), "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_saved_wrong_is_not_in_the_registry_afterwards() {
    let (server, _data) = Server::embedded();
    let (transfer, directory) = (Transfer::new(), temporary());
    let image = Image::of_noise(10, &[20_000]);
    let source = written(&Layout::default().image("1", &image), &directory, "source");
    let layer = image.blobs().nth(1).expect("a layer");
    let mut wrong = layer.to_vec();
    wrong[1000] ^= 1;
    std::fs::write(source.join("blobs/sha256").join(digest(layer).hex()), wrong).expect("it can be written");
    let output = transfer.run(&["push", source.to_str().expect("a path"), &format!("{}/team/app:1", server.address())]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("DIGEST_INVALID"), "{output:?}");
    let got = Client::new(server.address()).get(format!("/v2/team/app/blobs/{}", digest(layer))).await;
    assert_eq!(got.code(), "BLOB_UNKNOWN");
}

#[test]
fn mistakes_on_the_command_line_are_told_apart_from_failures() {
    let transfer = Transfer::new();
    let (directory, empty) = (temporary(), temporary());
    std::fs::write(directory.path().join("letter"), "dear").expect("a file can be written");
    let (full, empty) = (directory.path().to_str().expect("a path"), empty.path().to_str().expect("a path"));
    for (arguments, code) in [
        (&["push", empty, "127.0.0.1:1/App"][..], 2),
        (&["push", empty, "127.0.0.1:1/app", "--jobs", "0"], 2),
        (&["push"], 2),
        (&["push", empty, "127.0.0.1:1/app"], 1),
        (&["push", "/nonexistent", "127.0.0.1:1/app"], 1),
        (&["pull", "127.0.0.1:1/app", "image.zip"], 1),
    ] {
        let output = transfer.run(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {output:?}");
        assert!(!output.stderr.is_empty() && output.stdout.is_empty(), "{arguments:?}: {output:?}");
    }
    let (server, _data) = Server::embedded();
    let name = format!("{}/team/app:1", server.address());
    let source = temporary();
    transfer.push(&written(&Layout::default().image("1", &Image::of_noise(11, &[10])), &source, "source"), &name);
    let output = transfer.run(&["pull", &name, full]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(files(directory.path()).len(), 1, "other files are left alone");
}
