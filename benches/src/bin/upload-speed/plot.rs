//! A plot of ratios, as SVG: what is varied from left to right in powers of two, ratios from 0 up.

use std::fmt::Write;

use crate::page::{Row, Table};

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 320.0;
const LEFT: f64 = 50.0;
const RIGHT: f64 = 210.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 45.0;
/// How far apart the lines of the grid are.
const STEP: f64 = 0.25;
const COLOURS: [&str; 4] = ["#1f77b4", "#d62728", "#2ca02c", "#9467bd"];

/// Where values and ratios lie.
struct Scale {
    least: f64,
    span: f64,
    /// The highest ratio that has a place.
    top: f64,
}

impl Scale {
    fn of(rows: &[Row]) -> Self {
        let exponents = || rows.iter().map(exponent);
        let (least, most) = (exponents().fold(f64::MAX, f64::min), exponents().fold(f64::MIN, f64::max));
        let highest = rows.iter().flat_map(|row| &row.ratios).fold(1.0, |top: f64, ratio| top.max(ratio.median));
        Self { least, span: (most - least).max(1.0), top: (highest / STEP).ceil() * STEP }
    }

    fn x(&self, row: &Row) -> f64 {
        LEFT + 24.0 + (WIDTH - LEFT - RIGHT - 48.0) * (exponent(row) - self.least) / self.span
    }

    fn y(&self, ratio: f64) -> f64 {
        HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * ratio / self.top
    }
}

fn exponent(row: &Row) -> f64 {
    f64::from(row.value.ilog2())
}

pub(crate) fn svg(table: &Table) -> String {
    let scale = Scale::of(&table.rows);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"{LEFT}\" y=\"22\" font-size=\"15\">{}: throughput, raw = 1</text>\n",
        table.title
    );
    grid(&mut svg, &scale);
    labels(&mut svg, &scale, table);
    lines(&mut svg, &scale, table);
    svg.push_str("</svg>\n");
    svg
}

fn grid(svg: &mut String, scale: &Scale) {
    let ratios = std::iter::successors(Some(0.0), |ratio| Some(ratio + STEP));
    for ratio in ratios.take_while(|ratio| *ratio <= scale.top) {
        let (at, end) = (scale.y(ratio), WIDTH - RIGHT);
        let colour = if (ratio - 1.0).abs() < STEP / 2.0 { "#888" } else { "#ddd" };
        writeln!(svg, "<path d=\"M{LEFT} {at:.1}H{end}\" stroke=\"{colour}\"/>").ok();
        writeln!(svg, "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{ratio:.2}</text>", LEFT - 6.0, at + 4.0).ok();
    }
}

fn labels(svg: &mut String, scale: &Scale, table: &Table) {
    for row in &table.rows {
        let (at, below) = (scale.x(row), HEIGHT - BOTTOM + 18.0);
        writeln!(svg, "<text x=\"{at:.1}\" y=\"{below}\" text-anchor=\"middle\">{}</text>", row.label).ok();
    }
    writeln!(svg, "<text x=\"{LEFT}\" y=\"{}\">{}</text>", HEIGHT - 8.0, table.varied).ok();
}

fn lines(svg: &mut String, scale: &Scale, table: &Table) {
    for (index, (name, colour)) in table.ways.iter().zip(COLOURS).enumerate() {
        let points = table.rows.iter().map(|row| (scale.x(row), scale.y(row.ratios[index].median)));
        let path: Vec<_> = points.clone().map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
        writeln!(svg, "<path d=\"M{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>", path.join("L")).ok();
        for (x, y) in points {
            writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>").ok();
        }
        let (left, at) = (WIDTH - RIGHT + 14.0, TOP + 16.0 + 20.0 * f64::from(u8::try_from(index).unwrap_or_default()));
        writeln!(svg, "<text x=\"{left}\" y=\"{at}\" fill=\"{colour}\">{name}</text>").ok();
    }
}
