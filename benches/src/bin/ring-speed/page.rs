//! docs/ring.md: each part stands between marks of its own, and what people wrote stands around them.

use std::fmt::Write;
use std::io;

use harness::deployment::root;

use crate::plot::Plot;
use crate::table::Table;

/// What was measured of one thing.
pub(crate) struct Part {
    name: &'static str,
    text: String,
    plots: Vec<Plot>,
}

impl Part {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, text: String::new(), plots: Vec::new() }
    }

    /// With these words.
    pub(crate) fn words(mut self, words: &str) -> Self {
        self.text.push_str(words);
        self.text.push_str("\n\n");
        self
    }

    /// With this table.
    pub(crate) fn table(mut self, table: Table) -> Self {
        self.text.push_str(&table.text());
        self.text.push('\n');
        self
    }

    /// With this plot.
    pub(crate) fn plot(mut self, plot: Plot) -> Self {
        write!(self.text, "![{}](ring/{}.svg)\n\n", plot.title, plot.file).ok();
        self.plots.push(plot);
        self
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Renews the part on the page, and its plots.
    pub(crate) fn write(&self) -> io::Result<()> {
        let docs = root().join("docs");
        for plot in &self.plots {
            std::fs::write(docs.join(format!("ring/{}.svg", plot.file)), plot.svg())?;
        }
        let page = docs.join("ring.md");
        let new = self.replaced(&std::fs::read_to_string(&page)?);
        std::fs::write(page, new.ok_or_else(|| io::Error::other(format!("the page has no place for {}", self.name)))?)
    }

    fn replaced(&self, page: &str) -> Option<String> {
        let (begin, end) = (format!("<!-- {} -->\n", self.name), format!("<!-- end of {} -->\n", self.name));
        let (before, rest) = page.split_once(&begin)?;
        let (_, after) = rest.split_once(&end)?;
        Some(format!("{before}{begin}\n{}{end}{after}", self.text))
    }
}
