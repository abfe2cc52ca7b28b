//! Plots as SVG: lines where x is a number, dots in rows where it has names. Each series has a colour, but is told from the others by
//! its mark and its name beside it. Colours are variables, which a file of its own or the page around it sets for light and dark.
//!
//! | file | idea |
//! |---|---|
//! | `scale` | an axis: where a value lies, and which values are written |
//! | `lines` | one line for each series |
//! | `dots` | one row for each series in each setting |
//! | `marks` | what tells series apart, and the colours |

mod dots;
mod lines;
mod marks;
mod scale;

use plotters::drawing::DrawingAreaErrorKind;
use plotters::prelude::SVGBackend;

use super::experiment::Plot;
use crate::failure::Failure;
use crate::measured::Unit;

const WIDTH: u32 = 820;
/// Between the baselines of two labels that stand below each other.
const LINE: i32 = 16;
/// What a character of a label takes, about; SVG leaves fonts to the reader's machine.
const CHARACTER: i32 = 7;

type Error<'a> = DrawingAreaErrorKind<<SVGBackend<'a> as plotters::prelude::DrawingBackend>::ErrorType>;

/// A picture to be put into a page that has [`page_style`]. None if nothing of it was measured.
pub fn inline(plot: &Plot) -> Result<Option<String>, Failure> {
    if plot.series.iter().all(|series| series.points.is_empty()) {
        return Ok(None);
    }
    let mut svg = String::new();
    let drawn =
        if plot.x.names.is_empty() { lines::draw(plot, &mut svg) } else { dots::draw(plot, &mut svg) };
    drawn.map_err(|error| Failure::Failed(format!("cannot draw {}: {error}", plot.title)))?;
    Ok(Some(described(&marks::in_variables(&svg), &plot.title)))
}

/// A picture to be put into a file.
pub fn standalone(plot: &Plot) -> Result<Option<String>, Failure> {
    let svg = inline(plot)?;
    Ok(svg.map(|svg| after_head(&svg, &format!("<style>{}</style>\n", marks::style("svg")))))
}

/// The same variables for a page.
pub fn page_style() -> String {
    marks::style(":root")
}

/// What is read out instead of the picture.
fn described(svg: &str, title: &str) -> String {
    let title = title.replace('&', "&amp;").replace('<', "&lt;");
    after_head(svg, &format!("<title>{title}</title>\n")).replacen("<svg ", "<svg role=\"img\" ", 1)
}

/// Puts `part` behind the opening tag.
fn after_head(svg: &str, part: &str) -> String {
    match svg.split_once('>') {
        Some((head, rest)) => format!("{head}>\n{part}{}", rest.trim_start()),
        None => svg.to_owned(),
    }
}

/// What is written beside an axis: a ratio without the decimals that say nothing.
fn tick_label(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Ratio => format!("{}", (value * 1000.0).round() / 1000.0),
        unit => unit.show(value),
    }
}

fn characters(text: &str) -> i32 {
    i32::try_from(text.chars().count()).unwrap_or(i32::MAX / CHARACTER)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::lab::experiment::{Axis, Point, Series};

    fn plot(x: Axis, logarithmic: bool, values: &[f64]) -> Plot {
        let points = values
            .iter()
            .enumerate()
            .map(|(x, y)| Point { x: x as f64, y: *y, low: *y * 0.9, high: *y * 1.1 })
            .collect();
        let y = Axis { logarithmic, ..Axis::linear("time & more", Unit::Nanoseconds) };
        let series = vec![Series { label: "a < b".to_owned(), points }];
        Plot { name: "test", title: "A & B".to_owned(), x, y, series }
    }

    #[test]
    fn every_kind_of_plot_is_drawn_in_variables_alone() {
        for names in [vec![], vec!["one", "two", "three"]] {
            for (logarithmic, values) in [
                (false, [1.0, 2.0, 3.0]),
                (true, [1.0, 1e3, 1e6]),
                (true, [0.0, 0.0, 0.0]),
                (false, [0.0; 3]),
            ] {
                let axis = Axis {
                    names: names.iter().map(ToString::to_string).collect(),
                    ..Axis::linear("x", Unit::Count)
                };
                let svg = standalone(&plot(axis, logarithmic, &values)).unwrap().unwrap();
                assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"), "{svg}");
                assert!(!svg.contains("=\"#"), "a colour that does not change in the dark: {svg}");
                assert!(svg.contains("<title>A &amp; B</title>") && svg.contains("a &lt; b"), "{svg}");
                assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
            }
        }
    }

    #[test]
    fn what_was_not_measured_is_not_drawn() {
        assert!(standalone(&plot(Axis::linear("x", Unit::Count), false, &[])).unwrap().is_none());
    }
}
