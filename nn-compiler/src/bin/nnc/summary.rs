//! `nnc summary`.

use nn_compiler::emit::cost;

use super::arguments::Chosen;
use super::input::plans;
use super::output::{Failure, Output};

pub(crate) fn run(model: &Chosen, out: &mut Output) -> Result<(), Failure> {
    for (number, plan) in plans(model)?.iter().enumerate() {
        out.text(if number > 0 { "\n" } else { "" })?;
        out.text(&cost::text(plan))?;
    }
    Ok(())
}
