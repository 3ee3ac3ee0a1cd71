//! What each client does with a registry that wants to know who asks: sign in, push, pull and sign out, all in clear text on
//! this machine. A wrong password gets the client's own message, and who is signed out gets nothing.

use std::net::SocketAddr;
use std::process::Command;

use crate::accounts::PASSWORD;
use crate::containerd::Containerd;
use crate::dockerd::Dockerd;
use crate::image::{Image, Layout};
use crate::podman::Podman;
use crate::skopeo::Skopeo;
use crate::tools;

/// Who signs in. They may push below `team-a`.
pub const USER: &str = "alice";

const MIB: usize = 1 << 20;

/// Layers that pass a gateway in one request.
const SMALL: [usize; 2] = [MIB, 20_000];

/// docker.
pub fn docker(registry: SocketAddr) {
    let Some(docker) = Dockerd::start() else { return };
    let address = registry.to_string();
    let login = || docker.command(["login", "--username", USER, "--password-stdin", &address]);
    let refused = tools::failure_of(&mut login(), "wrong password here");
    assert!(refused.contains("unauthorized: the name or the password is wrong"), "{refused}");
    let name = format!("{registry}/team-a/docker:1");
    let image = Image::of_noise(21, &SMALL);
    docker.load(&image, &name);
    let id = docker.id(&name);
    let refused = tools::failure_of(&mut docker.command(["push", &name]), "");
    assert!(refused.contains("unauthorized") || refused.contains("denied"), "{refused}");
    let welcomed = tools::output_with(&mut login(), PASSWORD);
    assert!(welcomed.contains("Login Succeeded"), "{welcomed}");
    docker.run(["push", &name]);
    docker.forget();
    docker.run(["pull", &name]);
    assert_eq!(docker.id(&name), id);
    let other = format!("{registry}/team-b/docker:1");
    docker.run(["tag", &name, &other]);
    let refused = tools::failure_of(&mut docker.command(["push", &other]), "");
    assert!(refused.contains("unauthorized") || refused.contains("denied"), "{refused}");
    docker.run(["logout", &address]);
    docker.forget();
    let refused = tools::failure_of(&mut docker.command(["pull", &name]), "");
    assert!(refused.contains("unauthorized") || refused.contains("denied"), "{refused}");
}

/// containerd, which keeps no credentials: they come with each command.
pub fn containerd(registry: SocketAddr) {
    let Some(containerd) = Containerd::start() else { return };
    let name = format!("{registry}/team-a/containerd:1");
    let layout = Layout::default().image(&name, &Image::of_noise(22, &SMALL));
    containerd.import(&layout.archive());
    let [right, wrong] = [PASSWORD, "wrong"].map(|password| format!("{USER}:{password}"));
    let push = |user: &str| containerd.command(["images", "push", "--plain-http", "--user", user, &name]);
    let refused = tools::failure_of(&mut push(&wrong), "");
    assert!(refused.contains("401") || refused.contains("authorization failed"), "{refused}");
    tools::output_of(&mut push(&right));
    containerd.forget();
    let refused = tools::failure_of(&mut containerd.command(["content", "fetch", "--plain-http", &name]), "");
    assert!(refused.contains("401") || refused.contains("authorization failed"), "{refused}");
    containerd.run(["content", "fetch", "--plain-http", "--user", &right, &name]);
    assert_eq!(containerd.content(), layout.digests());
}

/// skopeo.
pub fn skopeo(registry: SocketAddr) {
    let Some(skopeo) = Skopeo::find() else { return };
    let address = registry.to_string();
    let login = || {
        let arguments = ["login", "--tls-verify=false", "--username", USER, "--password-stdin", &address];
        skopeo.command(&arguments)
    };
    let refused = tools::failure_of(&mut login(), "wrong password here");
    assert!(refused.contains("invalid username/password"), "{refused}");
    let layout = Layout::default().image("1", &Image::of_noise(23, &SMALL));
    let (source, target) = (skopeo.source(&layout, "1"), format!("docker://{registry}/team-a/skopeo:1"));
    let copy = ["--insecure-policy", "copy", "--dest-tls-verify=false", &source, &target];
    let refused = tools::failure_of(&mut skopeo.command(&copy), "");
    assert!(refused.contains("unauthorized") || refused.contains("denied"), "{refused}");
    tools::output_with(&mut login(), PASSWORD);
    skopeo.copy(&[&source, &target]);
    assert_eq!(skopeo.pull(&[], &target), layout.digests());
    tools::output_of(&mut skopeo.command(&["logout", &address]));
    let inspect = ["inspect", "--tls-verify=false", &target];
    let refused = tools::failure_of(&mut skopeo.command(&inspect), "");
    assert!(refused.contains("unauthorized") || refused.contains("denied"), "{refused}");
}

/// podman.
pub fn podman(registry: SocketAddr) {
    let Some(podman) = Podman::find() else { return };
    let address = registry.to_string();
    let login = || {
        let arguments = ["login", "--tls-verify=false", "--username", USER, "--password-stdin", &address];
        podman.command(&arguments)
    };
    let refused = tools::failure_of(&mut login(), "wrong password here");
    assert!(refused.contains("invalid username/password"), "{refused}");
    tools::output_with(&mut login(), PASSWORD);
    let name = format!("{registry}/team-a/podman:1");
    let image = Image::of_noise(24, &SMALL);
    podman.load(&image, &name);
    podman.run(&["push", "--tls-verify=false", &name]);
    podman.forget();
    assert_eq!(podman.pull(&name), image.id().hex());
    podman.run(&["logout", &address]);
    podman.forget();
    let pull: &mut Command = &mut podman.command(&["pull", "--tls-verify=false", &name]);
    let refused = tools::failure_of(pull, "");
    assert!(refused.contains("unauthorized") || refused.contains("denied"), "{refused}");
}
