//! What is read out of each kind of manifest, and each ground for refusing one.

use std::error::Error;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Manifest, ManifestError};
use crate::oci::{Algorithm, Descriptor, Digest, MediaKind, MediaType};

fn digest(content: &str) -> Digest {
    Digest::of(Algorithm::Sha256, content.as_bytes())
}

fn descriptor(media_type: &str, content: &str) -> Value {
    json!({"mediaType": media_type, "digest": digest(content), "size": content.len()})
}

fn layer(content: &str) -> Value {
    descriptor(MediaType::OCI_LAYER_GZIP.as_str(), content)
}

fn image() -> Value {
    json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": descriptor("application/vnd.oci.image.config.v1+json", "config"),
        "layers": [layer("one"), layer("two")],
    })
}

fn index() -> Value {
    json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [descriptor("application/vnd.oci.image.manifest.v1+json", "amd64")],
    })
}

/// `document` with `field` set, or removed when `value` is the string "absent".
fn with(mut document: Value, field: &str, value: Value) -> Value {
    if value == "absent" {
        document.as_object_mut().and_then(|object| object.remove(field));
    } else {
        document[field] = value;
    }
    document
}

fn parse(document: &Value) -> Result<Manifest, ManifestError> {
    Manifest::parse(document.to_string().as_bytes(), None)
}

fn parse_as(document: &Value, declared: &MediaType) -> Result<Manifest, ManifestError> {
    Manifest::parse(document.to_string().as_bytes(), Some(declared))
}

fn parsed(document: &Value) -> Manifest {
    parse(document).unwrap_or_else(|error| panic!("{}", chain(&error)))
}

/// An error with all its causes.
fn chain(error: &dyn Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", chain(cause)),
        None => error.to_string(),
    }
}

fn refusal<T>(result: Result<T, ManifestError>) -> String {
    result.err().map_or_else(|| "accepted".to_owned(), |error| chain(&error))
}

fn digests(descriptors: &[&Descriptor]) -> Vec<Digest> {
    descriptors.iter().map(|descriptor| descriptor.digest.clone()).collect()
}

#[test]
fn an_image_names_its_blobs() {
    let manifest = parsed(&image());
    assert_eq!(manifest.kind(), MediaKind::OciManifest);
    assert_eq!(manifest.media_type(), &MediaType::OCI_MANIFEST);
    assert_eq!(digests(&manifest.blobs()), [digest("config"), digest("one"), digest("two")]);
    assert!(manifest.manifests().is_empty());
    assert!(manifest.subject().is_none());
}

#[test]
fn an_index_names_its_children_each_once() {
    let child = |name| descriptor("application/vnd.oci.image.manifest.v1+json", name);
    let manifest = parsed(&with(index(), "manifests", json!([child("a"), child("b"), child("a")])));
    assert_eq!(manifest.kind(), MediaKind::OciIndex);
    assert_eq!(digests(&manifest.manifests()), [digest("a"), digest("b")]);
    assert!(manifest.blobs().is_empty());
    assert_eq!(manifest.artifact_type(), None);
}

#[test]
fn docker_kinds_are_read_the_same() {
    let docker = with(image(), "mediaType", json!(MediaType::DOCKER_MANIFEST));
    assert_eq!(parsed(&docker).kind(), MediaKind::DockerManifest);
    assert_eq!(parsed(&docker).blobs().len(), 3);
    let list = with(index(), "mediaType", json!(MediaType::DOCKER_LIST));
    assert_eq!(parsed(&list).kind(), MediaKind::DockerList);
    assert_eq!(parsed(&list).manifests().len(), 1);
}

#[test]
fn the_received_bytes_are_kept() {
    let text = format!(" \n{:#}\n", image());
    let manifest = Manifest::parse(text.as_bytes(), None).unwrap_or_else(|error| panic!("{}", chain(&error)));
    assert_eq!(manifest.bytes(), text.as_bytes());
    assert_eq!(manifest.into_bytes(), text.into_bytes());
}

#[test]
fn foreign_layers_need_not_exist() {
    let foreign = descriptor(MediaType::DOCKER_FOREIGN_LAYER.as_str(), "windows");
    let manifest = parsed(&with(image(), "layers", json!([foreign, layer("one"), foreign, layer("one")])));
    assert_eq!(digests(&manifest.blobs()), [digest("config"), digest("one")]);
    assert_eq!(digests(&manifest.foreign_layers()), [digest("windows")]);
    assert_eq!(manifest.layers().len(), 4);
}

