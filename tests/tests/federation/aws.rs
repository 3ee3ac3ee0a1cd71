//! Sign-in by AWS: who signed a request is what AWS says, or what stands for it here does.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use aws_sdk_s3::config::Credentials;
use harness::emulator::emulator;
use http::StatusCode;
use shared::auth::{FederationSettings, Gate, IssuerError, Role, SignInError, password_of, presign};
use url::Url;

use crate::serve::{answer, serve};
use crate::{REGISTRY, assert_wrong, gate, issuer, present, rule};

pub(crate) const KEY: &str = "ASIAEXAMPLE";
pub(crate) const SECRET: &str = "only the owner and AWS know";
pub(crate) const SESSION: &str = "a/session+token==";
pub(crate) const ARN: &str = "arn:aws:sts::123456789012:assumed-role/deploy/session";

fn credentials() -> Credentials {
    Credentials::new(KEY, SECRET, Some(SESSION.to_owned()), None, "test")
}

/// What stands for AWS: it answers who has signed a request, if the signature is the one that those credentials make of it,
/// with the headers as they came.
pub(crate) async fn sts() -> Url {
    let url = serve(|request| {
        let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let asked: Url = format!("http://{}{}", header("host"), request.uri()).parse().expect("it is a URL");
        let value = |name: &str| asked.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        let endpoint: Url = format!("http://{}/", header("host")).parse().expect("it is a URL");
        let time = value("X-Amz-Date").and_then(|text| seconds(&text));
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(time.unwrap_or_default());
        let region = value("X-Amz-Credential").and_then(|scope| scope.split('/').nth(2).map(ToOwned::to_owned));
        let audience = header("x-ringhold-registry");
        let signed = presign(credentials(), region.as_deref(), Some(&endpoint), audience, time);
        let sorted = |url: &Url| url.query_pairs().into_owned().collect::<BTreeMap<_, _>>();
        let is_signed = signed.is_ok_and(|signed| sorted(&signed) == sorted(&asked));
        if is_signed && request.method() == http::Method::GET {
            answer(200, identity(ARN))
        } else {
            answer(403, "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code></Error></ErrorResponse>")
        }
    });
    url.await.parse().expect("it is a URL")
}

fn identity(arn: &str) -> String {
    format!(
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
         <Arn>{arn}</Arn><UserId>AROAEXAMPLE:session</UserId><Account>123456789012</Account>\
         </GetCallerIdentityResult></GetCallerIdentityResponse>"
    )
}

/// Seconds since the epoch, of a time in this century's form.
fn seconds(text: &str) -> Option<u64> {
    let number = |range: std::ops::Range<usize>| text.get(range)?.parse::<u64>().ok();
    let (year, month, day) = (number(0..4)?, number(4..6)?, number(6..8)?);
    let is_leap = |year: u64| year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    let lengths = [31, if is_leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let of_years: u64 = (1970..year).map(|year| if is_leap(year) { 366 } else { 365 }).sum();
    let of_months: u64 = lengths.iter().take(usize::try_from(month).ok()?.checked_sub(1)?).sum();
    Some((of_years + of_months + day - 1) * 86400 + number(9..11)? * 3600 + number(11..13)? * 60 + number(13..15)?)
}

/// A registry that lets in the role `deploy` of one account, and asks there who they are.
pub(crate) async fn registry(endpoint: &Url, account: &str) -> Gate {
    let settings = FederationSettings { sts_endpoint: Some(endpoint.clone()), ..Default::default() };
    let rules = vec![
        rule(&[("account", account), ("role", "deploy")], "team-a/**", Role::Writer),
        rule(&[("account", account), ("arn", "*:root")], "team-b/**", Role::Reader),
    ];
    gate(settings, &[issuer("cloud", "aws", rules)]).await
}

fn signed_for(endpoint: &Url, audience: &str, credentials: Credentials, at: SystemTime) -> String {
    password_of(&presign(credentials, Some("eu-central-1"), Some(endpoint), audience, at).unwrap())
}

#[tokio::test]
async fn whoever_signs_as_a_role_is_let_in_as_it() {
    let endpoint = sts().await;
    let gate = registry(&endpoint, "123456789012").await;
    let password = signed_for(&endpoint, REGISTRY, credentials(), SystemTime::now());
    let caller = present(&gate, &password).await.unwrap();
    assert_eq!(caller.principal.to_string(), format!("oidc:cloud/{ARN}"));
    assert_eq!(caller.powers.on("team-a/app"), Role::Writer.actions());
    assert!(caller.powers.on("team-b/app").is_empty());
    let bearer = shared::auth::Credentials::Bearer(password);
    assert_eq!(gate.recognise(&bearer, crate::fresh_address()).await.unwrap(), caller);
    let elsewhere = registry(&endpoint, "999999999999").await;
    let password = signed_for(&endpoint, REGISTRY, credentials(), SystemTime::now());
    assert_wrong(&present(&elsewhere, &password).await, "a role of another account");
}

#[tokio::test]
async fn a_request_for_another_registry_or_by_another_key_or_changed_is_no_good() {
    let endpoint = sts().await;
    let gate = registry(&endpoint, "123456789012").await;
    let now = SystemTime::now();
    for audience in ["other.example", "REGISTRY.example", "registry.example:443"] {
        assert_wrong(&present(&gate, &signed_for(&endpoint, audience, credentials(), now)).await, audience);
    }
    let thief = Credentials::new(KEY, "a guess", Some(SESSION.to_owned()), None, "test");
    assert_wrong(&present(&gate, &signed_for(&endpoint, REGISTRY, thief, now)).await, "another secret");
    let old = now - Duration::from_secs(901);
    assert_wrong(&present(&gate, &signed_for(&endpoint, REGISTRY, credentials(), old)).await, "too old");
    let early = now + Duration::from_secs(40);
    assert_wrong(&present(&gate, &signed_for(&endpoint, REGISTRY, credentials(), early)).await, "too early");
    let url = presign(credentials(), Some("eu-central-1"), Some(&endpoint), REGISTRY, now).unwrap();
    for (one, other) in [
        ("X-Amz-Signature=", "X-Amz-Signature=0"),
        ("GetCallerIdentity", "AssumeRole"),
        ("X-Amz-Expires=900", "X-Amz-Expires=800"),
    ] {
        let changed: Url = url.as_str().replace(one, other).parse().unwrap();
        assert_ne!(changed, url);
        assert_wrong(&present(&gate, &password_of(&changed)).await, other);
    }
    assert!(present(&gate, &password_of(&url)).await.is_ok());
}

#[tokio::test]
async fn no_host_but_the_one_that_is_set_is_asked() {
    let (endpoint, evil) = (sts().await, serve(|_| answer(200, identity(ARN))).await);
    let gate = registry(&endpoint, "123456789012").await;
    let to_evil = signed_for(&evil.parse().unwrap(), REGISTRY, credentials(), SystemTime::now());
    assert_wrong(&present(&gate, &to_evil).await, "another host");
}

#[tokio::test]
async fn an_aws_that_cannot_be_asked_is_not_the_callers_fault() {
    for (status, body, is_busy) in [
        (503, "", true),
        (429, "", true),
        (400, "<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>", true),
        (200, "<html>", true),
        (302, "", true),
        (400, "<ErrorResponse><Error><Code>ExpiredToken</Code></Error></ErrorResponse>", false),
    ] {
        let endpoint: Url = serve(move |_| answer(status, body)).await.parse().unwrap();
        let gate = registry(&endpoint, "123456789012").await;
        let refused = present(&gate, &signed_for(&endpoint, REGISTRY, credentials(), SystemTime::now())).await;
        match refused {
            Err(SignInError::IssuerUnreachable { issuer, source }) if is_busy => {
                assert_eq!(issuer.as_str(), "cloud");
                assert!(matches!(*source, IssuerError::Status(_) | IssuerError::Document(_)), "{source}");
            }
            Err(SignInError::Wrong) if !is_busy => {}
            other => panic!("{status}: {other:?}"),
        }
    }
}

/// The text of an element.
fn text<'a>(xml: &'a str, name: &str) -> &'a str {
    let after = xml.split_once(&format!("<{name}>")).map(|(_, rest)| rest);
    after.and_then(|rest| rest.split_once('<')).map_or_else(|| panic!("{name} in {xml}"), |(text, _)| text)
}

