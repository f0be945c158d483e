//! Universal approximation, seen with one's own eyes: one hidden layer comes as near to a function as one likes, if it has
//! units enough (Hornik, Stinchcombe and White, *Multilayer feedforward networks are universal approximators*, 1989). The
//! same function is fitted with 1, 4, 16 and 64 of them; the four fits are in one picture.

use std::path::PathBuf;

use ndarray::Array2;
use nn_runtime::Lbfgs;
use nn_runtime::plot::Chart;
use nn_runtime::prelude::*;

nn_model! {
    /// One hidden unit.
    pub model One<f64>(x) -> y { y = sum(dense(tanh(dense(x, 1)), 1)); loss mse(y, target); }
    /// Four.
    pub model Four<f64>(x) -> y { y = sum(dense(tanh(dense(x, 4)), 1)); loss mse(y, target); }
    /// Sixteen.
    pub model Sixteen<f64>(x) -> y { y = sum(dense(tanh(dense(x, 16)), 1)); loss mse(y, target); }
    /// Sixty-four.
    pub model SixtyFour<f64>(x) -> y { y = sum(dense(tanh(dense(x, 64)), 1)); loss mse(y, target); }
}

/// Something with bumps and a kink, on the interval from -3 to 3.
fn wanted(x: f64) -> f64 {
    (2.0 * x).sin() + 0.5 * (7.0 * x).cos() * (-0.3 * x * x).exp() - 0.5 * (x - 1.0).abs()
}

const POINTS: usize = 400;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "approximation".to_owned()));
    std::fs::create_dir_all(&folder)?;
    let x = Array2::from_shape_fn((POINTS, 1), |(i, _)| -3.0 + 6.0 * i as f64 / (POINTS - 1) as f64);
    let data = Dataset::new(x.clone(), x.mapv(wanted))?;

    let fits = [fit::<One>(&data)?, fit::<Four>(&data)?, fit::<Sixteen>(&data)?, fit::<SixtyFour>(&data)?];
    let mut chart = Chart::new("One hidden layer of tanh units, fitted to a function")
        .x_label("x")
        .y_label("y")
        .points("the function", x.iter().step_by(8).map(|&x| (x, wanted(x))));
    let mut errors = Vec::new();
    for ((units, error, predictions), plural) in fits.iter().zip(["unit", "units", "units", "units"]) {
        let name = format!("{units} {plural}, error {error:.1e}");
        chart = chart.line(name, x.iter().copied().zip(predictions.iter().copied()));
        errors.push(format!("{units}: {error:.1e}"));
    }
    chart.figure().save_svg(folder.join("approximation.svg"))?;
    println!("the picture is {}", folder.join("approximation.svg").display());
    println!("mean squared error by hidden units: {}", errors.join(", "));
    Ok(())
}

/// Hidden units, the mean squared error, and the predictions of the best of three fits.
fn fit<M: Train<Scalar = f64>>(data: &Dataset<f64>) -> nn_runtime::Result<(usize, f64, Vec<f64>)> {
    let mut best: Option<(f64, M)> = None;
    for seed in 0..3 {
        let mut model = M::new(seed);
        Lbfgs::new().history(20).iterations(5000).fit(&mut model, data, None)?;
        let loss = evaluate(&model, data)?.loss;
        if best.as_ref().is_none_or(|(known, _)| loss < *known) {
            best = Some((loss, model));
        }
    }
    let Some((loss, model)) = best else { unreachable!("there are three fits") };
    // Each unit has a weight, a bias, and a weight of the sum, which has a bias of its own.
    let units = (M::PARAM_COUNT - 1) / 3;
    Ok((units, loss, model.predict(data.inputs())?.into_iter().collect()))
}
