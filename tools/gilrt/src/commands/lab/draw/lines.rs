//! One line for each series over numbers, its name at its end, with a whisker from the least to the greatest at each point.

use plotters::element::DashedPathElement;
use plotters::prelude::*;

use super::marks::{self, FAINT, INK, PAPER};
use super::scale::Scale;
use super::{CHARACTER, Error, LINE, WIDTH, characters, tick_label};
use crate::commands::lab::experiment::{Plot, Point, Series};

const HEIGHT: u32 = 380;
/// Beside the plot: room for the values of y, and above and below for the title and the values of x.
const LEFT: i32 = 90;
const TOP: i32 = 60;
const BOTTOM: i32 = 52;
const FONT: &str = "sans-serif";

/// The plot's corner and size within the picture, and its axes.
struct Frame {
    x: Scale,
    y: Scale,
    width: i32,
    height: i32,
}

impl Frame {
    fn place(&self, point: &Point, y: f64) -> (i32, i32) {
        let x = LEFT + (f64::from(self.width) * self.x.part(point.x)).round() as i32;
        (x, self.level(y))
    }

    fn level(&self, y: f64) -> i32 {
        TOP + self.height - (f64::from(self.height) * self.y.part(y)).round() as i32
    }
}

pub fn draw<'a>(plot: &Plot, svg: &'a mut String) -> Result<(), Error<'a>> {
    let longest = plot.series.iter().map(|series| characters(&series.label)).max().unwrap_or(0);
    let right = longest * CHARACTER + 40;
    let points = || plot.series.iter().flat_map(|series| &series.points);
    // A gap keeps the first and the last point off the frame.
    let frame = Frame {
        x: Scale::of_points(points().map(|point| point.x), plot.x.logarithmic),
        y: Scale::new(points().flat_map(|point| [point.low, point.y, point.high]), plot.y.logarithmic),
        width: WIDTH as i32 - LEFT - right,
        height: HEIGHT as i32 - TOP - BOTTOM,
    };
    let area = SVGBackend::with_string(svg, (WIDTH, HEIGHT)).into_drawing_area();
    area.fill(&PAPER)?;
    axes(plot, &frame, &area)?;
    for (index, series) in plot.series.iter().enumerate() {
        line(&frame, &area, index, series)?;
    }
    names(plot, &frame, &area)?;
    area.present()
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

/// Text of this size, of which the given side stands at its place.
pub fn text(size: i32, bold: bool, h: plotters::style::text_anchor::HPos) -> TextStyle<'static> {
    use plotters::style::text_anchor::{Pos, VPos};
    let style = if bold { FontStyle::Bold } else { FontStyle::Normal };
    // plotters counts a size with the line's height.
    (FONT, f64::from(size) * 1.24, style).into_font().color(&INK).pos(Pos::new(h, VPos::Center))
}

pub fn rule(from: (i32, i32), to: (i32, i32), colour: RGBColor, width: u32) -> PathElement<(i32, i32)> {
    PathElement::new(vec![from, to], colour.stroke_width(width))
}

fn axes<'a>(plot: &Plot, frame: &Frame, area: &Area<'a>) -> Result<(), Error<'a>> {
    use plotters::style::text_anchor::HPos;
    let bottom = TOP + frame.height;
    area.draw(&Text::new(plot.title.clone(), (16, 20), text(15, true, HPos::Left)))?;
    area.draw(&Text::new(plot.y.label.clone(), (16, 42), text(12, false, HPos::Left)))?;
    for tick in &frame.y.ticks {
        let y = frame.level(*tick);
        area.draw(&rule((LEFT, y), (LEFT + frame.width, y), FAINT, 1))?;
        area.draw(&Text::new(tick_label(plot.y.unit, *tick), (LEFT - 8, y), text(12, false, HPos::Right)))?;
    }
    for tick in &frame.x.ticks {
        let x = LEFT + (f64::from(frame.width) * frame.x.part(*tick)).round() as i32;
        area.draw(&rule((x, bottom), (x, bottom + 5), INK, 1))?;
        area.draw(&Text::new(
            tick_label(plot.x.unit, *tick),
            (x, bottom + 16),
            text(12, false, HPos::Center),
        ))?;
    }
    area.draw(&rule((LEFT, bottom), (LEFT + frame.width, bottom), INK, 1))?;
    let middle = LEFT + frame.width / 2;
    area.draw(&Text::new(plot.x.label.clone(), (middle, bottom + 36), text(12, false, HPos::Center)))
}

fn line<'a>(frame: &Frame, area: &Area<'a>, index: usize, series: &Series) -> Result<(), Error<'a>> {
    let colour = marks::series(index);
    let places: Vec<(i32, i32)> = series.points.iter().map(|point| frame.place(point, point.y)).collect();
    let style = colour.stroke_width(2);
    match marks::dash(index) {
        None => area.draw(&PathElement::new(places.clone(), style))?,
        Some((dash, gap)) => area.draw(&DashedPathElement::new(places.clone(), dash, gap, style))?,
    }
    for (point, place) in series.points.iter().zip(&places) {
        if point.high > point.low {
            area.draw(&rule(frame.place(point, point.low), frame.place(point, point.high), colour, 1))?;
        }
        marks::mark(area, index, *place)?;
    }
    Ok(())
}

/// The names at the ends of the lines, moved apart where those lie close together.
fn names<'a>(plot: &Plot, frame: &Frame, area: &Area<'a>) -> Result<(), Error<'a>> {
    use plotters::style::text_anchor::HPos;
    let ends = plot.series.iter().enumerate().filter_map(|(index, series)| {
        let last = series.points.last()?;
        Some((index, series, frame.place(last, last.y)))
    });
    let mut ends: Vec<_> = ends.collect();
    ends.sort_by_key(|(_, _, (_, y))| *y);
    let levels = apart(&ends.iter().map(|(_, _, (_, y))| *y).collect::<Vec<_>>(), TOP, TOP + frame.height);
    let x = LEFT + frame.width + 22;
    for ((index, series, end), y) in ends.iter().zip(levels) {
        area.draw(&rule((end.0 + 6, end.1), (x - 4, y), FAINT, 1))?;
        let colour = marks::series(*index);
        let style = text(12, false, HPos::Left).color(&colour);
        area.draw(&Text::new(series.label.clone(), (x, y), style))?;
    }
    Ok(())
}

/// Levels as near to the wanted ones, which ascend, as a line's height between them allows.
fn apart(wanted: &[i32], top: i32, bottom: i32) -> Vec<i32> {
    let mut levels = wanted.to_vec();
    let mut least = top;
    for level in &mut levels {
        *level = (*level).max(least);
        least = *level + LINE;
    }
    let mut most = bottom;
    for level in levels.iter_mut().rev() {
        *level = (*level).min(most);
        most = *level - LINE;
    }
    levels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_apart_and_in_the_frame() {
        assert_eq!(apart(&[100, 101, 102], 0, 300), [100, 116, 132]);
        assert_eq!(apart(&[299, 299], 0, 300), [284, 300]);
        assert_eq!(apart(&[10, 200], 0, 300), [10, 200]);
    }
}