#[test]
fn a_layer_that_is_somewhere_not_foreign_must_exist() {
    let foreign = descriptor(MediaType::OCI_FOREIGN_LAYER.as_str(), "one");
    let manifest = parsed(&with(image(), "layers", json!([foreign, layer("one")])));
    assert_eq!(digests(&manifest.blobs()), [digest("config"), digest("one")]);
}

#[test]
fn the_artifact_type_falls_back_to_that_of_the_configuration() {
    let artifact_type = |value| parsed(&with(image(), "artifactType", value)).artifact_type().map(ToString::to_string);
    assert_eq!(artifact_type(json!("application/spdx+json")).as_deref(), Some("application/spdx+json"));
    for absent in [json!("absent"), json!(""), json!(null)] {
        assert_eq!(artifact_type(absent).as_deref(), Some("application/vnd.oci.image.config.v1+json"));
    }
    let of_index = parsed(&with(index(), "artifactType", json!("a/b")));
    assert_eq!(of_index.artifact_type().map(MediaType::as_str), Some("a/b"));
}

#[test]
fn a_referrer_is_listed_with_its_type_and_annotations() {
    let document = with(image(), "subject", descriptor("application/vnd.oci.image.manifest.v1+json", "subject"));
    let manifest = parsed(&with(document, "annotations", json!({"org.example": "x"})));
    assert_eq!(manifest.subject().map(|subject| subject.digest.clone()), Some(digest("subject")));
    let entry = manifest.descriptor(digest("itself"));
    assert_eq!(entry.size, manifest.bytes().len() as u64);
    assert_eq!(entry.artifact_type, Some(MediaType::OCI_CONFIG));
    assert_eq!(entry.annotations.get("org.example").map(String::as_str), Some("x"));
}

#[test]
fn empty_lists_and_null_options_are_fine() {
    assert_eq!(parsed(&with(image(), "layers", json!([]))).blobs().len(), 1);
    assert!(parsed(&with(index(), "manifests", json!([]))).manifests().is_empty());
    let nulls = with(with(image(), "annotations", json!(null)), "subject", json!(null));
    assert!(parsed(&with(nulls, "manifests", json!(null))).annotations().is_empty());
}

#[test]
fn the_content_type_speaks_for_a_silent_body() {
    let image = with(image(), "mediaType", json!("absent"));
    let kind = |declared| parse_as(&image, &declared).map(|manifest| manifest.kind());
    assert!(matches!(kind(MediaType::OCI_MANIFEST), Ok(MediaKind::OciManifest)));
    assert!(matches!(kind(MediaType::DOCKER_MANIFEST), Ok(MediaKind::DockerManifest)));
    assert!(matches!(kind(MediaType::OCI_INDEX), Err(ManifestError::Ambiguous { field: "layers", .. })));
    assert!(matches!(kind(MediaType::JSON), Err(ManifestError::UnsupportedMediaType(_))));
}

#[test]
fn the_shape_speaks_when_nothing_else_does() {
    let silent = |document| with(document, "mediaType", json!("absent"));
    assert_eq!(parsed(&silent(image())).kind(), MediaKind::OciManifest);
    assert_eq!(parsed(&silent(index())).kind(), MediaKind::OciIndex);
    assert_eq!(parsed(&with(image(), "mediaType", json!(""))).kind(), MediaKind::OciManifest);
    assert!(matches!(parse(&json!({"schemaVersion": 2})), Err(ManifestError::UnknownShape)));
}

#[test]
fn body_and_content_type_must_agree() {
    assert!(parse_as(&image(), &MediaType::OCI_MANIFEST).is_ok());
    for declared in [MediaType::DOCKER_MANIFEST, MediaType::OCI_INDEX, MediaType::JSON] {
        assert!(matches!(parse_as(&image(), &declared), Err(ManifestError::MediaTypeMismatch { .. })));
    }
}

#[test]
fn unknown_media_types_are_refused() {
    let artifact: MediaType = "application/vnd.oci.artifact.manifest.v1+json".parse().unwrap_or(MediaType::JSON);
    let unsupported = parse_as(&json!({"blobs": []}), &artifact);
    assert!(matches!(unsupported, Err(ManifestError::UnsupportedMediaType(media_type)) if media_type == artifact));
    let document = with(image(), "mediaType", json!("application/vnd.oci.artifact.manifest.v1+json"));
    assert!(matches!(parse(&document), Err(ManifestError::UnsupportedMediaType(_))));
    assert!(matches!(parse(&with(image(), "mediaType", json!("json"))), Err(ManifestError::MediaType { .. })));
}

