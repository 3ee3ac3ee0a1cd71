//! skopeo: copies between directories and the registry, digests preserved.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::image::{Layout, digests_in};
use crate::tools;
use crate::trust::Trust;

/// A directory for skopeo to copy from, one to copy to, and what it is called with.
#[derive(Debug)]
pub struct Skopeo {
    program: PathBuf,
    directory: TempDir,
    trust: Trust,
}

impl Skopeo {
    /// skopeo; none, said aloud, where it is missing and may be.
    pub fn find() -> Option<Self> {
        Self::trusting(&Trust::ClearText)
    }

    /// One that speaks with registries so.
    pub fn trusting(trust: &Trust) -> Option<Self> {
        let program = tools::find(&["skopeo"])?.pop()?;
        let directory = TempDir::new().expect("a temporary directory can be made");
        Some(Self { program, directory, trust: trust.clone() })
    }

    /// `skopeo copy` with these arguments.
    pub fn copy(&self, arguments: &[&str]) {
        let mut command = self.command(&["--insecure-policy", "copy", "--quiet", "--preserve-digests"]);
        command.arg("--dest-oci-accept-uncompressed-layers").args(["src-", "dest-"].map(|side| self.trust.flag(side)));
        tools::output_of(command.args(arguments));
    }

    /// skopeo with these arguments, not yet run.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        // Without a home of its own it would obey whatever its user has set up.
        command.env("HOME", self.path()).env("TMPDIR", self.path());
        command.env("XDG_RUNTIME_DIR", self.path()).args(arguments);
        command
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Writes a layout, and says how skopeo calls its image of this name.
    pub fn source(&self, layout: &Layout, name: &str) -> String {
        let directory = self.path().join("source");
        layout.write(&directory);
        format!("oci:{}:{name}", directory.display())
    }

    /// Copies an image to a new directory, and returns its blobs' digests.
    pub fn pull(&self, arguments: &[&str], image: &str) -> BTreeSet<String> {
        let directory = TempDir::new_in(self.path()).expect("a temporary directory can be made");
        let target = format!("oci:{}:pulled", directory.path().display());
        self.copy(&[arguments, &[image, &target]].concat());
        digests_in(directory.path())
    }
}
