//! A stack as the template's defaults have it lets nobody in: its owner reads the first password, sets another, and makes
//! accounts, by which the clients sign in.

use std::process::Command;
use std::sync::OnceLock;

use harness::accounts::{PASSWORD, basic};
use harness::client::Answer;
use harness::deployment::Deployment;
use harness::output::assert_no_secret;
use harness::server::program;
use harness::sign_in::{self, USER, USERS};
use harness::tools;
use harness::trust::Trust;
use http::Method;

/// What the first administrator sets in the place of the password that the stack was made with.
const CHOSEN: &str = "a password that its owner chose";

/// The stack, with accounts that may push below `team-a`; none, said aloud, where it is not built and may be missing.
fn stack() -> Option<&'static Deployment> {
    static DEPLOYMENT: OnceLock<Option<Deployment>> = OnceLock::new();
    let claimed = || {
        let stack = Deployment::closed()?;
        claim(&stack);
        Some(stack)
    };
    DEPLOYMENT.get_or_init(claimed).as_ref()
}

/// As the README tells: by the stack's own outputs, and without AWS credentials from then on.
fn claim(stack: &Deployment) {
    let first = first_password(stack);
    assert_eq!(first.len(), 32, "nobody guesses it");
    let refused = tools::failure_of(&mut administer(stack, "not the first password", &["user", "list"]), "");
    assert!(refused.contains("the name or the password is wrong"), "{refused}");
    let early = tools::failure_of(&mut administer(stack, &first, &["user", "list"]), "");
    assert!(early.contains("has to be changed"), "it is good for nothing but setting another: {early}");
    tools::output_with(&mut administer(stack, &first, &["user", "password"]), CHOSEN);
    tools::failure_of(&mut administer(stack, &first, &["user", "list"]), "");
    for user in USERS {
        let add = ["user", "add", user, "--grant", "writer:team-a/**", "--password-stdin"];
        tools::output_with(&mut administer(stack, CHOSEN, &add), PASSWORD);
    }
}

/// The first password, which the command reads that the stack's output names.
fn first_password(stack: &Deployment) -> String {
    let command = stack.output("FirstPasswordCommand");
    let words: Vec<_> = command.split_whitespace().collect();
    let (start, [secret, end @ ..]) = words.split_at(4) else { panic!("{command}") };
    assert_eq!(start, ["aws", "secretsmanager", "get-secret-value", "--secret-id"]);
    assert_eq!(end, ["--query", "SecretString", "--output", "text"]);
    stack.secret(secret)
}

fn administer(stack: &Deployment, password: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.args(arguments).args(["--registry", &format!("http://{}", stack.registry())]);
    command.env("RINGHOLD_USER", "admin").env("RINGHOLD_PASSWORD", password);
    command
}

#[test]
fn docker_signs_in_pushes_pulls_and_signs_out() {
    let Some(stack) = stack() else { return };
    sign_in::docker(stack.registry(), &Trust::ClearText);
}

#[test]
fn containerd_signs_in_with_every_command() {
    let Some(stack) = stack() else { return };
    sign_in::containerd(stack.registry(), &Trust::ClearText);
}

#[test]
fn skopeo_signs_in_pushes_pulls_and_signs_out() {
    let Some(stack) = stack() else { return };
    sign_in::skopeo(stack.registry(), &Trust::ClearText);
}

#[test]
fn podman_signs_in_pushes_pulls_and_signs_out() {
    let Some(stack) = stack() else { return };
    sign_in::podman(stack.registry(), &Trust::ClearText);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_function_writes_a_secret() {
    let Some(stack) = tokio::task::spawn_blocking(stack).await.expect("the stack can be deployed") else { return };
    let client = stack.client();
    for (password, status) in [(PASSWORD, 200), ("another", 401)] {
        let call = client.call(Method::GET, "/v2/_catalog").header("authorization", basic(USER, password));
        assert_eq!(call.send().await.status, status);
    }
    let logs = tokio::task::spawn_blocking(|| stack.logs()).await.expect("they can be read");
    assert!(logs.contains("wrong-credentials") && logs.contains("user:alice"), "{logs}");
    assert_no_secret(&logs);
    assert!(![CHOSEN, &first_password(stack)].iter().any(|secret| logs.contains(secret)));
}

/// The gateway renames what a function says in `WWW-Authenticate`; the template maps it back.
#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_tells_where_to_sign_in() {
    let Some(stack) = tokio::task::spawn_blocking(stack).await.expect("the stack can be deployed") else { return };
    let client = stack.client();
    let registry = stack.registry();
    let challenge = |scope: &str| format!("Bearer realm=\"http://{registry}/token\",service=\"ringhold\"{scope}");
    let is_challenged = |refused: &Answer, scope: &str| {
        assert_eq!(refused.status, 401, "{refused:?}");
        assert_eq!(refused.header("www-authenticate"), challenge(scope), "{refused:?}");
        assert_eq!(refused.header("x-registry-challenge"), challenge(scope), "{refused:?}");
    };
    for method in [Method::GET, Method::HEAD] {
        is_challenged(&client.call(method.clone(), "/v2/").send().await, "");
        let manifest = client.call(method, "/v2/team-a/app/manifests/1").send().await;
        is_challenged(&manifest, ",scope=\"repository:team-a/app:pull\"");
    }
    let deep = client.get("/v2/a/b/c/d/e/f/tags/list").await;
    is_challenged(&deep, ",scope=\"repository:a/b/c/d/e/f:pull\"");
    let begun = client.post("/v2/team-a/app/blobs/uploads/").await;
    is_challenged(&begun, ",scope=\"repository:team-a/app:pull,push\"");

    let target = "/token?service=ringhold&scope=repository:team-a/app:pull,push";
    let token = client.call(Method::GET, target).header("authorization", basic(USER, PASSWORD)).send().await;
    assert_eq!(token.status, 200, "{token:?}");
    let bearer = format!("Bearer {}", token.json()["token"].as_str().expect("a token"));
    let asked = async |repository: &str| {
        let target = format!("/v2/{repository}/blobs/uploads/");
        client.call(Method::POST, target).header("authorization", &bearer).send().await.status.as_u16()
    };
    assert_eq!((asked("team-a/app").await, asked("team-b/app").await), (202, 401));
}
