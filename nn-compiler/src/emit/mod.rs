//! The exporters: one file each, from a plan or a graph to text or tokens.

pub mod cost;
pub mod docs;
pub mod dot;
pub mod explain;
pub mod latex;
pub mod rust;
pub mod summary;
pub mod svg;
pub mod trace;
mod write;
