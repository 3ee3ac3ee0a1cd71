//! The figures as text, and as a page of the documentation.

use std::fmt::Write;
use std::io;

use harness::deployment::root;

use crate::plot;

/// How one way fares, by whatever is varied.
pub(crate) struct Line {
    pub(crate) name: &'static str,
    pub(crate) points: Vec<(f64, f64)>,
}

impl Line {
    pub(crate) fn named<const N: usize>(names: [&'static str; N]) -> Vec<Self> {
        names.into_iter().map(|name| Self { name, points: Vec::new() }).collect()
    }

    pub(crate) fn add(&mut self, x: f64, ratio: f64) {
        eprintln!("{} at {x}: {ratio:.2}", self.name);
        self.points.push((x, ratio));
    }
}

/// Ratios of our throughput to the raw one.
pub(crate) struct Table {
    file: &'static str,
    title: &'static str,
    unit: &'static str,
    lines: Vec<Line>,
}

impl Table {
    pub(crate) fn new(file: &'static str, title: &'static str, unit: &'static str, lines: Vec<Line>) -> Self {
        Self { file, title, unit, lines }
    }

    /// The table in Markdown.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("## {}\n\n| {} |", self.title, self.unit);
        for line in &self.lines {
            write!(text, " {} |", line.name).ok();
        }
        text.push_str("\n|---|");
        text.push_str(&"---|".repeat(self.lines.len()));
        for (index, (x, _)) in self.lines[0].points.iter().enumerate() {
            write!(text, "\n| {x} |").ok();
            for line in &self.lines {
                write!(text, " {:.2} |", line.points[index].1).ok();
            }
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
        std::fs::write(docs.join(&file), plot::svg(table.title, table.unit, &table.lines))?;
        write!(new, "\n{}\n![{}]({file})\n", table.text(), table.title).map_err(io::Error::other)?;
    }
    std::fs::write(page, format!("{new}\n{END}{after}"))
}
