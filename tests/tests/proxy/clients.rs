//! Clients that stream a layer in one PATCH push through the proxy; what they pushed is pulled from the registry itself.

use std::ffi::OsStr;

use harness::containerd::Containerd;
use harness::content::verify;
use harness::dockerd::Dockerd;
use harness::image::{Image, Layout};
use harness::podman::Podman;
use harness::skopeo::Skopeo;
use tempfile::TempDir;

use crate::{MIB, Stage};

const SIZES: [usize; 4] = [40 * MIB, 5 * MIB, 20_000, 300];

#[tokio::test(flavor = "multi_thread")]
async fn what_docker_pushed_through_the_proxy_is_pulled_from_the_registry() {
    let Some(docker) = Dockerd::start() else { return };
    let stage = Stage::new();
    let image = Image::of_noise(1, &SIZES);
    let [near, far] = [&stage.proxy, &stage.registry].map(|server| format!("{}/team/app:1", server.address()));
    docker.load(&image, &near);
    docker.run(["push", &near]);

    let (digest, manifest) = verify(&stage.upstream(), "team/app", "1").await;
    assert_eq!(manifest["config"]["digest"], image.id().as_str());
    assert_eq!(verify(&stage.client(), "team/app", "1").await.0, digest);
    assert!(stage.options.spooled().is_empty(), "nothing stays behind");
    for pulled in [far, near] {
        docker.forget();
        docker.run(["pull", &pulled]);
        assert_eq!(docker.id(&pulled), image.id().as_str(), "{pulled}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_mounts_through_the_proxy_what_another_repository_has() {
    let Some(docker) = Dockerd::start() else { return };
    let stage = Stage::new();
    let [first, second] = ["first", "team/second"].map(|name| format!("{}/{name}:1", stage.proxy.address()));
    docker.load(&Image::of_noise(2, &[8 * MIB, 20_000]), &first);
    docker.run(["push", &first]);
    docker.run(["tag", &first, &second]);
    let told = docker.run(["push", &second]);
    assert!(told.contains("Mounted from first"), "{told}");
    verify(&stage.upstream(), "team/second", "1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_skopeo_pushed_through_the_proxy_comes_back_blob_by_blob() {
    let Some(skopeo) = Skopeo::find() else { return };
    let stage = Stage::new();
    let image = Image::of_noise(3, &SIZES);
    let layout = Layout::default().image("1", &image);
    let [near, far] = [&stage.proxy, &stage.registry].map(|server| format!("docker://{}/team/app:1", server.address()));
    skopeo.copy(&[&skopeo.source(&layout, "1"), &near]);

    assert_eq!(verify(&stage.upstream(), "team/app", "1").await.0, image.digest());
    for pulled in [far, near] {
        assert_eq!(skopeo.pull(&[], &pulled), layout.digests(), "{pulled}");
    }
    assert!(stage.options.spooled().is_empty(), "nothing stays behind");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_podman_pushed_through_the_proxy_is_pulled_from_the_registry() {
    let Some(podman) = Podman::find() else { return };
    let stage = Stage::new();
    let image = Image::of_noise(4, &SIZES);
    let [near, far] = [&stage.proxy, &stage.registry].map(|server| format!("{}/team/app:1", server.address()));
    podman.load(&image, &near);
    podman.run(&["push", "--tls-verify=false", &near]);

    let (_, manifest) = verify(&stage.upstream(), "team/app", "1").await;
    assert_eq!(manifest["config"]["digest"], image.id().as_str());
    for pulled in [far, near] {
        podman.forget();
        assert_eq!(podman.pull(&pulled), image.id().hex(), "{pulled}");
    }
    assert!(stage.options.spooled().is_empty(), "nothing stays behind");
}

#[tokio::test(flavor = "multi_thread")]
async fn containerd_takes_the_proxy_for_a_mirror_of_its_registry() {
    let Some(containerd) = Containerd::start() else { return };
    let stage = Stage::new();
    // Nobody answers by this name: whatever arrives came through the proxy.
    let name = "registry.invalid/team/app:1";
    let hosts = TempDir::new().unwrap();
    let directory = hosts.path().join("registry.invalid");
    std::fs::create_dir(&directory).unwrap();
    let mirror = format!(
        "server = \"http://registry.invalid\"\n[host.\"http://{}\"]\ncapabilities = [\"pull\", \"resolve\", \"push\"]\n",
        stage.proxy.address()
    );
    std::fs::write(directory.join("hosts.toml"), mirror).unwrap();
    let hosts = ["--hosts-dir".as_ref(), hosts.path().as_os_str()];
    let run = |command: &[&str]| {
        let arguments = command.iter().map(OsStr::new).chain(hosts).chain([OsStr::new(name)]);
        containerd.run(arguments);
    };
    let image = Image::of_noise(5, &SIZES);
    let layout = Layout::default().image(name, &image);
    containerd.import(&layout.archive());
    run(&["images", "push"]);

    assert_eq!(verify(&stage.upstream(), "team/app", "1").await.0, image.digest());
    containerd.forget();
    run(&["content", "fetch"]);
    assert_eq!(containerd.content(), layout.digests());
    assert!(stage.options.spooled().is_empty(), "nothing stays behind");
}
