//! A drawing as pixels, with letters of its own: the same on every machine.

use std::sync::Arc;

use resvg::{tiny_skia, usvg};

use super::{Options, Theme, svg};
use crate::build::Program;

/// The drawing as PNG, `scale` pixels for each of the SVG. On a page that may be light or dark it is light.
///
/// # Errors
/// If there is no image of that size: a scale of 0, or one of more pixels than fit into memory.
pub fn png(program: &Program, options: &Options, scale: f32) -> Result<Vec<u8>, String> {
    let theme = if options.theme == Theme::Dark { Theme::Dark } else { Theme::Light };
    let text = svg(program, &Options { theme, ..options.clone() });
    let mut fonts = usvg::fontdb::Database::new();
    fonts.load_font_data(dejavu::sans::regular().to_vec());
    let family = "DejaVu Sans";
    fonts.set_sans_serif_family(family);
    let settings =
        usvg::Options { fontdb: Arc::new(fonts), font_family: family.to_owned(), ..usvg::Options::default() };
    let tree = usvg::Tree::from_str(&text, &settings).map_err(|error| error.to_string())?;
    let (width, height) = (tree.size().width() * scale, tree.size().height() * scale);
    let mut pixels = tiny_skia::Pixmap::new(width.ceil() as u32, height.ceil() as u32)
        .ok_or_else(|| format!("there is no image of {width} by {height} pixels"))?;
    resvg::render(&tree, tiny_skia::Transform::from_scale(scale, scale), &mut pixels.as_mut());
    pixels.encode_png().map_err(|error| error.to_string())
}
