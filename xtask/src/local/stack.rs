//! The stack of `template.yaml`, built for this machine and deployed to what answers for AWS on it.

use std::env::consts::ARCH;
use std::path::PathBuf;
use std::process::Command;

use serde::Deserialize;

use super::aws::{Answers, Aws};
use crate::failure::Failure;
use crate::places::Places;
use crate::python::Environment;
use crate::step;

const STACK: &str = "ringhold";

/// Which certificate a domain has is all the same to the emulator, but it must have one.
const CERTIFICATE: &str = "arn:aws:acm:us-east-1:000000000000:certificate/local";

/// What of an output is read.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Output {
    output_key: String,
    output_value: String,
}

/// Builds every function, by this machine's own compiler and for its own processor.
pub(super) fn build(places: &Places) -> Result<(), Failure> {
    let mut sam = sam(places);
    sam.arg("build").arg("--build-dir").arg(build_directory(places));
    sam.args(["--parameter-overrides", &architecture()]).env("CARGO_LAMBDA_COMPILER", "cargo");
    step::run("build the functions", &mut sam)
}

/// Deploys what was built, open to this machine. In the emulator it answers at its address by number.
pub(super) fn deploy(places: &Places, aws: Aws, answers: Answers) -> Result<(), Failure> {
    let mut sam = sam(places);
    aws.lead(&mut sam);
    sam.args(["deploy", "--stack-name", STACK, "--no-confirm-changeset", "--template-file"]);
    sam.arg(build_directory(places).join("template.yaml"));
    // It would be looked for beside the built template.
    sam.arg("--config-file").arg(places.root().join("samconfig.toml"));
    sam.args(["--parameter-overrides", &architecture(), "InsecureOpen=true"]);
    if answers == Answers::Emulator {
        sam.arg("DomainName=127.0.0.1").arg(format!("CertificateArn={CERTIFICATE}"));
    }
    step::run("deploy the stack", &mut sam)
}

/// The registry's address, if the stack is deployed.
pub(super) fn registry(places: &Places, aws: Aws, answers: Answers) -> Option<String> {
    let mut sam = sam(places);
    let listed =
        step::output_of(aws.lead(&mut sam).args(["list", "stack-outputs", "--output", "json", "--stack-name", STACK]))?;
    let outputs: Vec<Output> = serde_json::from_str(&listed).ok()?;
    let endpoint = outputs.into_iter().find(|output| output.output_key == "ApiEndpoint")?;
    Some(if answers == Answers::Emulator { aws.registry() } else { endpoint.output_value })
}

/// Beside what `sam build` makes for AWS, so that neither replaces the other.
fn build_directory(places: &Places) -> PathBuf {
    places.root().join("target").join("local")
}

fn architecture() -> String {
    format!("Architecture={}", if ARCH == "aarch64" { "arm64" } else { ARCH })
}

fn sam(places: &Places) -> Command {
    let mut sam = Command::new(Environment::Sam.program(places, "sam"));
    sam.current_dir(places.root()).env("PATH", Environment::Sam.path(places)).env("SAM_CLI_TELEMETRY", "0");
    sam
}
