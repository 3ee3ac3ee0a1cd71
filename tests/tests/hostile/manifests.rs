//! Manifests that are none, or not what they say, or not complete.

use harness::content::IMAGE;
use serde_json::{Value, json};

use crate::paths::ABSENT;
use crate::row::{Row, row};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
const PUT: &str = "PUT /v2/hostile/manifests/1";

fn blob() -> Value {
    json!({ "mediaType": LAYER, "digest": ABSENT, "size": 1 })
}

fn image() -> Value {
    json!({ "schemaVersion": 2, "mediaType": IMAGE, "config": blob(), "layers": [blob()] })
}

fn index() -> Value {
    json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [{ "mediaType": IMAGE, "digest": ABSENT, "size": 1 }] })
}

/// The document with another value at this place; none removes it.
fn but(mut document: Value, place: &str, value: Option<Value>) -> Value {
    let (parent, key) = place.rsplit_once('/').unwrap();
    let object = document.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    match value {
        Some(value) => object.insert(key.to_owned(), value),
        None => object.remove(key),
    };
    document
}

fn invalid(media_type: &str, body: impl Into<Vec<u8>>) -> Row {
    row(PUT, 400, "MANIFEST_INVALID").header(format!("content-type: {media_type}")).body(body)
}

/// What is not JSON, or JSON that readers disagree about.
pub(crate) fn documents() -> Vec<Row> {
    let whole = image().to_string();
    let members = &whole[1..whole.len() - 1];
    let with = |members_too: &str| format!("{{{members},{members_too}}}");
    let texts = [
        String::new(),
        " ".to_owned(),
        "{".to_owned(),
        "}".to_owned(),
        "null".to_owned(),
        "true".to_owned(),
        "[]".to_owned(),
        "1".to_owned(),
        "\"\"".to_owned(),
        "{}".to_owned(),
        "{}{}".to_owned(),
        format!("{whole}{whole}"),
        format!("{whole}x"),
        format!("{whole}\0"),
        format!("[{whole}]"),
        format!("\u{feff}{whole}"),
        whole[1..].to_owned(),
        whole[..whole.len() - 1].to_owned(),
        whole.replace('"', "'"),
        whole.replace(':', "="),
        whole.replace(']', ",]"),
        whole.replace("\"config\"", "config"),
        format!("{{{members},}}"),
        format!("/* no */ {whole}"),
        format!("<!DOCTYPE html>{whole}"),
        format!("\u{1f}\u{8b}{whole}"),
        // One key twice, plain and in disguise, at the top and below, in what is read and in what is not.
        with("\"schemaVersion\":2"),
        with("\"layers\":[]"),
        with("\"l\\u0061yers\":[]"),
        with("\"x\":1,\"x\":1"),
        with("\"x\":{\"y\":[{\"z\":1,\"z\":2}]}"),
        with("\"annotations\":{\"a\":\"b\",\"a\":\"c\"}"),
        whole.replace("\"size\":1", "\"size\":1,\"size\":1"),
        whole.replace("\"size\":1", "\"size\":1,\"digest\":\"x\""),
        // Strings and numbers that JSON does not have.
        with("\"x\":\"\\ud800\""),
        with("\"x\":\"\\x41\""),
        with("\"x\":\"\n\""),
        with("\"x\":01"),
        with("\"x\":0x1"),
        with("\"x\":NaN"),
        with("\"x\":-Infinity"),
        with("\"x\":1e99999"),
        with("\"x\":+1"),
        with("\"x\":.5"),
        with("\"x\":tru"),
        // Nested for the stack, and longer than anybody needs.
        "[".repeat(100_000),
        "{\"a\":".repeat(100_000),
        with(&format!("\"x\":{}{}", "[".repeat(64), "]".repeat(64))),
        with(&format!("\"x\":{}1{}", "{\"a\":".repeat(64), "}".repeat(64))),
        with(&format!("\"x\":[{}1]", "1,".repeat(10_000))),
        with(&format!("\"x\":{}", "[".repeat(3_000_000))),
    ];
    let mut all: Vec<_> = texts.into_iter().map(|text| invalid(IMAGE, text)).collect();
    let utf16: Vec<u8> = whole.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let latin1 = [with("\"x\":\"").as_bytes(), b"\xe4\"}"].concat();
    for bytes in [utf16, latin1, b"\xff\xfe{}".to_vec(), vec![0; 100], b"{\"\xed\xa0\x80\":1}".to_vec()] {
        all.push(invalid(IMAGE, bytes));
    }
    let large = with(&format!("\"x\":\"{}\"", "x".repeat(4 << 20)));
    all.push(row(PUT, 413, "SIZE_INVALID").header(format!("content-type: {IMAGE}")).body(large.clone()));
    all.push(row(PUT, 413, "SIZE_INVALID").header(format!("content-type: {IMAGE}")).chunked(large.as_bytes()));
    all.push(row(PUT, 413, "SIZE_INVALID").body(vec![0; 9 << 20]));
    all.push(row(PUT, 400, "MANIFEST_INVALID"));
    all
}

