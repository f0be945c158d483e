//! The few elements of SVG that figures are made of.
//!
//! Why not a plotting library: the lines of kuva are fine, but its matrices have black numbers on dark fields and no
//! names, its files no view box, so that they don't scale, and it brings calendars and sixty other kinds of plots.

use std::collections::BTreeMap;
use std::fmt::Write;

/// Figures are as large as that in CSS pixels, unless they hold several charts.
pub(super) const WIDTH: f64 = 640.0;
pub(super) const HEIGHT: f64 = 440.0;

/// Sizes of text in pixels: still readable at half the size.
pub(super) const TITLE: f64 = 17.0;
pub(super) const LABEL: f64 = 15.0;
pub(super) const TICK: f64 = 14.0;

pub(super) const INK: &str = "#222222";
pub(super) const GRID: &str = "#dddddd";

/// The colours of series, by Okabe and Ito (2008), which people with any kind of colour vision tell apart: without
/// yellow, which is too light for lines on white.
pub(super) const COLORS: [&str; 7] =
    ["#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9", "#000000"];

/// The colour of a series or class.
pub(super) fn color(index: usize) -> &'static str {
    COLORS[index % COLORS.len()]
}

/// A colour mixed with white: 0 is white, 1 the colour. Colours are written `#rrggbb`.
pub(super) fn tint(color: &str, strength: f64) -> String {
    let channel = |at: usize| {
        let value = color.get(at..at + 2).and_then(|hex| u8::from_str_radix(hex, 16).ok()).unwrap_or(0);
        (255.0 - (255.0 - f64::from(value)) * strength.clamp(0.0, 1.0)).round() as u8
    };
    format!("#{:02x}{:02x}{:02x}", channel(1), channel(3), channel(5))
}

/// A rectangle of the figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Area {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Area {
    pub(super) fn right(self) -> f64 {
        self.left + self.width
    }

    pub(super) fn bottom(self) -> f64 {
        self.top + self.height
    }

    pub(super) fn middle(self) -> (f64, f64) {
        (self.left + self.width / 2.0, self.top + self.height / 2.0)
    }
}

/// Which point of a text is where it is put.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// An SVG document that is being written. All coordinates are rounded to hundredths of a pixel.
pub(super) struct Svg {
    text: String,
    clips: usize,
}

