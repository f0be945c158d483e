//! Zeros of both signs, subnormal, large and infinite numbers and NaN through every pointwise operation: emitted code in
//! tiles and in lanes, in both precisions and at every SIMD level, says what the interpreter says.

use nn_compiler::graph::Root;
use nn_compiler::interpret::{Bindings, Example, evaluate};
use nn_runtime::kernels::{Level, Real, with_level};
use nn_runtime::model::{Batch, Inspect};

/// The same outputs in a layout and a precision, each of one operation.
macro_rules! special {
    ($module:ident, $layout:ident, $dtype:ident) => {
        mod $module {
            nn_runtime::nn_model! {
                #[layout($layout)]
                pub model Special<$dtype>(x, z) -> (
                    plus, minus, times, over, negative, larger, smaller, power, square, cube, inverse, root, constant,
                    magnitude, direction, positive, leaky, bounded, exponential, natural, sine, cosine, hyperbolic,
                    logistic, soft, swish, gaussian, error, unit, above, below, least, most, equal, different, chosen,
                    stopped
                ) {
                    plus = x + z;
                    minus = x - z;
                    times = x * z;
                    over = x / z;
                    negative = -x;
                    larger = max(x, z);
                    smaller = min(x, z);
                    power = x^z;
                    square = x^2;
                    cube = x^3;
                    inverse = x^-1;
                    root = sqrt(x);
                    constant = x^0;
                    magnitude = abs(x);
                    direction = sign(x);
                    positive = relu(x);
                    leaky = leaky_relu(x, 0.1);
                    bounded = clamp(x, -1, 2);
                    exponential = exp(x);
                    natural = log(x);
                    sine = sin(x);
                    cosine = cos(x);
                    hyperbolic = tanh(x);
                    logistic = sigmoid(x);
                    soft = softplus(x);
                    swish = silu(x);
                    gaussian = gelu(x);
                    error = erf(x);
                    unit = elu(x, 0.7);
                    above = select(x > z, 1, 0);
                    below = select(x < z, 1, 0);
                    least = select(x >= z, 1, 0);
                    most = select(x <= z, 1, 0);
                    equal = select(x == z, 1, 0);
                    different = select(x != z, 1, 0);
                    chosen = select(x, z, 3);
                    stopped = stop_gradient(x) * 1;
                }
            }
        }
    };
}

special!(tiles_f32, tiles, f32);
special!(tiles_f64, tiles, f64);
special!(lanes_f32, lanes, f32);
special!(lanes_f64, lanes, f64);

/// The grid, of which every pair is tried.
fn grid<T: Real>() -> Vec<f64> {
    let subnormal = T::MIN_POSITIVE.to_f64() / 64.0;
    let large = if T::LANES == 16 { 1e30 } else { 1e300 };
    let positive = [0.0, subnormal, 0.5, 1.0, 2.0, 100.0, large, f64::INFINITY];
    // As the precision has them.
    let rounded = positive.map(|x| T::from_f64(x).to_f64());
    rounded.iter().flat_map(|&x| [x, -x]).chain([f64::NAN]).collect()
}

/// Whether a number is the right one: the same special one, or as close as the precision allows. Of numbers below the
/// smallest normal one only the magnitude counts.
fn agrees<T: Real>(name: &str, found: T, expected: f64) -> bool {
    // What is left of 1 + erf(x) has lost digits for negative x.
    let least = if name == "gaussian" { 1.0 } else { 0.0 };
    let (found, rounded) = (found.to_f64(), T::from_f64(expected).to_f64());
    let tolerance = 8.0 * T::EPSILON.to_f64() * rounded.abs().max(least) + 2.0 * T::MIN_POSITIVE.to_f64();
    found == rounded || (found.is_nan() && rounded.is_nan()) || (found - rounded).abs() <= tolerance
}

fn check<M: Inspect>(what: &str) -> Vec<String>
where
    M::Scalar: Real,
{
    let tokens = M::SOURCE.parse().expect("the source is tokens");
    let programs = nn_compiler::parse::source(tokens).and_then(nn_compiler::compile);
    let graph = programs.unwrap_or_else(|errors| panic!("{errors:?}")).remove(0).program.graph;
    let grid = grid::<M::Scalar>();
    let pairs: Vec<[f64; 2]> = grid.iter().flat_map(|&x| grid.iter().map(move |&z| [x, z])).collect();
    let inputs: Vec<M::Scalar> = pairs.iter().flatten().map(|&x| M::Scalar::from_f64(x)).collect();
    let example = |pair: &[f64; 2]| Example {
        inputs: pair.iter().map(|&x| ndarray::arr0(x).into_dyn()).collect(),
        ..Example::default()
    };
    let bindings = Bindings { params: Vec::new(), examples: pairs.iter().map(example).collect() };
    let values = evaluate(&graph, &bindings);
    let mut wrong = Vec::new();
    for level in Level::available() {
        let outputs = with_level(level, || {
            let mut outputs = vec![M::Scalar::ZERO; pairs.len() * M::OUTPUT_LEN];
            let mut workspace = vec![M::Scalar::NAN; M::FORWARD_WORKSPACE];
            M::new(1).forward(&Batch::inputs(&inputs, M::INPUT_LEN), &mut outputs, &mut workspace);
            outputs
        });
        for (position, output) in M::OUTPUTS.iter().enumerate() {
            let id = graph.root(Root::Output(position)).expect("every output is there");
            for (row, [x, z]) in pairs.iter().enumerate() {
                let found = outputs[row * M::OUTPUT_LEN + position];
                let expected = values.example(id, row)[[]];
                if !agrees(output.name, found, expected) {
                    let name = output.name;
                    wrong.push(format!(
                        "{what} {level:?}: {name} of {x:e}, {z:e} is {found:e}, not {expected:e}"
                    ));
                }
            }
        }
    }
    wrong
}

#[test]
fn special_values_are_the_same_in_every_stage() {
    let wrong = [
        check::<tiles_f32::Special>("tiles f32"),
        check::<tiles_f64::Special>("tiles f64"),
        check::<lanes_f32::Special>("lanes f32"),
        check::<lanes_f64::Special>("lanes f64"),
    ]
    .concat();
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong[..wrong.len().min(60)].join("\n"));
}
