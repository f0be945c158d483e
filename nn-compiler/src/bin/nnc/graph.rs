//! `nnc graph`.

use nn_compiler::emit::draw::{self, Options, Show, Theme};
use nn_compiler::emit::{dot, mermaid};

use super::arguments::{Background, Drawing, Graph, Pass};
use super::input::plan;
use super::output::{Failure, Output};

pub(crate) fn run(arguments: &Graph, out: &mut Output) -> Result<(), Failure> {
    let program = plan(&arguments.model)?.program;
    match arguments.format {
        Drawing::Dot => out.text(&dot::text(&program)),
        Drawing::Mermaid => out.text(&mermaid::text(&program)),
        Drawing::Svg => out.bytes(draw::svg(&program, &options(arguments)).as_bytes()),
        Drawing::Png => {
            let pixels = draw::png(&program, &options(arguments), arguments.scale);
            out.bytes(&pixels.map_err(Failure::Said)?)
        }
    }
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
