//! What tells series apart: a shape, a pattern of the line and, for who sees it, a colour.

use plotters::prelude::*;
use plotters::style::RGBColor;

/// Colours of series, ink, faint lines and paper: plotters knows fixed colours only, so these stand for variables, by which they are
/// replaced in what it has drawn.
pub const fn series(index: usize) -> RGBColor {
    RGBColor(1, 0, (index % SERIES) as u8)
}
pub const INK: RGBColor = RGBColor(2, 0, 0);
pub const FAINT: RGBColor = RGBColor(2, 0, 1);
pub const PAPER: RGBColor = RGBColor(2, 0, 2);

const SERIES: usize = 8;

/// Name, in the light, in the dark. Okabe and Ito's palette, which those who confuse red and green tell apart too, darkened or
/// lightened until it stands out from the paper.
const VARIABLES: [(&str, &str, &str); SERIES + 3] = [
    ("--series-0", "#0060a0", "#5ab4f0"),
    ("--series-1", "#b84a00", "#f08c3c"),
    ("--series-2", "#00785a", "#34c89c"),
    ("--series-3", "#a03c78", "#e08cbc"),
    ("--series-4", "#6a5a00", "#dcc83c"),
    ("--series-5", "#505050", "#b4b4b4"),
    ("--series-6", "#5a3cb4", "#aa96ff"),
    ("--series-7", "#a01414", "#ff7878"),
    ("--ink", "#1c1c1c", "#e6e6e6"),
    ("--faint", "#d4d4d4", "#444444"),
    ("--paper", "#ffffff", "#16181c"),
];

/// Sets the variables for what `selector` selects.
pub fn style(selector: &str) -> String {
    let set = |pick: fn(&(&'static str, &'static str, &'static str)) -> &'static str| {
        VARIABLES.iter().map(|it| format!("{}:{};", it.0, pick(it))).collect::<String>()
    };
    format!(
        "{selector}{{{}}}@media(prefers-color-scheme:dark){{{selector}{{{}}}}}",
        set(|it| it.1),
        set(|it| it.2)
    )
}

/// Each drawn element has one colour, so that one `style` is enough.
pub fn in_variables(svg: &str) -> String {
    let stand_ins = (0..SERIES).map(series).chain([INK, FAINT, PAPER]);
    stand_ins.zip(VARIABLES).fold(svg.to_owned(), |svg, (RGBColor(r, g, b), (name, ..))| {
        let mut svg = svg;
        for attribute in ["fill", "stroke"] {
            let fixed = format!("{attribute}=\"#{r:02X}{g:02X}{b:02X}\"");
            svg = svg.replace(&fixed, &format!("style=\"{attribute}:var({name})\""));
        }
        svg
    })
}

/// Lengths of dash and gap; a line without gaps for the first.
pub const fn dash(index: usize) -> Option<(i32, i32)> {
    match index % 4 {
        0 => None,
        1 => Some((8, 4)),
        2 => Some((2, 3)),
        _ => Some((12, 3)),
    }
}

/// The shape of a series, about a place.
pub fn mark<DB: DrawingBackend>(
    area: &DrawingArea<DB, plotters::coord::Shift>,
    index: usize,
    (x, y): (i32, i32),
) -> Result<(), DrawingAreaErrorKind<DB::ErrorType>> {
    let colour = series(index);
    let filled = colour.filled();
    let line = colour.stroke_width(2);
    const R: i32 = 5;
    match index % SERIES {
        0 => area.draw(&Circle::new((x, y), 4, filled)),
        1 => area.draw(&Polygon::new(vec![(x - R, y + 4), (x + R, y + 4), (x, y - R)], filled)),
        2 => area.draw(&Rectangle::new([(x - 4, y - 4), (x + 4, y + 4)], filled)),
        3 => area.draw(&Polygon::new(vec![(x - R, y), (x, y - R), (x + R, y), (x, y + R)], filled)),
        4 => {
            area.draw(&PathElement::new(vec![(x - 4, y - 4), (x + 4, y + 4)], line))?;
            area.draw(&PathElement::new(vec![(x - 4, y + 4), (x + 4, y - 4)], line))
        }
        5 => area.draw(&Circle::new((x, y), 4, colour.stroke_width(2))),
        6 => area.draw(&Polygon::new(vec![(x - R, y - 4), (x + R, y - 4), (x, y + R)], filled)),
        _ => {
            area.draw(&PathElement::new(vec![(x - R, y), (x + R, y)], line))?;
            area.draw(&PathElement::new(vec![(x, y - R), (x, y + R)], line))
        }
    }
}
