//! What is told while a store is imported: a moving line and problems for people, lines of JSON for programs; then the sums.

use std::time::Duration;

use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use shared::causes::Causes;
use shared::oci::{Digest, RepositoryName, Tag};
use shared::registry::{BlobFate, ImportEvent, ImportItem, ImportProblem, ImportSums, ManifestFate, TagFate};

use super::ImportArgs;
use crate::transfer::write_line;

/// How often the moving line moves.
const TICK: Duration = Duration::from_millis(200);

/// Tells what happens. Whether anybody listens makes no difference.
#[derive(Debug)]
pub(super) struct Reporter {
    is_json: bool,
    dry_run: bool,
    bar: ProgressBar,
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Line<'a> {
    Repository {
        repository: &'a RepositoryName,
    },
    Blob {
        repository: &'a RepositoryName,
        digest: &'a Digest,
        state: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        size: Option<u64>,
    },
    Manifest {
        repository: &'a RepositoryName,
        digest: &'a Digest,
        state: &'static str,
    },
    Tag {
        repository: &'a RepositoryName,
        tag: &'a Tag,
        digest: &'a Digest,
        state: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        names: Option<&'a Digest>,
    },
    Skipped {
        repository: &'a RepositoryName,
        layers: u64,
    },
    Problem {
        repository: &'a RepositoryName,
        #[serde(flatten)]
        item: Item<'a>,
        problem: String,
    },
    Done {
        dry_run: bool,
        #[serde(flatten)]
        sums: &'a ImportSums,
    },
}

/// What a problem is about.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Item<'a> {
    Blob(&'a Digest),
    Manifest(&'a Digest),
    Tag(&'a Tag),
}

impl Reporter {
    pub(super) fn new(args: &ImportArgs) -> Self {
        let target = if args.json { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} done  {wide_msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(TICK);
        Self { is_json: args.json, dry_run: args.dry_run, bar }
    }

    pub(super) fn tell(&self, event: &ImportEvent) {
        if self.is_json {
            return write(&Line::of(event));
        }
        match event {
            ImportEvent::Repository(name) => self.bar.set_message(name.to_string()),
            ImportEvent::Problem(problem) => self.say(&told(problem)),
            ImportEvent::Tag { repository, tag, digest, fate: TagFate::Kept(present) } => {
                self.say(&format!("{repository}:{tag} is kept: it names {present} here, {digest} there"));
            }
            ImportEvent::Blob { .. } | ImportEvent::Manifest { .. } | ImportEvent::Tag { .. } => self.bar.inc(1),
            ImportEvent::Skipped { .. } => {}
        }
    }

    /// All is done.
    pub(super) fn done(&self, sums: &ImportSums) {
        self.bar.finish_and_clear();
        if self.is_json {
            write(&Line::Done { dry_run: self.dry_run, sums });
        } else {
            for line in summary(sums, self.dry_run) {
                write_line(&line);
            }
        }
    }

    fn say(&self, line: &str) {
        self.bar.suspend(|| eprintln!("{line}"));
    }
}

fn write(line: &Line<'_>) {
    if let Ok(line) = serde_json::to_string(line) {
        write_line(&line);
    }
}

fn told(problem: &ImportProblem) -> String {
    let ImportProblem { repository, item, fault } = problem;
    let what = match item {
        ImportItem::Blob(digest) => format!("blob {digest}"),
        ImportItem::Manifest(digest) => format!("manifest {digest}"),
        ImportItem::Tag(tag) => format!("tag {tag}"),
    };
    format!("{repository}: {what} is left out: {}", Causes(fault))
}

fn summary(sums: &ImportSums, dry_run: bool) -> Vec<String> {
    let head = if dry_run { "nothing was written; this would be done:" } else { "imported:" };
    vec![
        head.to_owned(),
        format!("  repositories  {}", sums.repositories),
        format!("  manifests     {} published, {} already there", sums.manifests_published, sums.manifests_present),
        format!(
            "  tags          {} set, {} already there, {} kept as they are here",
            sums.tags_set, sums.tags_present, sums.tags_kept
        ),
        format!(
            "  blobs         {} adopted ({}), {} copied ({}), {} linked, {} already there",
            sums.blobs_adopted,
            HumanBytes(sums.bytes_adopted),
            sums.blobs_copied,
            HumanBytes(sums.bytes_copied),
            sums.blobs_linked,
            sums.blobs_present
        ),
        format!("  left out      {} layers that no manifest names", sums.layers_skipped),
        format!("  problems      {}", sums.problems),
    ]
}

impl<'a> Line<'a> {
    fn of(event: &'a ImportEvent) -> Self {
        match event {
            ImportEvent::Repository(repository) => Self::Repository { repository },
            ImportEvent::Blob { repository, digest, fate } => {
                let (state, size) = match fate {
                    BlobFate::Present => ("present", None),
                    BlobFate::Linked => ("linked", None),
                    BlobFate::Adopted { size } => ("adopted", Some(*size)),
                    BlobFate::Copied { size } => ("copied", Some(*size)),
                };
                Self::Blob { repository, digest, state, size }
            }
            ImportEvent::Manifest { repository, digest, fate } => {
                let state = match fate {
                    ManifestFate::Present => "present",
                    ManifestFate::Published => "published",
                };
                Self::Manifest { repository, digest, state }
            }
            ImportEvent::Tag { repository, tag, digest, fate } => {
                let (state, names) = match fate {
                    TagFate::Present => ("present", None),
                    TagFate::Set => ("set", None),
                    TagFate::Kept(names) => ("kept", Some(names)),
                };
                Self::Tag { repository, tag, digest, state, names }
            }
            ImportEvent::Skipped { repository, layers } => Self::Skipped { repository, layers: *layers },
            ImportEvent::Problem(ImportProblem { repository, item, fault }) => {
                let item = match item {
                    ImportItem::Blob(digest) => Item::Blob(digest),
                    ImportItem::Manifest(digest) => Item::Manifest(digest),
                    ImportItem::Tag(tag) => Item::Tag(tag),
                };
                Self::Problem { repository, item, problem: Causes(fault).to_string() }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::oci::Algorithm;
    use shared::registry::ImportFault;

    use super::*;

    #[test]
    fn programs_are_told_a_flat_object_for_each_event() {
        let digest = Digest::of(Algorithm::Sha256, b"");
        let repository: RepositoryName = "team/app".parse().unwrap();
        let blob = ImportEvent::Blob {
            repository: repository.clone(),
            digest: digest.clone(),
            fate: BlobFate::Copied { size: 5 },
        };
        let line = serde_json::to_string(&Line::of(&blob)).unwrap();
        let expected =
            format!(r#"{{"event":"blob","repository":"team/app","digest":"{digest}","state":"copied","size":5}}"#);
        assert_eq!(line, expected);
        let problem = ImportEvent::Problem(ImportProblem {
            repository,
            item: ImportItem::Tag("1".parse().unwrap()),
            fault: ImportFault::Dangling(digest.clone()),
        });
        let line = serde_json::to_string(&Line::of(&problem)).unwrap();
        let expected = format!(
            r#"{{"event":"problem","repository":"team/app","tag":"1","problem":"the manifest that it names is not there: {digest}"}}"#
        );
        assert_eq!(line, expected);
    }
}
