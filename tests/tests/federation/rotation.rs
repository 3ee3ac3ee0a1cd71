//! Keys that come and go, and how often an issuer is asked for them.

use std::time::Duration;

use jsonwebtoken::Algorithm;
use shared::auth::{FederationSettings, Role};

use crate::issuer::TestIssuer;
use crate::keys::Key;
use crate::{assert_wrong, gate, issuer, present, rule};

#[tokio::test]
async fn a_new_key_is_picked_up_and_an_old_one_dropped() {
    let (old, new) = (Key::new("old", Algorithm::ES256), Key::new("new", Algorithm::RS256));
    let github = TestIssuer::of(&[&old]).await;
    let settings = FederationSettings { keys_asked_again_after: Duration::from_secs(3), ..Default::default() };
    let rules = vec![rule(&[("repository", "org/app")], "**", Role::Reader)];
    let gate = gate(settings, &[issuer("github", &github.url, rules)]).await;
    let (by_old, by_new) = (old.sign(&github.workflow()), new.sign(&github.workflow()));
    assert!(present(&gate, &by_old).await.is_ok());
    github.publish(|published| published.keys = vec![new.public.clone()]);
    assert_wrong(&present(&gate, &by_new).await, "asked again too soon");
    assert_eq!(github.asked(), 1);
    tokio::time::sleep(Duration::from_millis(3100)).await;
    assert!(present(&gate, &by_new).await.is_ok());
    assert_eq!(github.asked(), 2);
    gate.forget();
    assert_wrong(&present(&gate, &by_old).await, "a key that was taken back");
}

#[tokio::test]
async fn whatever_is_presented_an_issuer_is_asked_once_for_all() {
    let (known, unknown) = (Key::new("known", Algorithm::ES256), Key::new("unknown", Algorithm::ES256));
    let github = TestIssuer::of(&[&known]).await;
    let rules = vec![rule(&[("repository", "org/app")], "**", Role::Reader)];
    let gate = gate(FederationSettings::default(), &[issuer("github", &github.url, rules)]).await;
    let tokens: Vec<String> = (0..40)
        .map(|number| {
            let claims = crate::issuer::with(github.workflow(), "run_id", Some(number.into()));
            if number % 2 == 0 { known.sign(&claims) } else { unknown.sign(&claims) }
        })
        .collect();
    let presented = futures::future::join_all(tokens.iter().map(|token| present(&gate, token))).await;
    assert_eq!(presented.iter().filter(|caller| caller.is_ok()).count(), 20);
    assert_eq!(github.asked(), 1);
}
