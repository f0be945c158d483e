//! Pictures of pixels, side by side.

use super::Figure;
use super::svg::{Anchor, Area, INK, Svg, TICK, TITLE, color, fitted, text_width, tint};

/// Pictures beside each other.
const COLUMNS: usize = 6;
/// The longer side of a picture, and what surrounds it.
const SIDE: f64 = 96.0;
const GAP: f64 = 18.0;
const LINE: f64 = 17.0;
/// Shades of a colour: more are not told apart, and each is a path.
const SHADES: f64 = 32.0;

/// Images of `[height, width]` pixels, row-major, each with a caption, whose lines `\n` separates.
///
/// White is 0, and the darkest shade is the largest magnitude of each image on its own. Where any value is negative, as
/// in the filters of a convolution, values above 0 are blue and those below vermilion.
///
/// # Panics
/// If an image has another number of pixels.
pub fn images(title: &str, size: [usize; 2], images: impl IntoIterator<Item = (String, Vec<f64>)>) -> Figure {
    let images: Vec<(String, Vec<f64>)> = images.into_iter().collect();
    let [rows, columns] = size.map(|pixels| pixels.max(1));
    let pixel = SIDE / rows.max(columns) as f64;
    let (width, height) = (pixel * columns as f64, pixel * rows as f64);
    let lines = images.iter().map(|(caption, _)| caption.lines().count()).max().unwrap_or(0);
    let across = images.len().clamp(1, COLUMNS);
    let widest = images.iter().flat_map(|(caption, _)| caption.lines()).map(|line| text_width(line, TICK));
    let cell = (widest.fold(width, f64::max).min(1.5 * SIDE) + GAP, height + LINE * lines as f64 + GAP);

    let page = (across as f64 * cell.0 + GAP).max(text_width(title, TITLE) * 1.1 + 2.0 * GAP);
    let left = (page - across as f64 * cell.0) / 2.0;
    let mut svg = Svg::new(page, 44.0 + images.len().div_ceil(across) as f64 * cell.1, title);
    svg.bold_text((page / 2.0, 28.0), TITLE, title);
    let is_signed = images.iter().flat_map(|(_, pixels)| pixels).any(|&value| value < 0.0);
    for (at, (caption, pixels)) in images.iter().enumerate() {
        assert_eq!(pixels.len(), size[0] * size[1], "pixels of an image");
        let middle = left + cell.0 * ((at % across) as f64 + 0.5);
        let top = 44.0 + cell.1 * (at / across) as f64;
        let area = Area { left: middle - width / 2.0, top, width, height };
        svg.raster(area, columns, &shades(pixels, is_signed));
        for (line, text) in caption.lines().enumerate() {
            let below = top + height + LINE * (line as f64 + 1.0) - 2.0;
            svg.text((middle, below), TICK, Anchor::Middle, &fitted(text, TICK, cell.0));
        }
    }
    Figure::new(svg.finish())
}

/// The colour of each pixel. What is no number is green.
fn shades(pixels: &[f64], is_signed: bool) -> Vec<String> {
    let magnitudes = pixels.iter().map(|value| value.abs()).filter(|value| value.is_finite());
    let most = magnitudes.fold(0.0, f64::max).max(f64::MIN_POSITIVE);
    let shade = |&value: &f64| {
        if !value.is_finite() {
            return color(2).to_owned();
        }
        let strength = (value / most * SHADES).round() / SHADES;
        let full = match (is_signed, strength < 0.0) {
            (false, _) => INK,
            (true, false) => color(0),
            (true, true) => color(1),
        };
        tint(full, strength.abs())
    };
    pixels.iter().map(shade).collect()
}

#[cfg(test)]
mod tests {
    use super::{images, shades};

    #[test]
    fn the_largest_magnitude_is_darkest() {
        assert_eq!(shades(&[0.0, 2.0, 1.0], false), ["#ffffff", "#222222", "#919191"]);
        assert_eq!(shades(&[-2.0, 2.0, f64::NAN], true), ["#d55e00", "#0072b2", "#009E73"]);
        assert_eq!(shades(&[0.0, 0.0], false), ["#ffffff", "#ffffff"]);
    }

    #[test]
    fn pixels_beside_each_other_are_one_stroke() {
        let image = vec![0.0, 1.0, 1.0, 1.0, 1.0, 0.0];
        let svg = images("Two rows", [2, 3], [("a bag\nfor a coat".to_owned(), image)]).to_svg();
        assert!(svg.contains("M1 0h2v1h-2zM0 1h2v1h-2z"), "{svg}");
        assert!(svg.contains("a bag") && svg.contains("for a coat"));
        assert_eq!(svg.matches("<path").count(), 1, "white is the page");
    }
}
