//! A layer that no gateway takes comes by `ringhold proxy`, straight into its bucket, and is brought home by the functions.

use std::time::{Duration, Instant};

use harness::client::Client;
use harness::dockerd::Dockerd;
use harness::image::Image;
use harness::proxy::ProxyOptions;
use harness::wire::Wire;
use tempfile::TempDir;

use super::{WIRE, stack};

const MIB: usize = 1 << 20;

/// How many MiB the layer has, unless this says otherwise.
const LARGE: &str = "RINGHOLD_LARGE_MIB";

/// What passes the gateway in one request.
const CHUNK: u64 = 4 << 20;

/// How long the functions may take for what they do in the background.
const PATIENCE: Duration = Duration::from_mins(2);

#[tokio::test(flavor = "multi_thread")]
async fn docker_pushes_a_large_layer_through_the_proxy_and_pulls_it_from_the_gateway() {
    let Some(stack) = stack().await else { return };
    let _calm = WIRE.read().await;
    let Some(docker) = tokio::task::spawn_blocking(Dockerd::start).await.expect("it can be asked for") else { return };
    let size = std::env::var(LARGE).map_or(1024, |text| text.parse::<usize>().expect("a number of MiB"));
    let gateway = Wire::to(stack.registry());
    let spool = TempDir::new().expect("a directory can be made");
    let options = ProxyOptions::before(gateway.address(), spool.path());
    let proxy = options.start();
    drop(stack.wire().take());
    let (near, far) = (format!("{}/team/huge:1", proxy.address()), format!("{}/team/huge:1", stack.registry()));
    let (id, layers) = tokio::task::spawn_blocking(move || {
        docker.load(&Image::of_noise(41, &[size * MIB]), &near);
        let pushed = (docker.id(&near), docker.layers(&near));
        let began = Instant::now();
        docker.run(["push", &near]);
        println!("{size} MiB pushed in {:?}", began.elapsed());
        docker.forget();
        docker.run(["pull", &far]);
        assert_eq!((docker.id(&far), docker.layers(&far)), pushed);
        pushed
    })
    .await
    .expect("docker pushes and pulls");
    println!("{id}: {layers}");
    let passed = gateway.take();
    assert!(passed.len() > 5, "{passed:?}");
    assert!(passed.iter().all(|sent| sent.body <= CHUNK), "{passed:?}");
    let put: u64 = stack.wire().take().iter().filter(|sent| sent.method == "PUT").map(|sent| sent.body).sum();
    assert!(put >= (size * MIB) as u64, "the bytes went straight into the bucket: {put}");
    assert!(options.spooled().is_empty());
    comes_home(&Client::new(stack.registry())).await;
}

/// The layer is read from its home once the functions have brought it there.
async fn comes_home(client: &Client) {
    let accept = "application/vnd.docker.distribution.manifest.v2+json";
    let call = client.call(http::Method::GET, "/v2/team/huge/manifests/1").header("accept", accept);
    let manifest = call.send().await.json();
    let digest = manifest["layers"][0]["digest"].as_str().unwrap_or_else(|| panic!("{manifest}")).to_owned();
    let began = Instant::now();
    loop {
        let got = client.get(format!("/v2/team/huge/blobs/{digest}")).await;
        if got.header("location").contains("/docker/registry/v2/blobs/") {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "it is still read from {:?}", got.header("location"));
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}
