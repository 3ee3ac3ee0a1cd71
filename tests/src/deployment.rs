//! The stack of `template.yaml`, deployed to an emulator that enforces its policies: real binaries behind an emulated API
//! Gateway, with the wire between them and AWS watched.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::client::Client;
use crate::emulator::Emulator;
use crate::tools;
use crate::wire::Wire;

/// Which certificate a domain has is all the same to the emulator, but it must have one.
const CERTIFICATE: &str = "arn:aws:acm:us-east-1:000000000000:certificate/test";

/// Variables of a developer's shell that would lead a program to another AWS.
pub const MISLEADING: [&str; 5] = [
    "AWS_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL_DYNAMODB",
];

/// A deployed stack.
#[derive(Debug)]
pub struct Deployment {
    emulator: Emulator,
    wire: Wire,
    template: PathBuf,
}

impl Deployment {
    /// The stack of this process, deployed at the first call and open to everybody; none, said aloud, where it is not built
    /// and may be missing.
    pub fn open() -> Option<&'static Self> {
        static DEPLOYMENT: OnceLock<Option<Deployment>> = OnceLock::new();
        DEPLOYMENT.get_or_init(|| Self::with(&["InsecureOpen=true"])).as_ref()
    }

    /// A stack of its own, with these parameters.
    pub fn with(parameters: &[&str]) -> Option<Self> {
        let (sam, template) = (sam("sam")?, template()?);
        let wire = Wire::loose();
        let emulator = Emulator::start(&[("AUTH", "true"), ("AWS_ENDPOINT_URL", &wire.endpoint())])?;
        wire.lead_to(emulator.address());
        let stack = Self { emulator, wire, template };
        stack.deploy(&sam, parameters);
        Some(stack)
    }

    /// A stack of its own that lets nobody in without an account, as the template's defaults have it.
    pub fn closed() -> Option<Self> {
        Self::with(&[])
    }

    fn deploy(&self, sam: &Path, parameters: &[&str]) {
        let mut command = Command::new(sam);
        command.args(["deploy", "--stack-name", "ringhold", "--no-confirm-changeset", "--template-file"]);
        command
            .arg(&self.template)
            .arg("--config-file")
            .arg(root().join("samconfig.toml"))
            .arg("--parameter-overrides");
        command.args([architecture(), "DomainName=127.0.0.1", &format!("CertificateArn={CERTIFICATE}")]);
        command.args(parameters).current_dir(root()).env("SAM_CLI_TELEMETRY", "0");
        tools::output_of(self.as_owner(&mut command));
    }

    /// A command that finds this stack as whoever owns it does.
    fn as_owner<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        // Not by its number: to the emulator, that is the registry.
        command.env("AWS_ENDPOINT_URL", format!("http://localhost:{}", self.emulator.address().port()));
        command
            .env("AWS_REGION", "us-east-1")
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test");
        for name in MISLEADING {
            command.env_remove(name);
        }
        command
    }

    /// What the stack tells under this name.
    pub fn output(&self, name: &str) -> String {
        let stack = "boto3.client('cloudformation').describe_stacks(StackName='ringhold')['Stacks'][0]";
        let chosen =
            format!("next(told['OutputValue'] for told in {stack}['Outputs'] if told['OutputKey'] == sys.argv[1])");
        self.ask_aws(&chosen, name)
    }

    /// The text of this secret, as its owner reads it.
    pub fn secret(&self, id: &str) -> String {
        self.ask_aws("boto3.client('secretsmanager').get_secret_value(SecretId=sys.argv[1])['SecretString']", id)
    }

    /// What its functions have written.
    pub fn logs(&self) -> String {
        let groups = "logs.describe_log_groups()['logGroups']";
        let pages = "logs.get_paginator('filter_log_events').paginate(logGroupName=group['logGroupName'])";
        let messages =
            format!("event['message'] for group in {groups} for page in {pages} for event in page['events']");
        self.ask_aws(&format!("(lambda logs: '\\n'.join({messages}))(boto3.client(sys.argv[1]))"), "logs")
    }

    fn ask_aws(&self, expression: &str, argument: &str) -> String {
        let mut command = Command::new(sam("python").expect("the stack was deployed with it"));
        command.args(["-c", &format!("import boto3, sys; print({expression})"), argument]);
        tools::output_of(self.as_owner(&mut command))
    }

    /// Where the registry is.
    pub fn registry(&self) -> SocketAddr {
        self.emulator.address()
    }

    /// A client of the registry.
    pub fn client(&self) -> Client {
        Client::new(self.registry())
    }

    /// What its functions send to AWS.
    pub fn wire(&self) -> &Wire {
        &self.wire
    }
}

/// The template that `sam build` wrote, as JSON.
pub fn built_template() -> Option<serde_json::Value> {
    let (python, template) = (sam("python")?, template()?);
    let convert = "import json, sys, yaml; json.dump(yaml.safe_load(open(sys.argv[1])), sys.stdout)";
    let json = tools::output_of(Command::new(python).args(["-c", convert]).arg(template));
    Some(serde_json::from_str(&json).expect("JSON"))
}

/// A program of the environment that SAM is in.
pub fn sam(program: &str) -> Option<PathBuf> {
    tools::of_environment("sam", program)
}

/// The directory of each function that was built for this machine.
pub fn built_functions() -> Option<PathBuf> {
    template().map(|template| template.with_file_name(""))
}

fn template() -> Option<PathBuf> {
    let template = root().join("target/local/template.yaml");
    if !template.is_file() {
        tools::absent("the stack is not built: `cargo xtask local build` builds it");
        return None;
    }
    Some(template)
}

/// The checkout.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn architecture() -> &'static str {
    if cfg!(target_arch = "aarch64") { "Architecture=arm64" } else { "Architecture=x86_64" }
}
