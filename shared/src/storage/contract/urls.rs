//! URLs of objects.

use std::time::Duration;

use super::bench::Bench;
use crate::storage::driver::{UrlMethod, UrlRequest};

/// A store has URLs for all of its paths, or for none; whether anything lies there is not asked.
pub async fn urls_are_made_without_asking_the_store(bench: &Bench) {
    let present = bench.path("present");
    bench.put(&present, "content").await;
    for path in [present, bench.path("absent")] {
        for method in [UrlMethod::Get, UrlMethod::Head] {
            for content_type in [None, Some("application/octet-stream".to_owned())] {
                let request = UrlRequest { method, expires: Duration::from_mins(1), content_type };
                let url = bench.driver().url_for(&path, &request).await.unwrap();
                assert_eq!(url.is_some(), bench.has_urls(), "{url:?}");
                if let Some(url) = url {
                    assert!(matches!(url.scheme(), "http" | "https"), "{url}");
                    assert!(url.path().ends_with(path.as_str()), "{url}");
                }
            }
        }
    }
}
