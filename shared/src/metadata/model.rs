//! Random intents over very few names, compared after every step with the smallest thing that could be right: sets.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::contract::subject::{at, commit, digest, home, manifest, put, repository, tag};
use super::{BlobCommit, Committed, ManifestPut, MemoryStore, MetadataStore, PutOutcome, Unlinked};
use crate::oci::{Digest, RepositoryName};

const REPOSITORIES: [&str; 2] = ["a", "a/b"];
const TAGS: [&str; 3] = ["1", "10", "_"];
const BLOBS: [&str; 3] = ["blob 0", "blob 1", "blob 2"];
/// Manifests by name, with their blobs and children.
const MANIFESTS: [(&str, &[usize], &[usize]); 4] =
    [("one", &[0, 1], &[]), ("two", &[1, 2], &[]), ("none", &[], &[]), ("index", &[], &[0, 1])];

/// What a caller may do, in indexes of the names above.
#[derive(Debug, Clone)]
enum Intent {
    Commit { repository: usize, blob: usize, at_home: bool, lease: u64 },
    Renew { repository: usize, blob: usize, lease: u64 },
    Mount { from: usize, to: usize, blob: usize, lease: u64 },
    Unlink { repository: usize, blob: usize },
    Put { repository: usize, manifest: usize, tags: Vec<usize> },
    Delete { repository: usize, manifest: usize },
    DeleteTag { repository: usize, tag: usize },
    Condemn { blob: usize },
    Forget,
    Wait { seconds: u64 },
}

fn intent() -> impl Strategy<Value = Intent> {
    let (repository, blob, manifest, tag, lease) = (0..2_usize, 0..3_usize, 0..4_usize, 0..3_usize, 0..20_u64);
    let tags = prop::collection::vec(0..3_usize, 0..3);
    prop_oneof![
        6 => (repository.clone(), blob.clone(), any::<bool>(), lease.clone())
            .prop_map(|(repository, blob, at_home, lease)| Intent::Commit { repository, blob, at_home, lease }),
        1 => (repository.clone(), blob.clone(), lease.clone())
            .prop_map(|(repository, blob, lease)| Intent::Renew { repository, blob, lease }),
        2 => (repository.clone(), repository.clone(), blob.clone(), lease)
            .prop_map(|(from, to, blob, lease)| Intent::Mount { from, to, blob, lease }),
        2 => (repository.clone(), blob.clone()).prop_map(|(repository, blob)| Intent::Unlink { repository, blob }),
        6 => (repository.clone(), manifest.clone(), tags)
            .prop_map(|(repository, manifest, tags)| Intent::Put { repository, manifest, tags }),
        2 => (repository.clone(), manifest).prop_map(|(repository, manifest)| Intent::Delete { repository, manifest }),
        1 => (repository, tag).prop_map(|(repository, tag)| Intent::DeleteTag { repository, tag }),
        3 => blob.prop_map(|blob| Intent::Condemn { blob }),
        2 => Just(Intent::Forget),
        1 => (1..10_u64).prop_map(|seconds| Intent::Wait { seconds }),
    ]
}

/// What ought to hold, in the same indexes.
#[derive(Debug, Default)]
struct Model {
    now: u64,
    live: BTreeSet<usize>,
    /// Leases by blob and repository.
    links: BTreeMap<(usize, usize), u64>,
    /// By repository and manifest.
    manifests: BTreeSet<(usize, usize)>,
    /// Manifests by repository and tag.
    tags: BTreeMap<(usize, usize), usize>,
}

impl Model {
    fn linked(&self, repository: usize, blob: usize) -> bool {
        self.live.contains(&blob) && self.links.contains_key(&(blob, repository))
    }

    fn prolong(&mut self, repository: usize, blob: usize, lease: u64) {
        let until = self.links.entry((blob, repository)).or_insert(lease);
        *until = lease.max(*until);
    }

    fn used(&self, blob: usize, repository: Option<usize>) -> bool {
        self.manifests.iter().any(|&(its_repository, manifest)| {
            MANIFESTS[manifest].1.contains(&blob) && repository.is_none_or(|repository| repository == its_repository)
        })
    }

    fn leased(&self, blob: usize) -> bool {
        self.links.iter().any(|(&(linked, _), &lease)| linked == blob && lease > self.now)
    }
}

/// The store, the model, and what the collector has condemned.
struct Run {
    store: MemoryStore,
    model: Model,
    condemned: Vec<(usize, super::BlobRecord)>,
    versions: u32,
}

