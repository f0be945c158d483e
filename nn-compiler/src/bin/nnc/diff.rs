//! `nnc diff`.

use anstyle::{AnsiColor, Style};
use nn_compiler::emit::{cost, explain};
use nn_compiler::schedule::Plan;
use similar::{ChangeTag, TextDiff};

use super::input::Input;
use super::output::{Failure, Output};

/// Lines of what is the same around each change.
const CONTEXT: usize = 2;

pub(crate) fn run(before: &str, after: &str, out: &mut Output) -> Result<(), Failure> {
    let (before, after) = (Input::read(before)?.plans()?, Input::read(after)?.plans()?);
    let (before, after) = (text(&before), text(&after));
    let diff = TextDiff::from_lines(&before, &after);
    for (number, group) in diff.grouped_ops(CONTEXT).iter().enumerate() {
        out.text(if number > 0 { "…\n" } else { "" })?;
        for change in group.iter().flat_map(|operation| diff.iter_changes(operation)) {
            let (sign, style) = match change.tag() {
                ChangeTag::Delete => ("-", AnsiColor::Red.on_default()),
                ChangeTag::Insert => ("+", AnsiColor::Green.on_default()),
                ChangeTag::Equal => (" ", Style::new()),
            };
            let line = change.value().trim_end_matches('\n');
            out.text(&format!("{style}{sign} {line}{style:#}\n"))?;
        }
    }
    Ok(())
}

/// What models cost and compute.
fn text(plans: &[Plan]) -> String {
    let texts: Vec<String> =
        plans.iter().map(|plan| format!("{}\n{}", cost::text(plan), explain::text(plan))).collect();
    texts.concat()
}
