//! podman: like skopeo in its requests, but it packs the layers anew.

use std::process::Command;

use harness::client::Client;
use harness::content::verify;
use harness::image::{Image, Layout};
use harness::request_log::{RequestLog, count};
use harness::tools;
use tempfile::TempDir;

const MIB: usize = 1 << 20;

/// podman with a store, a home and settings of its own.
struct Podman {
    program: std::path::PathBuf,
    directory: TempDir,
}

impl Podman {
    fn find() -> Option<Self> {
        let program = tools::find(&["podman"])?.pop()?;
        let directory = TempDir::new().unwrap();
        let settings = directory.path().join(".config/containers");
        std::fs::create_dir_all(&settings).unwrap();
        std::fs::write(settings.join("policy.json"), r#"{"default":[{"type":"insecureAcceptAnything"}]}"#).unwrap();
        Some(Self { program, directory })
    }

    fn run(&self, arguments: &[&str]) -> String {
        let path = self.directory.path();
        let mut command = Command::new(&self.program);
        command.current_dir(path);
        command.env("HOME", path).env("TMPDIR", path).env("XDG_RUNTIME_DIR", path);
        command.arg("--root").arg(path.join("root")).arg("--runroot").arg(path.join("run"));
        command.arg("--tmpdir").arg(path.join("tmp"));
        command.args(["--storage-driver", "vfs", "--cgroup-manager", "cgroupfs", "--events-backend", "none"]);
        tools::output_of(command.args(arguments))
    }

    /// Takes an image into its store under this name.
    fn load(&self, image: &Image, name: &str) {
        let directory = self.directory.path().join("layout");
        Layout::default().image("1", image).write(&directory);
        // By its relative path: podman makes a name of it, which may have no capital letters.
        let id = self.run(&["pull", "--quiet", "oci:layout:1"]);
        self.run(&["tag", &id, name]);
        std::fs::remove_dir_all(directory).unwrap();
    }

    fn pull(&self, name: &str) -> String {
        self.run(&["pull", "--quiet", "--tls-verify=false", name])
    }

    fn forget(&self) {
        self.run(&["rmi", "--all", "--force"]);
        assert_eq!(self.run(&["images", "--all", "--quiet"]), "");
    }
}

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