fn name(repository: usize) -> RepositoryName {
    self::repository(REPOSITORIES[repository])
}

fn blob(blob: usize) -> Digest {
    digest(BLOBS[blob])
}

impl Run {
    fn new() -> Self {
        Self { store: MemoryStore::new(), model: Model::default(), condemned: Vec::new(), versions: 0 }
    }

    async fn step(&mut self, intent: &Intent) {
        let now = self.model.now;
        match *intent {
            Intent::Commit { repository, blob, at_home, lease } => {
                self.commit(repository, blob, at_home, now + lease).await;
            }
            Intent::Renew { repository, blob, lease } => {
                self.mount(repository, repository, blob, now + lease, true).await;
            }
            Intent::Mount { from, to, blob, lease } => self.mount(from, to, blob, now + lease, false).await,
            Intent::Unlink { repository, blob } => self.unlink(repository, blob).await,
            Intent::Put { repository, manifest, ref tags } => self.put(repository, manifest, tags).await,
            Intent::Delete { repository, manifest } => self.delete(repository, manifest).await,
            Intent::DeleteTag { repository, tag: some } => {
                let deleted = self.store.delete_tag(&name(repository), &tag(TAGS[some])).await.unwrap();
                assert_eq!(deleted, self.model.tags.remove(&(repository, some)).is_some());
            }
            Intent::Condemn { blob } => self.condemn(blob).await,
            Intent::Forget => self.forget().await,
            Intent::Wait { seconds } => self.model.now += seconds,
        }
    }

    async fn commit(&mut self, repository: usize, of: usize, at_home: bool, lease: u64) {
        let mut bytes =
            BlobCommit { lease: at(lease), now: at(self.model.now), ..commit(&name(repository), &blob(of)) };
        if at_home {
            self.versions += 1;
            bytes.place = home(&blob(of), &self.versions.to_string());
        }
        let was_live = !self.model.live.insert(of);
        self.model.prolong(repository, of, lease);
        match self.store.commit_blob(&bytes).await.unwrap() {
            Committed::Published(record) => assert_eq!(record.place, bytes.place),
            Committed::Kept(record) => assert!(was_live && record.place.path != bytes.place.path),
            Committed::ClaimLost => panic!("there is no session"),
        }
    }

    async fn mount(&mut self, from: usize, to: usize, of: usize, lease: u64, renew: bool) {
        let (store, digest) = (&self.store, blob(of));
        let found = if renew {
            store.renew_link(&name(from), &digest, at(lease)).await.unwrap()
        } else {
            store.mount_blob(&name(from), &name(to), &digest, at(lease)).await.unwrap()
        };
        assert_eq!(found.is_some(), self.model.linked(from, of));
        if found.is_some() {
            self.model.prolong(to, of, lease);
        }
    }

    async fn unlink(&mut self, repository: usize, of: usize) {
        let wanted = match (self.model.linked(repository, of), self.model.used(of, Some(repository))) {
            (false, _) => Unlinked::Unknown,
            (true, true) => Unlinked::InUse,
            (true, false) => Unlinked::Removed,
        };
        assert_eq!(self.store.unlink_blob(&name(repository), &blob(of)).await.unwrap(), wanted);
        if wanted == Unlinked::Removed {
            self.model.links.remove(&(of, repository));
        }
    }

    async fn put(&mut self, repository: usize, which: usize, tags: &[usize]) {
        let (title, blobs, children) = MANIFESTS[which];
        let blobs: Vec<usize> = blobs.to_vec();
        let record = manifest(title, &blobs.iter().map(|&of| blob(of)).collect::<Vec<_>>());
        let names: Vec<&str> = tags.iter().map(|&tag| TAGS[tag]).collect();
        let children_of = children.iter().map(|&child| digest(MANIFESTS[child].0)).collect();
        let put =
            ManifestPut { children: children_of, now: at(self.model.now), ..put(&name(repository), &record, &names) };
        let absent: BTreeSet<_> =
            blobs.iter().filter(|&&of| !self.model.linked(repository, of)).map(|&of| blob(of)).collect();
        let absent_children: BTreeSet<_> = children
            .iter()
            .filter(|&&child| !self.model.manifests.contains(&(repository, child)))
            .map(|&child| digest(MANIFESTS[child].0))
            .collect();
        match self.store.put_manifest(&put).await.unwrap() {
            PutOutcome::Published => {
                assert!(absent.is_empty() && absent_children.is_empty());
                self.model.manifests.insert((repository, which));
                self.model.tags.extend(tags.iter().map(|&tag| ((repository, tag), which)));
            }
            PutOutcome::Missing { blobs, manifests } => {
                assert!(!blobs.is_empty() || !manifests.is_empty());
                assert_eq!(blobs.into_iter().collect::<BTreeSet<_>>(), absent);
                assert_eq!(manifests.into_iter().collect::<BTreeSet<_>>(), absent_children);
            }
            PutOutcome::TagTaken(tag) => panic!("{tag} may be moved"),
        }
    }

