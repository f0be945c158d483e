//! `nnc`: what the compiler behind `nn_model!` makes of a model, on the command line.

mod arguments;
mod check;
mod diff;
mod emit;
mod explain;
mod graph;
mod input;
mod new;
mod output;
mod page;
mod passes;
mod report;
mod summary;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use arguments::{Arguments, Command};
use output::{Failure, Output};

fn main() -> ExitCode {
    let Arguments { output, color, command } = Arguments::parse();
    color.write_global();
    let mut out = Output::new(output);
    let done = run(command, &mut out).and_then(|()| out.finish());
    match done {
        // Closed: whoever reads the output has seen enough, as in `nnc emit … | head`.
        Ok(()) | Err(Failure::Closed) => ExitCode::SUCCESS,
        Err(Failure::Reported) => ExitCode::FAILURE,
        Err(Failure::Said(text)) => {
            anstream::eprintln!("{}", report::failure(&text));
            ExitCode::from(2)
        }
    }
}

fn run(command: Command, out: &mut Output) -> Result<(), Failure> {
    match command {
        Command::Check { models } => check::run(&models, out),
        Command::Explain(arguments) => explain::run(&arguments, out),
        Command::Graph(arguments) => graph::run(&arguments, out),
        Command::Report { model } => page::run(&model, out),
        Command::Emit { model } => emit::run(&model, out),
        Command::Passes { model } => passes::run(&model, out),
        Command::Summary { model } => summary::run(&model, out),
        Command::Diff { before, after } => diff::run(&before, &after, out),
        Command::New(arguments) => new::run(&arguments, out),
        Command::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "nnc", &mut text);
            out.bytes(&text)
        }
        Command::Man => {
            let mut text = Vec::new();
            clap_mangen::Man::new(Arguments::command())
                .render(&mut text)
                .map_err(|error| Failure::Said(error.to_string()))?;
            out.bytes(&text)
        }
    }
}
