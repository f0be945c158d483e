//! `nnc check`.

use super::input::Input;
use super::output::{Failure, Output};
use super::report;

pub(crate) fn run(arguments: &[String], out: &mut Output) -> Result<(), Failure> {
    let mut failed = false;
    for argument in arguments {
        let input = match Input::read(argument) {
            Ok(input) => input,
            Err(Failure::Reported) => {
                failed = true;
                continue;
            }
            Err(failure) => return Err(failure),
        };
        match input.compile() {
            Ok(plans) => {
                for plan in plans {
                    let model = &plan.program.model;
                    let count = model.param_count();
                    out.text(&format!("{}: {}: {count} trainable parameters\n", input.origin, model.name))?;
                }
            }
            Err(errors) => {
                report::mistakes(&input.origin, &input.text, &errors);
                failed = true;
            }
        }
    }
    if failed { Err(Failure::Reported) } else { Ok(()) }
}
