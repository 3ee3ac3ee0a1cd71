//! The program as a client: who it says it is by AWS is who the gate lets in.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use harness::server::built;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use serde_json::{Value, json};
use shared::auth::{Credentials, Gate};
use url::Url;

use crate::aws::{KEY, SECRET, SESSION, registry, sts};
use crate::serve::{answer, serve_by};
use crate::{REGISTRY, assert_wrong, fresh_address, present};

const PRINCIPAL: &str = "oidc:cloud/arn:aws:sts::123456789012:assumed-role/deploy/session";

/// The program, with a home and AWS credentials of its own, asking AWS there.
fn program(name: &Path, home: &Path, endpoint: &Url) -> Command {
    let mut command = Command::new(name);
    command.env_clear().env("HOME", home).env("AWS_EC2_METADATA_DISABLED", "true");
    command.env("AWS_REGION", "eu-central-1").env("AWS_ENDPOINT_URL_STS", endpoint.as_str());
    command.env("AWS_ACCESS_KEY_ID", KEY).env("AWS_SECRET_ACCESS_KEY", SECRET).env("AWS_SESSION_TOKEN", SESSION);
    command
}

/// Runs a program that is asked this, while this process answers others.
async fn run(mut command: Command, input: &str) -> Output {
    let input = input.to_owned();
    let running = tokio::task::spawn_blocking(move || {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().expect("the program starts");
        // One that reads nothing may be gone already.
        let _ = child.stdin.take().expect("its input is piped").write_all(input.as_bytes());
        child.wait_with_output().expect("the program ends")
    });
    running.await.expect("nobody panics there")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("it is text").trim_end()
}

#[tokio::test]
async fn the_helper_gives_docker_a_password_that_lets_in() {
    let (home, endpoint) = (tempfile::tempdir().unwrap(), sts().await);
    let gate = registry(&endpoint, "123456789012").await;
    let helper = home.path().join("docker-credential-ringhold");
    std::os::unix::fs::symlink(built("ringhold"), &helper).unwrap();
    let ask = |action: &str, input: &str| {
        let mut command = program(&helper, home.path(), &endpoint);
        command.arg(action);
        let input = input.to_owned();
        async move { run(command, &input).await }
    };
    for server in [REGISTRY, "https://registry.example", "https://registry.example/v2/"] {
        let output = ask("get", &format!("{server}\n")).await;
        assert!(output.status.success(), "{output:?}");
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&answer["ServerURL"], &answer["Username"]), (&json!(server), &json!("aws")));
        let caller = present(&gate, answer["Secret"].as_str().unwrap()).await.unwrap();
        assert_eq!(caller.principal.to_string(), PRINCIPAL);
    }
    let elsewhere: Value = serde_json::from_slice(&ask("get", "other.example").await.stdout).unwrap();
    assert_wrong(&present(&gate, elsewhere["Secret"].as_str().unwrap()).await, "made for another registry");
    for (action, input, expected) in [("list", "", "{}"), ("store", r#"{"ServerURL":"a"}"#, ""), ("erase", "a", "")] {
        let output = ask(action, input).await;
        assert!(output.status.success(), "{output:?}");
        assert_eq!(text(&output.stdout), expected);
    }
    for nothing in ["https://index.docker.io/v1/", ""] {
        let output = ask("get", nothing).await;
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(text(&output.stdout), "credentials not found in native keychain");
        assert_eq!(text(&output.stderr), "");
    }
}

#[tokio::test]
async fn without_aws_credentials_the_helper_says_so() {
    let (home, endpoint) = (tempfile::tempdir().unwrap(), "http://127.0.0.1:1".parse().unwrap());
    let mut command = program(&built("ringhold"), home.path(), &endpoint);
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY").env_remove("AWS_SESSION_TOKEN");
    command.args(["credential-helper", "get"]);
    let output = run(command, REGISTRY).await;
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout), "there are no AWS credentials: set a profile, or run where a role is given");
}

/// A registry of which only the door is there: it asks for a name and a password, and the gate who that is.
async fn door(gate: Gate) -> String {
    let url = serve_by(move |request| {
        let gate = gate.clone();
        async move {
            let shown = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
            let credentials = shown.and_then(|text| Credentials::read(text).ok()).unwrap_or(Credentials::None);
            let known = gate.recognise(&credentials, fresh_address()).await;
            if known.is_ok_and(|caller| caller.principal.to_string() == PRINCIPAL) {
                return answer(200, "{}");
            }
            let mut refusal = answer(401, "");
            refusal.headers_mut().insert(WWW_AUTHENTICATE, "Basic realm=\"ringhold\"".parse().expect("it is a header"));
            refusal
        }
    });
    url.await.trim_start_matches("http://").to_owned()
}

#[tokio::test]
async fn who_signs_in_by_aws_is_kept_where_docker_looks() {
    let (home, endpoint) = (tempfile::tempdir().unwrap(), sts().await);
    let gate = registry(&endpoint, "123456789012").await;
    let host = door(gate.clone()).await;
    let login = |arguments: &[&str], input: &str| {
        let mut command = program(&built("ringhold"), home.path(), &endpoint);
        command.arg("login").arg(&host).args(arguments);
        let input = input.to_owned();
        async move { run(command, &input).await }
    };
    let config = home.path().join(".docker/config.json");
    let refused = login(&["--aws"], "").await;
    assert!(!refused.status.success());
    let why = "does not let aws in: the name, the password or the token is wrong, or no rule is for it";
    assert_eq!(text(&refused.stderr), format!("ringhold: {host} {why}"));
    assert!(!config.exists());

    let signed_in = login(&["--aws", "--audience", REGISTRY], "").await;
    assert!(signed_in.status.success(), "{signed_in:?}");
    assert!(text(&signed_in.stderr).starts_with(&format!("signed in to {host} as aws\n")), "{signed_in:?}");
    assert_eq!(text(&signed_in.stdout), "");
    let kept: Value = serde_json::from_slice(&std::fs::read(&config).unwrap()).unwrap();
    let header = format!("Basic {}", kept["auths"][&host]["auth"].as_str().unwrap());
    let caller = gate.recognise(&Credentials::read(&header).unwrap(), None).await.unwrap();
    assert_eq!(caller.principal.to_string(), PRINCIPAL);

    // What is printed is the same thing, for other programs.
    let printed = login(&["--aws", "--print", "--audience", REGISTRY], "").await;
    let password = text(&printed.stdout).to_owned();
    assert_eq!(present(&gate, &password).await.unwrap().principal.to_string(), PRINCIPAL);
    let by_hand = login(&["--user", "anything", "--password-stdin"], &format!("{password}\n")).await;
    assert!(by_hand.status.success(), "{by_hand:?}");
    let wrong = login(&["--user", "anything", "--password-stdin"], "wrong").await;
    assert!(!wrong.status.success());
    let nothing = login(&["--user", "anything", "--password-stdin"], "\n").await;
    assert_eq!(text(&nothing.stderr), "ringhold: there is no password on standard input");
    for usage in [&["--user", "a"][..], &[], &["--aws", "--user", "a", "--password-stdin"], &["--print"]] {
        assert_eq!(login(usage, "").await.status.code(), Some(2), "{usage:?}");
    }
}
