//! The clients, of a registry in clear text on this machine that has accounts.

use harness::accounts::{add_user, grant, of_directory};
use harness::server::{ServeOptions, Server};
use harness::sign_in::{self, USER};
use shared::auth::Role;
use tempfile::TempDir;

/// A registry with one account, and the directory that it lies in.
async fn server() -> (Server, TempDir) {
    let data = TempDir::new().unwrap();
    let accounts = of_directory(data.path());
    add_user(&accounts, USER, vec![grant("team-a/**", Role::Writer)]).await;
    drop(accounts);
    (ServeOptions::embedded(data.path()).start(), data)
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_signs_in_pushes_pulls_and_signs_out() {
    let (server, _data) = server().await;
    sign_in::docker(server.address());
}

#[tokio::test(flavor = "multi_thread")]
async fn containerd_signs_in_with_every_command() {
    let (server, _data) = server().await;
    sign_in::containerd(server.address());
}

#[tokio::test(flavor = "multi_thread")]
async fn skopeo_signs_in_pushes_pulls_and_signs_out() {
    let (server, _data) = server().await;
    sign_in::skopeo(server.address());
}

#[tokio::test(flavor = "multi_thread")]
async fn podman_signs_in_pushes_pulls_and_signs_out() {
    let (server, _data) = server().await;
    sign_in::podman(server.address());
}
