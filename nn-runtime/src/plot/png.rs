//! From SVG to pixels.

use std::sync::Arc;

use resvg::{tiny_skia, usvg};

use crate::optim::InvalidSetting;
use crate::{Error, Result};

/// The name of the font that is built in, so that text looks the same on every machine.
const FONT: &str = "DejaVu Sans";

/// The most pixels of a picture: a gigabyte.
const PIXELS: f64 = (1 << 28) as f64;

pub(super) fn render(svg: &str, scale: f32) -> Result<Vec<u8>> {
    let mut fonts = usvg::fontdb::Database::new();
    fonts.load_font_data(dejavu::sans::regular().to_vec());
    fonts.load_font_data(dejavu::sans::bold().to_vec());
    fonts.set_sans_serif_family(FONT);
    let options =
        usvg::Options { font_family: FONT.to_owned(), fontdb: Arc::new(fonts), ..usvg::Options::default() };
    let failed = |what: String| Error::Picture { what };
    let tree = usvg::Tree::from_str(svg, &options).map_err(|error| failed(error.to_string()))?;

    let size = tree.size();
    let pixels = f64::from(size.width()) * f64::from(size.height()) * f64::from(scale).powi(2);
    if !(scale > 0.0 && pixels <= PIXELS) {
        let range = "above 0, and the picture of at most 2^28 pixels";
        return Err(InvalidSetting { setting: "scale of a picture", value: f64::from(scale), range }.into());
    }
    let (width, height) = ((size.width() * scale).ceil() as u32, (size.height() * scale).ceil() as u32);
    let mut pixels = tiny_skia::Pixmap::new(width.max(1), height.max(1))
        .ok_or_else(|| failed(format!("no memory for {width} × {height} pixels")))?;
    pixels.fill(tiny_skia::Color::WHITE);
    resvg::render(&tree, tiny_skia::Transform::from_scale(scale, scale), &mut pixels.as_mut());
    pixels.encode_png().map_err(|error| failed(error.to_string()))
}