impl Svg {
    /// A white page of this size. Text is found in the fonts of whoever looks at it.
    pub(super) fn new(width: f64, height: f64, title: &str) -> Self {
        let (width, height) = (number(width), number(height));
        let mut text = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} \
             {height}\" role=\"img\" font-family=\"'DejaVu Sans', Verdana, Helvetica, Arial, sans-serif\" \
             fill=\"{INK}\">\n"
        );
        // Writing to a string cannot fail, here and below.
        let _ = writeln!(text, "<title>{}</title>", escape(title));
        let _ = writeln!(text, "<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>");
        Self { text, clips: 0 }
    }

    pub(super) fn finish(mut self) -> String {
        self.text.push_str("</svg>\n");
        self.text
    }

    /// Clips what is drawn until [`end_clip`](Self::end_clip) to an area.
    pub(super) fn clip(&mut self, area: Area) {
        self.clips += 1;
        let Area { left, top, width, height } = area;
        let _ = writeln!(
            self.text,
            "<clipPath id=\"clip{0}\"><rect {1}/></clipPath>\n<g clip-path=\"url(#clip{0})\">",
            self.clips,
            attributes(&[("x", left), ("y", top), ("width", width), ("height", height)])
        );
    }

    pub(super) fn end_clip(&mut self) {
        self.text.push_str("</g>\n");
    }

    pub(super) fn rect(&mut self, area: Area, fill: &str) {
        let Area { left, top, width, height } = area;
        let _ = writeln!(
            self.text,
            "<rect {} fill=\"{fill}\"/>",
            attributes(&[("x", left), ("y", top), ("width", width), ("height", height)])
        );
    }

    /// Rectangles that touch, without seams between them.
    pub(super) fn tiles(&mut self, tiles: impl IntoIterator<Item = (Area, String)>) {
        self.text.push_str("<g shape-rendering=\"crispEdges\">\n");
        tiles.into_iter().for_each(|(area, fill)| self.rect(area, &fill));
        self.text.push_str("</g>\n");
    }

    /// Pixels in rows of `columns`, each of a colour. Those of one colour are one path, and white is left out.
    pub(super) fn raster(&mut self, area: Area, columns: usize, colors: &[String]) {
        let mut paths: BTreeMap<&str, String> = BTreeMap::new();
        for (row, colors) in colors.chunks(columns).enumerate() {
            let mut column = 0;
            for run in colors.chunk_by(|a, b| a == b) {
                let (len, color) = (run.len(), run[0].as_str());
                if color != "#ffffff" {
                    let path = paths.entry(color).or_default();
                    let _ = write!(path, "M{column} {row}h{len}v1h-{len}z");
                }
                column += len;
            }
        }
        let (left, top) = (number(area.left), number(area.top));
        // Not rounded to hundredths, which would add up to pixels.
        let scale = area.width / columns as f64;
        let _ = writeln!(
            self.text,
            "<g transform=\"translate({left} {top}) scale({scale})\" shape-rendering=\"crispEdges\">"
        );
        for (color, path) in paths {
            let _ = writeln!(self.text, "<path d=\"{path}\" fill=\"{color}\"/>");
        }
        self.text.push_str("</g>\n");
    }

    /// A line through points; `dash` is "" for a solid one.
    pub(super) fn line(&mut self, points: &[(f64, f64)], stroke: &str, width: f64, dash: &str) {
        let dash = if dash.is_empty() { String::new() } else { format!(" stroke-dasharray=\"{dash}\"") };
        let _ = writeln!(
            self.text,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{stroke}\" stroke-width=\"{}\" \
             stroke-linejoin=\"round\"{dash}/>",
            coordinates(points),
            number(width)
        );
    }

    pub(super) fn polygon(&mut self, points: &[(f64, f64)], fill: &str, opacity: f64) {
        let (points, opacity) = (coordinates(points), number(opacity));
        let _ =
            writeln!(self.text, "<polygon points=\"{points}\" fill=\"{fill}\" fill-opacity=\"{opacity}\"/>");
    }

    /// A dot with a white rim, so that dots which overlap can be told apart.
    pub(super) fn dot(&mut self, (x, y): (f64, f64), radius: f64, fill: &str, opacity: f64) {
        let _ = writeln!(
            self.text,
            "<circle {} fill=\"{fill}\" fill-opacity=\"{}\" stroke=\"#ffffff\" stroke-width=\"0.75\"/>",
            attributes(&[("cx", x), ("cy", y), ("r", radius)]),
            number(opacity)
        );
    }

    pub(super) fn text(&mut self, (x, y): (f64, f64), size: f64, anchor: Anchor, text: &str) {
        self.styled_text((x, y), size, anchor, "", text);
    }

    /// Text that reads upwards.
    pub(super) fn upward_text(&mut self, (x, y): (f64, f64), size: f64, anchor: Anchor, text: &str) {
        let style = format!(" transform=\"rotate(-90 {} {})\"", number(x), number(y));
        self.styled_text((x, y), size, anchor, &style, text);
    }

    pub(super) fn bold_text(&mut self, at: (f64, f64), size: f64, text: &str) {
        self.styled_text(at, size, Anchor::Middle, " font-weight=\"bold\"", text);
    }

    pub(super) fn colored_text(&mut self, at: (f64, f64), size: f64, fill: &str, text: &str) {
        self.styled_text(at, size, Anchor::Middle, &format!(" fill=\"{fill}\""), text);
    }

    fn styled_text(&mut self, (x, y): (f64, f64), size: f64, anchor: Anchor, style: &str, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let _ = writeln!(
            self.text,
            "<text {} text-anchor=\"{anchor}\"{style}>{}</text>",
            attributes(&[("x", x), ("y", y), ("font-size", size)]),
            escape(text)
        );
    }
}

/// About how wide a text is; as much as most are in `DejaVu Sans`, the widest of the fonts.
pub(super) fn text_width(text: &str, size: f64) -> f64 {
    text.chars().count() as f64 * size * 0.6
}

/// The text, cut to fit into a width.
pub(super) fn fitted(text: &str, size: f64, width: f64) -> String {
    let room = (width / (size * 0.6)).floor().max(1.0) as usize;
    if text.chars().count() <= room {
        return text.to_owned();
    }
    let kept: String = text.chars().take(room.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// A coordinate in hundredths, without zeros at the end.
fn number(value: f64) -> String {
    let rounded = (value * 100.0).round() / 100.0;
    // Adding 0 makes -0 a 0.
    format!("{}", rounded + 0.0)
}

fn attributes(pairs: &[(&str, f64)]) -> String {
    let pairs: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{name}=\"{}\"", number(*value))).collect();
    pairs.join(" ")
}

fn coordinates(points: &[(f64, f64)]) -> String {
    let points: Vec<String> = points.iter().map(|(x, y)| format!("{},{}", number(*x), number(*y))).collect();
    points.join(" ")
}

/// Text as content of an element. Characters that XML does not have become spaces.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::{escape, fitted, number, tint};

    #[test]
    fn numbers_are_short_and_text_is_escaped() {
        assert_eq!([0.0, -0.001, 12.345_67, 3.0].map(number), ["0", "0", "12.35", "3"]);
        assert_eq!(escape("a<b & \u{1}c"), "a&lt;b &amp;  c");
    }

    #[test]
    fn colours_are_mixed_with_white() {
        assert_eq!(tint("#0072B2", 1.0), "#0072b2");
        assert_eq!(tint("#0072B2", 0.0), "#ffffff");
    }

    #[test]
    fn long_text_is_cut() {
        assert_eq!(fitted("setosa", 10.0, 100.0), "setosa");
        assert_eq!(fitted("iris versicolor", 10.0, 40.0), "iris…");
    }
}