/// What fields of an image may not be: JSON without blanks in it, and `-` for no field at all.
const IMAGE_FIELDS: [(&str, &str); 12] = [
    ("/schemaVersion", r#"- null 1 3 "2" 2.5 -2 [2] true"#),
    ("/mediaType", r#"1 "x" "a/b/c" "INDEX" [] "application/vnd.docker.distribution.manifest.v1+json" "\u0020""#),
    ("/config", r#"- null [] "x" {} [BLOB] ["a/b","ABSENT",1]"#),
    ("/layers", r#"- null {} "x" [null] [1] [[]] [{}] [["a/b","ABSENT",1]] BLOB"#),
    ("/manifests", "[] [BLOB] {}"),
    ("/subject", r#"[] "x" {} "ABSENT" 1"#),
    ("/annotations", r#"[] "x" {"a":1} {"a":null} {"a":{}}"#),
    ("/artifactType", r#"1 "x" "a/b/c" "a/b\r\nX:y""#),
    ("/config/mediaType", r#"- null "" "x" 1"#),
    (
        "/config/digest",
        r#"- null "" "latest" "sha256:" 1 "SHA256:AB" "md5:d41d8cd98f00b204e9800998ecf8427e" "sha256:../../etc""#,
    ),
    ("/config/size", r#"- null "1" -1 0.5 1e30 9223372036854775808 [1]"#),
    ("/config/annotations", r#"[] {"a":1}"#),
];

/// What fields of an index may not be.
const INDEX_FIELDS: [(&str, &str); 5] = [
    ("/manifests", "- null {} [1] [{}] BLOB"),
    ("/layers", "[] [BLOB]"),
    ("/config", "BLOB"),
    ("/manifests/0/digest", r#"- "x""#),
    ("/manifests/0/size", "- -1"),
];

/// Documents with a field that is missing or another thing.
pub(crate) fn fields() -> Vec<Row> {
    let with = |media_type: &str, document: &Value, (place, values): &(&str, &str)| -> Vec<Row> {
        let values = values.replace("BLOB", &blob().to_string()).replace("ABSENT", ABSENT).replace("INDEX", INDEX);
        let values = values.split_whitespace().map(|value| (value != "-").then(|| value.parse().unwrap()));
        values.map(|value| invalid(media_type, but(document.clone(), place, value).to_string())).collect()
    };
    let images = IMAGE_FIELDS.iter().flat_map(|field| with(IMAGE, &image(), field));
    images.chain(INDEX_FIELDS.iter().flat_map(|field| with(INDEX, &index(), field))).collect()
}

/// Media types of the request that do not fit, or are none.
pub(crate) fn media_types() -> Vec<Row> {
    let (untyped, whole) = (but(image(), "/mediaType", None).to_string(), image().to_string());
    let long = format!("application/{}", "x".repeat(300));
    let foreign = [
        "text/html",
        "application/json",
        "application/octet-stream",
        "application/vnd.oci.artifact.manifest.v1+json",
        "multipart/form-data; boundary=x",
        INDEX,
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
        "",
        "x",
        "/",
        "a/",
        "/b",
        "a/b/c",
        "a b/c",
        "*/*",
        "application/*",
        &long,
        ";charset=utf-8",
        IMAGE_TWICE,
    ];
    let mut all: Vec<_> = foreign.iter().map(|media_type| invalid(media_type, untyped.clone())).collect();
    all.extend(foreign.iter().map(|media_type| invalid(media_type, whole.clone())));
    let not_text = row(PUT, 400, "UNSUPPORTED").header(b"content-type: application/\xff");
    all.push(not_text.body(whole));
    for version in [json!(1), json!(1.0)] {
        let schema1 = json!({ "schemaVersion": version, "name": "hostile", "tag": "1", "fsLayers": [], "history": [] });
        all.push(row(PUT, 400, "MANIFEST_INVALID").body(schema1.to_string()));
    }
    all
}

const IMAGE_TWICE: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.manifest.v1+json";

/// Documents that are right, put where they do not belong, or before what they name.
pub(crate) fn places(layer: &str) -> Vec<Row> {
    let put = |line: &str, status, code, document: &Value| row(line, status, code).body(document.to_string());
    let elsewhere = json!({ "mediaType": LAYER, "digest": layer, "size": 5000 });
    let borrowed = json!({ "schemaVersion": 2, "mediaType": IMAGE, "config": elsewhere, "layers": [] });
    let no_layers = json!({ "schemaVersion": 2, "mediaType": IMAGE, "config": blob(), "layers": [] });
    let annotated =
        but(but(image(), "/subject", Some(blob())), "/annotations", Some(json!({ "a": "x".repeat(300_000) })));
    let layer_of = |number| json!({ "mediaType": LAYER, "digest": format!("sha256:{number:064x}"), "size": 1 });
    let layers: Vec<_> = (0..1200).map(layer_of).collect();
    let many = but(image(), "/layers", Some(json!(layers)));
    let tags = |count| (0..count).map(|number| format!("tag=t{number}")).collect::<Vec<_>>().join("&");
    vec![
        put(PUT, 400, "MANIFEST_BLOB_UNKNOWN", &image()),
        put(PUT, 400, "MANIFEST_BLOB_UNKNOWN", &index()),
        put(PUT, 400, "MANIFEST_BLOB_UNKNOWN", &no_layers),
        // A digest is no key: what lies in another repository is not there.
        put(PUT, 400, "MANIFEST_BLOB_UNKNOWN", &borrowed),
        put(PUT, 413, "MANIFEST_INVALID", &annotated),
        put(PUT, 400, "MANIFEST_BLOB_UNKNOWN", &but(annotated.clone(), "/subject", None)),
        put(PUT, 400, "MANIFEST_INVALID", &many),
        put(&format!("PUT /v2/hostile/manifests/{ABSENT}"), 400, "DIGEST_INVALID", &image()),
        put(&format!("PUT /v2/hostile/manifests/sha512:{}", "ab".repeat(64)), 400, "DIGEST_INVALID", &image()),
        put(&format!("{PUT}?tag=.bad"), 400, "TAG_INVALID", &image()),
        put(&format!("{PUT}?tag="), 400, "TAG_INVALID", &image()),
        put(&format!("{PUT}?tag=good&tag=a%2Fb"), 400, "TAG_INVALID", &image()),
        put(&format!("{PUT}?tag=%FF"), 400, "TAG_INVALID", &image()),
        put(&format!("{PUT}?tag={}", "t".repeat(129)), 400, "TAG_INVALID", &image()),
        put(&format!("{PUT}?{}", tags(26)), 400, "TAG_INVALID", &image()),
        put(&format!("{PUT}?{}", tags(2000)), 400, "TAG_INVALID", &image()),
        row(PUT, 400, "BLOB_UPLOAD_INVALID").header("transfer-encoding: chunked").bare("zz\r\n{}\r\n0\r\n\r\n"),
    ]
}
