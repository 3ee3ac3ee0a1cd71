//! What a server was asked, as its own log says.

use std::path::PathBuf;

use tempfile::TempDir;

use crate::server::{ServeOptions, Server};

/// A request that was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// Its method.
    pub method: String,
    /// Its path, without the query.
    pub path: String,
    /// The answer's status.
    pub status: u64,
}

/// The log of a server, read on from where it was left.
#[derive(Debug)]
pub struct RequestLog {
    file: PathBuf,
    lines: usize,
}

impl RequestLog {
    /// An embedded server in a new directory, and its log.
    pub fn of_new_server() -> (Server, Self, TempDir) {
        let data = TempDir::new().expect("a temporary directory can be made");
        let server = ServeOptions::embedded(data.path()).with(["--log-format", "json"]).start();
        (server, Self { file: data.path().join("serve.log"), lines: 0 }, data)
    }

    /// The requests that were answered since the last call.
    pub fn since_last(&mut self) -> Vec<Answered> {
        let log = std::fs::read_to_string(&self.file).expect("the log can be read");
        let new = log.lines().skip(self.lines);
        let answered = new.clone().filter_map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
            let text = |name: &str| line[name].as_str().map(ToOwned::to_owned);
            Some(Answered { method: text("method")?, path: text("path")?, status: line["status"].as_u64()? })
        });
        let answered = answered.collect();
        self.lines += new.count();
        answered
    }
}

/// How many of these requests have this method, and this status.
pub fn count(requests: &[Answered], method: &str, status: u64) -> usize {
    requests.iter().filter(|request| request.method == method && request.status == status).count()
}
