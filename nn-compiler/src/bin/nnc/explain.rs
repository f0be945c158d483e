//! `nnc explain`.

use nn_compiler::emit::trace::trace;
use nn_compiler::emit::{explain, latex};
use nn_compiler::model::{Init, Model};
use nn_compiler::schedule::Plan;

use super::arguments::{Explain, Format};
use super::input::plans;
use super::output::{Failure, Output};

pub(crate) fn run(arguments: &Explain, out: &mut Output) -> Result<(), Failure> {
    let plans = plans(&arguments.model)?;
    if arguments.format == Format::Html {
        out.text(HEAD)?;
    }
    for (number, plan) in plans.iter().enumerate() {
        out.text(if number > 0 { "\n" } else { "" })?;
        let name = &plan.program.model.name;
        let numbers = if arguments.at.is_empty() { None } else { Some(numbers(plan, &arguments.at)?) };
        match arguments.format {
            Format::Text => out.text(&numbers.unwrap_or_else(|| explain::text(plan)))?,
            Format::Markdown => {
                out.text(&format!("# {name}\n\n$$\n{}$$\n\n", formulas(plan)))?;
                out.text(&format!("```text\n{}```\n", explain::text(plan)))?;
                if let Some(numbers) = numbers {
                    out.text(&format!("\n```text\n{numbers}```\n"))?;
                }
            }
            Format::Latex => out.text(&latex::text(plan))?,
            Format::Html => {
                let rest = numbers.unwrap_or_else(|| explain::text(plan));
                let formulas = mathml(&formulas(plan))?;
                out.text(&format!("<h1>{name}</h1>\n{formulas}\n<pre>{}</pre>\n", escaped(&rest)))?;
            }
        }
    }
    Ok(())
}

const HEAD: &str = "<!DOCTYPE html>\n<meta charset=\"utf-8\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
                    <title>nnc explain</title>\n";

/// The formulas as one environment that stands inside of displayed mathematics.
fn formulas(plan: &Plan) -> String {
    latex::text(plan)
        .replace("\\end{align*}\n\\begin{align*}\n", "\\\\[1em]\n")
        .replace("{align*}", "{aligned}")
        .replace("\n\\\\[1em]", " \\\\[1em]")
}

fn mathml(latex: &str) -> Result<String, Failure> {
    let storage = pulldown_latex::Storage::new();
    let parser = pulldown_latex::Parser::new(latex, &storage);
    let config = pulldown_latex::RenderConfig {
        display_mode: pulldown_latex::config::DisplayMode::Block,
        ..Default::default()
    };
    let mut out = String::new();
    pulldown_latex::push_mathml(&mut out, parser, config)
        .map_err(|error| Failure::Said(format!("the formulas can't be set: {error}")))?;
    Ok(out)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The trace of the example that `--at` describes.
fn numbers(plan: &Plan, at: &[String]) -> Result<String, Failure> {
    let model = &plan.program.model;
    let mut given = given(at)?;
    let mut take = |name: &str, count: usize, default: Option<Vec<f64>>| {
        let values = match given.iter().position(|(known, _)| known == name) {
            Some(place) => given.swap_remove(place).1,
            None => {
                default.ok_or_else(|| Failure::Said(format!("`--at` lacks `{name}`: {}", usage(model))))?
            }
        };
        if values.len() == count {
            return Ok(values);
        }
        let fact = format!("`{name}` has {count} numbers, not {}", values.len());
        Err(Failure::Said(format!("{fact}; several are written as `{name}=1:2:3`")))
    };
    let (mut inputs, mut params) = (Vec::new(), Vec::new());
    for input in &model.inputs {
        inputs.extend(take(&input.name.to_string(), input.shape.count(), None)?);
    }
    for (number, param) in model.params.iter().enumerate() {
        let count = param.shape.count();
        params.extend(take(&param.name, count, Some(initial(number, param.init, count)))?);
    }
    let target = match &model.target {
        Some(target) => take("target", target.shape().count(), None)?,
        None => Vec::new(),
    };
    if let Some((name, _)) = given.first() {
        return Err(Failure::Said(format!("there is no `{name}`: {}", usage(model))));
    }
    let trace = trace(&plan.program, &params, &inputs, &target);
    trace.map(|trace| trace.to_string()).map_err(|error| Failure::Said(error.to_string()))
}

fn given(at: &[String]) -> Result<Vec<(String, Vec<f64>)>, Failure> {
    let read = |text: &String| {
        let (name, numbers) = text.split_once('=')?;
        let numbers: Result<Vec<f64>, _> = numbers.split(':').map(|n| n.trim().parse::<f64>()).collect();
        Some((name.trim().to_owned(), numbers.ok()?))
    };
    let named = |text: &String| {
        read(text).ok_or_else(|| Failure::Said(format!("`{text}` is not of the form `name=number`")))
    };
    at.iter().map(named).collect()
}

fn usage(model: &Model) -> String {
    let inputs = model.inputs.iter().map(|input| input.name.to_string());
    let names: Vec<String> = inputs.chain(model.target.iter().map(|_| "target".to_owned())).collect();
    format!("give {}", names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "))
}

/// Numbers for a parameter that nobody gave: the constant of its initialiser, or moderate ones that are the same in every
/// run, and no two of them alike.
fn initial(number: usize, init: Init, count: usize) -> Vec<f64> {
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    match init {
        Init::Constant(value) => vec![value; count],
        _ => (1..=count).map(|i| ((i + 37 * number) as f64 * GOLDEN).fract() - 0.5).collect(),
    }
}
