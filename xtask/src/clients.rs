//! The registry clients that tests push and pull with, and another registry, from the system's packages.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use crate::failure::Failure;
use crate::step;

/// Each program with the packages that may bring it, the likeliest first.
const CLIENTS: [(&str, &[&str]); 9] = [
    ("docker", &["docker-cli", "docker.io"]),
    ("dockerd", &["docker.io"]),
    ("containerd", &["containerd"]),
    ("ctr", &["containerd"]),
    ("skopeo", &["skopeo"]),
    ("podman", &["podman"]),
    ("runc", &["runc"]),
    // A registry of others, which the program's own client is tried on.
    ("docker-registry", &["docker-registry"]),
    // Of the smoke test, and of waiting for what answers by HTTP.
    ("curl", &["curl"]),
];

/// Installs the clients that are missing. Where there is no apt, says which they are: their tests then skip, or fail
/// if everything is required.
pub(crate) fn install() -> Result<(), Failure> {
    let missing = missing();
    if missing.is_empty() {
        return Ok(());
    }
    let programs: Vec<_> = missing.iter().map(|(program, _)| *program).collect();
    if !installed("apt-get") {
        eprintln!("missing, and no apt to install them: {}", programs.join(", "));
        return Ok(());
    }
    step::run("update the package list", apt("update").arg("--quiet"))?;
    let mut packages: Vec<_> = missing.iter().filter_map(|(_, candidates)| known(candidates)).collect();
    packages.sort_unstable();
    packages.dedup();
    install_packages(&packages)
}

/// Installs system packages, where there is apt.
pub(crate) fn install_packages(packages: &[&str]) -> Result<(), Failure> {
    let name = format!("install {}", packages.join(" "));
    step::run(&name, apt("install").args(["--yes", "--quiet", "--no-install-recommends"]).args(packages))
}

/// Whether a program of this name is on the path, or where the system keeps its daemons.
pub(crate) fn installed(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let daemons = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    env::split_paths(&path).chain(daemons).any(|directory| directory.join(program).is_file())
}

fn missing() -> Vec<&'static (&'static str, &'static [&'static str])> {
    CLIENTS.iter().filter(|(program, _)| !installed(program)).collect()
}

/// The first package that apt can install.
fn known(candidates: &[&'static str]) -> Option<&'static str> {
    candidates.iter().copied().find(|package| {
        let policy = step::output_of(Command::new("apt-cache").args(["policy", package]).env("LC_ALL", "C"));
        policy.is_some_and(|policy| policy.contains("Candidate: ") && !policy.contains("Candidate: (none)"))
    })
}

/// `apt-get`, as root or through sudo.
fn apt(verb: &str) -> Command {
    let root = step::output_of(Command::new("id").arg("-u")).is_some_and(|id| id.trim() == "0");
    let mut command = Command::new(if root { "env" } else { "sudo" });
    command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get", verb]);
    command
}
