//! How long a function takes from its start to its first answer, against a function that does nothing; and what a pull of a
//! manifest costs once it is warm, against the same read of the table without us.
//!
//! ```sh
//! cargo xtask local build
//! cargo build --release --bin hello
//! cargo run --bin cold-start
//! ```
//!
//! The functions are those that would be deployed. As on Amazon Linux, the roots that they trust are read from one file: some
//! other systems have a file for each as well, which takes longer to read than all the rest. They run behind the runtime API, and behind them the emulator.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue;
use bytes::Bytes;
use harness::client::Client;
use harness::content::{noise, push_image};
use harness::deployment::root;
use harness::events;
use harness::lambda::Environment;
use harness::stack::Stack;
use ringhold_benches::Spread;
use serde_json::{Value, json};
use shared::config::Aws;

/// How often each function is started.
const STARTS: usize = 20;

/// The roots that Debian trusts, in one file.
const BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";

/// How often a warm function is asked.
const REQUESTS: usize = 500;

#[tokio::main]
async fn main() {
    let stack = Stack::fresh().await.expect("the emulator is installed: `cargo xtask setup` installs it");
    let aws = Aws { settings: Some(stack.emulator().sdk_config()), ..Aws::default() };
    let client = Client::of(events::api(&stack.stores(), &aws).await);
    let layers: Vec<Bytes> = (0..10).map(|seed| noise(seed, 1000)).collect();
    let digest = push_image(&client, "team/app", "latest", &layers).await.to_string();
    let pull = get(&format!("/v2/team/app/manifests/{digest}"));
    let variables = variables(&stack);

    println!("From the start to the first answer, of {STARTS} starts each, in ms:");
    let measured = [
        ("hello", hello(), get("/")),
        ("tags", function("Tags"), get("/v2/")),
        ("manifests", function("Manifests"), pull.clone()),
        ("uploads", function("Uploads"), post("/v2/team/app/blobs/uploads/")),
    ];
    let mut starts = vec![Vec::new(); measured.len()];
    for _ in 0..STARTS {
        for (times, (_, binary, event)) in starts.iter_mut().zip(&measured) {
            times.push(first_answer(binary, &variables, event).await);
        }
    }
    let least = milliseconds(&starts[0]);
    for (times, (function, ..)) in starts.iter().zip(&measured) {
        let spread = milliseconds(times);
        println!("  {function:<10} {}  {:.2} x hello", told(spread), spread.median / least.median);
    }

    println!("GET of a manifest by its digest, of {REQUESTS} each, in ms:");
    let warm_hello = warm(&hello(), &variables, &get("/")).await;
    let warm_manifests = warm(&function("Manifests"), &variables, &pull).await;
    let read = reads(&stack, &digest).await;
    println!("  {:<32} {}", "the function", told(warm_manifests));
    println!("  {:<32} {}", "a function that does nothing", told(warm_hello));
    println!("  {:<32} {}", "the read of the table alone", told(read));
    println!("  ours: {:.2} ms", warm_manifests.median - warm_hello.median - read.median);
}

fn hello() -> PathBuf {
    built("target/release/hello", "cargo build --release --bin hello")
}

fn function(name: &str) -> PathBuf {
    built(&format!("target/local/{name}Function/bootstrap"), "cargo xtask local build")
}

fn built(path: &str, by: &str) -> PathBuf {
    let path = root().join(path);
    assert!(path.exists(), "{} is missing: `{by}` makes it", path.display());
    path
}

fn variables(stack: &Stack) -> Vec<(String, String)> {
    let mut variables = stack.variables(stack.emulator().endpoint());
    if Path::new(BUNDLE).exists() {
        variables.push(("SSL_CERT_FILE".to_owned(), BUNDLE.to_owned()));
    }
    variables
}

fn get(path: &str) -> Value {
    request("GET", path)
}

fn post(path: &str) -> Value {
    request("POST", path)
}

fn request(method: &str, path: &str) -> Value {
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "", "headers": {},
        "requestContext": {
            "accountId": "1", "apiId": "a", "domainName": "a", "requestId": "r", "routeKey": "$default",
            "stage": "$default", "time": "24/Nov/2026:09:00:00 +0000", "timeEpoch": 0,
            "http": { "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "" },
        },
        "isBase64Encoded": false,
    })
}

async fn first_answer(binary: &Path, variables: &[(String, String)], event: &Value) -> Duration {
    let environment = Environment::start(binary, variables).await;
    environment.invoke(event.clone()).await.expect("an answer");
    environment.age()
}

async fn warm(binary: &Path, variables: &[(String, String)], event: &Value) -> Spread {
    let environment = Environment::start(binary, variables).await;
    environment.invoke(event.clone()).await.expect("an answer");
    let mut times = Vec::new();
    for _ in 0..REQUESTS {
        let asked = Instant::now();
        environment.invoke(event.clone()).await.expect("an answer");
        times.push(asked.elapsed());
    }
    milliseconds(&times)
}

/// The read that a GET of a manifest makes, without anything around it.
async fn reads(stack: &Stack, digest: &str) -> Spread {
    let client = aws_sdk_dynamodb::Client::new(&stack.emulator().sdk_config());
    let mut times = Vec::new();
    for _ in 0..=REQUESTS {
        let asked = Instant::now();
        let read = client.get_item().table_name(stack.table()).consistent_read(true);
        let read = read.key("pk", AttributeValue::S("REPO#team/app".to_owned()));
        let read = read.key("sk", AttributeValue::S(format!("MANIFEST#{digest}"))).send().await.expect("an answer");
        assert!(read.item.is_some(), "the manifest is there");
        times.push(asked.elapsed());
    }
    milliseconds(&times[1..])
}

fn milliseconds(times: &[Duration]) -> Spread {
    Spread::of(times.iter().map(|time| time.as_secs_f64() * 1000.0).collect())
}

fn told(Spread { least, median, most }: Spread) -> String {
    format!("median {median:6.2} ({least:6.2} to {most:7.2})")
}
