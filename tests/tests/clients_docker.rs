//! The docker engine, as Debian has it: pushes stream each layer in one PATCH.

use std::process::{Child, Stdio};

use harness::client::Client;
use harness::content::verify;
use harness::dockerd::Dockerd;
use harness::image::Image;
use harness::request_log::{RequestLog, count};

const MIB: usize = 1 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_was_pushed_and_removed_is_pulled_as_it_was() {
    let Some(docker) = Dockerd::start() else { return };
    let (server, mut log, _data) = RequestLog::of_new_server();
    let repository = format!("{}/team/app", server.address());
    let name = format!("{repository}:1");
    let image = Image::of_noise(1, &[40 * MIB, 5 * MIB, 20_000, 300, 20_001]);
    docker.load(&image, &name);
    let (id, layers) = (docker.id(&name), serde_json::to_value(image.layers()).unwrap());
    docker.run(["push", &name]);

    let (digest, manifest) = verify(&Client::new(server.address()), "team/app", "1").await;
    assert_eq!(manifest["config"]["digest"], image.id().as_str());
    for pulled in [name, format!("{repository}@{digest}")] {
        docker.forget();
        log.since_last();
        docker.run(["pull", &pulled]);
        assert_eq!((docker.id(&pulled), docker.layers(&pulled)), (id.clone(), layers.clone()), "{pulled}");
        let asked = log.since_last();
        let blobs = asked.iter().filter(|asked| asked.method == "GET" && asked.path.contains("/blobs/")).count();
        assert_eq!(blobs, 6, "the config and every layer come from the registry: {asked:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_to_a_second_repository_mounts_the_layers_of_the_first() {
    let Some(docker) = Dockerd::start() else { return };
    let (server, mut log, _data) = RequestLog::of_new_server();
    let [first, second] = ["first", "team/second"].map(|repository| format!("{}/{repository}:1", server.address()));
    docker.load(&Image::of_noise(2, &[20 * MIB, 3 * MIB, 20_000]), &first);
    let id = docker.id(&first);
    docker.run(["push", &first]);
    docker.run(["tag", &first, &second]);
    log.since_last();
    docker.run(["push", &second]);

    let asked = log.since_last();
    let mounts = asked.iter().filter(|asked| (&*asked.method, asked.status) == ("POST", 201));
    assert_eq!(mounts.filter(|asked| asked.path == "/v2/team/second/blobs/uploads/").count(), 3, "{asked:?}");
    assert!(count(&asked, "PATCH", 202) <= 1, "nothing but the config is sent again: {asked:?}");
    verify(&Client::new(server.address()), "team/second", "1").await;
    docker.forget();
    docker.run(["pull", &second]);
    assert_eq!(docker.id(&second), id);
}

#[tokio::test(flavor = "multi_thread")]
async fn pushes_of_one_image_to_several_names_at_once_all_arrive() {
    let Some(docker) = Dockerd::start() else { return };
    let (server, _log, _data) = RequestLog::of_new_server();
    let names = [("a", "1"), ("a", "2"), ("team/b", "1"), ("c", "1")];
    let of = |(repository, tag)| format!("{}/{repository}:{tag}", server.address());
    let image = Image::of_noise(3, &[20 * MIB, 20 * MIB, 20_000, 400]);
    docker.load(&image, "made:1");
    let id = docker.id("made:1");
    for name in names {
        docker.run(["tag", "made:1", &of(name)]);
    }
    together(&docker, "push", &names.map(of));

    let mut digests = Vec::new();
    for (repository, tag) in names {
        digests.push(verify(&Client::new(server.address()), repository, tag).await.0);
    }
    digests.dedup();
    assert_eq!(digests.len(), 1, "{digests:?}");
    docker.forget();
    together(&docker, "pull", &names.map(of));
    for name in names {
        assert_eq!(docker.id(&of(name)), id);
    }
}

/// Runs a command on each of these names at the same time.
fn together(docker: &Dockerd, verb: &str, names: &[String]) {
    let start = |name| docker.command([verb, name]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let running: Vec<Child> = names.iter().map(|name| start(name)).collect();
    for (name, child) in names.iter().zip(running) {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{verb} {name}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
