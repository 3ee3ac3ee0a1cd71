//! What was asked, and what came of it.

use serde::Serialize;

/// A question, and what Ringhold relies on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question {
    pub(super) asks: &'static str,
    pub(super) relies: &'static str,
}

/// Whether what was seen is what Ringhold relies on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Verdict {
    /// It is.
    Ok,
    /// It is not: some client, or some operation, is broken.
    Differs,
    /// Nothing was seen.
    NotAnswered,
}

/// A question with its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) question: &'static str,
    pub(super) seen: String,
    pub(super) relies: &'static str,
    pub(super) verdict: Verdict,
}

impl Question {
    /// What was seen, and whether it is what is relied on.
    pub(super) fn judge(self, holds: bool, seen: impl Into<String>) -> Finding {
        self.finding(if holds { Verdict::Ok } else { Verdict::Differs }, seen.into())
    }

    /// Nothing was seen, for this reason.
    pub(super) fn unanswered(self, why: impl Into<String>) -> Finding {
        self.finding(Verdict::NotAnswered, why.into())
    }

    fn finding(self, verdict: Verdict, seen: String) -> Finding {
        Finding { question: self.asks, seen, relies: self.relies, verdict }
    }
}

impl Verdict {
    /// As the table says it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Differs => "DIFFERS",
            Self::NotAnswered => "not answered",
        }
    }
}
