//! Opening stores that are only read.

use std::path::PathBuf;
use std::sync::Arc;

use url::Url;

use super::stores::{Aws, OpenError, OpenErrors, Opened, S3, Stores, bucket_name};
use crate::storage::s3::S3Config;
use crate::storage::{BucketId, Factory, StorageDriver};

impl Stores {
    /// Opens stores of others, which are only read, in the order of their URLs. A directory has to be there.
    pub async fn open_sources(&self, urls: &[Url], aws: &Aws) -> Result<Vec<Arc<dyn StorageDriver>>, OpenErrors> {
        let named = Self::new(urls, self.metadata.clone());
        let factory = named.factory(Factory::reading(), aws).await;
        let (mut drivers, mut errors) = (Vec::new(), Vec::new());
        for (index, url) in urls.iter().enumerate() {
            match factory.create(url).await {
                Ok(driver) => drivers.push(driver),
                Err(source) => errors.push(OpenError::Source { number: index + 1, source }),
            }
        }
        if errors.is_empty() { Ok(drivers) } else { Err(OpenErrors(errors)) }
    }

    /// Opens both to look at them: nothing is written, and what is not there yet is empty.
    pub async fn open_to_look(&self, aws: &Aws) -> Result<Opened, OpenErrors> {
        let storage: Vec<_> = self.storage.iter().map(present_or_empty).collect();
        let present = Self::new(storage, present_or_empty(&self.metadata));
        present.assemble(present.factory(Factory::reading(), aws).await, present.open_metadata(aws).await).await
    }

    /// Which of the buckets the URL leads to as well, however it is spelled; none when to none of them.
    #[must_use]
    pub fn member(&self, url: &Url) -> Option<BucketId> {
        self.storage.iter().find(|bucket| is_same_store(bucket, url)).and_then(bucket_name)
    }
}

/// The URL, where there is something; of what is not there, a memory with the same name.
fn present_or_empty(url: &Url) -> Url {
    let name = bucket_name(url).filter(|_| directory(url).is_some_and(|path| !path.exists()));
    name.and_then(|name| format!("memory:{name}").parse().ok()).unwrap_or_else(|| url.clone())
}

fn directory(url: &Url) -> Option<PathBuf> {
    (url.scheme() == "file").then(|| url.to_file_path().ok())?
}

fn is_same_store(one: &Url, other: &Url) -> bool {
    if one.scheme() == S3 && other.scheme() == S3 {
        let [one, other] = [one, other].map(|url| S3Config::try_from(url).ok());
        let names = |config: &S3Config| (config.bucket.clone(), config.endpoint.clone());
        return one.is_some() && one.as_ref().map(names) == other.as_ref().map(names);
    }
    let [one, other] = [one, other].map(|url| directory(url)?.canonicalize().ok());
    one.is_some() && one == other
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    fn stores(storage: &[&str], metadata: &str) -> Stores {
        Stores::new(storage.iter().map(|text| url(text)).collect::<Vec<_>>(), url(metadata))
    }

    #[test]
    fn a_bucket_of_the_ring_is_known_by_any_of_its_urls() {
        let stores = stores(&["s3://one?region=a", "s3://two?endpoint=http://127.0.0.1:1"], "memory:");
        for (text, member) in [
            ("s3://one", Some("one")),
            ("s3://one?region=b&path_style=true", Some("one")),
            ("s3://one?endpoint=http://127.0.0.1:1", None),
            ("s3://two?endpoint=http://127.0.0.1:1/&region=x", Some("two")),
            ("s3://two", None),
            ("s3://three", None),
            ("memory:one", None),
        ] {
            assert_eq!(stores.member(&url(text)).as_ref().map(BucketId::as_str), member, "{text}");
        }
    }

    #[test]
    fn a_directory_of_the_ring_is_known_through_links() {
        let directory = tempfile::tempdir().unwrap();
        let (bucket, link) = (directory.path().join("bucket"), directory.path().join("link"));
        std::fs::create_dir(&bucket).unwrap();
        std::os::unix::fs::symlink(&bucket, &link).unwrap();
        let [bucket, link, other] =
            [&bucket, &link, &directory.path().join("other")].map(|path| Url::from_file_path(path).unwrap());
        let stores = stores(&[bucket.as_str()], "memory:");
        assert_eq!(stores.member(&link).unwrap().as_str(), "bucket");
        assert_eq!(stores.member(&other), None);
    }

    #[tokio::test]
    async fn looking_makes_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| Url::from_file_path(directory.path().join(name)).unwrap().to_string();
        let stores = stores(&[&path("one"), &path("two")], &path("metadata.redb"));
        let (storage, metadata) = stores.open_to_look(&Aws::default()).await.unwrap();
        let ids: Vec<_> = storage.topology().buckets.iter().map(|bucket| bucket.id.as_str()).collect();
        assert_eq!(ids, ["one", "two"]);
        assert_eq!(metadata.topology().await.unwrap(), None);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn a_source_that_is_not_there_is_told_by_its_number() {
        let directory = tempfile::tempdir().unwrap();
        let there = Url::from_file_path(directory.path()).unwrap();
        let stores = stores(&[], "memory:");
        let absent = Url::from_file_path(directory.path().join("absent")).unwrap();
        assert_eq!(stores.open_sources(std::slice::from_ref(&there), &Aws::default()).await.unwrap().len(), 1);
        let errors = stores.open_sources(&[there, absent], &Aws::default()).await.unwrap_err();
        assert!(errors.to_string().contains("the store 2 that is to be read cannot be opened"), "{errors}");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
