//! What the command line takes.

use std::path::PathBuf;

use clap::{Args, ColorChoice, Parser, Subcommand, ValueEnum};

const ABOUT: &str = "\
What the compiler behind nn_model! makes of a model.

A MODEL is a formula, such as 'y = sigmoid(x1*w1 + x2*w2 + b)', or a file: of models, or a Rust source file whose
nn_model! calls are found. `-` reads from standard input.";

const EXAMPLES: &str = "\
Examples:
  nnc explain 'y = sigmoid(x1*w1 + x2*w2 + b)'
  nnc explain --at x1=2,x2=3,target=1,w1=0.5 'y = x1*w1 + x2*w2'
  nnc graph --format svg -o graph.svg src/main.rs --model Jet
  nnc report -o report.html src/main.rs --model Jet
  nnc emit src/main.rs | less
  nnc check models/*.nn

Exit status: 0 if all is well, 1 if a model has mistakes, 2 if something else went wrong.";

/// The whole command line.
#[derive(Parser)]
#[command(name = "nnc", version, about = ABOUT, after_help = EXAMPLES, max_term_width = 100)]
pub(crate) struct Arguments {
    /// Writes to a file, which is replaced as a whole or not at all
    #[arg(short, long, global = true, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// When to colour what is written to a terminal
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    pub(crate) color: Color,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What `--color` takes.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

impl Color {
    pub(crate) fn write_global(self) {
        let choice = match self {
            Self::Auto => ColorChoice::Auto,
            Self::Always => ColorChoice::Always,
            Self::Never => ColorChoice::Never,
        };
        let choice = match choice {
            ColorChoice::Auto => anstream::ColorChoice::Auto,
            ColorChoice::Always => anstream::ColorChoice::Always,
            ColorChoice::Never => anstream::ColorChoice::Never,
        };
        choice.write_global();
    }
}

/// A model, and which one of several.
#[derive(Args)]
pub(crate) struct Chosen {
    /// A formula, a file, or `-`
    #[arg(value_name = "MODEL")]
    pub(crate) input: String,
    /// The name of the model, where there are several; all of them otherwise
    #[arg(short, long, value_name = "NAME")]
    pub(crate) model: Option<String>,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Checks models, with the messages of the macro
    Check {
        /// Formulas, files, or `-`
        #[arg(required = true, value_name = "MODEL")]
        models: Vec<String>,
    },
    /// Writes the formulas, each local derivative and the chain rule
    Explain(Explain),
    /// Draws the graph
    Graph(Graph),
    /// Writes a page about a model: its drawing, each step of forward and backward pass with numbers, the emitted code
    Report {
        #[command(flatten)]
        model: Chosen,
    },
    /// Prints the Rust that is emitted
    Emit {
        #[command(flatten)]
        model: Chosen,
    },
    /// Shows what each pass of the compiler changed
    Passes {
        #[command(flatten)]
        model: Chosen,
    },
    /// Prints what each layer costs: parameters, operations, memory
    Summary {
        #[command(flatten)]
        model: Chosen,
    },
    /// Compares two models
    Diff {
        /// The one
        before: String,
        /// The other
        after: String,
    },
    /// Makes a crate around a model, which builds and trains
    New(New),
    /// Prints completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Prints the manual page
    Man,
}

#[derive(Args)]
pub(crate) struct Explain {
    #[command(flatten)]
    pub(crate) model: Chosen,
    /// The format
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// Numbers of one example: its values, local derivatives and gradients are shown, beside finite differences.
    /// Tensors take several numbers, as in `x=1:2:3`; parameters that are left out come from their initialisers
    #[arg(long, value_name = "NAME=NUMBER,…", value_delimiter = ',')]
    pub(crate) at: Vec<String>,
}

/// What `nnc explain` writes.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Text,
    Markdown,
    Latex,
    Html,
}

#[derive(Args)]
pub(crate) struct Graph {
    #[command(flatten)]
    pub(crate) model: Chosen,
    /// The format
    #[arg(short, long, value_enum, default_value_t = Drawing::Dot)]
    pub(crate) format: Drawing,
    /// The graph after this pass of the compiler, forward and backward in one; `nnc passes` lists them
    #[arg(long, value_name = "PASS")]
    pub(crate) after: Option<String>,
    /// What an SVG or PNG shows
    #[arg(long, value_enum, default_value_t = Pass::Both)]
    pub(crate) show: Pass,
    /// The background of an SVG or PNG; an SVG follows the page around it unless this is given
    #[arg(long, value_enum)]
    pub(crate) theme: Option<Background>,
    /// A graph of more boxes than this is put together in an SVG or PNG: calls, rounds of loops, long chains
    #[arg(long, value_name = "BOXES", default_value_t = 40)]
    pub(crate) most: usize,
    /// Pixels of a PNG for each unit of the SVG
    #[arg(long, value_name = "FACTOR", default_value_t = 2.0)]
    pub(crate) scale: f32,
}

/// What `nnc graph` writes.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Drawing {
    Dot,
    Mermaid,
    Svg,
    Png,
}

/// What `--show` takes.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Pass {
    Forward,
    Backward,
    Both,
}

/// What `--theme` takes.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Background {
    Light,
    Dark,
}

#[derive(Args)]
pub(crate) struct New {
    /// The folder of the new crate, whose last part is its name
    pub(crate) path: PathBuf,
    /// A formula, a file, or `-`
    #[arg(
        value_name = "MODEL",
        default_value = "y = sigmoid(x1*w1 + x2*w2 + b); loss binary_cross_entropy(y, target)"
    )]
    pub(crate) model: String,
    /// A folder with the runtime crate, in the place of the one on crates.io
    #[arg(long, value_name = "FOLDER")]
    pub(crate) runtime: Option<PathBuf>,
}
