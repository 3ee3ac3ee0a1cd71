//! The recorded events in `events/`: what each finds, and what it is answered.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::Value;
use shared::auth::GateSettings;
use shared::clock::Timestamp;
use shared::config::{Aws, Stores};
use shared::http::{Api, Profile, Settings};
use shared::metadata::UploadSession;
use shared::oci::{Algorithm, UploadId};
use shared::registry::{Registry, Terms};

use crate::client::Client;
use crate::content::{IMAGE, push_blob};

/// The repository that most events are about.
const REPOSITORY: &str = "team/app";

/// The uploads that events go on with, each begun and empty.
const UPLOADS: [&str; 5] = [
    "073c1634c496cdb649d1afe0a312bbb4",
    "a4895eb44afc336fecbba6e520cd67e1",
    "9b473845f684444f80a26586ae298d2b",
    "373cb2c6d4fe2778441d4f0266505b69",
    "2374d91794b79f4fb4ec9587d2cf00ae",
];

/// A recorded event.
#[derive(Debug, Clone)]
pub struct Event {
    /// The function that it is for.
    pub function: String,
    /// Its file.
    pub path: PathBuf,
}

impl Event {
    /// Every event, in the order of their files: an event finds what those before it left.
    pub fn all() -> Vec<Self> {
        let mut events = Vec::new();
        for directory in entries(&root()).into_iter().filter(|path| path.is_dir() && !path.ends_with("seed")) {
            let function = directory.file_name().expect("a name").to_string_lossy().into_owned();
            let files = entries(&directory).into_iter();
            let files = files.filter(|path| !path.to_string_lossy().ends_with(".answer.json"));
            events.extend(files.map(|path| Self { function: function.clone(), path }));
        }
        assert!(!events.is_empty(), "there are events");
        events
    }

    /// What it says.
    pub fn text(&self) -> String {
        std::fs::read_to_string(&self.path).expect("the event can be read")
    }

    /// Compares an answer with the recorded one; records it instead, when `RINGHOLD_RECORD` is set.
    #[track_caller]
    pub fn check(&self, answer: &Value) {
        let path = self.path.with_extension("answer.json");
        let answer = serde_json::to_string_pretty(&settled(answer)).expect("JSON") + "\n";
        if std::env::var_os("RINGHOLD_RECORD").is_some() {
            std::fs::write(&path, &answer).expect("the answer can be recorded");
        }
        let recorded = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(answer, recorded, "the answer to {}", self.path.display());
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../events")
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).expect("the events can be listed");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}

/// The answer without the two things that are different each time: the URL of a redirect, and the name of a new upload.
fn settled(answer: &Value) -> Value {
    let mut answer = answer.clone();
    for headers in ["headers", "multiValueHeaders"] {
        let Some(headers) = answer.get_mut(headers).and_then(Value::as_object_mut) else { continue };
        let is_new = |id: &Value| id.as_str().is_some_and(|id| !UPLOADS.contains(&id));
        let new = headers.get("docker-upload-uuid").filter(|id| is_new(id)).cloned();
        for value in headers.values_mut() {
            let Some(text) = value.as_str() else { continue };
            if text.contains("X-Amz-Signature=") {
                *value = "<presigned URL>".into();
            } else if let Some(id) = new.as_ref().and_then(Value::as_str) {
                *value = text.replace(id, "<new upload>").into();
            }
        }
    }
    answer
}

/// A registry over these stores, as its functions see it.
pub async fn api(stores: &Stores, aws: &Aws) -> Api {
    let settings = Settings { gate: GateSettings::open(), profile: Profile::Gateway, ..Settings::default() };
    Api::new(registry(stores, aws).await, settings)
}

/// The registry over these stores.
pub async fn registry(stores: &Stores, aws: &Aws) -> Registry {
    let (storage, metadata) = stores.open(aws).await.expect("the stores can be opened");
    Registry::new(storage, Arc::clone(&metadata), Terms::default())
}

/// Puts everything there that the events are about.
pub async fn seed(stores: &Stores, aws: &Aws) {
    let client = Client::of(api(stores, aws).await);
    for layer in [seeded("small.layer"), seeded("unused.layer"), Bytes::from_static(b"{}")] {
        push_blob(&client, REPOSITORY, &layer).await;
    }
    // Large enough to be fetched from its bucket.
    let large: Vec<u8> = (0..100_000_u64).map(|place| u8::try_from(place * place % 251).expect("a byte")).collect();
    for repository in [REPOSITORY, "team/base"] {
        push_blob(&client, repository, &large.clone().into()).await;
    }
    for (reference, manifest) in [
        ("latest", "image.json"),
        ("1.0", "image.json"),
        ("temporary", "image.json"),
        ("old", "old.json"),
        ("signature", "signature.json"),
    ] {
        let put = client.call(Method::PUT, format!("/v2/{REPOSITORY}/manifests/{reference}"));
        let put = put.header("content-type", IMAGE).body(seeded(manifest)).send().await;
        assert_eq!(put.status, StatusCode::CREATED, "{put:?}");
    }
    begin_uploads(stores, aws).await;
}

async fn begin_uploads(stores: &Stores, aws: &Aws) {
    let (storage, metadata) = stores.open(aws).await.expect("the stores can be opened");
    for id in UPLOADS.map(|id| id.parse::<UploadId>().expect("an upload")) {
        let now = Timestamp::now();
        let session = UploadSession {
            bucket: storage.staging(&id).clone(),
            id,
            repository: REPOSITORY.parse().expect("a name"),
            algorithm: Algorithm::Sha256,
            offset: 0,
            hash: None,
            checkpoint: None,
            parts: 0,
            direct: None,
            completed: None,
            started: now,
            expires: now.plus(Duration::from_hours(1)),
        };
        metadata.create_session(&session).await.expect("an upload can be begun");
    }
}

fn seeded(name: &str) -> Bytes {
    std::fs::read(root().join("seed").join(name)).expect("the seed can be read").into()
}
