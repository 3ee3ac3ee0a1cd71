//! The figures as text, and as a page of the documentation.

use std::fmt::Write;
use std::io;

use harness::deployment::root;
use ringhold_benches::Spread;

use crate::plot;

/// How the ways fare with one value of whatever is varied.
pub(crate) struct Row {
    /// The value, which is a power of two.
    pub(crate) value: usize,
    pub(crate) label: String,
    /// In MiB/s.
    pub(crate) raw: Spread,
    /// Our throughput, of the raw one.
    pub(crate) ratios: Vec<Spread>,
}

/// Ratios of our throughput to the raw one.
pub(crate) struct Table {
    /// What its plot is called.
    pub(crate) file: &'static str,
    pub(crate) title: &'static str,
    /// What is varied.
    pub(crate) varied: &'static str,
    pub(crate) ways: Vec<&'static str>,
    pub(crate) rows: Vec<Row>,
}

impl Table {
    /// The table in Markdown.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("## {}\n\n| {} | {} |", self.title, self.varied, self.ways.join(" | "));
        text.push_str(" raw, MiB/s |\n|");
        text.push_str(&"---|".repeat(self.ways.len() + 2));
        for Row { label, raw, ratios, .. } in &self.rows {
            write!(text, "\n| {label} |").ok();
            for Spread { least, median, most } in ratios {
                write!(text, " {median:.2} ({least:.2}–{most:.2}) |").ok();
            }
            write!(text, " {:.0} ({:.0}–{:.0}) |", raw.median, raw.least, raw.most).ok();
        }
        text.push('\n');
        text
    }
}

/// What stands between these marks of docs/uploads.md is written here.
const BEGIN: &str = "<!-- figures -->\n";
const END: &str = "<!-- end of figures -->\n";

/// Renews the page and its plots.
pub(crate) fn write(tables: &[Table]) -> io::Result<()> {
    let docs = root().join("docs");
    let page = docs.join("uploads.md");
    let old = std::fs::read_to_string(&page)?;
    let (before, after) = (old.split(BEGIN).next().unwrap_or_default(), old.split(END).nth(1).unwrap_or_default());
    let mut new = format!("{before}{BEGIN}");
    for table in tables {
        let file = format!("uploads/{}.svg", table.file);
        std::fs::write(docs.join(&file), plot::svg(table))?;
        write!(new, "\n{}\n![{}]({file})\n", table.text(), table.title).map_err(io::Error::other)?;
    }
    std::fs::write(page, format!("{new}\n{END}{after}"))
}
