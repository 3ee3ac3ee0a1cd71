//! podman: like skopeo in its requests, but it packs the layers anew.

use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::image::{Image, Layout};
use crate::tools;
use crate::trust::Trust;

/// podman with a store, a home and settings of its own.
#[derive(Debug)]
pub struct Podman {
    program: PathBuf,
    directory: TempDir,
    trust: Trust,
}

impl Podman {
    /// podman; none, said aloud, where it is missing and may be.
    pub fn find() -> Option<Self> {
        Self::trusting(&Trust::ClearText)
    }

    /// One that speaks with registries so.
    pub fn trusting(trust: &Trust) -> Option<Self> {
        let program = tools::find(&["podman"])?.pop()?;
        let directory = TempDir::new().expect("a temporary directory can be made");
        let settings = directory.path().join(".config/containers");
        std::fs::create_dir_all(&settings).expect("its settings can be made");
        std::fs::write(settings.join("policy.json"), r#"{"default":[{"type":"insecureAcceptAnything"}]}"#)
            .expect("its settings can be written");
        Some(Self { program, directory, trust: trust.clone() })
    }

    /// Runs a command and returns what it writes.
    pub fn run(&self, arguments: &[&str]) -> String {
        tools::output_of(&mut self.command(arguments))
    }

    /// A command, not yet run.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let path = self.directory.path();
        let mut command = Command::new(&self.program);
        command.current_dir(path);
        command.env("HOME", path).env("TMPDIR", path).env("XDG_RUNTIME_DIR", path);
        command.arg("--root").arg(path.join("root")).arg("--runroot").arg(path.join("run"));
        command.arg("--tmpdir").arg(path.join("tmp"));
        command.args(["--storage-driver", "vfs", "--cgroup-manager", "cgroupfs", "--events-backend", "none"]);
        command.args(arguments);
        command
    }

    /// Takes an image into its store under this name.
    pub fn load(&self, image: &Image, name: &str) {
        let directory = self.directory.path().join("layout");
        Layout::default().image("1", image).write(&directory);
        // By its relative path: podman makes a name of it, which may have no capital letters.
        let id = self.run(&["pull", "--quiet", "oci:layout:1"]);
        self.run(&["tag", &id, name]);
        std::fs::remove_dir_all(directory).expect("the layout can be removed");
    }

    /// Pulls an image, and returns its id.
    pub fn pull(&self, name: &str) -> String {
        self.run(&["pull", "--quiet", &self.trust.flag(""), name])
    }

    /// Removes every image.
    pub fn forget(&self) {
        self.run(&["rmi", "--all", "--force"]);
        assert_eq!(self.run(&["images", "--all", "--quiet"]), "");
    }
}
