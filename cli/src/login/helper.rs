//! Docker's protocol of credential helpers: questions on standard input, answers and errors on standard output.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitCode;

use serde_json::json;
use shared::causes::Causes;

use super::args::{AwsArgs, HelperCommand};
use super::{by_aws, input};
use crate::remote::{DEFAULT_REGISTRY_KEY, NOT_FOUND, host};

/// What the program is called where it is run as docker's helper.
const HELPER: &str = "docker-credential-ringhold";

/// The program's arguments, whatever it is called.
pub(crate) fn arguments(mut all: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let program = all.next().unwrap_or_default();
    let is_helper = Path::new(&program).file_stem() == Some(OsStr::new(HELPER));
    let command = is_helper.then(|| "credential-helper".into());
    [program].into_iter().chain(command).chain(all).collect()
}

/// Answers docker.
pub(crate) async fn credential_helper(command: &HelperCommand) -> ExitCode {
    let (text, code) = match answer(command).await {
        Ok(text) => (text, ExitCode::SUCCESS),
        Err(text) => (Some(text), ExitCode::FAILURE),
    };
    if let Some(text) = text {
        println!("{text}");
    }
    code
}

async fn answer(command: &HelperCommand) -> Result<Option<String>, String> {
    match command {
        HelperCommand::Get(args) => credentials(question()?.trim(), args).await.map(Some),
        HelperCommand::Store | HelperCommand::Erase => question().map(|_| None),
        HelperCommand::List => Ok(Some("{}".to_owned())),
    }
}

fn question() -> Result<String, String> {
    input::read().map_err(|error| error.to_string())
}

/// New credentials for the server, as docker writes it.
async fn credentials(server: &str, args: &AwsArgs) -> Result<String, String> {
    // The default registry knows nobody by AWS.
    if server.is_empty() || server == DEFAULT_REGISTRY_KEY {
        return Err(NOT_FOUND.to_owned());
    }
    let secret = by_aws::password(host(server), args).await.map_err(|error| Causes(&error).to_string())?;
    Ok(json!({ "ServerURL": server, "Username": by_aws::USER, "Secret": secret }).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_the_helper_where_it_is_called_so() {
        let read = |all: &[&str]| -> Vec<String> {
            let all = arguments(all.iter().map(OsString::from));
            all.into_iter().map(|argument| argument.into_string().unwrap()).collect()
        };
        for name in [HELPER, "/usr/local/bin/docker-credential-ringhold", "docker-credential-ringhold.exe"] {
            assert_eq!(read(&[name, "get"]), [name, "credential-helper", "get"]);
        }
        for name in ["ringhold", "/usr/bin/ringhold", "docker-credential-ringhold-2"] {
            assert_eq!(read(&[name, "serve", "get"]), [name, "serve", "get"]);
        }
        assert_eq!(read(&[]), [""]);
    }
}
