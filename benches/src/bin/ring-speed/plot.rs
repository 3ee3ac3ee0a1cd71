//! A plot as SVG: what is varied from left to right in powers of two, what was measured from bottom to top.

use std::fmt::Write;

const WIDTH: f64 = 680.0;
const HEIGHT: f64 = 340.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 210.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 45.0;
const COLOURS: [&str; 6] = ["#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#7f7f7f"];

/// What was measured of one of several, by what is varied.
pub(crate) struct Line {
    pub(crate) name: &'static str,
    pub(crate) points: Vec<(f64, f64)>,
}

impl Line {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, points: Vec::new() }
    }
}

/// A plot.
pub(crate) struct Plot {
    /// The name of its file.
    pub(crate) file: &'static str,
    pub(crate) title: &'static str,
    /// What is varied.
    pub(crate) across: &'static str,
    /// Where what is varied is marked; the first and the last are the ends.
    pub(crate) marks: &'static [u32],
    /// The lower and the upper end; what lies beyond is not shown.
    pub(crate) between: (f64, f64),
    pub(crate) lines: Vec<Line>,
}

impl Plot {
    pub(crate) fn svg(&self) -> String {
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
             <clipPath id=\"inside\"><rect x=\"{LEFT}\" y=\"{TOP}\" width=\"{}\" height=\"{}\"/></clipPath>\n\
             <text x=\"{LEFT}\" y=\"22\" font-size=\"15\">{}</text>\n",
            WIDTH - LEFT - RIGHT,
            HEIGHT - TOP - BOTTOM,
            self.title
        );
        self.scales(&mut svg);
        let rows = (0..).map(|row| TOP + 16.0 + 20.0 * f64::from(row));
        let lines: Vec<_> = self.lines.iter().zip(COLOURS).zip(rows).collect();
        // The first is drawn last: it is what the plot is about.
        for ((line, colour), row) in lines.into_iter().rev() {
            Self::name(&mut svg, line, colour, row);
            self.line(&mut svg, line, colour);
        }
        svg.push_str("</svg>\n");
        svg
    }

    fn scales(&self, svg: &mut String) {
        let (bottom, top) = self.between;
        let digits = if top - bottom < 10.0 { 2 } else { 0 };
        for step in 0..=4 {
            let value = bottom + (top - bottom) * f64::from(step) / 4.0;
            let (at, end) = (self.y(value), WIDTH - RIGHT);
            writeln!(svg, "<path d=\"M{LEFT} {at:.1}H{end}\" stroke=\"#ddd\"/>").ok();
            let (left, baseline) = (LEFT - 6.0, at + 4.0);
            writeln!(svg, "<text x=\"{left}\" y=\"{baseline:.1}\" text-anchor=\"end\">{value:.digits$}</text>").ok();
        }
        for mark in self.marks {
            let (at, below) = (self.x(f64::from(*mark)), HEIGHT - BOTTOM + 18.0);
            writeln!(svg, "<text x=\"{at:.1}\" y=\"{below}\" text-anchor=\"middle\">{mark}</text>").ok();
        }
        writeln!(svg, "<text x=\"{LEFT}\" y=\"{}\">{}</text>", HEIGHT - 8.0, self.across).ok();
    }

    fn name(svg: &mut String, line: &Line, colour: &str, row: f64) {
        let left = WIDTH - RIGHT + 14.0;
        writeln!(svg, "<text x=\"{left}\" y=\"{row}\" fill=\"{colour}\">{}</text>", line.name).ok();
    }

    fn line(&self, svg: &mut String, line: &Line, colour: &str) {
        let points = line.points.iter().map(|(x, y)| format!("{:.1} {:.1}", self.x(*x), self.y(*y)));
        let path = points.collect::<Vec<_>>().join("L");
        let style = format!("clip-path=\"url(#inside)\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"");
        writeln!(svg, "<path d=\"M{path}\" {style}/>").ok();
    }

    fn x(&self, value: f64) -> f64 {
        let end = |mark: Option<&u32>| mark.map_or(1.0, |mark| f64::from(*mark));
        let (least, most) = (end(self.marks.first()), end(self.marks.last()));
        LEFT + (WIDTH - LEFT - RIGHT) * (value / least).log2() / (most / least).log2()
    }

    fn y(&self, value: f64) -> f64 {
        let (bottom, top) = self.between;
        HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - bottom) / (top - bottom)
    }
}
