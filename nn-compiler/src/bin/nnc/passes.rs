//! `nnc passes`.

use nn_compiler::stages::{Stage, changes, stages};

use super::arguments::Chosen;
use super::input::Input;
use super::output::{Failure, Output};
use super::{input, report};

pub(crate) fn run(model: &Chosen, out: &mut Output) -> Result<(), Failure> {
    for plan in input::plans(model)? {
        let stages = stages(&plan.program).map_err(|errors| {
            if let Ok(input) = Input::read(&model.input) {
                report::mistakes(&input.origin, &input.text, &errors);
            }
            Failure::Reported
        })?;
        out.text(&format!("{}\n", plan.program.model.name))?;
        let width = stages.iter().map(|stage| stage.name.len()).max().unwrap_or(0);
        let count = |stage: &Stage| stage.operations().values().sum::<usize>();
        for (number, stage) in stages.iter().enumerate() {
            let (name, operations) = (stage.name, count(stage));
            let change = match number {
                0 => String::new(),
                _ => changes(&stages[number - 1], stage)
                    .iter()
                    .map(|(op, change)| format!("{change:+} {op}"))
                    .collect::<Vec<_>>()
                    .join(", "),
            };
            let line = format!("  {name:width$}  {operations:5} operations  {change}");
            out.text(&format!("{}\n", line.trim_end()))?;
        }
    }
    Ok(())
}
