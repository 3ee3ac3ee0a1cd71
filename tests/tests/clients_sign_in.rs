//! The clients, of a registry that has accounts: in clear text on this machine, and over TLS.

use std::net::SocketAddr;

use harness::accounts::{add_user, grant, of_directory};
use harness::server::{ServeOptions, Server};
use harness::sign_in::{self, USERS};
use harness::tls::{Authority, own_address};
use harness::trust::Trust;
use shared::auth::Role;
use tempfile::TempDir;

/// A registry with accounts, how clients speak with it, and the directory that all of it lies in.
struct Stage {
    server: Server,
    trust: Trust,
    data: TempDir,
}

impl Stage {
    async fn in_clear_text() -> Self {
        let data = directory().await;
        Self { server: ServeOptions::embedded(data.path()).start(), trust: Trust::ClearText, data }
    }

    /// On an address where docker, too, wants to know who vouches for it.
    async fn over_tls() -> Self {
        let (data, authority) = (directory().await, Authority::new());
        let files = authority.issue_for(own_address()).write(&data.path().join("tls"));
        let options = ServeOptions::embedded(data.path()).with(files.arguments());
        let server = options.on(SocketAddr::new(own_address(), 0)).start();
        Self { server, trust: authority.write(&data.path().join("trust")), data }
    }

    /// Trust in somebody whom the registry has nothing to do with.
    fn in_a_stranger(&self) -> Trust {
        Authority::new().write(&self.data.path().join("stranger"))
    }
}

/// A directory with accounts.
async fn directory() -> TempDir {
    let data = TempDir::new().unwrap();
    let accounts = of_directory(data.path());
    for user in USERS {
        add_user(&accounts, user, vec![grant("team-a/**", Role::Writer)]).await;
    }
    data
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_signs_in_pushes_pulls_and_signs_out() {
    let stage = Stage::in_clear_text().await;
    sign_in::docker(stage.server.address(), &stage.trust);
}

#[tokio::test(flavor = "multi_thread")]
async fn containerd_signs_in_with_every_command() {
    let stage = Stage::in_clear_text().await;
    sign_in::containerd(stage.server.address(), &stage.trust);
}

#[tokio::test(flavor = "multi_thread")]
async fn skopeo_signs_in_pushes_pulls_and_signs_out() {
    let stage = Stage::in_clear_text().await;
    sign_in::skopeo(stage.server.address(), &stage.trust);
}

#[tokio::test(flavor = "multi_thread")]
async fn podman_signs_in_pushes_pulls_and_signs_out() {
    let stage = Stage::in_clear_text().await;
    sign_in::podman(stage.server.address(), &stage.trust);
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_does_so_over_tls_with_whom_it_trusts() {
    let stage = Stage::over_tls().await;
    if !stage.server.address().ip().is_loopback() {
        sign_in::docker_trusts_no_stranger(stage.server.address(), &stage.in_a_stranger());
    }
    sign_in::docker(stage.server.address(), &stage.trust);
}

#[tokio::test(flavor = "multi_thread")]
async fn containerd_does_so_over_tls_with_whom_it_trusts() {
    let stage = Stage::over_tls().await;
    sign_in::containerd_trusts_no_stranger(stage.server.address(), &stage.in_a_stranger());
    sign_in::containerd(stage.server.address(), &stage.trust);
}

#[tokio::test(flavor = "multi_thread")]
async fn skopeo_does_so_over_tls_with_whom_it_trusts() {
    let stage = Stage::over_tls().await;
    sign_in::skopeo_trusts_no_stranger(stage.server.address(), &stage.in_a_stranger());
    sign_in::skopeo(stage.server.address(), &stage.trust);
}

#[tokio::test(flavor = "multi_thread")]
async fn podman_does_so_over_tls_with_whom_it_trusts() {
    let stage = Stage::over_tls().await;
    sign_in::podman_trusts_no_stranger(stage.server.address(), &stage.in_a_stranger());
    sign_in::podman(stage.server.address(), &stage.trust);
}
