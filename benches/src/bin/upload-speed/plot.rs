//! A plot of ratios, as SVG: what is varied from left to right in powers of two, ratios from 0 up.

use std::fmt::Write;

use ringhold_benches::Frame;

use crate::page::{Row, Table};

const FRAME: Frame = Frame { width: 760.0, height: 320.0, left: 50.0, right: 210.0 };
/// How much room there is between the grid's edge and the first and the last value.
const MARGIN: f64 = 24.0;
/// How far apart the lines of the grid are.
const STEP: f64 = 0.25;

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
        FRAME.left + MARGIN + (FRAME.across() - 2.0 * MARGIN) * (exponent(row) - self.least) / self.span
    }

    fn y(&self, ratio: f64) -> f64 {
        FRAME.bottom() - FRAME.up() * ratio / self.top
    }
}

fn exponent(row: &Row) -> f64 {
    f64::from(row.value.ilog2())
}

pub(crate) fn svg(table: &Table) -> String {
    let scale = Scale::of(&table.rows);
    let mut svg = FRAME.begin(&format!("{}: throughput, raw = 1", table.title));
    let ratios = std::iter::successors(Some(0.0), |ratio| Some(ratio + STEP));
    for ratio in ratios.take_while(|ratio| *ratio <= scale.top) {
        let colour = if (ratio - 1.0).abs() < STEP / 2.0 { "#888" } else { "#ddd" };
        FRAME.grid(&mut svg, scale.y(ratio), colour, &format!("{ratio:.2}"));
    }
    for row in &table.rows {
        FRAME.mark(&mut svg, scale.x(row), &row.label);
    }
    FRAME.varied(&mut svg, table.varied);
    for ((line, name), colour) in (0..).zip(&table.ways).zip(Frame::COLOURS) {
        let median = |row: &Row| row.ratios[usize::from(line)].median;
        let points = table.rows.iter().map(|row| (scale.x(row), scale.y(median(row))));
        FRAME.line(&mut svg, points.clone(), colour);
        for (x, y) in points {
            writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>").ok();
        }
        FRAME.name(&mut svg, line, colour, name);
    }
    svg.push_str("</svg>\n");
    svg
}