#[test]
fn docker_schema_1_is_refused_by_name() {
    let schema1 = json!({"schemaVersion": 1, "name": "a", "fsLayers": [], "history": []});
    assert!(matches!(parse(&schema1), Err(ManifestError::DockerSchema1)));
    assert!(matches!(parse_as(&schema1, &MediaType::DOCKER_SCHEMA1_SIGNED), Err(ManifestError::DockerSchema1)));
    assert!(matches!(parse_as(&json!({}), &MediaType::DOCKER_SCHEMA1), Err(ManifestError::DockerSchema1)));
}

#[test]
fn the_schema_version_is_2() {
    for version in [json!("absent"), json!(null), json!(0), json!(3), json!(-2), json!(2.0)] {
        assert!(matches!(parse(&with(image(), "schemaVersion", version)), Err(ManifestError::SchemaVersion)));
    }
    assert!(matches!(parse(&with(image(), "schemaVersion", json!("2"))), Err(ManifestError::Json(_))));
}

#[test]
fn required_fields_are_required() {
    for absent in [json!("absent"), json!(null)] {
        for field in ["config", "layers"] {
            let error = refusal(parse(&with(image(), field, absent.clone())));
            assert_eq!(error, format!("a manifest of type application/vnd.oci.image.manifest.v1+json needs {field:?}"));
        }
        let error = parse(&with(index(), "manifests", absent));
        assert!(matches!(error, Err(ManifestError::Missing { field: "manifests", .. })));
    }
}

#[test]
fn no_document_is_both_an_image_and_an_index() {
    let both = with(image(), "manifests", json!([]));
    assert!(matches!(parse(&both), Err(ManifestError::Ambiguous { field: "manifests", .. })));
    let silent = with(both, "mediaType", json!("absent"));
    assert!(matches!(parse(&silent), Err(ManifestError::Ambiguous { field: "manifests", .. })));
    let both = with(index(), "config", layer("config"));
    assert!(matches!(parse(&both), Err(ManifestError::Ambiguous { field: "config", .. })));
}

#[test]
fn a_bad_descriptor_is_refused_with_its_place_and_its_fault() {
    let good = layer("x");
    let bad = |field: &str, value| with(good.clone(), field, value);
    assert_eq!(
        refusal(parse(&with(image(), "layers", json!([good, bad("digest", json!("md5:00"))])))),
        r#"the descriptor at layers[1] is not valid: digest algorithm "md5" is not supported; use sha256 or sha512"#
    );
    assert_eq!(
        refusal(parse(&with(image(), "config", bad("digest", json!("sha256:00"))))),
        "the descriptor at config is not valid: a sha256 digest has 64 hex digits, not 2"
    );
    assert_eq!(
        refusal(parse(&with(image(), "subject", bad("size", json!(-1))))),
        "the descriptor at subject is not valid: the size of a descriptor is a whole number of bytes from 0 to 9223372036854775807"
    );
    assert_eq!(
        refusal(parse(&with(index(), "manifests", json!([bad("mediaType", json!("absent"))])))),
        r#"the descriptor at manifests[0] is not valid: a descriptor needs "mediaType""#
    );
}

#[test]
fn a_size_beyond_63_bits_is_refused() {
    let sized = |size: u64| parse(&with(image(), "config", with(layer("x"), "size", json!(size))));
    assert!(sized(i64::MAX as u64).is_ok());
    assert!(matches!(sized(1 << 63), Err(ManifestError::Descriptor { .. })));
}

