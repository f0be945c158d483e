//! A finished picture.

use std::path::Path;

use crate::{Result, file};

/// A picture, as SVG: one page with a white background that needs no other file. Its text can be selected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    svg: String,
}

impl Figure {
    pub(super) fn new(svg: String) -> Self {
        Self { svg }
    }

    /// The picture as an SVG document.
    pub fn to_svg(&self) -> String {
        self.svg.clone()
    }

    /// Writes the picture to an SVG file. The file is replaced as a whole or not at all.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save_svg(&self, path: impl AsRef<Path>) -> Result<()> {
        file::save(path.as_ref(), self.svg.as_bytes())
    }
}

#[cfg(feature = "png")]
impl Figure {
    /// The picture as a PNG file's bytes, with this many pixels for one of the SVG's: 2 is sharp on most screens.
    ///
    /// # Errors
    /// If the scale is not positive, or the picture would have more than 2²⁸ pixels.
    pub fn to_png(&self, scale: f32) -> Result<Vec<u8>> {
        super::png::render(&self.svg, scale)
    }

    /// Writes the picture to a PNG file of twice the SVG's size. The file is replaced as a whole or not at all.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save_png(&self, path: impl AsRef<Path>) -> Result<()> {
        file::save(path.as_ref(), &self.to_png(2.0)?)
    }
}
