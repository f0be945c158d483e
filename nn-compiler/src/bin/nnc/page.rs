//! `nnc report`.

use nn_compiler::emit::report;

use super::arguments::Chosen;
use super::input::plan_of;
use super::output::{Failure, Output};

pub(crate) fn run(chosen: &Chosen, out: &mut Output) -> Result<(), Failure> {
    let (plan, text) = plan_of(chosen)?;
    out.bytes(report::html(&plan, &text).as_bytes())
}
