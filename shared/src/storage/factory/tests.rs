use std::error::Error as _;

use super::*;
use crate::storage::{ObjectPath, PutMode};

fn url(text: &str) -> Url {
    text.parse().unwrap()
}

fn path() -> ObjectPath {
    "object".parse().unwrap()
}

async fn made(factory: &Factory, text: &str) -> Arc<dyn StorageDriver> {
    factory.create(&url(text)).await.unwrap()
}

async fn put(driver: &dyn StorageDriver) {
    driver.put_content(&path(), "content".into(), PutMode::Overwrite).await.unwrap();
}

/// The error and its source.
async fn refused(text: &str) -> [String; 2] {
    let error = Factory::standard().create(&url(text)).await.unwrap_err();
    let source = error.source().map_or_else(String::new, ToString::to_string);
    [error.to_string(), source]
}

#[tokio::test]
async fn an_unknown_scheme_is_told_the_known_ones() {
    let [error, _] = refused("ftp://user:secret@host/directory").await;
    assert_eq!(error, r#"no kind of store is called "ftp"; known are file, memory"#);
    let error = Factory::new().create(&url("file:///")).await.unwrap_err();
    assert_eq!(error.to_string(), r#"no kind of store is called "file"; none is known"#);
}

#[tokio::test]
async fn a_memory_of_the_same_name_is_the_same_store() {
    let factory = Factory::standard();
    for [one, other] in [["memory:", "memory:b"], ["memory:a", "memory:A"], ["memory:c", "memory:c.c"]] {
        put(&*made(&factory, one).await).await;
        assert!(made(&factory, one).await.stat(&path()).await.is_ok(), "{one}");
        assert!(made(&factory, other).await.stat(&path()).await.is_err(), "{other}");
    }
    assert!(made(&Factory::standard(), "memory:a").await.stat(&path()).await.is_err(), "another factory");
}

#[tokio::test]
async fn a_memory_has_a_plain_name() {
    for text in ["memory://a", "memory:/a", "memory:a?b", "memory:a#b", "memory:a/b", "memory:%41"] {
        let [error, source] = refused(text).await;
        assert_eq!(error, "not a URL of a memory store", "{text}");
        assert_eq!(source, MemoryUrlError.to_string(), "{text}");
    }
}

#[tokio::test]
async fn a_directory_keeps_its_objects_for_the_next_driver() {
    let directory = tempfile::tempdir().unwrap();
    let address = Url::from_file_path(directory.path().join("a new one")).unwrap();
    assert!(address.as_str().ends_with("/a%20new%20one"), "{address}");
    let driver = Factory::standard().create(&address).await.unwrap();
    assert_eq!(driver.name(), "filesystem");
    put(&*driver).await;
    drop(driver);
    let again = Factory::standard().create(&address).await.unwrap();
    assert_eq!(again.get_content(&path(), 99).await.unwrap(), "content");
    assert!(directory.path().join("a new one").is_dir());
}

#[tokio::test]
async fn a_directory_that_is_no_directory_is_refused_with_what_the_driver_says() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = Factory::standard().create(&Url::from_file_path(file.path()).unwrap()).await.unwrap_err();
    assert_eq!(error.to_string(), "the file store cannot be opened");
    assert!(error.source().is_some());
}

#[tokio::test]
async fn a_directory_of_another_machine_or_with_settings_is_refused() {
    for (text, problem) in [
        ("file://data/blobs", FileUrlError::Host("data".into())),
        ("file:///data?sync=false", FileUrlError::AfterPath),
        ("file:///data#there", FileUrlError::AfterPath),
        ("file:///data/%00", FileUrlError::Path),
    ] {
        let [error, source] = refused(text).await;
        assert_eq!(error, "not a URL of a file store", "{text}");
        assert_eq!(source, problem.to_string(), "{text}");
    }
}

#[tokio::test]
async fn a_kind_of_store_can_be_added_and_replaced() {
    let mut factory = Factory::standard();
    let shared = made(&factory, "memory:mine").await;
    let mine = Arc::clone(&shared);
    factory.register("mine", move |_| {
        let mine = Arc::clone(&mine);
        async move { Ok(mine) }
    });
    assert_eq!(factory.schemes().collect::<Vec<_>>(), ["file", "memory", "mine"]);
    assert!(Arc::ptr_eq(&made(&factory, "mine://anything?at=all").await, &shared));
    factory.register("mine", |_| async { Err(standard::invalid("mine", MemoryUrlError)) });
    assert!(matches!(factory.create(&url("mine:")).await, Err(FactoryError::InvalidUrl { scheme: "mine", .. })));
}
