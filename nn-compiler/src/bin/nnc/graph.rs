//! `nnc graph`.

use nn_compiler::emit::dot;

use super::arguments::{Drawing, Graph};
use super::input::plan;
use super::output::{Failure, Output};

pub(crate) fn run(arguments: &Graph, out: &mut Output) -> Result<(), Failure> {
    let plan = plan(&arguments.model)?;
    match arguments.format {
        Drawing::Dot => out.text(&dot::text(&plan.program)),
    }
}
