//! A docker daemon of the test's own, with its socket and all that it keeps in a temporary directory.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::daemon::{Daemon, signal};
use crate::image::Image;
use crate::tools;
use crate::trust::Trust;

/// A docker daemon and its command line.
#[derive(Debug)]
pub struct Dockerd {
    docker: PathBuf,
    daemon: Option<Daemon>,
    directory: TempDir,
}

impl Dockerd {
    /// Starts a daemon; none, said aloud, where there cannot be one and may be none.
    pub fn start() -> Option<Self> {
        Self::trusting(&Trust::ClearText)
    }

    /// One that speaks with registries so. Those of a loopback address it trusts whatever they show.
    pub fn trusting(trust: &Trust) -> Option<Self> {
        let [docker, dockerd, _] = tools::find(&["docker", "dockerd", "containerd"])?.try_into().ok()?;
        if !tools::root() {
            return None;
        }
        let directory = TempDir::new().expect("a temporary directory can be made");
        let path = directory.path();
        let mut command = Command::new(dockerd);
        command.arg("--data-root").arg(path.join("root")).arg("--exec-root").arg(path.join("exec"));
        command.arg("--host").arg(host(path)).arg("--pidfile").arg(path.join("pid"));
        command.arg("--config-file").arg(path.join("daemon.json"));
        command.args(["--storage-driver", "vfs", "--iptables=false", "--bridge=none"]);
        if let Some(roots) = trust.roots() {
            command.env("SSL_CERT_FILE", roots).env("SSL_CERT_DIR", path);
        }
        std::fs::write(path.join("daemon.json"), "{}").expect("its settings can be written");
        let mut docker = Self { docker, daemon: None, directory };
        let ready = docker.command(["version"]);
        docker.daemon = Some(Daemon::start(&mut command, &docker.directory.path().join("log"), ready));
        Some(docker)
    }

    /// A docker command, not yet run.
    pub fn command(&self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
        let mut command = Command::new(&self.docker);
        command.arg("--config").arg(self.directory.path().join("client"));
        command.arg("--host").arg(host(self.directory.path())).args(arguments);
        command.env_remove("DOCKER_CONTEXT").env_remove("DOCKER_TLS_VERIFY");
        command
    }

    /// Runs a docker command and returns what it writes.
    pub fn run(&self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> String {
        tools::output_of(&mut self.command(arguments))
    }

    /// Loads an image under this name.
    pub fn load(&self, image: &Image, name: &str) {
        let archive = self.directory.path().join("load.tar");
        std::fs::write(&archive, image.docker_archive(name)).expect("the archive can be written");
        self.run(["load".as_ref(), "--input".as_ref(), archive.as_os_str()]);
        std::fs::remove_file(archive).expect("the archive can be removed");
    }

    /// The id of an image that the daemon has.
    pub fn id(&self, name: &str) -> String {
        self.run(["image", "inspect", "--format", "{{.Id}}", name])
    }

    /// The digests of the layers that the daemon has unpacked, as JSON.
    pub fn layers(&self, name: &str) -> serde_json::Value {
        let layers = self.run(["image", "inspect", "--format", "{{json .RootFS.Layers}}", name]);
        serde_json::from_str(&layers).expect("a list")
    }

    /// Removes every image.
    pub fn forget(&self) {
        let images = self.run(["images", "--all", "--quiet", "--no-trunc"]);
        let mut images: Vec<_> = images.lines().collect();
        images.dedup();
        self.run(["rmi", "--force"].iter().chain(&images));
        assert_eq!(self.run(["images", "--all", "--quiet"]), "");
    }
}

impl Drop for Dockerd {
    fn drop(&mut self) {
        let containerd = std::fs::read_to_string(self.directory.path().join("exec/containerd/containerd.pid"));
        drop(self.daemon.take());
        // It goes with its daemon, unless that had to be killed.
        let Ok(process) = containerd else { return };
        let arguments = std::fs::read_to_string(Path::new("/proc").join(process.trim()).join("cmdline"));
        if arguments.is_ok_and(|arguments| arguments.contains(&*self.directory.path().to_string_lossy())) {
            signal("-KILL", process.trim());
        }
    }
}

fn host(directory: &Path) -> String {
    format!("unix://{}", directory.join("docker.sock").display())
}
