//! The frame of a plot, as SVG: a title, a grid with values at its left, marks below, and lines with their names at its right.

use std::fmt::Write;

/// How large a plot is, and how much room its names have.
#[derive(Debug, Clone, Copy)]
pub struct Frame {
    /// Of the whole.
    pub width: f64,
    /// Of the whole.
    pub height: f64,
    /// Where the grid begins.
    pub left: f64,
    /// How much lies at the right of the grid.
    pub right: f64,
}

impl Frame {
    /// Where the grid begins, from above.
    pub const TOP: f64 = 40.0;
    /// How much lies below the grid.
    pub const BOTTOM: f64 = 45.0;
    /// The colours of lines.
    pub const COLOURS: [&str; 6] = ["#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#7f7f7f"];

    /// How wide the grid is.
    #[must_use]
    pub fn across(self) -> f64 {
        self.width - self.left - self.right
    }

    /// How high the grid is.
    #[must_use]
    pub fn up(self) -> f64 {
        self.height - Self::TOP - Self::BOTTOM
    }

    /// Where the grid ends, from above.
    #[must_use]
    pub fn bottom(self) -> f64 {
        self.height - Self::BOTTOM
    }

    /// The beginning of a plot. What is drawn `inside` is cut off at the grid's edge.
    #[must_use]
    pub fn begin(self, title: &str) -> String {
        let Self { width, height, left, .. } = self;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
             <clipPath id=\"inside\"><rect x=\"{left}\" y=\"{}\" width=\"{}\" height=\"{}\"/></clipPath>\n\
             <text x=\"{left}\" y=\"22\" font-size=\"15\">{title}</text>\n",
            Self::TOP,
            self.across(),
            self.up(),
        )
    }

    /// A line of the grid, with its value.
    pub fn grid(self, svg: &mut String, at: f64, colour: &str, value: &str) {
        let (end, left, baseline) = (self.width - self.right, self.left - 6.0, at + 4.0);
        writeln!(svg, "<path d=\"M{} {at:.1}H{end}\" stroke=\"{colour}\"/>", self.left).ok();
        writeln!(svg, "<text x=\"{left}\" y=\"{baseline:.1}\" text-anchor=\"end\">{value}</text>").ok();
    }

    /// A mark below the grid.
    pub fn mark(self, svg: &mut String, at: f64, mark: &str) {
        let below = self.bottom() + 18.0;
        writeln!(svg, "<text x=\"{at:.1}\" y=\"{below}\" text-anchor=\"middle\">{mark}</text>").ok();
    }

    /// What the marks are of.
    pub fn varied(self, svg: &mut String, varied: &str) {
        writeln!(svg, "<text x=\"{}\" y=\"{}\">{varied}</text>", self.left, self.height - 8.0).ok();
    }

    /// The name of the line of this number.
    pub fn name(self, svg: &mut String, line: u8, colour: &str, name: &str) {
        let (left, row) = (self.width - self.right + 14.0, Self::TOP + 16.0 + 20.0 * f64::from(line));
        writeln!(svg, "<text x=\"{left}\" y=\"{row}\" fill=\"{colour}\">{name}</text>").ok();
    }

    /// A line through these points.
    pub fn line(self, svg: &mut String, points: impl IntoIterator<Item = (f64, f64)>, colour: &str) {
        let points = points.into_iter().map(|(x, y)| format!("{x:.1} {y:.1}"));
        let path = points.collect::<Vec<_>>().join("L");
        let style = format!("clip-path=\"url(#inside)\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"");
        writeln!(svg, "<path d=\"M{path}\" {style}/>").ok();
    }
}
