//! The commands of accounts, in each way that they reach a registry: over HTTP, through the socket of the process that
//! serves, and in the metadata alone. Each does the same in all of them.

use std::process::{Command, Output};

use harness::accounts::{PASSWORD, add_user, grant, of_directory};
use harness::output::assert_no_secret;
use harness::server::{ServeOptions, Server, program};
use harness::stack::Stack;
use harness::tools;
use serde_json::{Value, json};
use shared::auth::Role;
use tempfile::TempDir;

/// How the commands reach the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Http,
    Socket,
    Alone,
}

const WAYS: [Way; 3] = [Way::Http, Way::Socket, Way::Alone];

/// A registry that one user administers.
struct Stage {
    way: Way,
    server: Option<Server>,
    data: TempDir,
}

impl Stage {
    async fn new(way: Way) -> Self {
        let data = TempDir::new().unwrap();
        let accounts = of_directory(data.path());
        add_user(&accounts, "root", vec![grant("**", Role::Admin)]).await;
        drop(accounts);
        let server = (way != Way::Alone).then(|| ServeOptions::embedded(data.path()).start());
        Self { way, server, data }
    }

    fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(program());
        // Nothing that is kept for the user who runs the tests, and nothing that leads elsewhere.
        command.args(arguments.split(' ')).env("HOME", self.data.path());
        match (self.way, &self.server) {
            (Way::Http, Some(server)) => {
                let registry = server.address().to_string();
                command.args(["--registry", &registry]).env("RINGHOLD_USER", "root").env("RINGHOLD_PASSWORD", PASSWORD)
            }
            _ => command.arg("--data").arg(self.data.path()),
        };
        command
    }

    fn told(&self, arguments: &str) -> String {
        tools::output_of(&mut self.command(arguments))
    }

    fn told_with(&self, arguments: &str, input: &str) -> String {
        tools::output_with(&mut self.command(arguments), input)
    }

    fn json(&self, arguments: &str) -> Value {
        let told = self.told(&format!("{arguments} --json"));
        serde_json::from_str(&told).unwrap_or_else(|error| panic!("{arguments}: {error}: {told}"))
    }

    /// Why it fails.
    fn refused(&self, arguments: &str) -> String {
        let told = tools::failure_of(&mut self.command(arguments), "");
        assert_no_secret(&told);
        told
    }

    /// The values of a field of a list.
    fn all(&self, list: &str, field: &str) -> Vec<Value> {
        let rows = self.json(list);
        rows.as_array().expect("a list").iter().map(|row| row[field].clone()).collect()
    }

    /// The only row of a list that is called so.
    fn one(&self, list: &str, name: &str) -> Value {
        let rows = self.json(list);
        let mut named = rows.as_array().expect("a list").iter().filter(|row| row["name"] == name);
        let (Some(one), None) = (named.next(), named.next()) else { panic!("{name} in {rows}") };
        one.clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_made_changed_listed_and_removed() {
    for way in WAYS {
        let stage = Stage::new(way).await;
        let made = stage.told("user add bob --grant reader:team-b/**");
        let [first, password] = made.lines().collect::<Vec<_>>().try_into().unwrap();
        assert!(first.starts_with("bob is there. The first password") && password.len() >= 20, "{made}");
        assert_eq!(stage.told_with("user add carol --password-stdin", PASSWORD), "carol is there");
        assert_eq!(stage.all("user list", "name"), ["bob", "carol", "root"]);
        assert_eq!(stage.one("user list", "bob")["must_change_password"], true);
        let lines = stage.told("user list");
        assert!(lines.lines().next().unwrap().starts_with("NAME"), "{lines}");
        assert!(lines.contains("reader:team-b/**"), "{lines}");

        assert_eq!(stage.told("user set bob --grant writer:team-b/** --disable"), "bob is changed");
        let bob = stage.one("user list", "bob");
        assert_eq!(bob["grants"], json!([{ "repositories": "team-b/**", "role": "writer" }]));
        assert_eq!(bob["is_disabled"], true);
        stage.told_with("user set bob --enable --password-stdin", "another password of bob's");
        assert_eq!(stage.one("user list", "bob")["is_disabled"], false);
        assert_eq!(stage.told("user remove bob"), "bob is removed");

        assert!(stage.refused("user remove bob").contains("bob"));
        assert!(stage.refused("user add carol").contains("carol"));
        assert!(stage.refused("user add -x").contains("-x"));
        assert!(stage.refused("user add dave --grant writer").contains("ROLE:PATTERN"));
        let last = stage.refused("user remove root");
        assert!(last.contains("administer"), "somebody has to: {last}");
        assert_eq!(stage.all("user list", "name"), ["carol", "root"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_robots_and_tokens_are_made_listed_and_removed() {
    for way in WAYS {
        let stage = Stage::new(way).await;
        assert_eq!(stage.told("group add devs --grant writer:team-b/**"), "devs is there");
        assert_eq!(stage.told("robot add ci --group devs"), "ci is there");
        assert_eq!(stage.one("robot list", "ci")["groups"], json!(["devs"]));
        stage.told("robot set ci --disable");
        assert_eq!(stage.one("robot list", "ci")["is_disabled"], true);
        stage.told("robot set ci --enable");
        assert!(stage.refused("robot add other --group nobody").contains("nobody"));

        let add = "token add --owner robot:ci --label build --expires-in 5 --limit team-b/**=pull,push";
        let output: Output = stage.command(add).output().unwrap();
        let [secret, told] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        assert!(secret.starts_with("rht_") && secret.lines().count() == 1, "a script reads it: {told}");
        let token = stage.json("token list --owner robot:ci")[0].clone();
        let id = token["id"].as_str().unwrap();
        assert!(secret.contains(id) && told.contains(id) && token["label"] == "build", "{token}");
        assert_eq!(token["limits"], json!([{ "repositories": "team-b/**", "actions": ["pull", "push"] }]));
        assert_no_secret(&stage.told("token list"));
        assert!(stage.refused("token add --owner robot:ci --limit x").contains("PATTERN=ACTION"));
        assert!(stage.refused("token add --owner robot:nobody").contains("nobody"));
        stage.told(&format!("token remove {id}"));
        assert_eq!(stage.json("token list --owner robot:ci"), json!([]));

        assert_eq!(stage.all("group list", "name"), ["devs"]);
        assert_eq!(stage.told("robot remove ci"), "ci is removed");
        assert_eq!(stage.told("group remove devs"), "devs is removed");
        assert_eq!((stage.json("robot list"), stage.json("group list")), (json!([]), json!([])));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn grants_repositories_and_issuers_are_set_and_taken_back() {
    for way in WAYS {
        let stage = Stage::new(way).await;
        stage.told("robot add ci");
        assert_eq!(stage.told("grant add robot:ci writer team-b/**"), "robot:ci is writer of team-b/**");
        assert_eq!(stage.all("grant list --subject robot:ci", "role"), ["writer"]);
        assert_eq!(stage.all("grant list", "subject"), ["user:root", "robot:ci"]);
        assert_eq!(stage.told("grant remove robot:ci writer team-b/**"), "robot:ci is no longer writer of team-b/**");
        assert_eq!(stage.json("grant list --subject robot:ci"), json!([]));
        assert!(stage.refused("grant add robot:ci king team-b/**").contains("king"));
        assert!(stage.refused("grant add robot:nobody reader team-b/**").contains("nobody"));

        assert_eq!(stage.told("repo set open/app --public"), "open/app is public");
        assert_eq!(stage.one("repo list", "open/app")["visibility"], "public");
        assert_eq!(stage.told("repo set open/app --private"), "open/app is private");
        stage.told("repo remove open/app");
        assert_eq!(stage.json("repo list"), json!([]));

        let rule =
            json!({ "claims": { "sub": "repo:o/r:*" }, "grants": [{ "repositories": "o/r", "role": "writer" }] });
        let issuer = json!({ "issuer": "https://token.example", "audience": "registry", "rules": [rule] });
        assert_eq!(stage.told_with("issuer set github", &issuer.to_string()), "github is trusted");
        assert_eq!(stage.one("issuer list", "github")["rules"], issuer["rules"]);
        stage.told("issuer remove github");
        assert_eq!(stage.json("issuer list"), json!([]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_the_mode_are_changed_and_the_audit_tells_of_it() {
    for way in WAYS {
        let stage = Stage::new(way).await;
        let told = stage.told("keys rotate");
        let kid = told.split(' ').nth(4).unwrap().to_owned();
        assert!(stage.all("keys list", "kid").contains(&json!(kid)), "{told}");
        stage.told("keys rotate --at-once");
        assert_eq!(stage.json("keys list").as_array().unwrap().len(), 1);

        assert_eq!(stage.told("mode"), "read-write");
        assert_eq!(stage.told("mode read-only"), "read-only");
        assert_eq!(stage.json("mode")["mode"], "read-only");
        assert_eq!(stage.told("mode read-write"), "read-write");

        let acts = stage.json("audit");
        let told = |act: &Value| (act["action"].clone(), act["who"].clone(), act["allowed"].clone());
        let acts: Vec<_> = acts.as_array().unwrap().iter().map(told).collect();
        let who = if way == Way::Http { "user:root" } else { "operator" };
        let by = |action: &str| (json!(action), json!(who), json!(true));
        assert_eq!(acts, ["mode.set", "mode.set", "keys.rotate", "keys.rotate"].map(by), "{way:?}");
        assert_eq!(stage.json("audit --refused"), json!([]));
        assert_eq!(stage.all("audit --object read-only", "action"), ["mode.set"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ones_own_password_is_changed_over_http() {
    let stage = Stage::new(Way::Http).await;
    let changed = stage.told_with("user password", "another password of root's");
    assert!(changed.contains("the password is changed"), "{changed}");
    let refused = stage.refused("user list");
    assert!(refused.contains("the name or the password is wrong"), "{refused}");
    let mut command = stage.command("user list");
    tools::output_of(command.env("RINGHOLD_PASSWORD", "another password of root's"));
}

#[test]
fn a_registry_that_cannot_be_reached_or_named_is_told_of() {
    let run = |registry: &str| {
        let mut command = Command::new(program());
        command.args(["user", "list", "--registry", registry]).env("RINGHOLD_USER", "root");
        tools::failure_of(command.env("RINGHOLD_PASSWORD", PASSWORD), "")
    };
    let unreachable = run("127.0.0.1:1");
    assert!(unreachable.contains("127.0.0.1:1 cannot be reached"), "{unreachable}");
    for registry in ["http://registry.example", "registry.example/app", "https://root:pw@registry.example"] {
        let told = run(registry);
        assert!(told.contains("--registry") && !told.contains("root:pw"), "{told}");
    }
    assert_no_secret(&unreachable);
}

/// Whoever administers a table need not know its buckets, and does not decide which they are.
#[tokio::test(flavor = "multi_thread")]
async fn accounts_in_a_table_are_administered_before_its_buckets_are_known() {
    let Some(stack) = Stack::fresh().await else { return };
    let data = TempDir::new().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(program());
        command.args(arguments).args(["--metadata", stack.stores().metadata.as_str(), "--data"]).arg(data.path());
        command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test").env("AWS_REGION", "us-east-1");
        tools::output_with(&mut command, PASSWORD)
    };
    run(&["user", "add", "root", "--admin", "--password-stdin"]);
    assert!(run(&["user", "list"]).contains("root"));
    assert_eq!(std::fs::read_dir(data.path()).unwrap().count(), 0, "no bucket is made here");
    let server = stack.options(data.path()).start();
    let ring = Command::new(program()).args(["ring", "show", "--json", "--data"]).arg(data.path()).output().unwrap();
    let ring: Value = serde_json::from_slice(&ring.stdout).unwrap();
    let buckets: Vec<_> = ring["buckets"].as_array().unwrap().iter().map(|bucket| bucket["id"].clone()).collect();
    assert_eq!(buckets.len(), stack.buckets().len(), "the server's buckets, and no others: {buckets:?}");
    drop(server);
}
