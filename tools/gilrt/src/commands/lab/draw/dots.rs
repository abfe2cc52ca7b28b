//! Rows of dots: for each setting one row for each series, with its name before it, its value behind it, and a whisker from the
//! least to the greatest.

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::lines::{rule, text};
use super::marks::{self, FAINT, INK, PAPER};
use super::scale::Scale;
use super::{CHARACTER, Error, WIDTH, characters, tick_label};
use crate::commands::lab::experiment::{Plot, Point, Series};

const ROW: i32 = 19;
const TOP: i32 = 62;
const BOTTOM: i32 = 34;
/// Behind the axis: the values.
const RIGHT: i32 = 90;

/// What stands below each other.
enum Row<'a> {
    Heading(&'a str),
    Dot(usize, &'a Series, &'a Point),
}

pub fn draw<'a>(plot: &Plot, svg: &'a mut String) -> Result<(), Error<'a>> {
    let rows = rows(plot);
    let points = || plot.series.iter().flat_map(|series| &series.points);
    let scale = Scale::new(points().flat_map(|point| [point.low, point.y, point.high]), plot.y.logarithmic);
    let longest = plot.series.iter().map(|series| characters(&series.label)).max().unwrap_or(0);
    let left = longest * CHARACTER + 40;
    let width = WIDTH as i32 - left - RIGHT;
    let bottom = TOP + ROW * rows.len() as i32;
    let area = SVGBackend::with_string(svg, (WIDTH, (bottom + BOTTOM) as u32)).into_drawing_area();
    let at = |value: f64| left + (f64::from(width) * scale.part(value)).round() as i32;

    area.fill(&PAPER)?;
    area.draw(&Text::new(plot.title.clone(), (16, 20), text(15, true, HPos::Left)))?;
    area.draw(&Text::new(plot.y.label.clone(), (16, 42), text(12, false, HPos::Left)))?;
    for tick in &scale.ticks {
        area.draw(&rule((at(*tick), TOP - 8), (at(*tick), bottom), FAINT, 1))?;
        area.draw(&Text::new(
            tick_label(plot.y.unit, *tick),
            (at(*tick), bottom + 14),
            text(12, false, HPos::Center),
        ))?;
    }
    area.draw(&rule((left, bottom), (left + width, bottom), INK, 1))?;
    for (row, y) in rows.iter().zip((0..).map(|row| TOP + ROW / 2 + ROW * row)) {
        match row {
            Row::Heading(name) => {
                area.draw(&Text::new((*name).to_owned(), (16, y), text(12, true, HPos::Left)))?
            }
            Row::Dot(index, series, point) => {
                let colour = marks::series(*index);
                area.draw(&Text::new(series.label.clone(), (left - 12, y), text(12, false, HPos::Right)))?;
                area.draw(&rule((left, y), (at(point.y), y), FAINT, 1))?;
                if point.high > point.low {
                    area.draw(&rule((at(point.low), y), (at(point.high), y), colour, 2))?;
                }
                marks::mark(&area, *index, (at(point.y), y))?;
                let end = at(point.high).max(at(point.y)) + 12;
                area.draw(&Text::new(plot.y.unit.show(point.y), (end, y), text(12, false, HPos::Left)))?;
            }
        }
    }
    area.present()
}

fn rows(plot: &Plot) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    for (at, name) in plot.x.names.iter().enumerate() {
        let dots: Vec<_> = plot
            .series
            .iter()
            .enumerate()
            .filter_map(|(index, series)| {
                let point = series.points.iter().find(|point| point.x == at as f64)?;
                Some(Row::Dot(index, series, point))
            })
            .collect();
        if !dots.is_empty() {
            rows.push(Row::Heading(name));
            rows.extend(dots);
        }
    }
    rows
}
