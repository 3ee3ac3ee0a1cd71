//! A plot as SVG: what is varied from left to right in powers of two, what was measured from bottom to top.

use ringhold_benches::Frame;

const FRAME: Frame = Frame { width: 680.0, height: 340.0, left: 56.0, right: 210.0 };

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
        let mut svg = FRAME.begin(self.title);
        self.scales(&mut svg);
        let lines: Vec<_> = (0..).zip(&self.lines).zip(Frame::COLOURS).collect();
        // The first is drawn last: it is what the plot is about.
        for ((row, line), colour) in lines.into_iter().rev() {
            FRAME.name(&mut svg, row, colour, line.name);
            FRAME.line(&mut svg, line.points.iter().map(|(x, y)| (self.x(*x), self.y(*y))), colour);
        }
        svg.push_str("</svg>\n");
        svg
    }

    fn scales(&self, svg: &mut String) {
        let (bottom, top) = self.between;
        let digits = if top - bottom < 10.0 { 2 } else { 0 };
        for step in 0..=4 {
            let value = bottom + (top - bottom) * f64::from(step) / 4.0;
            FRAME.grid(svg, self.y(value), "#ddd", &format!("{value:.digits$}"));
        }
        for mark in self.marks {
            FRAME.mark(svg, self.x(f64::from(*mark)), &mark.to_string());
        }
        FRAME.varied(svg, self.across);
    }

    fn x(&self, value: f64) -> f64 {
        let end = |mark: Option<&u32>| mark.map_or(1.0, |mark| f64::from(*mark));
        let (least, most) = (end(self.marks.first()), end(self.marks.last()));
        FRAME.left + FRAME.across() * (value / least).log2() / (most / least).log2()
    }

    fn y(&self, value: f64) -> f64 {
        let (bottom, top) = self.between;
        FRAME.bottom() - FRAME.up() * (value - bottom) / (top - bottom)
    }
}
