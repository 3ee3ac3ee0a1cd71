//! What is taken for a certificate and its key, and what is told when it is none.

use std::process::Command;

use harness::server::{ServeOptions, program};
use harness::tls::{Authority, older_form};
use rcgen::{KeyPair, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_RSA_SHA256};
use tempfile::TempDir;

use crate::Stage;

/// What the program says when it does not start; it leaves nothing behind then.
fn refused(arguments: &[impl AsRef<std::ffi::OsStr>]) -> String {
    let directory = TempDir::new().unwrap();
    let data = directory.path().join("data");
    let mut command = Command::new(program());
    let output = command.arg("serve").arg("--data").arg(&data).args(arguments).output().unwrap();
    assert!(!output.status.success() && !data.exists(), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn one_file_without_the_other_is_refused() {
    assert!(refused(&["--tls-cert", "cert.pem"]).contains("--tls-cert: there is no TLS without"));
    assert!(refused(&["--tls-key", "key.pem"]).contains("--tls-key: there is no TLS without"));
}

#[test]
fn files_that_cannot_be_used_are_told_of_with_every_other_mistake() {
    let told = refused(&["--tls-cert", "/absent/cert", "--tls-key", "/absent/key", "--listen", "nowhere"]);
    for mistake in ["--tls-cert: /absent/cert: No such file", "--tls-key: /absent/key: No such file", "--listen"] {
        assert!(told.contains(mistake), "{mistake} is missing in {told}");
    }
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let (authority, directory) = (Authority::new(), TempDir::new().unwrap());
    let mut pair = authority.issue();
    pair.key = authority.issue().key;
    let told = refused(&pair.write(directory.path()).arguments());
    assert!(told.contains("key.pem is not the key of the first certificate in"), "{told}");
}

#[test]
fn files_that_were_confused_are_refused_and_no_key_is_shown() {
    let (authority, directory) = (Authority::new(), TempDir::new().unwrap());
    let mut pair = authority.issue();
    std::mem::swap(&mut pair.certificate, &mut pair.key);
    let told = refused(&pair.write(directory.path()).arguments());
    assert!(told.contains("cert.pem: there is no certificate in it"), "{told}");
    assert!(told.contains("key.pem: there is no private key in it"), "{told}");
    let secret = pair.certificate.lines().nth(1).unwrap();
    assert!(!told.contains(secret), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_taken_in_every_form() {
    let authority = Authority::new();
    let rsa = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
    let curve = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
    let edwards = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let forms = [
        (&rsa, rsa.serialize_pem()),
        (&rsa, older_form(&rsa, "RSA PRIVATE KEY")),
        (&curve, curve.serialize_pem()),
        (&curve, older_form(&curve, "EC PRIVATE KEY")),
        (&edwards, edwards.serialize_pem()),
    ];
    for (key, text) in forms {
        let directory = TempDir::new().unwrap();
        let mut pair = authority.certify(key);
        pair.key = text;
        let files = pair.write(directory.path());
        let server = ServeOptions::embedded(directory.path()).with(files.arguments()).start();
        authority.client().get(server.address(), "/v2/").await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_environment_names_the_files_too_and_the_banner_says_https() {
    let (authority, directory) = (Authority::new(), TempDir::new().unwrap());
    let files = authority.issue().write(directory.path());
    let server = ServeOptions::embedded(directory.path())
        .variable("RINGHOLD_TLS_CERT", files.certificate.to_str().unwrap())
        .variable("RINGHOLD_TLS_KEY", files.key.to_str().unwrap())
        .start();
    assert_eq!(server.origin(), format!("https://{}", server.address()));
    authority.client().get(server.address(), "/v2/").await.unwrap();
    assert!(Stage::new().server.origin().starts_with("https://"));
}
