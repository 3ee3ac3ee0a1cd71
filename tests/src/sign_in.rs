//! What each client does with a registry that wants to know who asks: sign in, push, pull and sign out, in clear text or
//! over TLS. A wrong password gets the client's own message, and who is signed out gets nothing.

use std::net::SocketAddr;

use crate::accounts::PASSWORD;
use crate::containerd::Containerd;
use crate::dockerd::Dockerd;
use crate::image::{Image, Layout};
use crate::podman::Podman;
use crate::skopeo::Skopeo;
use crate::tools;
use crate::trust::Trust;

/// Who may push below `team-a`, each client as somebody of its own: wrong passwords make the next wait.
pub const USERS: [&str; 5] = [USER, "docker", "containerd", "skopeo", "podman"];

/// Who signs in with no client.
pub const USER: &str = "alice";

const MIB: usize = 1 << 20;

/// Layers that pass a gateway in one request.
const SMALL: [usize; 2] = [MIB, 20_000];

/// What each client is told by Go when it does not know who vouches for a registry.
const STRANGER: &str = "certificate signed by unknown authority";

/// docker.
pub fn docker(registry: SocketAddr, trust: &Trust) {
    let Some(docker) = Dockerd::trusting(trust) else { return };
    let address = registry.to_string();
    let login = || docker.command(["login", "--username", "docker", "--password-stdin", &address]);
    let refused = tools::failure_of(&mut login(), "wrong password here");
    assert!(refused.contains("unauthorized: the name or the password is wrong"), "{refused}");
    let name = format!("{registry}/team-a/docker:1");
    let image = Image::of_noise(21, &SMALL);
    docker.load(&image, &name);
    let id = docker.id(&name);
    assert_refused(&tools::failure_of(&mut docker.command(["push", &name]), ""));
    let welcomed = tools::output_with(&mut login(), PASSWORD);
    assert!(welcomed.contains("Login Succeeded"), "{welcomed}");
    docker.run(["push", &name]);
    docker.forget();
    docker.run(["pull", &name]);
    assert_eq!(docker.id(&name), id);
    let other = format!("{registry}/team-b/docker:1");
    docker.run(["tag", &name, &other]);
    assert_refused(&tools::failure_of(&mut docker.command(["push", &other]), ""));
    docker.run(["logout", &address]);
    docker.forget();
    assert_refused(&tools::failure_of(&mut docker.command(["pull", &name]), ""));
}

/// docker, which trusts somebody else.
pub fn docker_trusts_no_stranger(registry: SocketAddr, trust: &Trust) {
    let Some(docker) = Dockerd::trusting(trust) else { return };
    let address = registry.to_string();
    let mut login = docker.command(["login", "--username", "docker", "--password-stdin", &address]);
    assert_stranger(&tools::failure_of(&mut login, PASSWORD));
}

/// containerd, which keeps no credentials: they come with each command.
pub fn containerd(registry: SocketAddr, trust: &Trust) {
    let Some(containerd) = Containerd::start() else { return };
    let name = format!("{registry}/team-a/containerd:1");
    let layout = Layout::default().image(&name, &Image::of_noise(22, &SMALL));
    containerd.import(&layout.archive());
    let [right, wrong] = [PASSWORD, "wrong"].map(|password| format!("containerd:{password}"));
    let flag = trust.flag_of_containerd();
    let push = |user: &str| containerd.command(["images", "push", &flag, "--user", user, &name]);
    let refused = tools::failure_of(&mut push(&wrong), "");
    assert!(refused.contains("401") || refused.contains("authorization failed"), "{refused}");
    tools::output_of(&mut push(&right));
    containerd.forget();
    let refused = tools::failure_of(&mut containerd.command(["content", "fetch", &flag, &name]), "");
    assert!(refused.contains("401") || refused.contains("authorization failed"), "{refused}");
    containerd.run(["content", "fetch", &flag, "--user", &right, &name]);
    assert_eq!(containerd.content(), layout.digests());
}

/// containerd, which trusts somebody else.
pub fn containerd_trusts_no_stranger(registry: SocketAddr, trust: &Trust) {
    let Some(containerd) = Containerd::start() else { return };
    let (name, user) = (format!("{registry}/team-a/containerd:1"), format!("containerd:{PASSWORD}"));
    let arguments = ["content", "fetch", &trust.flag_of_containerd(), "--user", &user, &name];
    assert_stranger(&tools::failure_of(&mut containerd.command(arguments), ""));
}

/// skopeo.
pub fn skopeo(registry: SocketAddr, trust: &Trust) {
    let Some(skopeo) = Skopeo::trusting(trust) else { return };
    let (address, flag) = (registry.to_string(), trust.flag(""));
    let login = || skopeo.command(&["login", &flag, "--username", "skopeo", "--password-stdin", &address]);
    let refused = tools::failure_of(&mut login(), "wrong password here");
    assert!(refused.contains("invalid username/password"), "{refused}");
    let layout = Layout::default().image("1", &Image::of_noise(23, &SMALL));
    let (source, target) = (skopeo.source(&layout, "1"), format!("docker://{registry}/team-a/skopeo:1"));
    let copy = ["--insecure-policy", "copy", &trust.flag("dest-"), &source, &target];
    assert_refused(&tools::failure_of(&mut skopeo.command(&copy), ""));
    tools::output_with(&mut login(), PASSWORD);
    skopeo.copy(&[&source, &target]);
    assert_eq!(skopeo.pull(&[], &target), layout.digests());
    tools::output_of(&mut skopeo.command(&["logout", &address]));
    assert_refused(&tools::failure_of(&mut skopeo.command(&["inspect", &flag, &target]), ""));
}

/// skopeo, which trusts somebody else.
pub fn skopeo_trusts_no_stranger(registry: SocketAddr, trust: &Trust) {
    let Some(skopeo) = Skopeo::trusting(trust) else { return };
    let address = registry.to_string();
    let login = ["login", &trust.flag(""), "--username", "skopeo", "--password-stdin", &address];
    assert_stranger(&tools::failure_of(&mut skopeo.command(&login), PASSWORD));
}

/// podman.
pub fn podman(registry: SocketAddr, trust: &Trust) {
    let Some(podman) = Podman::trusting(trust) else { return };
    let (address, flag) = (registry.to_string(), trust.flag(""));
    let login = || podman.command(&["login", &flag, "--username", "podman", "--password-stdin", &address]);
    let refused = tools::failure_of(&mut login(), "wrong password here");
    assert!(refused.contains("invalid username/password"), "{refused}");
    tools::output_with(&mut login(), PASSWORD);
    let name = format!("{registry}/team-a/podman:1");
    let image = Image::of_noise(24, &SMALL);
    podman.load(&image, &name);
    podman.run(&["push", &flag, &name]);
    podman.forget();
    assert_eq!(podman.pull(&name), image.id().hex());
    podman.run(&["logout", &address]);
    podman.forget();
    assert_refused(&tools::failure_of(&mut podman.command(&["pull", &flag, &name]), ""));
}

/// podman, which trusts somebody else.
pub fn podman_trusts_no_stranger(registry: SocketAddr, trust: &Trust) {
    let Some(podman) = Podman::trusting(trust) else { return };
    let address = registry.to_string();
    let login = ["login", &trust.flag(""), "--username", "podman", "--password-stdin", &address];
    assert_stranger(&tools::failure_of(&mut podman.command(&login), PASSWORD));
}

fn assert_refused(told: &str) {
    assert!(told.contains("unauthorized") || told.contains("denied"), "{told}");
}

fn assert_stranger(told: &str) {
    assert!(told.contains(STRANGER), "{told}");
}
