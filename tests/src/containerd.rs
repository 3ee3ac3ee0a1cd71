//! A containerd of the test's own, with its socket and all that it keeps in a temporary directory.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::daemon::Daemon;
use crate::tools;

/// A containerd and its command line.
#[derive(Debug)]
pub struct Containerd {
    ctr: PathBuf,
    daemon: Option<Daemon>,
    directory: TempDir,
}

impl Containerd {
    /// Starts a daemon; none, said aloud, where there cannot be one and may be none.
    pub fn start() -> Option<Self> {
        let [ctr, containerd] = tools::find(&["ctr", "containerd"])?.try_into().ok()?;
        if !tools::root() {
            return None;
        }
        let directory = TempDir::new().expect("a temporary directory can be made");
        let path = directory.path().display();
        let config = format!(
            r#"version = 2
root = "{path}/root"
state = "{path}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "{path}/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
path = "{path}/opt"
"#
        );
        let file = directory.path().join("config.toml");
        std::fs::write(&file, config).expect("its settings can be written");
        let mut containerd = Command::new(containerd);
        containerd.arg("--config").arg(file);
        let mut ctr = Self { ctr, daemon: None, directory };
        let ready = ctr.command(["version"]);
        ctr.daemon = Some(Daemon::start(&mut containerd, &ctr.directory.path().join("log"), ready));
        Some(ctr)
    }

    /// Runs a `ctr` command and returns what it writes.
    pub fn run(&self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> String {
        tools::output_of(&mut self.command(arguments))
    }

    /// Imports an OCI archive, for all platforms, without unpacking it.
    pub fn import(&self, archive: &[u8]) {
        let file = self.directory.path().join("import.tar");
        std::fs::write(&file, archive).expect("the archive can be written");
        let arguments = ["images", "import", "--all-platforms", "--no-unpack"];
        self.run(arguments.iter().map(OsStr::new).chain([file.as_os_str()]));
        std::fs::remove_file(file).expect("the archive can be removed");
    }

    /// The digests of everything that it keeps.
    pub fn content(&self) -> BTreeSet<String> {
        self.run(["content", "list", "--quiet"]).lines().map(ToOwned::to_owned).collect()
    }

    /// Removes every image, and what belonged to it.
    pub fn forget(&self) {
        let images = self.run(["images", "list", "--quiet"]);
        self.run(["images", "remove", "--sync"].into_iter().chain(images.lines()));
        assert_eq!(self.content(), BTreeSet::new());
    }

    /// A command, not yet run.
    pub fn command(&self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
        let mut command = Command::new(&self.ctr);
        command.arg("--address").arg(self.directory.path().join("containerd.sock")).args(arguments);
        command.env_remove("CONTAINERD_NAMESPACE");
        command
    }
}

impl Drop for Containerd {
    fn drop(&mut self) {
        drop(self.daemon.take());
    }
}
