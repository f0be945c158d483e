//! Random programs as emitted code: `cargo run -p nn-compiler --example emitted_programs -- 300`.
//!
//! Writes a crate with so many of the models that `tests/programs` draws (from another seed, if a second number is given;
//! into a folder that stays, if there is a third argument), in both precisions and in the layouts of tiles and of lanes,
//! with what the interpreter says of each: outputs, loss, gradients, what is pulled back. Builds it once, runs it, and
//! ends as it ends: the first difference prints the program.

#[allow(dead_code, reason = "the tests use all of it")]
#[path = "../../tests/programs/language.rs"]
mod language;
#[allow(dead_code, reason = "the tests use all of it")]
#[path = "../../tests/programs/values.rs"]
mod values;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs};

use nn_compiler::graph::{Graph, Root};
use nn_compiler::interpret::Bindings;
use nn_compiler::ops::Tensor;
use nn_compiler::schedule::Plan;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

use values::{How, bindings, compute};

/// A full tile of lanes in single precision, and a part of one.
const EXAMPLES: usize = 19;

/// Precision and layout of each program in turn.
const KINDS: [(&str, &str); 4] = [("f64", "tiles"), ("f32", "lanes"), ("f64", "lanes"), ("f32", "tiles")];

/// The manifest of the crate that is written.
fn manifest(runtime: &Path) -> String {
    format!(
        "[package]\nname = \"emitted\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
         [dependencies]\nnn-runtime = {{ path = '{}' }}\nserde_json = \"1.0\"\n\n\
         [profile.dev]\ndebug = \"line-tables-only\"\n[profile.dev.package.nn-runtime]\nopt-level = 3\n\
         [profile.dev.package.fearless_simd]\nopt-level = 3\n[profile.dev.package.ndarray]\nopt-level = 3\n\
         [profile.dev.package.emitted]\ndebug = false\n",
        runtime.display()
    )
}

/// The elements of some tensors, one after the other.
fn flat<'t>(tensors: impl IntoIterator<Item = &'t Tensor>) -> Vec<f64> {
    tensors.into_iter().flat_map(|tensor| tensor.iter().copied()).collect()
}

/// Those roots of a graph that `which` selects, example by example, and how far rounding to single precision moves them.
fn roots(graph: &Graph, bindings: &Bindings, which: impl Fn(Root) -> bool) -> (Vec<f64>, f64) {
    let rounded = How { rounded: true, ..How::default() };
    let [exact, rounded] = [How::default(), rounded].map(|how| {
        let values = compute(graph, bindings, how);
        let is_shared = |root: &Root| matches!(root, Root::Loss | Root::ParamGradient(_));
        let chosen: Vec<_> = graph.roots.iter().filter(|(root, _)| which(*root)).collect();
        let examples = if chosen.iter().all(|(root, _)| is_shared(root)) { 1 } else { EXAMPLES };
        let rows = (0..examples).flat_map(|example| {
            chosen.iter().flat_map(|(_, id)| values.of(*id, example).iter().copied()).collect::<Vec<f64>>()
        });
        rows.collect::<Vec<f64>>()
    });
    let moved = exact.iter().zip(&rounded).fold(0.0, |most: f64, (a, b)| most.max((a - b).abs()));
    (exact, moved)
}

