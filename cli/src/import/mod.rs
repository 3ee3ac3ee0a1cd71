//! `ringhold import`: taking over what stores of CNCF distribution hold, without a serving process.

mod args;
mod error;
mod report;

use std::num::NonZeroU8;
use std::time::Duration;

use shared::config::{Aws, Mistakes, Stores};
use shared::registry::{ImportOptions, ImportSource, Registry, Terms};
use shared::storage::{DistributionLayout, ObjectPath};
use url::Url;

pub(crate) use args::ImportArgs;
pub(crate) use error::ImportError;

use self::report::Reporter;
use crate::args::LogFormat;
use crate::settings::read_stores;
use crate::transfer::{Ended, until_interrupted};

/// How long a repository keeps blobs that were put into it because no other has them.
const LOST_AND_FOUND: Duration = Duration::from_hours(365 * 24);

/// What is imported, and into what.
struct Settings {
    stores: Stores,
    from: Vec<Url>,
    root: Option<ObjectPath>,
    options: ImportOptions,
}

/// Imports, until done or interrupted.
pub(crate) async fn run(args: ImportArgs) -> Result<Ended, ImportError> {
    let settings = Settings::read(&args)?;
    crate::log::start(LogFormat::Text, &args.log)?;
    until_interrupted(Box::pin(import(&args, &settings)), ImportError::Signal).await
}

async fn import(args: &ImportArgs, settings: &Settings) -> Result<(), ImportError> {
    let (stores, options, aws) = (&settings.stores, &settings.options, Aws::default());
    // First of all, so that a wrong source leaves no data directory behind.
    let sources = settings.sources(&aws).await?;
    let (storage, metadata) = if options.dry_run {
        stores.open_to_look(&aws).await?
    } else {
        if args.store.metadata.is_none() {
            let data = &args.store.data;
            std::fs::create_dir_all(data).map_err(|source| ImportError::Data { path: data.clone(), source })?;
        }
        stores.open(&aws).await?
    };
    let lease = if options.blobs_into.is_some() { LOST_AND_FOUND } else { Terms::default().lease };
    let registry = Registry::new(storage, metadata, Terms { lease, ..Terms::default() });
    let reporter = Reporter::new(args);
    let sums = registry.import(&sources, options, &|event| reporter.tell(event)).await?;
    reporter.done(&sums);
    match sums.problems {
        _ if sums.is_nothing() => Err(ImportError::Nothing),
        0 => Ok(()),
        problems => Err(ImportError::Problems(problems)),
    }
}

impl Settings {
    fn read(args: &ImportArgs) -> Result<Self, Mistakes> {
        let mut mistakes = Mistakes::default();
        let stores = read_stores(&args.store, &mut mistakes);
        let from: Vec<Option<Url>> = args.from.iter().map(|text| mistakes.read("FROM", text)).collect();
        let root = args.root.as_deref().map(|root| root.trim_matches('/')).filter(|root| !root.is_empty());
        let root = root.map(|root| mistakes.read("--root", root));
        let settings = (|| {
            let options = ImportOptions {
                repositories: args.repository.clone(),
                verify: args.verify,
                overwrite_tags: args.overwrite_tags,
                dry_run: args.dry_run,
                blobs_into: args.blobs_into.clone(),
                jobs: NonZeroU8::new(args.jobs)?,
            };
            let root = match root {
                Some(root) => Some(root?),
                None => None,
            };
            Some(Self { stores: stores?, from: from.into_iter().collect::<Option<_>>()?, root, options })
        })();
        mistakes.judge(settings)
    }

    async fn sources(&self, aws: &Aws) -> Result<Vec<ImportSource>, ImportError> {
        let layout = DistributionLayout::new(self.root.clone());
        let drivers = self.stores.open_sources(&self.from, aws).await?;
        let source = |(driver, url)| {
            let member = self.stores.member(url).filter(|_| layout.is_ours());
            ImportSource { driver, layout: layout.clone(), member }
        };
        Ok(drivers.into_iter().zip(&self.from).map(source).collect())
    }
}
