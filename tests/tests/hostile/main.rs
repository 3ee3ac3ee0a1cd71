//! Requests that no honest client sends: each is answered as it is written down, and none leaves a trace.

mod garbage;
mod manifests;
mod paths;
mod reads;
mod row;
mod slow;
mod target;
mod uploads;
mod wire;

use bytes::Bytes;
use row::Row;
use target::Target;
use wire::exchange;

/// How much of the layer is uploaded before it is gone on with wrongly.
const BEGUN: usize = 2000;

#[tokio::test(flavor = "multi_thread")]
async fn what_a_path_names_wrongly_is_refused() {
    let target = Target::start(&[]).await;
    let tables = [paths::names(), paths::digests(), paths::tags(), paths::upload_ids(), paths::nowhere()].concat();
    assert!(tables.len() > 200, "{} rows", tables.len());
    target.refuses(&tables).await;
    target.must_be_unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_method_that_does_not_belong_there_is_told_which_do() {
    let target = Target::start(&[]).await;
    target.refuses(&paths::methods()).await;
    target.must_be_unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_and_ranges_that_are_none_are_refused_or_ignored() {
    let target = Target::start(&[]).await;
    let ranges = reads::ranges(target.layer_digest().as_str(), target.layer.len());
    target.refuses(&[reads::pages(), reads::harmless(), ranges].concat()).await;
    target.must_be_unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_outlives_every_wrong_way_to_go_on() {
    let target = Target::start(&[]).await;
    target.refuses(&uploads::beginnings()).await;
    let upload = target.begin("good", &target.layer.slice(..BEGUN)).await;
    let rows: Vec<_> = uploads::continuations(BEGUN).into_iter().map(|row| row.at(&upload)).collect();
    for some in rows.chunks(8) {
        target.refuses(some).await;
        target.stands(&upload, BEGUN).await;
    }
    // An upload belongs to its repository.
    let elsewhere = upload.replace("/good/", "/hostile/");
    let stolen =
        ["GET {upload}", "PATCH {upload}", "DELETE {upload}"].map(|line| row::row(line, 404, "BLOB_UPLOAD_UNKNOWN"));
    target.refuses(&stolen.map(|row: Row| row.at(&elsewhere))).await;
    target.completes(&upload, target.layer.slice(BEGUN..)).await;
    target.must_be_unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn manifests_that_are_none_are_refused() {
    let target = Target::start(&[]).await;
    let tables = [manifests::documents(), manifests::fields(), manifests::media_types()];
    target.refuses(&tables.concat()).await;
    target.refuses(&manifests::places(target.layer_digest().as_str())).await;
    target.must_be_unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_http_is_turned_away() {
    let target = Target::start(&[]).await;
    let mut complaints = Vec::new();
    for (bytes, statuses) in garbage::requests() {
        let answer = exchange(target.address(), &bytes).await;
        let beginning = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]);
        complaints.extend((!statuses.contains(&answer.status)).then(|| format!("{beginning:?}: {answer}")));
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    target.must_be_unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_body_of_a_refused_request_is_no_request() {
    let target = Target::start(&[]).await;
    for request in garbage::refused_with_a_request_inside() {
        let answers = wire::exchange_and_read(target.address(), &request).await;
        let statuses: Vec<_> = answers.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect();
        assert!(matches!(*statuses, [refused, "200"] if refused.starts_with('4')), "{answers}");
    }
    target.must_be_unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tls_client_is_told_in_clear_text() {
    let target = Target::start(&[]).await;
    let answer = exchange(target.address(), &garbage::client_hello()).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    target.must_be_unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_hangs_up_in_mid_body_leaves_nothing() {
    let target = Target::start(&[]).await;
    let upload = target.begin("good", &target.layer.slice(..BEGUN)).await;
    let fresh = target.begin("good", &Bytes::new()).await;
    for request in slow::unfinished(&upload, &fresh) {
        wire::hang_up(target.address(), &request).await;
        // Half a connection is still there to be answered on.
        let answer = wire::exchange_and_end(target.address(), &request).await;
        assert!([0, 400, 416].contains(&answer.status), "{answer:?}");
    }
    target.stands(&upload, BEGUN).await;
    target.stands(&fresh, 0).await;
    target.completes(&upload, target.layer.slice(BEGUN..)).await;
    target.completes(&fresh, target.layer.clone()).await;
    target.must_be_unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_slow_is_not_waited_for() {
    let target = Target::start(&["--body-timeout", "1", "--idle-timeout", "1"]).await;
    let upload = target.begin("good", &target.layer.slice(..BEGUN)).await;
    let bodies = slow::bodies(&upload, BEGUN);
    let bodies = bodies.iter().map(|request| async {
        let answer = exchange(target.address(), request).await;
        assert_eq!((answer.status, answer.json()["errors"][0]["code"].as_str()), (408, Some("BLOB_UPLOAD_INVALID")));
    });
    let idle = slow::connections();
    let idle = idle.iter().map(|pieces| async {
        let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
        let answer = wire::trickle(target.address(), &pieces, slow::PAUSE).await;
        assert!([0, 408].contains(&answer.status), "{answer:?}");
    });
    tokio::join!(futures::future::join_all(bodies), futures::future::join_all(idle));
    slow::answered_and_idle(target.address()).await;
    target.stands(&upload, BEGUN).await;
    // Slow is not what sends a little all the time.
    let request = slow::steady(&upload, &target.layer.slice(BEGUN..));
    let pieces: Vec<&[u8]> = request.iter().map(Vec::as_slice).collect();
    assert_eq!(wire::trickle(target.address(), &pieces, slow::PAUSE).await.status, 202);
    target.stands(&upload, target.layer.len()).await;
    target.completes(&upload, Bytes::new()).await;
    target.must_be_unharmed().await;
}
