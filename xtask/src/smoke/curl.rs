//! Requests through curl, which changes nothing in them: no redirect is followed, no path is tidied, and a body has a
//! length or has none.

use std::cell::Cell;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use super::answer::Answer;
use super::{Error, Result};

/// Longer than a gateway waits.
const MOST_SECONDS: &str = "90";

/// Whether a request says how long its body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    Known,
    /// HTTP/1.1 sends chunks, HTTP/2 frames.
    Unknown,
}

/// One request.
#[derive(Debug)]
pub(super) struct Request<'a> {
    method: &'a str,
    url: String,
    headers: Vec<String>,
    body: Option<(&'a [u8], Length)>,
    http2: bool,
}

impl<'a> Request<'a> {
    /// A request without a body.
    pub(super) fn new(method: &'a str, url: impl Into<String>) -> Self {
        Self { method, url: url.into(), headers: Vec::new(), body: None, http2: false }
    }

    /// With one more header.
    pub(super) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push(format!("{name}: {value}"));
        self
    }

    /// With a body.
    pub(super) fn body(mut self, bytes: &'a [u8], length: Length) -> Self {
        self.body = Some((bytes, length));
        self
    }

    /// Over HTTP/2, if the other side speaks it.
    pub(super) fn over_http2(mut self) -> Self {
        self.http2 = true;
        self
    }
}

/// curl, and a directory for what goes to it and comes from it.
#[derive(Debug)]
pub(super) struct Curl {
    directory: TempDir,
    speaks_http2: bool,
    asked: Cell<u32>,
}

impl Curl {
    /// Finds curl.
    pub(super) fn find() -> Result<Self> {
        let version = Command::new("curl").arg("--version").output().map_err(Error::Curl)?;
        let speaks_http2 = String::from_utf8_lossy(&version.stdout).split_whitespace().any(|word| word == "HTTP2");
        Ok(Self { directory: tempfile::tempdir()?, speaks_http2, asked: Cell::new(0) })
    }

    /// Whether this curl can speak HTTP/2.
    pub(super) const fn speaks_http2(&self) -> bool {
        self.speaks_http2
    }

    /// Sends a request. What goes wrong on the way is in the answer.
    pub(super) fn send(&self, request: &Request<'_>) -> Result<Answer> {
        self.asked.set(self.asked.get() + 1);
        let files = Files::new(self.directory.path(), self.asked.get());
        let output = command(request, &files)?.output().map_err(Error::Curl)?;
        let mut answer = files.answer(&output);
        if request.method == "HEAD" {
            // curl shows its headers in place of a body.
            answer.body.clear();
        }
        files.remove();
        Ok(answer)
    }
}

/// The files of one request.
struct Files {
    sent: PathBuf,
    headers: PathBuf,
    body: PathBuf,
}

impl Files {
    fn new(directory: &Path, number: u32) -> Self {
        let file = |kind: &str| directory.join(format!("{number}.{kind}"));
        Self { sent: file("sent"), headers: file("headers"), body: file("body") }
    }

    fn answer(&self, output: &Output) -> Answer {
        let said = String::from_utf8_lossy(&output.stdout);
        let mut words = said.split_whitespace();
        let mut next = || words.next().unwrap_or_default();
        let (status, version, sent, seconds) = (next(), next().to_owned(), next(), next());
        // Its first line; others say what curl is.
        let trouble = String::from_utf8_lossy(&output.stderr).lines().next().unwrap_or_default().to_owned();
        let dump = fs::read(&self.headers).unwrap_or_default();
        Answer {
            status: status.parse().unwrap_or(0),
            version,
            headers: Answer::read_headers(&String::from_utf8_lossy(&dump)),
            body: fs::read(&self.body).unwrap_or_default(),
            sent: sent.parse().unwrap_or(0),
            seconds: seconds.parse().unwrap_or(0.0),
            broke: (!output.status.success()).then_some(trouble),
        }
    }

    /// Whatever stays goes with the directory.
    fn remove(&self) {
        for file in [&self.sent, &self.headers, &self.body] {
            drop(fs::remove_file(file));
        }
    }
}

fn command(request: &Request<'_>, files: &Files) -> Result<Command> {
    let mut curl = Command::new("curl");
    curl.args(["--disable", "--silent", "--show-error", "--globoff", "--path-as-is", "--max-time", MOST_SECONDS]);
    curl.args(["--write-out", "%{http_code} %{http_version} %{size_upload} %{time_total}"]);
    curl.arg("--output").arg(&files.body).arg("--dump-header").arg(&files.headers);
    curl.arg(match (request.http2, request.url.starts_with("https:")) {
        (false, _) => "--http1.1",
        (true, true) => "--http2",
        (true, false) => "--http2-prior-knowledge",
    });
    if request.method == "HEAD" {
        curl.arg("--head")
    } else {
        curl.args(["--request", request.method])
    };
    // Clients wait for no "100 Continue".
    curl.args(["--header", "Expect:"]);
    for header in &request.headers {
        curl.args(["--header", header]);
    }
    curl.stdin(Stdio::null());
    match request.body {
        None if matches!(request.method, "POST" | "PUT" | "PATCH") => {
            curl.args(["--header", "Content-Length: 0"]);
        }
        None => {}
        Some((bytes, length)) => {
            fs::write(&files.sent, bytes)?;
            if !request.headers.iter().any(|header| header.starts_with("Content-Type:")) {
                curl.args(["--header", "Content-Type: application/octet-stream"]);
            }
            match length {
                Length::Known => curl.arg("--data-binary").arg(format!("@{}", files.sent.display())),
                Length::Unknown => curl.args(["--upload-file", "-"]).stdin(File::open(&files.sent)?),
            };
        }
    }
    curl.arg(&request.url);
    Ok(curl)
}
