//! What the built template gives to each function, and how large the functions are.

use std::collections::BTreeSet;
use std::process::Command;

use harness::deployment::{built_functions, built_template, root, sam};
use harness::tools;
use serde_json::{Map, Value};

/// The most bytes of a function's archive.
const LARGEST: u64 = 6_000_000;

/// What a key of an object may begin with.
const PREFIXES: [&str; 3] = ["docker/registry/v2/blobs/*", "_ringhold/staged/*", "_ringhold/tails/*"];

fn resources(template: &Value, kind: &str) -> Vec<(String, Value)> {
    let all = template["Resources"].as_object().cloned().unwrap_or_default();
    all.into_iter().filter(|(_, resource)| resource["Type"] == kind).collect()
}

/// A value as a list: one is a list of one.
fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_else(|| vec![value.clone()])
}

/// Every name that a resource may come to be, whatever the conditions: none when it is not there.
fn leaves(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(values) => values.iter().flat_map(leaves).collect(),
        Value::Object(function) => match function.iter().next().map(|(name, inner)| (name.as_str(), inner)) {
            Some(("Fn::If", branches)) => leaves(&branches[1]).into_iter().chain(leaves(&branches[2])).collect(),
            Some(("Ref", name)) if name == "AWS::NoValue" => Vec::new(),
            // Of a secret, this is its ARN.
            Some(("Ref", name)) if name == "FirstPassword" => leaves(name),
            Some(("Fn::Sub", text)) => leaves(text),
            Some(("Fn::GetAtt", path)) => {
                vec![list(path).iter().filter_map(Value::as_str).collect::<Vec<_>>().join(".")]
            }
            other => panic!("a policy names a resource by {other:?}"),
        },
        other => panic!("a policy names a resource by {other}"),
    }
}

#[test]
fn every_role_has_the_least_that_its_function_needs() {
    let Some(template) = built_template() else { return };
    let roles = resources(&template, "AWS::IAM::Role");
    assert_eq!(roles.len(), 8, "one for each function");
    for (role, body) in &roles {
        assert_eq!(body["Properties"].get("ManagedPolicyArns"), None, "{role}");
        for statement in
            list(&body["Properties"]["Policies"]).iter().flat_map(|policy| list(&policy["PolicyDocument"]["Statement"]))
        {
            check(role, statement.as_object().expect("a statement"));
        }
    }
}

/// The whole of it, a line for each action on each thing: what is added or taken away must be meant.
#[test]
fn the_roles_may_do_exactly_what_is_written_down() {
    let Some(template) = built_template() else { return };
    let mut lines = BTreeSet::new();
    for (role, body) in resources(&template, "AWS::IAM::Role") {
        let policies = list(&body["Properties"]["Policies"]);
        for statement in policies.iter().flat_map(|policy| list(&policy["PolicyDocument"]["Statement"])) {
            let keys: Vec<Value> = statement["Condition"]
                .as_object()
                .into_iter()
                .flatten()
                .filter_map(|(_, condition)| condition.get("dynamodb:LeadingKeys").or(condition.get("s3:prefix")))
                .flat_map(list)
                .collect();
            let things =
                if keys.is_empty() { leaves(&statement["Resource"]) } else { keys.iter().flat_map(leaves).collect() };
            for action in list(&statement["Action"]).iter().flat_map(leaves) {
                // The same for every bucket.
                let of_bucket = |thing: &str| match thing.split_once(".Arn}/") {
                    Some((_, key)) => key.to_owned(),
                    None if is_bucket(thing) => "the bucket".to_owned(),
                    None => thing.to_owned(),
                };
                lines.extend(things.iter().map(|thing| format!("{role} {action} {}\n", of_bucket(thing))));
            }
        }
    }
    let found: String = lines.into_iter().collect();
    let path = root().join("tests/tests/policies.txt");
    if std::env::var_os("RINGHOLD_RECORD").is_some() {
        std::fs::write(&path, &found).expect("it can be written");
    }
    assert_eq!(found, std::fs::read_to_string(path).unwrap_or_default());
}

fn is_bucket(resource: &str) -> bool {
    resource.strip_suffix(".Arn").is_some_and(|name| name.starts_with("Bucket"))
}

