//! A plot of ratios, as SVG: what is varied from left to right in powers of two, ratios from 0 up.

use std::fmt::Write;

use crate::page::Line;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 320.0;
const LEFT: f64 = 50.0;
const RIGHT: f64 = 190.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 45.0;
const COLOURS: [&str; 4] = ["#1f77b4", "#d62728", "#2ca02c", "#9467bd"];

pub(crate) fn svg(title: &str, unit: &str, lines: &[Line]) -> String {
    let points = || lines.iter().flat_map(|line| &line.points);
    let (least, most) = points().fold((f64::MAX, f64::MIN), |(least, most), (x, _)| (least.min(*x), most.max(*x)));
    let top = points().fold(1.0, |top: f64, (_, ratio)| top.max(*ratio)).mul_add(1.1, 0.0);
    let across = (most / least).log2().max(1.0);
    let x = |value: f64| LEFT + (WIDTH - LEFT - RIGHT) * (value / least).log2() / across;
    let y = |ratio: f64| HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * ratio / top;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"{LEFT}\" y=\"22\" font-size=\"15\">{title}: throughput, raw = 1</text>\n"
    );
    for step in 0..=4 {
        let ratio = top * f64::from(step) / 4.0;
        let (at, end) = (y(ratio), WIDTH - RIGHT);
        writeln!(svg, "<path d=\"M{LEFT} {at:.1}H{end}\" stroke=\"#ddd\"/>").ok();
        writeln!(svg, "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{ratio:.2}</text>", LEFT - 6.0, at + 4.0).ok();
    }
    for (value, _) in lines.first().map(|line| line.points.as_slice()).unwrap_or_default() {
        let (at, below) = (x(*value), HEIGHT - BOTTOM + 18.0);
        writeln!(svg, "<text x=\"{at:.1}\" y=\"{below}\" text-anchor=\"middle\">{value}</text>").ok();
    }
    writeln!(svg, "<text x=\"{LEFT}\" y=\"{}\">{unit}</text>", HEIGHT - 8.0).ok();
    for (index, (line, colour)) in lines.iter().zip(COLOURS).enumerate() {
        let path: Vec<_> =
            line.points.iter().map(|(value, ratio)| format!("{:.1} {:.1}", x(*value), y(*ratio))).collect();
        writeln!(svg, "<path d=\"M{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>", path.join("L")).ok();
        let (left, at) =
            (WIDTH - RIGHT + 14.0, TOP + 16.0 + 20.0 * f64::from(u32::try_from(index).unwrap_or_default()));
        writeln!(svg, "<text x=\"{left}\" y=\"{at}\" fill=\"{colour}\">{}</text>", line.name).ok();
    }
    svg.push_str("</svg>\n");
    svg
}
