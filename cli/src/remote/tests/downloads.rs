//! Blobs read over connections that break.

use super::fake::{Fake, answer, broken};
use super::*;

async fn read(fake: &Fake, offset: u64) -> Result<Vec<u8>, crate::remote::RemoteError> {
    let mut download = remote(fake).download(&name(), &digest(), CONTENT.len() as u64, offset);
    let mut bytes = Vec::new();
    while let Some(piece) = download.next().await? {
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

#[tokio::test]
async fn a_download_goes_on_where_its_connection_broke() {
    let fake = Fake::start(|asked, _| match asked.header("range") {
        "" => broken(200, &[], part(0, 10), CONTENT.len()),
        "bytes=10-" => answer(206, &[("content-range", "bytes 10-35/36")], part(10, 36)),
        other => panic!("{other}"),
    });
    assert_eq!(read(&fake.await, 0).await.unwrap(), CONTENT);
}

#[tokio::test]
async fn a_server_that_knows_no_ranges_is_read_past_what_is_there() {
    let fake = Fake::start(|_, _| answer(200, &[], CONTENT)).await;
    assert_eq!(read(&fake, 30).await.unwrap(), &CONTENT[30..]);
}

#[tokio::test]
async fn more_than_was_promised_is_not_taken() {
    let fake = Fake::start(|_, _| answer(200, &[], [CONTENT, b"!"].concat())).await;
    let error = read(&fake, 0).await.unwrap_err();
    assert!(error.to_string().contains("longer than its size"), "{error}");
}
