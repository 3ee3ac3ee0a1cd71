//! Programs that keep docker's credentials: `docker-credential-<name> get` and `store`.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde::Deserialize;
use serde_json::json;

use super::{CredentialsError, Login};

/// The user name that says that the secret is an identity token.
const TOKEN: &str = "<token>";

/// What a helper writes when it has nothing.
pub(crate) const NOT_FOUND: &str = "credentials not found in native keychain";

/// As much of that as is looked at: some say it in other words behind.
const NOTHING: &[u8] = b"credentials not found";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

/// What the helper of this name has for the registry under `key`.
pub(super) async fn get(name: &str, key: &str) -> Result<Option<Login>, CredentialsError> {
    let (program, key) = (program(name)?, key.to_owned());
    let failed = CredentialsError::HelperAnswer(program.clone());
    tokio::task::spawn_blocking(move || run(program, &key)).await.unwrap_or(Err(failed))
}

/// Gives the helper of this name a password to keep for the registry under `key`.
pub(super) async fn store(name: &str, key: &str, username: &str, password: &str) -> Result<(), CredentialsError> {
    let program = program(name)?;
    let failed = CredentialsError::HelperStore(program.clone());
    let entry = json!({ "ServerURL": key, "Username": username, "Secret": password });
    tokio::task::spawn_blocking(move || give(program, &entry.to_string())).await.unwrap_or(Err(failed))
}

fn program(name: &str) -> Result<String, CredentialsError> {
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
        return Err(CredentialsError::HelperName(name.to_owned()));
    }
    Ok(format!("docker-credential-{name}"))
}

/// Runs a helper to its end.
fn call(helper: &str, action: &str, input: &str) -> Result<Output, CredentialsError> {
    let mut command = Command::new(helper);
    command.arg(action).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let ran = command.spawn().and_then(|mut child| {
        // One that does not read what it is asked may answer all the same.
        let _ = child.stdin.take().map(|mut stdin| writeln!(stdin, "{input}"));
        child.wait_with_output()
    });
    ran.map_err(|source| CredentialsError::Helper { helper: helper.to_owned(), source })
}

/// Asks a helper for what it has.
pub(super) fn run(helper: String, key: &str) -> Result<Option<Login>, CredentialsError> {
    let output = call(&helper, "get", key)?;
    if !output.status.success() {
        let nothing = output.stdout.trim_ascii_start().starts_with(NOTHING);
        return if nothing { Ok(None) } else { Err(CredentialsError::HelperAnswer(helper)) };
    }
    let answer: Answer = serde_json::from_slice(&output.stdout).map_err(|_| CredentialsError::HelperAnswer(helper))?;
    Ok(Some(match answer {
        Answer { username, secret } if username == TOKEN => Login::IdentityToken(secret),
        Answer { username, secret } => Login::Password { username, password: secret },
    }))
}

/// Gives a helper something to keep.
pub(super) fn give(helper: String, entry: &str) -> Result<(), CredentialsError> {
    let output = call(&helper, "store", entry)?;
    if output.status.success() { Ok(()) } else { Err(CredentialsError::HelperStore(helper)) }
}
