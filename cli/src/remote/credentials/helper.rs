//! Programs that keep docker's credentials: `docker-credential-<name> get`.

use std::io::Write;
use std::process::{Command, Stdio};

use serde::Deserialize;

use super::{CredentialsError, Login};

/// The user name that says that the secret is an identity token.
const TOKEN: &str = "<token>";

/// What a helper writes when it has nothing.
const NOT_FOUND: &[u8] = b"credentials not found";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

/// What the helper of this name has for the registry under `key`.
pub(super) async fn get(name: &str, key: &str) -> Result<Option<Login>, CredentialsError> {
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
        return Err(CredentialsError::HelperName(name.to_owned()));
    }
    let (program, key) = (format!("docker-credential-{name}"), key.to_owned());
    let failed = CredentialsError::HelperAnswer(program.clone());
    tokio::task::spawn_blocking(move || run(program, &key)).await.unwrap_or(Err(failed))
}

/// Runs a helper to its end.
pub(super) fn run(helper: String, key: &str) -> Result<Option<Login>, CredentialsError> {
    let mut command = Command::new(&helper);
    command.arg("get").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let ran = command.spawn().and_then(|mut child| {
        // One that does not read what it is asked may answer all the same.
        let _ = child.stdin.take().map(|mut stdin| writeln!(stdin, "{key}"));
        child.wait_with_output()
    });
    let output = match ran {
        Ok(output) => output,
        Err(source) => return Err(CredentialsError::Helper { helper, source }),
    };
    if !output.status.success() {
        let nothing = output.stdout.trim_ascii_start().starts_with(NOT_FOUND);
        return if nothing { Ok(None) } else { Err(CredentialsError::HelperAnswer(helper)) };
    }
    let answer: Answer = serde_json::from_slice(&output.stdout).map_err(|_| CredentialsError::HelperAnswer(helper))?;
    Ok(Some(match answer {
        Answer { username, secret } if username == TOKEN => Login::IdentityToken(secret),
        Answer { username, secret } => Login::Password { username, password: secret },
    }))
}
