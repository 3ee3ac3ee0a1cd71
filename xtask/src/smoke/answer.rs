//! An answer, as it came over the wire.

use serde::Deserialize;

/// How much of a body is shown.
const SHOWN: usize = 160;

/// What came back for one request.
#[derive(Debug, Clone, Default)]
pub(super) struct Answer {
    /// 0 when no answer came.
    pub(super) status: u16,
    /// The version of HTTP, as curl says it.
    pub(super) version: String,
    /// Names in lower case; what came twice is here twice.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    /// How many bytes of the request's body were sent.
    pub(super) sent: u64,
    pub(super) seconds: f64,
    /// What curl says went wrong.
    pub(super) broke: Option<String>,
}

#[derive(Deserialize)]
struct Errors {
    errors: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    code: String,
}

impl Answer {
    /// The first value of a header.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Every value of a header, those that came in one line too.
    pub(super) fn values(&self, name: &str) -> Vec<&str> {
        let lines = self.headers.iter().filter(|(key, _)| key == name);
        lines.flat_map(|(_, value)| value.split(',')).map(str::trim).collect()
    }

    /// The number that a header is.
    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.header(name)?.parse().ok()
    }

    /// The code of the registry's own error: none when a front made the answer.
    pub(super) fn code(&self) -> Option<String> {
        let errors: Errors = serde_json::from_slice(&self.body).ok()?;
        errors.errors.into_iter().next().map(|entry| entry.code)
    }

    /// Whether the answer is this error of the registry's own.
    pub(super) fn is(&self, status: u16, code: &str) -> bool {
        self.status == status && self.code().as_deref() == Some(code)
    }

    /// The status, and who says it in which words.
    pub(super) fn tell(&self) -> String {
        if self.status == 0 {
            return format!("no answer: {}", self.broke.as_deref().unwrap_or("curl says nothing"));
        }
        match self.code() {
            Some(code) => format!("{} {code} from Ringhold", self.status),
            None if self.status < 400 => self.status.to_string(),
            None if self.body.is_empty() => format!("{}, without a body", self.status),
            None => format!("{} from the front: {}", self.status, self.shown()),
        }
    }

    /// The beginning of the body, in one line.
    fn shown(&self) -> String {
        let text = String::from_utf8_lossy(&self.body);
        let text: Vec<_> = text.split_whitespace().collect();
        let mut text = text.join(" ");
        if let Some((end, _)) = text.char_indices().nth(SHOWN) {
            text.truncate(end);
            text.push('…');
        }
        text
    }

    /// Reads what curl dumped: of several answers (100 Continue, a proxy's) the last.
    pub(super) fn read_headers(dump: &str) -> Vec<(String, String)> {
        let mut headers = Vec::new();
        for line in dump.lines() {
            if line.starts_with("HTTP/") {
                headers.clear();
            } else if let Some((name, value)) = line.split_once(':') {
                headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
            }
        }
        headers
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::smoke) fn answer(status: u16, headers: &str, body: &str) -> Answer {
        Answer { status, headers: Answer::read_headers(headers), body: body.into(), ..Answer::default() }
    }

    #[test]
    fn the_last_of_several_answers_counts() {
        let dump =
            "HTTP/1.1 100 Continue\r\nx: 1\r\n\r\nHTTP/1.1 202 Accepted\r\nRange: 0-9\r\nTag: a, b\r\ntag: c\r\n\r\n";
        let answer = answer(202, dump, "");
        assert_eq!(answer.header("range"), Some("0-9"));
        assert_eq!(answer.header("x"), None);
        assert_eq!(answer.values("tag"), ["a", "b", "c"]);
    }

    #[test]
    fn a_registrys_error_is_told_from_a_fronts() {
        let ours = answer(413, "", r#"{"errors":[{"code":"UNSUPPORTED","message":"x","detail":{}}]}"#);
        assert!(ours.is(413, "UNSUPPORTED"));
        assert_eq!(ours.tell(), "413 UNSUPPORTED from Ringhold");
        let front = answer(413, "", "{\"message\":\"Request\n Too Long\"}");
        assert_eq!(front.tell(), "413 from the front: {\"message\":\"Request Too Long\"}");
        assert_eq!([204, 404].map(|status| answer(status, "", "").tell()), ["204", "404, without a body"]);
        let broken = Answer { broke: Some("reset".to_owned()), ..Answer::default() };
        assert_eq!(broken.tell(), "no answer: reset");
        assert!(answer(500, "", &"ü".repeat(500)).tell().ends_with("ü…"));
    }
}
