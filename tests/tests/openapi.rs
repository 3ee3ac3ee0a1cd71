//! The `OpenAPI` document, as tools of others read it: it is valid, and whatever it allows to be asked is answered as it says.

use std::path::PathBuf;
use std::process::Command;

use harness::accounts::{PASSWORD, add_user, grant, of_directory};
use harness::deployment::root;
use harness::server::{ServeOptions, Server};
use harness::tools;
use shared::auth::Role;
use tempfile::TempDir;

/// What is looked for in each answer.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance,unsupported_method,\
                      allow_header_conformance,negative_data_rejection";

/// Who administers the registry: the last one, whom it does not let go.
const ROOT: &str = "root";

/// Once the caller has another password, everything else is refused: it is asked for what is no password only.
const PASSWORD_CHANGE: &str = "put_users_me_password";

/// A registry, and the directory that it lies in.
struct Stage {
    server: Server,
    data: TempDir,
}

impl Stage {
    async fn new() -> Self {
        let data = TempDir::new().unwrap();
        let accounts = of_directory(data.path());
        add_user(&accounts, ROOT, vec![grant("**", Role::Admin)]).await;
        drop(accounts);
        Self { server: ServeOptions::embedded(data.path()).start(), data }
    }

    fn document(&self) -> String {
        format!("{}/api/v1/openapi.json", self.server.origin())
    }

    /// Asks what the document allows and what it does not, from a fixed seed; what the fuzzer tells of it.
    fn ask(&self, fuzzer: &PathBuf, arguments: &[&str]) -> String {
        let mut command = Command::new(fuzzer);
        command.arg("--config-file").arg(root().join("tests/schemathesis.toml"));
        command.args(["run", &self.document(), "--auth", &format!("{ROOT}:{PASSWORD}"), "--checks", CHECKS]);
        command.args(["--seed", "7", "--max-examples", "25", "--phases", "examples,coverage,fuzzing"]);
        command.args(["--continue-on-failure", "--no-color", "--generation-database", "none"]);
        // A busy machine is no fault of the document.
        command.args(["--suppress-health-check", "all", "--request-timeout", "60"]);
        // Guesses at a password are answered by 429, to everybody else too that asks from this address.
        command.args(["--generation-with-security-parameters", "false"]);
        // It writes beside where it runs.
        tools::output_of(command.args(arguments).current_dir(self.data.path()))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_is_valid() {
    let Some(python) = tools::of_environment("openapi", "python") else { return };
    let stage = Stage::new().await;
    let read = "import json, sys, urllib.request; from openapi_spec_validator import OpenAPIV31SpecValidator; \
                OpenAPIV31SpecValidator(json.load(urllib.request.urlopen(sys.argv[1]))).validate()";
    tools::output_of(Command::new(python).args(["-c", read, &stage.document()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_asked_is_answered_as_the_document_says() {
    let Some(fuzzer) = tools::of_environment("openapi", "schemathesis") else { return };
    let told = Stage::new().await.ask(&fuzzer, &["--exclude-operation-id", PASSWORD_CHANGE]);
    assert!(!told.contains("Rate limited") && !told.contains("Authentication failed"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn so_is_a_change_of_ones_own_password_that_cannot_be() {
    let Some(fuzzer) = tools::of_environment("openapi", "schemathesis") else { return };
    let told = Stage::new().await.ask(&fuzzer, &["--include-operation-id", PASSWORD_CHANGE, "--mode", "negative"]);
    assert!(!told.contains("Rate limited") && !told.contains("Authentication failed"), "{told}");
}