/// No action and no resource stands for others, but below a prefix that is named.
fn check(role: &str, statement: &Map<String, Value>) {
    let actions: Vec<String> = list(&statement["Action"]).iter().flat_map(leaves).collect();
    let resources = leaves(&statement["Resource"]);
    assert!(!actions.is_empty() && !resources.is_empty(), "{role}: {statement:?}");
    let services: BTreeSet<_> = actions.iter().map(|action| action.split(':').next().unwrap_or_default()).collect();
    assert_eq!(services.len(), 1, "{role}: one service in a statement: {actions:?}");
    assert!(actions.iter().all(|action| !action.contains('*')), "{role}: {actions:?}");
    for resource in &resources {
        assert_ne!(resource, "*", "{role}");
        match actions[0].split(':').next() {
            Some("s3") if actions == ["s3:ListBucketMultipartUploads"] => {
                assert!(is_bucket(resource), "{role}: {resource}");
            }
            Some("s3") if actions == ["s3:ListBucket"] => {
                assert!(is_bucket(resource), "{role}: {resource}");
                assert_eq!(statement["Condition"]["StringLike"]["s3:prefix"], "_ringhold/*");
            }
            Some("s3") => {
                let (bucket, key) = resource.split_once(".Arn}/").expect("an object's name");
                assert!(bucket.starts_with("${Bucket") && PREFIXES.contains(&key), "{role}: {resource}");
            }
            Some("dynamodb") if resource == "Table.Arn" => {
                assert!(statement["Condition"].to_string().contains("dynamodb:LeadingKeys"), "{role}: {actions:?}");
            }
            Some("dynamodb") => {
                assert!(
                    ["Table.StreamArn", "${Table.Arn}/stream/*", "${Table.Arn}/index/sectors"]
                        .contains(&resource.as_str()),
                    "{role}: {resource}"
                );
            }
            Some("secretsmanager") => {
                assert_eq!(
                    (resource.as_str(), &*actions),
                    ("FirstPassword", &["secretsmanager:GetSecretValue".to_owned()][..])
                );
            }
            Some("logs" | "sqs") => assert!(!resource.contains('*'), "{role}: {resource}"),
            other => panic!("{role} may do something with {other:?}"),
        }
    }
}

#[test]
fn every_function_has_a_role_of_its_own_and_no_other_policy() {
    let Some(template) = built_template() else { return };
    let functions = resources(&template, "AWS::Serverless::Function");
    let roles: BTreeSet<_> = functions.iter().map(|(_, function)| function["Properties"]["Role"].to_string()).collect();
    assert_eq!((functions.len(), roles.len()), (8, 8));
    assert!(functions.iter().all(|(_, function)| function["Properties"].get("Policies").is_none()));
}

#[test]
fn what_is_kept_outlives_the_stack_and_is_nobodys_but_ours() {
    let Some(template) = built_template() else { return };
    let buckets = resources(&template, "AWS::S3::Bucket");
    assert_eq!(buckets.len(), 16);
    for (name, bucket) in buckets.iter().chain(&resources(&template, "AWS::DynamoDB::Table")) {
        assert!(bucket["DeletionPolicy"].as_str().is_some_and(|policy| policy.starts_with("Retain")), "{name}");
        assert_eq!(bucket["UpdateReplacePolicy"], "Retain", "{name}");
    }
    for (name, bucket) in &buckets {
        let properties = &bucket["Properties"];
        assert_eq!(properties["VersioningConfiguration"]["Status"], "Enabled", "{name}");
        assert!(properties["BucketEncryption"].is_object(), "{name}");
        let block = properties["PublicAccessBlockConfiguration"].as_object().expect("it is there");
        assert!(block.len() == 4 && block.values().all(|blocked| *blocked == true), "{name}");
        for rule in list(&properties["LifecycleConfiguration"]["Rules"]) {
            let expires = rule.get("ExpirationInDays").is_some();
            assert_eq!(expires, rule["Prefix"] == "_ringhold/tails/", "nothing else expires by age: {rule}");
        }
    }
}

#[test]
fn sam_finds_nothing_wrong_with_the_template() {
    let (Some(sam), Some(lint)) = (sam("sam"), sam("cfn-lint")) else { return };
    let mut validate = Command::new(sam);
    validate.args(["validate", "--lint", "--region", "us-east-1"]).env("SAM_CLI_TELEMETRY", "0");
    tools::output_of(validate.current_dir(root()));
    tools::output_of(Command::new(lint).args(["--regions", "us-east-1", "--", "template.yaml"]).current_dir(root()));
}

/// Lambda leaves out what is below its own level, INFO unless it is told.
#[test]
fn what_is_logged_is_for_the_parameter_to_say() {
    let Some(template) = built_template() else { return };
    for (function, body) in resources(&template, "AWS::Serverless::Function") {
        let logging = &body["Properties"]["LoggingConfig"];
        assert_eq!(
            (&logging["LogFormat"], &logging["ApplicationLogLevel"]),
            (&"JSON".into(), &"TRACE".into()),
            "{function}"
        );
    }
}

#[test]
fn the_cost_page_counts_all_that_watches_the_registry() {
    let Some(template) = built_template() else { return };
    let uses = std::fs::read_to_string(root().join("docs/costs/uses.toml")).expect("it can be read");
    for (name, kind) in [("alarms", "AWS::CloudWatch::Alarm"), ("dashboards", "AWS::CloudWatch::Dashboard")] {
        let line = format!("{name} = {}", resources(&template, kind).len());
        assert!(uses.lines().any(|other| other == line), "{line}");
    }
}

#[test]
fn every_function_is_small_enough_to_start_fast() {
    let (Some(directory), Some(python)) = (built_functions(), sam("python")) else { return };
    let pack = "import sys, zlib; print(len(zlib.compress(open(sys.argv[1], 'rb').read())))";
    let template = built_template().expect("it was built with the functions");
    for (function, _) in resources(&template, "AWS::Serverless::Function") {
        let binary = directory.join(&function).join("bootstrap");
        let size = tools::output_of(Command::new(&python).args(["-c", pack]).arg(binary));
        println!("{function}: {size} bytes");
        assert!(size.parse::<u64>().expect("a number") <= LARGEST, "{function} has {size} bytes");
    }
}
