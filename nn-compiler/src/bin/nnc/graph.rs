//! `nnc graph`.

use nn_compiler::build::Program;
use nn_compiler::emit::draw::{self, Options, Show, Theme};
use nn_compiler::emit::{dot, mermaid};
use nn_compiler::stages::stages;

use super::arguments::{Background, Drawing, Graph, Pass};
use super::input::plan;
use super::output::{Failure, Output};

pub(crate) fn run(arguments: &Graph, out: &mut Output) -> Result<(), Failure> {
    let mut program = plan(&arguments.model)?.program;
    let mut options = options(arguments);
    if let Some(pass) = &arguments.after {
        program.graph = after(&program, pass)?;
        // What a pass leaves has its adjoints among its values.
        options.show = Show::Forward;
    }
    match arguments.format {
        Drawing::Dot => out.text(&dot::text(&program)),
        Drawing::Mermaid => out.text(&mermaid::text(&program)),
        Drawing::Svg => out.bytes(draw::svg(&program, &options).as_bytes()),
        Drawing::Png => {
            let pixels = draw::png(&program, &options, arguments.scale);
            out.bytes(&pixels.map_err(Failure::Said)?)
        }
    }
}

/// The graph that a pass leaves, the last time that it runs.
fn after(program: &Program, pass: &str) -> Result<nn_compiler::graph::Graph, Failure> {
    let stages = stages(program).map_err(|errors| {
        let facts: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
        Failure::Said(facts.join("; "))
    })?;
    let mut names: Vec<&str> = stages.iter().map(|stage| stage.name).collect();
    names.sort_unstable();
    names.dedup();
    let unknown = format!("there is no pass `{pass}`, but `{}`", names.join("`, `"));
    let stage = stages.into_iter().rev().find(|stage| stage.name == pass);
    stage.map(|stage| stage.graph).ok_or(Failure::Said(unknown))
}

fn options(arguments: &Graph) -> Options {
    Options {
        show: match arguments.show {
            Pass::Forward => Show::Forward,
            Pass::Backward => Show::Backward,
            Pass::Both => Show::Both,
        },
        theme: match arguments.theme {
            None => Theme::Page,
            Some(Background::Light) => Theme::Light,
            Some(Background::Dark) => Theme::Dark,
        },
        most: arguments.most,
        ..Options::default()
    }
}
