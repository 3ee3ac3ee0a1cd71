//! `ringhold import` of what CNCF distribution has written, on disk and in a bucket; then every tag is pulled.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use harness::client::Client;
use harness::content::verify;
use harness::distribution::Distribution;
use harness::dockerd::Dockerd;
use harness::image::{Image, Layout};
use harness::server::{ServeOptions, Server, program};
use harness::skopeo::Skopeo;
use harness::stack::Stack;
use harness::transfer::Transfer;
use serde_json::Value;
use shared::oci::Digest;
use tempfile::TempDir;

/// Images that docker pushes, and that skopeo pushes beside an index.
const BY_DOCKER: u64 = 9;
const BY_SKOPEO: u64 = 12;

/// Each tag as `(repository, tag)`, and what it names.
type Tags = BTreeMap<(String, String), Digest>;

/// Clients, and what they have pushed.
struct Pushed {
    docker: Dockerd,
    skopeo: Skopeo,
    tags: Tags,
    ids: BTreeMap<String, String>,
}

/// What a run told.
#[derive(Debug)]
struct Told {
    status: ExitStatus,
    sums: Value,
    problems: Vec<Value>,
    errors: String,
}

fn temporary() -> TempDir {
    TempDir::new().expect("a temporary directory can be made")
}

fn url(directory: &Path) -> String {
    format!("file://{}", directory.display())
}

/// An image that shares its first layer with all others.
fn image(seed: u64) -> Image {
    let shared = 150_000;
    let sizes = [shared, 40_000 + usize::try_from(seed).expect("a small number")];
    Image::of_noise(if seed.is_multiple_of(3) { 3 } else { seed }, &sizes)
}

/// Pushes images of both clients into several repositories, one of them an index.
async fn push(address: SocketAddr) -> Option<Pushed> {
    let (docker, skopeo) = (Dockerd::start()?, Skopeo::find()?);
    let (mut pushed, mut ids) = (Vec::new(), BTreeMap::new());
    for number in 0..BY_DOCKER {
        let (repository, tag) = (format!("team/docker-{}", number % 3), format!("v{number}"));
        let name = format!("{address}/{repository}:{tag}");
        docker.load(&image(number), &name);
        docker.run(["push", "--quiet", &name]);
        ids.insert(format!("{repository}:{tag}"), docker.id(&name));
        pushed.push((repository, tag));
    }
    for number in 0..BY_SKOPEO {
        let (repository, tag) = (format!("team/skopeo-{}/app", number % 4), format!("v{number}"));
        let source = skopeo.source(&Layout::default().image("1", &image(100 + number)), "1");
        skopeo.copy(&[&source, &format!("docker://{address}/{repository}:{tag}")]);
        pushed.push((repository, tag));
    }
    let platforms = [("amd64", 201), ("arm64", 202)];
    let platforms = platforms.map(|(machine, seed)| Image::for_architecture(machine, seed, &[90_000, 10]));
    let source = skopeo.source(&Layout::default().index("all", &platforms), "all");
    skopeo.copy(&["--all", &source, &format!("docker://{address}/team:all")]);
    pushed.push(("team".to_owned(), "all".to_owned()));
    let (client, mut tags) = (Client::new(address), Tags::new());
    for (repository, tag) in pushed {
        let (named, _) = verify(&client, &repository, &tag).await;
        tags.insert((repository, tag), named);
    }
    assert!(tags.len() > 20);
    Some(Pushed { docker, skopeo, tags, ids })
}

/// Every tag names what it named, and all below it is there.
async fn check(server: &Server, tags: &Tags) {
    let client = Client::new(server.address());
    for ((repository, tag), expected) in tags {
        let (named, _) = verify(&client, repository, tag).await;
        assert_eq!(named, *expected, "{repository}:{tag}");
    }
}

