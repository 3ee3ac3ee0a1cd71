//! A table in Markdown.

use std::fmt::Write;

/// A table that is being written.
pub(crate) struct Table(String);

impl Table {
    pub(crate) fn headed(heads: &[&str]) -> Self {
        Self(format!("| {} |\n|{}\n", heads.join(" | "), "---|".repeat(heads.len())))
    }

    pub(crate) fn row(&mut self, cells: &[String]) {
        writeln!(self.0, "| {} |", cells.join(" | ")).ok();
    }

    pub(crate) fn text(self) -> String {
        self.0
    }
}

/// A share as a percentage.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
}
