//! A request that is wrong, and the answer that it is due.

use crate::wire::Exchange;

/// A request that is wrong, and the answer that it is due.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    line: String,
    headers: Vec<u8>,
    body: Vec<u8>,
    status: u16,
    code: &'static str,
    answered: Option<(&'static str, String)>,
}

/// A request of this method and target; what it is answered with. An answer that is no error has no code.
pub(crate) fn row(line: impl Into<String>, status: u16, code: &'static str) -> Row {
    Row { line: line.into(), headers: Vec::new(), body: Vec::new(), status, code, answered: None }
}

/// One row for each of these texts, which take the place of `{}` in the line.
pub(crate) fn rows(line: &str, texts: &[String], status: u16, code: &'static str) -> Vec<Row> {
    texts.iter().map(|text| row(line.replace("{}", text), status, code)).collect()
}

/// Texts without blanks in them; `""` is the empty one.
pub(crate) fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(|word| word.trim_matches('"').to_owned()).collect()
}

impl Row {
    /// With this header, a line as it is sent.
    pub(crate) fn header(mut self, line: impl AsRef<[u8]>) -> Self {
        self.headers.extend_from_slice(line.as_ref());
        self.headers.extend_from_slice(b"\r\n");
        self
    }

    /// With this body, and nothing that says how long it is.
    pub(crate) fn bare(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// With this body, and its length.
    pub(crate) fn body(self, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        self.header(format!("content-length: {}", body.len())).bare(body)
    }

    /// With this body, in chunks.
    pub(crate) fn chunked(self, body: &[u8]) -> Self {
        let mut coded = Vec::new();
        for chunk in body.chunks(60_000) {
            coded.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            coded.extend_from_slice(chunk);
            coded.extend_from_slice(b"\r\n");
        }
        coded.extend_from_slice(b"0\r\n\r\n");
        self.header("transfer-encoding: chunked").bare(coded)
    }

    /// Answered with this header.
    pub(crate) fn answered(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.answered = Some((name, value.into()));
        self
    }

    /// At this upload, where its line names one.
    pub(crate) fn at(mut self, upload: &str) -> Self {
        self.line = self.line.replace("{upload}", upload);
        self
    }

    /// The bytes that are sent.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let head = format!("{} HTTP/1.1\r\nhost: registry\r\nconnection: close\r\n", self.line);
        [head.as_bytes(), &self.headers, b"\r\n", &self.body].concat()
    }

    /// What is wrong with that answer: its status, its header, its code, or a body that is not as the specification
    /// wants it.
    pub(crate) fn complaint(&self, answer: &Exchange) -> Option<String> {
        let header = |(name, value): &(&str, String)| answer.header(name) == value;
        let right = answer.status == self.status && self.answered.as_ref().is_none_or(header) && self.fits(answer);
        let short = |bytes: &[u8]| String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
        let (line, headers, body) = (short(self.line.as_bytes()), short(&self.headers), short(&self.body));
        let wanted = (self.status, self.code, &self.answered);
        (!right).then(|| format!("{line}\n{headers}{body}\n  wanted: {wanted:?}\n  answered: {answer}\n"))
    }

    fn fits(&self, answer: &Exchange) -> bool {
        if self.line.starts_with("HEAD ") {
            return answer.body.is_empty();
        }
        let errors = &answer.json()["errors"];
        let told = errors[0]["message"].as_str().is_some_and(|message| !message.is_empty());
        let one = errors.as_array().is_some_and(|errors| errors.len() == 1);
        let json = answer.header("content-type") == "application/json";
        self.status < 400 || (json && one && told && errors[0]["code"] == self.code)
    }
}
