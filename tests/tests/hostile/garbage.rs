//! Bytes that HTTP itself refuses, before there is a request to answer.

/// Requests, each with the statuses that it may be answered with; 0 is a closed connection.
pub(crate) fn requests() -> Vec<(Vec<u8>, &'static [u16])> {
    let get = "GET /v2/ HTTP/1.1\r\nhost: registry\r\nconnection: close\r\n";
    let patch = "PATCH /v2/good/blobs/uploads/x HTTP/1.1\r\nhost: registry\r\nconnection: close\r\n";
    let headers = |line: &str| format!("{get}{line}\r\n\r\n").into_bytes();
    let framed = |line: &str| format!("{patch}{line}\r\n\r\n0123456789").into_bytes();
    let lines = [
        "GET /v2/ HTTP/1.1 \r\nhost: a\r\n\r\n",
        "GET /v2/ HTTP/9.9\r\n\r\n",
        "GET /v2/\r\n\r\n",
        "GET\r\n\r\n",
        "GET /v2/ HTTP/2.0\r\n\r\n",
        "GET /v2 / HTTP/1.1\r\n\r\n",
        "GET v2/ HTTP/1.1\r\n\r\n",
        "G@T /v2/ HTTP/1.1\r\n\r\n",
        "GET /v2/<script> HTTP/1.1\r\n\r\n",
        "GET /v2/\t HTTP/1.1\r\n\r\n",
        "GET /v2/\0 HTTP/1.1\r\n\r\n",
        "GET /v2/\u{7} HTTP/1.1\r\n\r\n",
        " GET /v2/ HTTP/1.1\r\n\r\n",
        "GET http:// HTTP/1.1\r\n\r\n",
        "GET /v2/ http/1.1\r\n\r\n",
        "GET /v2/ XTTP/1.1\r\n\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "HELO registry\r\n",
        "*1\r\n$4\r\nPING\r\n",
        "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
        "{\"jsonrpc\":\"2.0\"}\r\n\r\n",
        // Prefaces that only begin like one of HTTP/2.
        "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\rX",
        "PRI * HTTP/1.1\r\n\r\nSM\r\n\r\nx",
        // A preface, and then no frames.
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nGET /v2/ HTTP/1.1\r\n\r\n",
    ];
    let mut all: Vec<(Vec<u8>, &'static [u16])> =
        lines.iter().map(|line| (line.as_bytes().to_vec(), &[0, 400, 404][..])).collect();
    for frame in [&b"\xff\xff\xff\x00\x00\x00\x00\x00\x01"[..], b"\x00\x00\x01\x00\x00\x00\x00\x00\x00x"] {
        all.push(([b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", frame].concat(), &[0]));
    }
    for line in ["no colon", ": no name", "a b: c", "a\0b: c", "a: b\0c", "a: b\rc", "\u{e4}: x", "a : b", " folded: x"]
    {
        all.push((headers(line), &[400]));
    }
    for line in [
        "content-length: -1",
        "content-length: x",
        "content-length: 1e1",
        "content-length: +10",
        "content-length: 0x10",
        "content-length: 18446744073709551616",
        "content-length: 99999999999999999999999999",
        "content-length: 10, 11",
        "content-length: 10\r\ncontent-length: 11",
        "content-length: 1.5",
        "content-length: ",
        "transfer-encoding: gzip",
        "transfer-encoding: chunked, gzip",
        "transfer-encoding: xchunked",
        "transfer-encoding: identity",
    ] {
        all.push((framed(line), &[400]));
    }
    all.push((headers(&format!("x: {}", "x".repeat(100_000))), &[431]));
    all.push((headers(&format!("{}: x", "x".repeat(100_000))), &[431]));
    all.push((headers(&vec!["x: y"; 200].join("\r\n")), &[431]));
    all.push((headers(&vec!["x: y"; 20_000].join("\r\n")), &[431]));
    all.push((format!("GET /v2/{} HTTP/1.1\r\n\r\n", "a".repeat(70_000)).into_bytes(), &[414, 431]));
    all.push((vec![b'A'; 200_000], &[0, 400, 414, 431]));
    all
}

/// Requests that are refused before their body is read, with a body that reads like a request; and one more request on
/// the same connection.
pub(crate) fn refused_with_a_request_inside() -> Vec<Vec<u8>> {
    let inside = "DELETE /v2/good/manifests/1 HTTP/1.1\r\nhost: registry\r\n\r\n".repeat(1000);
    let after = "GET /v2/ HTTP/1.1\r\nhost: registry\r\nconnection: close\r\n\r\n";
    let lines = [
        "PUT /v2/A/manifests/1",
        "PUT /v2/good/manifests/.1",
        "PUT /v2/good/manifests/1",
        "PUT /v2/good/tags/list",
        "PATCH /v2/good/blobs/uploads/x",
        "POST /v2/good/blobs/uploads/?digest=x",
        "GET /nowhere",
        "DELETE /v2/good/tags/list",
    ];
    let framings = [
        format!("content-length: {}\r\n\r\n{inside}", inside.len()),
        format!("transfer-encoding: chunked\r\n\r\n{:x}\r\n{inside}\r\n0\r\n\r\n", inside.len()),
    ];
    let framed = |line: &&str| {
        framings.each_ref().map(|framing| format!("{line} HTTP/1.1\r\nhost: registry\r\n{framing}{after}"))
    };
    lines.iter().flat_map(framed).map(String::into_bytes).collect()
}

/// How a TLS client begins.
pub(crate) fn client_hello() -> Vec<u8> {
    let hello = [&[3, 3][..], &[7; 32], &[0, 0, 2, 0x13, 1, 1, 0, 0, 0]].concat();
    let length = u8::try_from(hello.len()).expect("a short hello");
    [&[0x16, 3, 1, 0, length + 4, 1, 0, 0, length], &*hello].concat()
}
