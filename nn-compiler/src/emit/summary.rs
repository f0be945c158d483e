//! stub
pub fn text(_: &crate::schedule::Plan) -> String { String::new() }
