//! Findings as a table, or as JSON.

use std::fmt::Write as _;

use serde_json::json;

use super::finding::{Finding, Verdict};

/// How wide the columns are, the last one aside.
const WIDTHS: [usize; 3] = [36, 46, 36];

/// The findings as JSON.
pub(super) fn json(url: &str, findings: &[Finding]) -> String {
    let broken = findings.iter().filter(|finding| finding.verdict == Verdict::Differs).count();
    format!("{:#}", json!({ "url": url, "findings": findings, "broken": broken }))
}

/// The findings as a table, and what they come to.
pub(super) fn text(url: &str, findings: &[Finding]) -> String {
    let mut text = format!("{url}\n\n");
    row(&mut text, ["question", "seen", "Ringhold relies on"], "verdict");
    let rule = WIDTHS.map(|width| "-".repeat(width));
    row(&mut text, [&rule[0], &rule[1], &rule[2]], "------------");
    for finding in findings {
        row(&mut text, [finding.question, &finding.seen, finding.relies], finding.verdict.as_str());
    }
    let of = |verdict| findings.iter().filter(|finding| finding.verdict == verdict).count();
    let (ok, differs, open) = (of(Verdict::Ok), of(Verdict::Differs), of(Verdict::NotAnswered));
    let _ = write!(text, "\n{ok} ok, {differs} differ, {open} not answered");
    text
}

/// One row, of as many lines as its longest cell needs.
fn row(text: &mut String, cells: [&str; 3], verdict: &str) {
    let [first, second, third] = [0, 1, 2].map(|column: usize| wrap(cells[column], WIDTHS[column]));
    let height = first.len().max(second.len()).max(third.len());
    for line in 0..height {
        let cell = |lines: &[String]| lines.get(line).cloned().unwrap_or_default();
        let verdict = if line == 0 { verdict } else { "" };
        let [a, b, c] = WIDTHS;
        let line = format!("{:a$}  {:b$}  {:c$}  {verdict}", cell(&first), cell(&second), cell(&third));
        text.push_str(line.trim_end());
        text.push('\n');
    }
}

/// The text in lines of at most `width` characters; a longer word is broken.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split(' ') {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > width {
            lines.push(String::new());
            used = 0;
        }
        if let Some(line) = lines.last_mut().filter(|_| used > 0) {
            line.push(' ');
            used += 1;
        }
        for letter in word.chars() {
            if used == width {
                lines.push(String::new());
                used = 0;
            }
            if let Some(line) = lines.last_mut() {
                line.push(letter);
                used += 1;
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_broken_between_words_and_within_long_ones() {
        assert_eq!(wrap("ab cd efghijk", 5), ["ab cd", "efghi", "jk"]);
        assert_eq!(wrap("", 5), [""]);
        assert_eq!(wrap("é é é", 3), ["é é", "é"]);
    }

    #[test]
    fn a_table_counts_its_verdicts_and_json_holds_the_same() {
        let question = super::super::finding::Question { asks: "is it?", relies: "it is" };
        let findings =
            [question.judge(true, "it is"), question.judge(false, "it is not"), question.unanswered("closed")];
        let table = text("http://r", &findings);
        assert!(table.ends_with("\n1 ok, 1 differ, 1 not answered"), "{table}");
        assert!(table.lines().any(|line| line.starts_with("is it?") && line.ends_with("DIFFERS")));
        let value: serde_json::Value = serde_json::from_str(&json("http://r", &findings)).unwrap();
        assert_eq!((&value["broken"], &value["findings"][2]["verdict"]), (&json!(1), &json!("not-answered")));
    }
}
