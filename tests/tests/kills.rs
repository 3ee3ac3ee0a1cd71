//! `kill -9` at random moments of pushes, fifty times over the same data: what was acknowledged is there, and nothing
//! that was not verified can be seen.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use harness::client::{Answer, Client};
use harness::content::{Dice, IMAGE, digest, image, noise};
use harness::server::ServeOptions;
use http::{Method, StatusCode};
use tempfile::TempDir;

const KILLS: u64 = 50;
const PUSHERS: u64 = 4;

/// What was pushed, and what of it the registry said that it has.
#[derive(Debug, Default)]
struct Pushed {
    blobs: Vec<(String, Bytes)>,
    manifests: Vec<(String, String, Bytes)>,
    /// Images whose push was begun.
    begun: Vec<Image>,
}

/// An image on its way to a repository.
#[derive(Debug, Clone)]
struct Image {
    repository: String,
    tag: String,
    /// Its configuration first.
    blobs: Vec<Bytes>,
}

impl Image {
    fn manifest(&self) -> Bytes {
        image(&self.blobs[0], &self.blobs[1..])
    }
}

type Ledger = Arc<Mutex<Pushed>>;

/// The connection broke off: the server was killed.
struct Killed;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_fifty_kills_and_nothing_unverified_is_seen() {
    let clock = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let seed = std::env::var("RINGHOLD_SEED").map_or_else(|_| clock(), |seed| seed.parse().unwrap());
    eprintln!("RINGHOLD_SEED={seed}");
    let data = TempDir::new().unwrap();
    let mut dice = Dice::new(seed);
    let mut all = Pushed::default();
    let mut cut_off = 0;
    for round in 0..KILLS {
        let mut server = ServeOptions::embedded(data.path()).start();
        let ledger = Ledger::default();
        let pushers: Vec<_> = (0..PUSHERS)
            .map(|pusher| {
                let client = Client::new(server.address());
                let seed = seed + round * PUSHERS + pusher;
                tokio::spawn(push_until_killed(client, format!("team/{pusher}"), seed, Arc::clone(&ledger)))
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(50 + dice.below(400))).await;
        server.kill();
        for pusher in pushers {
            pusher.await.unwrap();
        }
        verify_homes(data.path());
        let mut pushed = std::mem::take(&mut *ledger.lock().unwrap());
        let server = ServeOptions::embedded(data.path()).start();
        let client = Client::new(server.address());
        verify(&client, &pushed).await;
        let unfinished: Vec<_> = pushed.begun.iter().filter(|image| !pushed.has(image)).cloned().collect();
        for image in &unfinished {
            verify_unacknowledged(&client, image).await;
            push_again(&client, image, &mut pushed).await;
        }
        cut_off += unfinished.len();
        all.blobs.append(&mut pushed.blobs);
        all.manifests.append(&mut pushed.manifests);
    }

    let server = ServeOptions::embedded(data.path()).start();
    let client = Client::new(server.address());
    assert!(all.blobs.len() as u64 > KILLS && all.manifests.len() as u64 > KILLS / 2, "too little was pushed to tell");
    assert!(cut_off as u64 > KILLS / 2, "too few pushes were cut off to tell");
    verify(&client, &all).await;
    verify_what_is_visible(&client).await;
    let homes = verify_homes(data.path());
    assert!(homes > 0, "no blob came home");
    let (blobs, manifests) = (all.blobs.len(), all.manifests.len());
    eprintln!("{blobs} blobs and {manifests} manifests acknowledged, {cut_off} pushes cut off, {homes} homes");
}

impl Pushed {
    fn has(&self, image: &Image) -> bool {
        self.manifests.iter().any(|(repository, tag, _)| *repository == image.repository && *tag == image.tag)
    }
}

/// What a killed server did not acknowledge is there or is not; when it is there, it is right and whole.
async fn verify_unacknowledged(client: &Client, image: &Image) {
    let Image { repository, tag, blobs } = image;
    let mut missing = false;
    for blob in blobs {
        let digest = digest(blob);
        let got = client.get(format!("/v2/{repository}/blobs/{digest}")).await;
        let head = client.head(format!("/v2/{repository}/blobs/{digest}")).await;
        assert_eq!(head.status, got.status, "{digest}");
        match got.status {
            StatusCode::OK => assert_eq!(got.body, *blob, "{digest}"),
            StatusCode::NOT_FOUND => missing = true,
            status => panic!("{status} for {digest}"),
        }
    }
    let got = client.get(format!("/v2/{repository}/manifests/{tag}")).await;
    match got.status {
        StatusCode::OK => assert_eq!((got.body, missing), (image.manifest(), false)),
        StatusCode::NOT_FOUND => {}
        status => panic!("{status} for {repository}:{tag}"),
    }
}

/// The client that was cut off begins anew.
async fn push_again(client: &Client, image: &Image, pushed: &mut Pushed) {
    let Image { repository, tag, blobs } = image;
    for blob in blobs {
        harness::content::push_blob(client, repository, blob).await;
        pushed.blobs.push((repository.clone(), blob.clone()));
    }
    let put = client.call(Method::PUT, format!("/v2/{repository}/manifests/{tag}")).header("content-type", IMAGE);
    let put = put.body(image.manifest()).send().await;
    assert_eq!(put.status, StatusCode::CREATED, "{put:?}");
    pushed.manifests.push((repository.clone(), tag.clone(), image.manifest()));
}

/// Pushes images of every shape, until the connection breaks off.
async fn push_until_killed(client: Client, repository: String, seed: u64, ledger: Ledger) {
    let mut dice = Dice::new(seed);
    for number in 0.. {
        if push_one(&client, &repository, seed, number, &mut dice, &ledger).await.is_err() {
            return;
        }
    }
}

async fn push_one(
    client: &Client,
    repository: &str,
    seed: u64,
    number: u64,
    dice: &mut Dice,
    ledger: &Ledger,
) -> Result<(), Killed> {
    let mut blobs = vec![Bytes::from(format!("{{\"seed\":{seed},\"number\":{number}}}"))];
    for layer in 0..2 {
        let length = if dice.below(12) == 0 { 5_000_000 } else { 100 + dice.below(150_000) };
        blobs.push(noise(seed ^ (number << 20) ^ (layer << 40), usize::try_from(length).unwrap()));
    }
    let image = Image { repository: repository.to_owned(), tag: format!("t{seed}-{number}"), blobs };
    ledger.lock().unwrap().begun.push(image.clone());
    for blob in &image.blobs {
        push_blob(client, repository, blob, dice).await?;
        ledger.lock().unwrap().blobs.push((repository.to_owned(), blob.clone()));
    }
    if dice.below(3) == 0 {
        let target = format!("/v2/team/mounted/blobs/uploads/?mount={}&from={repository}", digest(&image.blobs[1]));
        expect(client.call(Method::POST, target).try_send().await, StatusCode::CREATED)?;
        ledger.lock().unwrap().blobs.push(("team/mounted".to_owned(), image.blobs[1].clone()));
    }
    let target = format!("/v2/{repository}/manifests/{}", image.tag);
    let put = client.call(Method::PUT, target).header("content-type", IMAGE).body(image.manifest());
    expect(put.try_send().await, StatusCode::CREATED)?;
    ledger.lock().unwrap().manifests.push((repository.to_owned(), image.tag.clone(), image.manifest()));
    Ok(())
}

async fn push_blob(client: &Client, repository: &str, blob: &Bytes, dice: &mut Dice) -> Result<(), Killed> {
    let uploads = format!("/v2/{repository}/blobs/uploads/");
    let digest = digest(blob);
    if dice.below(3) == 0 {
        let whole = client.call(Method::POST, format!("{uploads}?digest={digest}")).body(blob.clone());
        return expect(whole.try_send().await, StatusCode::CREATED).map(drop);
    }
    let begun = expect(client.call(Method::POST, uploads).try_send().await, StatusCode::ACCEPTED)?;
    let location = begun.header("location").to_owned();
    let mut rest = blob.clone();
    if dice.below(2) == 0 {
        for chunk in [rest.split_to(rest.len() / 3), rest.split_to(rest.len() / 2)] {
            let patch = client.call(Method::PATCH, &location).body(chunk);
            expect(patch.try_send().await, StatusCode::ACCEPTED)?;
        }
    }
    let put = client.call(Method::PUT, format!("{location}?digest={digest}")).body(rest);
    expect(put.try_send().await, StatusCode::CREATED).map(drop)
}

fn expect<E>(answer: Result<Answer, E>, status: StatusCode) -> Result<Answer, Killed> {
    let answer = answer.map_err(|_| Killed)?;
    assert_eq!(answer.status, status, "{answer:?}");
    Ok(answer)
}

async fn verify(client: &Client, acknowledged: &Pushed) {
    for (repository, bytes) in &acknowledged.blobs {
        let got = client.get(format!("/v2/{repository}/blobs/{}", digest(bytes))).await;
        assert_eq!((got.status, digest(&got.body)), (StatusCode::OK, digest(bytes)), "a blob of {repository}");
    }
    for (repository, tag, bytes) in &acknowledged.manifests {
        let got = client.get(format!("/v2/{repository}/manifests/{tag}")).await;
        assert_eq!((got.status, &got.body), (StatusCode::OK, bytes), "{repository}:{tag}");
    }
}

/// Every manifest that can be seen, acknowledged or not, can be pulled whole.
async fn verify_what_is_visible(client: &Client) {
    let catalog = client.get("/v2/_catalog").await.json();
    for repository in catalog["repositories"].as_array().unwrap() {
        let repository = repository.as_str().unwrap();
        let tags = client.get(format!("/v2/{repository}/tags/list?n=10000")).await.json();
        for tag in tags["tags"].as_array().unwrap() {
            let manifest = client.get(format!("/v2/{repository}/manifests/{}", tag.as_str().unwrap())).await;
            assert_eq!(digest(&manifest.body).as_str(), manifest.header("docker-content-digest"));
            let manifest = manifest.json();
            let layers = manifest["layers"].as_array().unwrap();
            for blob in layers.iter().chain([&manifest["config"]]) {
                let named = blob["digest"].as_str().unwrap();
                let got = client.get(format!("/v2/{repository}/blobs/{named}")).await;
                assert_eq!((got.status, digest(&got.body).as_str()), (StatusCode::OK, named));
            }
        }
    }
}

/// Every file at a blob's home is what the home says; how many there are.
fn verify_homes(data: &Path) -> usize {
    let mut homes = 0;
    for bucket in 1..=3 {
        let blobs = data.join(format!("bucket-{bucket}/docker/registry/v2/blobs/sha256"));
        // A bucket may have got nothing yet.
        let Ok(prefixes) = std::fs::read_dir(blobs) else {
            continue;
        };
        for prefix in prefixes {
            for home in std::fs::read_dir(prefix.unwrap().path()).unwrap() {
                let home = home.unwrap().path();
                // A crash may leave the directory of a file that was never renamed into it.
                let Ok(bytes) = std::fs::read(home.join("data")) else {
                    continue;
                };
                assert_eq!(digest(&bytes).hex(), home.file_name().unwrap().to_str().unwrap());
                homes += 1;
            }
        }
    }
    homes
}
