//! The exporters: one file each, from a plan or a graph to text or tokens.

pub mod cost;
mod derivatives;
pub mod docs;
pub mod dot;
#[cfg(feature = "draw")]
pub mod draw;
pub mod explain;
pub mod latex;
pub mod mermaid;
mod nest;
#[cfg(feature = "report")]
pub mod report;
pub mod rust;
pub mod summary;
pub mod svg;
pub mod trace;
mod write;
