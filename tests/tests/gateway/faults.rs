//! AWS fails in the middle of a request: the client is told so by the registry, never by the gateway.

use harness::client::Answer;
use harness::content::{digest, noise, push_blob};
use harness::wire::{Fault, Sent};
use http::Method;

use super::{WIRE, stack};

#[track_caller]
fn expect_unavailable(answer: &Answer) {
    assert_eq!((answer.status.as_u16(), &*answer.code()), (503, "UNAVAILABLE"), "{answer:?}");
    assert_eq!(answer.header("retry-after"), "2", "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_fails_in_mid_request_is_a_503_and_leaves_nothing_half_visible() {
    let Some(stack) = stack().await else { return };
    let _alone = WIRE.write().await;
    let (client, wire) = (stack.client(), stack.wire());
    let (there, new) = (noise(41, 2000), noise(42, 2000));
    let name = push_blob(&client, "team/faults", &there).await;
    let (blob, fresh) = (format!("/v2/team/faults/blobs/{name}"), format!("/v2/team/faults/blobs/{}", digest(&new)));
    let push = async || {
        let target = format!("/v2/team/faults/blobs/uploads/?digest={}", digest(&new));
        client.call(Method::POST, target).body(new.clone()).send().await
    };

    wire.fail(Fault::Refused, Sent::to_table);
    expect_unavailable(&client.get(&blob).await);
    expect_unavailable(&client.get("/v2/team/faults/tags/list").await);
    wire.fail(Fault::AnswerLost, |sent| !sent.to_table() && sent.method == "PUT");
    expect_unavailable(&push().await);
    wire.fail(Fault::Unavailable, |sent| !sent.to_table());
    expect_unavailable(&push().await);
    expect_unavailable(&client.get(&blob).await);
    wire.fail(Fault::Silent, Sent::to_table);
    expect_unavailable(&client.get(&blob).await);
    wire.heal();

    assert_eq!(client.get(&fresh).await.status, 404, "nothing of it is visible");
    assert_eq!(client.get(&blob).await.body, there);
    assert_eq!(push().await.status, 201);
    assert_eq!(client.get(&fresh).await.body, new);
}
