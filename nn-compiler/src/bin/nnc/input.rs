//! Where models come from: a formula, a file of models, a Rust source file, standard input.

use std::io::Read;
use std::path::Path;
use std::{fs, io};

use nn_compiler::diag::Diagnostics;
use nn_compiler::schedule::Plan;
use proc_macro2::{TokenStream, TokenTree};

use super::arguments::Chosen;
use super::output::Failure;
use super::report;

/// Text with models in it.
pub(crate) struct Input {
    /// What messages call it.
    pub(crate) origin: String,
    /// The whole text, in which spans are places.
    pub(crate) text: String,
    /// What stands between the brackets of each `nn_model!`, or all of it.
    sources: Vec<TokenStream>,
}

impl Input {
    /// Reads what an argument names.
    pub(crate) fn read(argument: &str) -> Result<Self, Failure> {
        let path = Path::new(argument);
        let is_formula = argument.contains('=') && !path.exists();
        let (origin, text) = if argument == "-" {
            let mut text = String::new();
            io::stdin()
                .read_to_string(&mut text)
                .map_err(|error| Failure::Said(format!("cannot read standard input: {error}")))?;
            ("<stdin>".to_owned(), text)
        } else if is_formula {
            ("<formula>".to_owned(), argument.to_owned())
        } else {
            let text = fs::read_to_string(path).map_err(|error| {
                if error.kind() == io::ErrorKind::NotFound {
                    let help = "a formula has an equals sign, as in 'y = sigmoid(x*w + b)'";
                    return Failure::Said(format!("there is no file `{argument}`; {help}"));
                }
                Failure::io("read", path, &error)
            })?;
            (argument.to_owned(), text)
        };
        let tokens: TokenStream = match text.parse() {
            Ok(tokens) => tokens,
            Err(error) => {
                let fact =
                    "this can't be read: a bracket or a quote is not closed, or a character means nothing";
                let error = nn_compiler::diag::Diagnostic::new(error.span(), fact);
                report::mistakes(&origin, &text, &error.into());
                return Err(Failure::Reported);
            }
        };
        let mut sources = Vec::new();
        calls(tokens.clone(), &mut sources);
        if sources.is_empty() {
            if path.extension().is_some_and(|extension| extension == "rs") && !is_formula {
                return Err(Failure::Said(format!("there is no `nn_model!` in `{argument}`")));
            }
            sources.push(tokens);
        }
        Ok(Self { origin, text, sources })
    }

    /// All models, or all mistakes.
    pub(crate) fn compile(&self) -> Result<Vec<Plan>, Diagnostics> {
        let (mut plans, mut errors) = (Vec::new(), Diagnostics::default());
        for tokens in &self.sources {
            match nn_compiler::parse::source(tokens.clone()).and_then(nn_compiler::compile) {
                Ok(more) => plans.extend(more),
                Err(more) => errors.append(more),
            }
        }
        errors.finish(plans)
    }

    /// All models; their mistakes are reported.
    pub(crate) fn plans(&self) -> Result<Vec<Plan>, Failure> {
        self.compile().map_err(|errors| {
            report::mistakes(&self.origin, &self.text, &errors);
            Failure::Reported
        })
    }
}

/// The models that are asked for.
pub(crate) fn plans(chosen: &Chosen) -> Result<Vec<Plan>, Failure> {
    plans_in(&Input::read(&chosen.input)?, chosen)
}

fn plans_in(input: &Input, chosen: &Chosen) -> Result<Vec<Plan>, Failure> {
    let mut plans = input.plans()?;
    if let Some(name) = &chosen.model {
        let names: Vec<String> = plans.iter().map(|plan| plan.program.model.name.to_string()).collect();
        plans.retain(|plan| plan.program.model.name == name);
        if plans.is_empty() {
            let known = names.join("`, `");
            return Err(Failure::Said(format!(
                "there is no model `{name}` in {}, but `{known}`",
                input.origin
            )));
        }
    }
    Ok(plans)
}

/// The only model that is asked for.
pub(crate) fn plan(chosen: &Chosen) -> Result<Plan, Failure> {
    plan_of(chosen).map(|(plan, _)| plan)
}

/// The only model that is asked for, and the text that it stands in.
pub(crate) fn plan_of(chosen: &Chosen) -> Result<(Plan, String), Failure> {
    let input = Input::read(&chosen.input)?;
    let mut plans = plans_in(&input, chosen)?;
    if plans.len() > 1 {
        let names: Vec<String> = plans.iter().map(|plan| plan.program.model.name.to_string()).collect();
        let fact = format!("there are several models: `{}`", names.join("`, `"));
        return Err(Failure::Said(format!("{fact}; choose one with `--model {}`", names[0])));
    }
    let plan = plans.pop().ok_or_else(|| Failure::Said("there is no model".to_owned()))?;
    Ok((plan, input.text))
}

/// What stands between the brackets of every `nn_model!`, however deep in other code.
fn calls(tokens: TokenStream, found: &mut Vec<TokenStream>) {
    let mut before = [false; 2];
    for tree in tokens {
        let [is_named, is_called] = before;
        before = match &tree {
            TokenTree::Ident(name) => [name == "nn_model", false],
            TokenTree::Punct(sign) if sign.as_char() == '!' && is_named => [false, true],
            TokenTree::Group(group) => {
                if is_called {
                    found.push(group.stream());
                } else {
                    calls(group.stream(), found);
                }
                [false; 2]
            }
            _ => [false; 2],
        };
    }
}