#[test]
fn a_key_twice_is_refused_at_every_level() {
    let document = image().to_string();
    let refused = |from: &str, to: &str| {
        assert!(document.contains(from), "{from}");
        refusal(Manifest::parse(document.replacen(from, to, 1).as_bytes(), None))
    };
    let twice = |key: &str| format!("the manifest has the key {key:?} twice in one object");
    assert_eq!(refused("{", r#"{"schemaVersion":2,"#), twice("schemaVersion"));
    assert_eq!(refused("{", r#"{"lay\u0065rs":[],"#), twice("layers"));
    assert_eq!(refused("{", r#"{"x":[{"y":{"":1,"":1}}],"#), twice(""));
    assert_eq!(refused(r#""config":{"#, r#""config":{"size":1,"#), twice("size"));
    assert_eq!(refused(r#""config":{"#, r#""config":{"platform":{"os":"a","os":"a"},"#), twice("os"));
    assert_eq!(refused("{", r#"{"annotations":{"a":"","a":""},"#), twice("a"));
    assert_eq!(refused("{", r#"{"x":{"a":1},"y":[{"a":1},{"a":1}],"#), "accepted");
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| {
        let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let document = image().to_string().replacen('{', &format!(r#"{{"x":{deep},"#), 1);
        Manifest::parse(document.as_bytes(), None)
    };
    assert!(nested(63).is_ok());
    assert!(matches!(nested(64), Err(ManifestError::TooDeep)));
    assert!(matches!(nested(100_000), Err(ManifestError::TooDeep)));
    assert!(matches!(Manifest::parse("[".repeat(1 << 20).as_bytes(), None), Err(ManifestError::TooDeep)));
}

#[test]
fn lists_are_bounded() {
    let layers = |count| parse(&with(image(), "layers", Value::Array(vec![layer("x"); count])));
    assert!(layers(10_000).is_ok_and(|manifest| manifest.blobs().len() == 2));
    assert!(matches!(layers(10_001), Err(ManifestError::TooManyDescriptors)));
}

#[test]
fn size_is_bounded() {
    let sized = |size: usize| {
        let mut bytes = image().to_string().into_bytes();
        bytes.resize(size, b' ');
        Manifest::parse(&bytes, None)
    };
    assert!(sized(Manifest::MAX_BYTES).is_ok());
    assert!(matches!(sized(Manifest::MAX_BYTES + 1), Err(ManifestError::TooLarge(4_194_305))));
}

#[test]
fn only_one_plain_json_object_is_a_manifest() {
    let text = image().to_string();
    let parse = |text: &str| Manifest::parse(text.as_bytes(), None);
    assert!(matches!(parse(&format!("\u{feff}{text}")), Err(ManifestError::ByteOrderMark)));
    assert!(matches!(Manifest::parse(b"{\"\xff\":1}", None), Err(ManifestError::NotUtf8(_))));
    for bad in [
        "",
        " ",
        "null",
        "[]",
        "2",
        r#""x""#,
        "{",
        "{}}",
        "{}{}",
        "{\"a\":1,}",
        "{'a':1}",
        "// \n{}",
        "{\"a\":NaN}",
        r#"{"a":"\ud800"}"#,
        "{\"a\":\"\n\"}",
        "\0{}",
        "{}\0",
        r#"[2,"application/vnd.oci.image.index.v1+json",null,null,null,[],null,null]"#,
    ] {
        assert!(matches!(parse(bad), Err(ManifestError::Json(_))), "{bad}");
    }
    assert!(matches!(parse(&format!("{text}x")), Err(ManifestError::Json(_))));
}

#[test]
fn fields_of_the_wrong_type_are_refused() {
    for (field, value) in [
        ("layers", json!({})),
        ("layers", json!([null])),
        ("layers", json!([["a/b", digest("x"), 1, null, null]])),
        ("config", json!([])),
        ("mediaType", json!(1)),
        ("annotations", json!({"a": 1})),
        ("annotations", json!([])),
        ("subject", json!("sha256:00")),
    ] {
        assert!(matches!(parse(&with(image(), field, value)), Err(ManifestError::Json(_))), "{field}");
    }
}

/// A small manifest, whole or with one field replaced by something hostile.
fn hostile_document() -> impl Strategy<Value = Value> {
    let fields =
        ["schemaVersion", "mediaType", "artifactType", "config", "layers", "manifests", "subject", "annotations"];
    let values = [
        json!(null),
        json!([]),
        json!({}),
        json!(""),
        json!(2),
        json!(-1),
        json!("a/b"),
        layer("x"),
        json!([layer("x")]),
    ];
    let edits =
        prop::collection::vec((prop::sample::select(fields.to_vec()), prop::sample::select(values.to_vec())), 0..4);
    (prop::sample::select(vec![image(), index(), json!({})]), edits).prop_map(|(document, edits)| {
        edits.into_iter().fold(document, |document, (field, value)| with(document, field, value))
    })
}

proptest! {
    #[test]
    fn whatever_parses_is_one_kind_with_bounded_sizes(document in hostile_document()) {
        if let Ok(manifest) = parse(&document) {
            let is_image = matches!(manifest.kind(), MediaKind::OciManifest | MediaKind::DockerManifest);
            prop_assert_ne!(manifest.kind(), MediaKind::Other);
            prop_assert_eq!(is_image, manifest.config().is_some());
            prop_assert_eq!(is_image, !manifest.blobs().is_empty());
            prop_assert!(manifest.blobs().into_iter().all(|blob| blob.size <= Descriptor::MAX_SIZE));
            prop_assert!(Manifest::parse(manifest.bytes(), Some(manifest.media_type())).is_ok());
        }
    }

    #[test]
    fn bytes_cut_anywhere_are_refused(end in 0_usize..200) {
        let text = image().to_string();
        prop_assert!(Manifest::parse(&text.as_bytes()[..end.min(text.len() - 1)], None).is_err());
    }
}
