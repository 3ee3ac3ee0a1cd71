//! What it costs to know who asks: the processor time of a registry that many ask at once, by how they say who they are.
//!
//! ```sh
//! cargo build --release --workspace --bin ringhold --bin sign-in-cost
//! target/release/sign-in-cost --write
//! ```
//!
//! Everybody may pull from the repository, so that whoever says nothing gets the same answers, and all is the same but who
//! asks. Each figure is the median of several rounds, the ways in turn. `--write` renews the figures in docs/accounts.md.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures::{StreamExt, stream};
use harness::accounts::{PASSWORD, add_robot, add_user, basic, grant, of_directory, publish};
use harness::client::Client;
use harness::content::{digest, noise, push_image};
use harness::deployment::root;
use harness::server::{ServeOptions, Server};
use http::Method;
use ringhold_benches::Spread;
use shared::auth::Role;
use tempfile::TempDir;

const REPOSITORY: &str = "team-a/app";
const USER: &str = "alice";
const ROUNDS: usize = 15;
/// How many ask at once.
const CLIENTS: usize = 8;
/// The parts of a second in which the kernel counts a process's time.
const TICKS: f64 = 100.0;
const MIB: usize = 1 << 20;

/// How callers say who they are, the first of them not at all.
const WAYS: [&str; 4] = ["nobody", "access token", "password", "robot's token"];

/// What is asked for, over and over.
struct Load {
    title: &'static str,
    targets: Vec<String>,
    /// How often all of it is asked for in a round.
    times: u32,
}

/// A registry, and who may ask it.
struct Scene {
    server: Server,
    client: Client,
    robot: String,
    _data: TempDir,
}

#[tokio::main]
async fn main() {
    let layers: Vec<_> = (1..=4).map(|seed| noise(seed, MIB)).collect();
    let scene = Scene::with(&layers).await;
    let manifest = format!("/v2/{REPOSITORY}/manifests/1");
    let blobs = layers.iter().map(|layer| format!("/v2/{REPOSITORY}/blobs/{}", digest(layer)));
    let image = [manifest.clone()].into_iter().chain(blobs).collect();
    let loads = [
        Load { title: "a manifest", targets: vec![manifest], times: 20_000 },
        Load { title: "an image of four layers of 1 MiB", targets: image, times: 500 },
    ];
    let mut table = format!("| pulled by | {} |\n|---|---|---|---|---|\n", WAYS.join(" | "));
    for load in loads {
        writeln!(table, "{}", scene.measure(&load).await).expect("text is written");
    }
    print!("{table}");
    if std::env::args().any(|argument| argument == "--write") {
        write(&table);
    }
}

impl Scene {
    /// With an image of these layers.
    async fn with(layers: &[Bytes]) -> Self {
        let data = TempDir::new().expect("a temporary directory can be made");
        let open = serve(data.path());
        push_image(&Client::new(open.address()), REPOSITORY, "1", layers).await;
        drop(open);
        let accounts = of_directory(data.path());
        add_user(&accounts, USER, vec![grant("team-a/**", Role::Writer)]).await;
        let robot = add_robot(&accounts, "ci", vec![grant("team-a/**", Role::Writer)], None).await;
        publish(&accounts, REPOSITORY).await;
        drop(accounts);
        let server = serve(data.path());
        let client = Client::new(server.address());
        Self { server, client, robot: basic("ci", robot.expose()), _data: data }
    }

    /// The header by which a caller says who they are.
    async fn authorization(&self, way: usize) -> Option<String> {
        match way {
            0 => None,
            1 => Some(self.access_token().await),
            2 => Some(basic(USER, PASSWORD)),
            _ => Some(self.robot.clone()),
        }
    }

    async fn access_token(&self) -> String {
        let target = format!("/token?service=ringhold&scope=repository:{REPOSITORY}:pull");
        let call = self.client.call(Method::GET, target).header("authorization", basic(USER, PASSWORD));
        format!("Bearer {}", call.send().await.json()["token"].as_str().expect("a token"))
    }

    /// A row of the table: the time of who says nothing, and that of the others as multiples of it.
    async fn measure(&self, load: &Load) -> String {
        let mut took: [Vec<f64>; WAYS.len()] = Default::default();
        for _ in 0..ROUNDS {
            for (way, took) in took.iter_mut().enumerate() {
                let header = self.authorization(way).await;
                self.ask(load, header.as_ref(), 1).await;
                let before = self.cpu_seconds();
                self.ask(load, header.as_ref(), load.times).await;
                took.push((self.cpu_seconds() - before) * 1e6 / f64::from(load.times));
            }
        }
        let undisturbed = took[0].clone();
        let mut row = format!("| {} | {:.0} µs |", load.title, Spread::of(undisturbed.clone()).median);
        for took in &took[1..] {
            let shares = took.iter().zip(&undisturbed).map(|(took, free)| (1.0 - free / took) * 100.0).collect();
            let Spread { least, median, most } = Spread::of(shares);
            write!(row, " {median:.1} % ({least:.1}–{most:.1}) |").expect("text is written");
        }
        row
    }

    async fn ask(&self, load: &Load, header: Option<&String>, times: u32) {
        let targets = (0..times).flat_map(|_| &load.targets);
        let asked = stream::iter(targets).for_each_concurrent(CLIENTS, async |target| {
            let mut call = self.client.call(Method::GET, target);
            if let Some(header) = header {
                call = call.header("authorization", header);
            }
            assert_eq!(call.send().await.status, 200);
        });
        asked.await;
    }

    /// What the registry has used of its processors until now.
    fn cpu_seconds(&self) -> f64 {
        let path = format!("/proc/{}/stat", self.server.process());
        let stat = std::fs::read_to_string(path).expect("the registry is running");
        let fields = stat.rsplit(") ").next().expect("its name ends").split(' ').skip(11).take(2);
        fields.map(|ticks| ticks.parse::<f64>().expect("a number")).sum::<f64>() / TICKS
    }
}

fn serve(data: &Path) -> Server {
    let program: PathBuf = std::env::current_exe().expect("a program has a path").with_file_name("ringhold");
    ServeOptions::embedded(data).program(&program).start()
}

/// What stands between these marks of docs/accounts.md is written here.
const BEGIN: &str = "<!-- figures -->\n";
const END: &str = "<!-- end of figures -->\n";

fn write(table: &str) {
    let page = root().join("docs/accounts.md");
    let old = std::fs::read_to_string(&page).expect("the page can be read");
    let (before, after) = (old.split(BEGIN).next().unwrap_or_default(), old.split(END).nth(1).unwrap_or_default());
    std::fs::write(page, format!("{before}{BEGIN}\n{table}\n{END}{after}")).expect("the page can be written");
}