#[tokio::test]
async fn the_emulators_own_service_says_who_signed() {
    let Some(emulator) = emulator() else {
        return;
    };
    let endpoint: Url = emulator.endpoint().parse().unwrap();
    let gate = registry(&endpoint, "000000000000").await;
    let root = Credentials::new("test", "test", None, None, "test");
    let caller = present(&gate, &signed_for(&endpoint, REGISTRY, root, SystemTime::now())).await.unwrap();
    assert_eq!(caller.principal.to_string(), "oidc:cloud/arn:aws:iam::000000000000:root");
    assert_eq!(caller.powers.on("team-b/app"), Role::Reader.actions());
    assert!(caller.powers.on("team-a/app").is_empty());

    let role = "arn:aws:iam::000000000000:role/deploy";
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}"#;
    let asked = |service: &str, parameters: &[(&str, &str)]| {
        let scope = format!(
            "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
        );
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        post(emulator.address(), scope, body)
    };
    let create = [
        ("Action", "CreateRole"),
        ("Version", "2010-05-08"),
        ("RoleName", "deploy"),
        ("AssumeRolePolicyDocument", trust),
    ];
    asked("iam", &create).await;
    let assume = [("Action", "AssumeRole"), ("Version", "2011-06-15"), ("RoleArn", role), ("RoleSessionName", "ci")];
    let assumed = asked("sts", &assume).await;
    let key = |name: &str| text(&assumed, name).to_owned();
    let session = Credentials::new(key("AccessKeyId"), key("SecretAccessKey"), Some(key("SessionToken")), None, "test");
    let caller = present(&gate, &signed_for(&endpoint, REGISTRY, session, SystemTime::now())).await.unwrap();
    assert_eq!(caller.principal.to_string(), "oidc:cloud/arn:aws:sts::000000000000:assumed-role/deploy/ci");
    assert_eq!(caller.powers.on("team-a/app"), Role::Writer.actions());
}

/// Sends a form to the emulator; its answer.
async fn post(address: std::net::SocketAddr, authorization: String, form: String) -> String {
    use http_body_util::{BodyExt, Full};
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(hyper_util::rt::TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = http::Request::post("/")
        .header("host", address.to_string())
        .header("authorization", authorization)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Full::new(bytes::Bytes::from(form)))
        .unwrap();
    let response = sender.send_request(request).await.unwrap();
    let status = response.status();
    let body = String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap();
    assert_eq!(status, StatusCode::OK, "{body}");
    body
}
