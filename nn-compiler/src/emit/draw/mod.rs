//! Drawings of a graph, laid out by a library: the forward pass from left to right, and below it the way that the
//! chain rule takes back.
//!
//! [`scene`] says what is shown, `collapse` what is put together where that would be too much, `layout` and
//! `rows` where, and `svg` how.

mod collapse;
mod layout;
#[cfg(feature = "cli")]
mod png;
mod rows;
pub mod scene;
mod svg;

#[cfg(feature = "cli")]
pub use png::png;
pub use svg::svg;

/// Which part of the computation is drawn.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Show {
    /// The values, as the user wrote them.
    Forward,
    /// The adjoints: how the derivative of the loss comes back to the parameters.
    Backward,
    /// Both, the adjoints mirrored below the values. Without a loss, the values alone.
    #[default]
    Both,
}

/// The page that a drawing is made for.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Theme {
    /// Light or dark, as the reader has it set; a page overrules it with variables such as `--nn-ink`.
    #[default]
    Page,
    /// White.
    Light,
    /// Nearly black.
    Dark,
}

/// How a graph is drawn.
#[derive(Clone, PartialEq, Debug)]
pub struct Options {
    /// Which part.
    pub show: Show,
    /// For which page.
    pub theme: Theme,
    /// A graph of more boxes than this is put together: intermediates with what they are part of, then calls and
    /// rounds from the inside out, then long chains.
    pub most: usize,
    /// A drawing that is wider than so many pixels is broken into rows.
    pub width: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self { show: Show::Both, theme: Theme::Page, most: 40, width: 1500.0 }
    }
}