/// The clients pull what they have pushed.
fn pull(server: &Server, pushed: &Pushed) {
    let address = server.address();
    pushed.docker.forget();
    for (name, id) in &pushed.ids {
        let name = format!("{address}/{name}");
        pushed.docker.run(["pull", "--quiet", &name]);
        assert_eq!(pushed.docker.id(&name), *id, "{name}");
    }
    let blobs = pushed.skopeo.pull(&["--all"], &format!("docker://{address}/team:all"));
    assert!(blobs.contains(pushed.tags[&("team".to_owned(), "all".to_owned())].as_str()));
    assert_eq!(blobs.len(), 9, "an index, two images of two layers each");
}

fn run(command: &mut Command) -> Told {
    let output = command.arg("--json").output().expect("the program runs");
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut events: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}")))
        .collect();
    let sums = events.pop().unwrap_or_default();
    events.retain(|event| event["event"] == "problem");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    Told { status: output.status, sums, problems: events, errors }
}

/// Imports into a registry with its data here.
fn import(from: &str, data: &Path, arguments: &[&str]) -> Told {
    run(Command::new(program()).args(["import", from, "--data"]).arg(data).args(arguments))
}

fn import_into(stack: &Stack, from: &str, data: &Path, arguments: &[&str]) -> Told {
    let mut command = Command::new(program());
    command.args(["import", from, "--data"]).arg(data).args(arguments);
    for bucket in stack.stores().storage {
        command.args(["--storage", bucket.as_str()]);
    }
    command.args(["--metadata", stack.stores().metadata.as_str()]);
    run(command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test"))
}

#[track_caller]
fn done(told: &Told) -> &Value {
    assert!(told.status.success() && told.problems.is_empty(), "{told:?}");
    &told.sums
}

/// Every file below a directory, and how long it is.
fn files(directory: &Path) -> BTreeMap<PathBuf, u64> {
    let entries = std::fs::read_dir(directory).expect("it can be listed").map(|entry| entry.expect("an entry").path());
    let below = |path: PathBuf| if path.is_dir() { files(&path) } else { length(path) };
    entries.flat_map(below).collect()
}

fn length(path: PathBuf) -> BTreeMap<PathBuf, u64> {
    let length = path.metadata().expect("it is there").len();
    BTreeMap::from([(path, length)])
}

#[tokio::test(flavor = "multi_thread")]
async fn what_distribution_wrote_on_disk_is_pulled_from_here() {
    let (root, data) = (temporary(), temporary());
    let Some(distribution) = Distribution::over_directory(root.path()) else { return };
    let Some(pushed) = push(distribution.address()).await else { return };
    drop(distribution);
    let (from, before) = (url(root.path()), files(root.path()));

    let data = data.path().join("copied");
    let look = import(&from, &data, &["--dry-run"]);
    assert!(!data.exists(), "a look writes nothing");
    let first = import(&from, &data, &[]);
    let sums = done(&first);
    assert_eq!(files(root.path()), before, "the source is only read");
    for (name, value) in sums.as_object().expect("an object") {
        assert!(name == "dry_run" || *value == look.sums[name], "{name}: {sums} {look:?}");
    }
    assert_eq!(sums["repositories"], 8);
    assert_eq!(sums["tags_set"], pushed.tags.len());
    assert_eq!((&sums["blobs_adopted"], &sums["layers_skipped"]), (&0.into(), &0.into()));
    let second = import(&from, &data, &[]);
    let again = done(&second);
    assert_eq!(
        (&again["tags_present"], &again["manifests_present"]),
        (&sums["tags_set"], &sums["manifests_published"])
    );
    let untouched = ["tags_set", "manifests_published", "blobs_copied", "blobs_linked", "bytes_copied"];
    assert!(untouched.iter().all(|name| again[name] == 0), "{again}");

    let server = ServeOptions::embedded(&data).start();
    check(&server, &pushed.tags).await;
    pull(&server, &pushed);
    let refused = import(&from, &data, &[]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(refused.errors.contains("belongs to a process that is running"), "{refused:?}");
    drop(server);

    // The directory itself becomes a bucket: nothing is copied, and nothing in it changes.
    let (data, other) = (temporary(), temporary());
    let ring = ["--storage", &from, "--storage", &url(other.path())];
    let adopted = import(&from, data.path(), &[&ring[..], &["--verify"]].concat());
    let sums = done(&adopted);
    assert_eq!((&sums["blobs_copied"], &sums["tags_set"]), (&0.into(), &pushed.tags.len().into()), "{sums}");
    assert!(before.iter().all(|(path, length)| path.metadata().is_ok_and(|found| found.len() == *length)));
    assert!(!other.path().join("docker").exists());
    let server = ServeOptions::embedded(data.path()).with(ring).start();
    check(&server, &pushed.tags).await;
    pull(&server, &pushed);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_distribution_wrote_in_a_bucket_is_pulled_from_here() {
    let Some(stack) = Stack::fresh().await else { return };
    let bucket = stack.emulator().unversioned_bucket().await;
    let Some(distribution) = Distribution::over_bucket(stack.emulator(), &bucket, Some("/old/registry")) else {
        return;
    };
    let Some(pushed) = push(distribution.address()).await else { return };
    drop(distribution);
    let from = format!("s3://{bucket}?endpoint={}&region=us-east-1", stack.emulator().endpoint());

    let data = temporary();
    let nothing = import_into(&stack, &from, data.path(), &[]);
    assert_eq!(nothing.status.code(), Some(1));
    assert!(nothing.errors.contains("there is nothing to import"), "{nothing:?}");
    let first = import_into(&stack, &from, data.path(), &["--root", "/old/registry"]);
    assert_eq!(done(&first)["tags_set"], pushed.tags.len());
    let second = import_into(&stack, &from, data.path(), &["--root", "old/registry/"]);
    assert_eq!((&done(&second)["tags_present"], &second.sums["blobs_copied"]), (&pushed.tags.len().into(), &0.into()));

    let server = stack.options(data.path()).with(["--no-redirect"]).start();
    check(&server, &pushed.tags).await;
    drop(server);
    let server = stack.options(data.path()).start();
    pull(&server, &pushed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_distribution_wrote_joins_the_ring_as_it_is() {
    let (Some(stack), Some(skopeo)) = (Stack::fresh().await, Skopeo::find()) else { return };
    let Some(distribution) = Distribution::over_bucket(stack.emulator(), &stack.buckets()[0], None) else { return };
    let image = Image::of_noise(300, &[200_000, 10, 20, 30, 40]);
    let source = skopeo.source(&Layout::default().image("1", &image), "1");
    skopeo.copy(&[&source, &format!("docker://{}/team/app:1", distribution.address())]);
    let (named, _) = verify(&Client::new(distribution.address()), "team/app", "1").await;
    drop(distribution);

    let (data, from) = (temporary(), stack.stores().storage[0].to_string());
    let adopted = import_into(&stack, &from, data.path(), &[]);
    let sums = done(&adopted);
    assert_eq!((&sums["blobs_adopted"], &sums["blobs_copied"]), (&6.into(), &0.into()), "{sums}");
    for bucket in &stack.buckets()[1..] {
        let listed = stack.emulator().s3_client().list_objects_v2().bucket(bucket).send().await.expect("a list");
        assert_eq!(listed.contents().len(), 0);
    }
    let server = stack.options(data.path()).with(["--no-redirect"]).start();
    check(&server, &Tags::from([(("team/app".to_owned(), "1".to_owned()), named)])).await;
    let again = import_into(&stack, &from, data.path(), &["--verify"]);
    assert_eq!((&done(&again)["blobs_present"], &again.sums["manifests_present"]), (&6.into(), &1.into()));
}

/// A store with some images, which skopeo has pushed.
async fn some_images(root: &Path) -> Option<(Skopeo, Tags)> {
    let (distribution, skopeo) = (Distribution::over_directory(root)?, Skopeo::find()?);
    let mut tags = Tags::new();
    for number in 0..4 {
        let source = skopeo.source(&Layout::default().image("1", &image(number)), "1");
        let (repository, tag) = ("team/app".to_owned(), format!("v{number}"));
        skopeo.copy(&[&source, &format!("docker://{}/{repository}:{tag}", distribution.address())]);
        let (named, _) = verify(&Client::new(distribution.address()), &repository, &tag).await;
        tags.insert((repository, tag), named);
    }
    Some((skopeo, tags))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_with_a_broken_layer_is_left_out_and_the_rest_is_there() {
    let (root, data) = (temporary(), temporary());
    let Some((_, mut tags)) = some_images(root.path()).await else { return };
    let broken = tags.remove(&("team/app".to_owned(), "v1".to_owned())).expect("it was pushed");
    let layer = image(1).layers().pop().expect("a layer");
    let place = format!("docker/registry/v2/blobs/sha256/{}/{}/data", &layer.hex()[..2], layer.hex());
    let mut bytes = std::fs::read(root.path().join(&place)).expect("a layer");
    bytes[1000] ^= 1;
    std::fs::write(root.path().join(&place), bytes).expect("it can be written");

    let told = import(&url(root.path()), data.path(), &[]);
    assert_eq!(told.status.code(), Some(1), "{told:?}");
    assert_eq!(told.problems.len(), 3, "{told:?}");
    assert!(told.problems.iter().any(|problem| problem["blob"] == layer.as_str()), "{told:?}");
    assert!(told.problems.iter().any(|problem| problem["manifest"] == broken.as_str()), "{told:?}");
    assert!(told.problems.iter().any(|problem| problem["tag"] == "v1"), "{told:?}");
    let server = ServeOptions::embedded(data.path()).start();
    check(&server, &tags).await;
    let gone = Client::new(server.address()).get("/v2/team/app/manifests/v1").await;
    assert_eq!(gone.code(), "MANIFEST_UNKNOWN");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_was_interrupted_goes_on() {
    let root = temporary();
    let Some((_, tags)) = some_images(root.path()).await else { return };
    let (transfer, from) = (Transfer::new(), url(root.path()));
    for events in 1..6 {
        let data = temporary();
        let directory = data.path().to_str().expect("a path");
        let first = transfer.interrupted(&["import", &from, "--data", directory, "--jobs", "1"], events);
        assert!(matches!(first.status.code(), Some(130 | 0)), "{first:?}");
        let second = import(&from, data.path(), &[]);
        done(&second);
        let server = ServeOptions::embedded(data.path()).start();
        check(&server, &tags).await;
    }
}

#[test]
fn mistakes_are_told_before_anything_is_made() {
    let (directory, data) = (temporary(), temporary());
    let data = data.path().join("data");
    let absent = url(&directory.path().join("absent"));
    let there = url(directory.path());
    for (from, arguments, code, why) in [
        (absent.as_str(), &[][..], 1, "the store 1 that is to be read cannot be opened"),
        ("ftp://host/path", &[], 1, "no kind of store is called"),
        ("nothing", &[], 1, "FROM: "),
        (&there, &["--root", "a//b"], 1, "--root: "),
        (&there, &["--repository", "Team"], 2, "--repository"),
    ] {
        let told = import(from, &data, arguments);
        assert_eq!(told.status.code(), Some(code), "{from} {arguments:?}: {told:?}");
        assert!(told.errors.contains(why), "{from} {arguments:?}: {told:?}");
        assert!(!data.exists(), "{from} {arguments:?}");
    }
    let nothing = import(&there, &data, &[]);
    assert_eq!(nothing.status.code(), Some(1));
    assert!(nothing.errors.contains("there is nothing to import"), "{nothing:?}");
}