/// What the emitted code has to say of a program, unless its values are too large or too sensitive for a comparison.
fn expected(plan: &Plan, seed: u64) -> Option<Value> {
    let model = &plan.program.model;
    let bindings = bindings(model, seed, EXAMPLES);
    let examples = &bindings.examples;
    let user = &plan.program.graph;
    let magnitude = compute(user, &bindings, How::default()).magnitude();
    let mut magnitudes = vec![magnitude];
    let mut moved: Vec<f64> = Vec::new();
    let mut rows = |graph: &Graph, which: &dyn Fn(Root) -> bool| {
        magnitudes.push(compute(graph, &bindings, How::default()).magnitude());
        let (exact, by) = roots(graph, &bindings, which);
        moved.push(by);
        exact
    };
    let outputs = rows(user, &|root| matches!(root, Root::Output(_)));
    let stable = nn_compiler::stable(&plan.program);
    let (mut loss, mut gradient) = (Vec::new(), Vec::new());
    if plan.training.is_some() {
        let graph = nn_compiler::grad::of_loss(&stable).ok()?;
        loss = rows(user, &|root| root == Root::Loss);
        gradient = rows(&graph, &|root| matches!(root, Root::ParamGradient(_)));
    }
    let (mut inputs, mut params) = (Vec::new(), Vec::new());
    if plan.pullback.is_ok() {
        let graph = nn_compiler::grad::of_outputs(&stable, plan.training.is_none()).ok()?;
        inputs = rows(&graph, &|root| matches!(root, Root::InputGradient(_)));
        if plan.training.is_none() {
            params = rows(&graph, &|root| matches!(root, Root::ParamGradient(_)));
            params = params.into_iter().map(|mean| mean * EXAMPLES as f64).collect();
        }
    }
    let most = magnitudes.into_iter().fold(1.0, f64::max);
    let sensitive = moved.into_iter().fold(0.0, f64::max);
    let bounds = json!({ "f64": 1e-12 * most * most, "f32": 1e-6 * most * most + 8.0 * sensitive });
    (most < 300.0 && sensitive < 1e-3).then(|| {
        json!({
            "examples": EXAMPLES,
            "bounds": bounds,
            "parameters": flat(&bindings.params),
            "inputs": flat(examples.iter().flat_map(|example| &example.inputs)),
            "targets": flat(examples.iter().flat_map(|example| &example.target)),
            "cotangents": flat(examples.iter().flat_map(|example| &example.cotangents)),
            "outputs": outputs,
            "loss": loss,
            "gradient": gradient,
            "input_gradient": inputs,
            "pulled_gradient": params,
        })
    })
}

/// Writes the crate; how many programs are in it.
fn write(folder: &Path, count: usize, seed: u64) -> Result<usize, Box<dyn Error>> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?;
    fs::create_dir_all(folder.join("src"))?;
    fs::write(folder.join("Cargo.toml"), manifest(&workspace.join("nn-runtime")))?;
    // The versions that everything else is built with.
    fs::copy(workspace.join("Cargo.lock"), folder.join("Cargo.lock"))?;
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed.to_le_bytes().repeat(4));
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let (mut modules, mut calls, mut written) = (String::new(), String::new(), 0);
    for number in 0.. {
        if written == count {
            break;
        }
        let recipe =
            language::recipes(10).new_tree(&mut runner).map_err(|reason| reason.to_string())?.current();
        let (dtype, layout) = KINDS[written % KINDS.len()];
        let heading = format!("#[layout({layout})] pub model M<{dtype}>");
        let text = language::source(&recipe, &heading, false);
        let compiled = nn_compiler::parse::source(text.parse()?).and_then(nn_compiler::compile);
        let Some(plan) = compiled.ok().and_then(|mut plans| plans.pop()) else { continue };
        let Some(expected) = expected(&plan, number + 1) else { continue };
        let name = format!("m{written}");
        modules.push_str(&format!("mod {name} {{ nn_runtime::nn_model! {{\n{text}}} }}\n"));
        fs::write(folder.join(format!("{name}.json")), serde_json::to_string(&expected)?)?;
        let mut kinds = vec!["forward"];
        kinds.extend(plan.training.is_some().then_some("training"));
        kinds.extend(plan.pullback.is_ok().then_some("pullback"));
        for kind in kinds {
            calls.push_str(&format!("    {kind}::<{name}::M>({name:?});\n"));
        }
        written += 1;
    }
    let source = format!("{}\n{modules}\nfn all() {{\n{calls}}}\n", include_str!("driver.rs.txt"));
    fs::write(folder.join("src/main.rs"), source)?;
    Ok(written)
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let number = |at: usize, other: u64| arguments.get(at).map_or(Ok(other), |text| text.parse::<u64>());
    let (count, seed) = (number(0, 100)?, number(1, 1)?);
    let temporary = tempfile::tempdir()?;
    let folder = arguments.get(2).map_or_else(|| temporary.path().to_owned(), PathBuf::from);
    let written = write(&folder, count as usize, seed)?;
    println!("{written} programs");
    let status = Command::new(env!("CARGO")).args(["run", "--offline"]).current_dir(&folder).status()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