    async fn delete(&mut self, repository: usize, which: usize) {
        let went = self.store.delete_manifest(&name(repository), &digest(MANIFESTS[which].0)).await.unwrap();
        assert_eq!(went.is_some(), self.model.manifests.remove(&(repository, which)));
        let before = self.model.tags.len();
        self.model.tags.retain(|&(its_repository, _), &mut manifest| (its_repository, manifest) != (repository, which));
        assert_eq!(went.unwrap_or_default().len(), before - self.model.tags.len());
    }

    async fn condemn(&mut self, of: usize) {
        let condemned = self.store.condemn_blob(&blob(of), at(self.model.now)).await.unwrap();
        let free = self.model.live.contains(&of) && !self.model.used(of, None) && !self.model.leased(of);
        assert_eq!(condemned.is_some(), free);
        if let Some(record) = condemned {
            self.model.live.remove(&of);
            self.condemned.push((of, record));
        }
    }

    /// Forgets what was condemned first; another life may have begun meanwhile.
    async fn forget(&mut self) {
        if self.condemned.is_empty() {
            return;
        }
        let (of, record) = self.condemned.remove(0);
        let taken_over = self.model.live.contains(&of) || self.condemned.iter().any(|(later, _)| *later == of);
        assert_eq!(self.store.forget_blob(&record).await.unwrap(), !taken_over);
        if !taken_over {
            self.model.links.retain(|&(linked, _), _| linked != of);
        }
    }

    /// What a reader sees is what the model has; and what nobody may ever see is not there.
    async fn check(&self) {
        for repository in 0..REPOSITORIES.len() {
            for of in 0..BLOBS.len() {
                let found = self.store.linked_blob(&name(repository), &blob(of)).await.unwrap();
                assert_eq!(found.is_some(), self.model.linked(repository, of));
                if let Some(linked) = found {
                    assert_eq!(linked.lease, at(self.model.links[&(of, repository)]));
                    assert!(self.condemned.iter().all(|(_, condemned)| condemned.place != linked.blob.place));
                }
            }
            for (which, (title, blobs, _)) in MANIFESTS.iter().enumerate() {
                let visible = self.store.manifest(&name(repository), &digest(title)).await.unwrap().is_some();
                assert_eq!(visible, self.model.manifests.contains(&(repository, which)));
                assert!(!visible || blobs.iter().all(|&of| self.model.linked(repository, of)), "{title} is not whole");
                let named = |&(_, &manifest): &(_, &usize)| manifest == which;
                let tags = self.model.tags.iter().filter(|((its, _), _)| *its == repository).filter(named);
                let tags: Vec<_> = tags.map(|((_, some), _)| tag(TAGS[*some])).collect();
                assert_eq!(self.store.tags_of(&name(repository), &digest(title)).await.unwrap(), tags);
            }
            for (some, title) in TAGS.iter().enumerate() {
                let found = self.store.tag(&name(repository), &tag(title)).await.unwrap();
                let wanted = self.model.tags.get(&(repository, some)).map(|&manifest| digest(MANIFESTS[manifest].0));
                assert_eq!(found.map(|record| record.digest), wanted);
            }
        }
    }
}

fn run(intents: &[Intent]) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let mut run = Run::new();
        for intent in intents {
            run.step(intent).await;
            run.check().await;
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_is_done_in_turn_is_what_the_model_says(intents in prop::collection::vec(intent(), 1..60)) {
        run(&intents);
    }
}

/// A blob condemned in its second life must outlast a late clean-up of its first.
#[test]
fn the_late_end_of_a_first_life_spares_the_second() {
    let commit = Intent::Commit { repository: 0, blob: 0, at_home: true, lease: 0 };
    let condemn = Intent::Condemn { blob: 0 };
    run(&[commit.clone(), condemn.clone(), commit, condemn, Intent::Forget, Intent::Forget]);
}
