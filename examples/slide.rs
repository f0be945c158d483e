//! The slide that this project comes from: `ŷ = x1 w1 + x2 w2` as a graph, its derivatives by the chain rule, the numbers
//! of one example, and gradient descent with the numbers of every step, for the lecture's two losses. Then the same for
//! logistic regression and for a network with hidden layers.

use ndarray::{Array2, array};
use nn_runtime::TraceExt;
use nn_runtime::model::Train;
use nn_runtime::prelude::*;

nn_model! {
    /// The lecture's first model with its "not great" loss: the difference, which has no lowest value.
    pub model Difference(x1, x2) -> y {
        param w1 = 1, w2 = 1;
        y = x1*w1 + x2*w2;
        loss y - target;
    }

    /// The same with the mean squared error, which is lowest where prediction and target agree.
    pub model Squared(x1, x2) -> y {
        param w1 = 1, w2 = 1;
        y = x1*w1 + x2*w2;
        loss mse(y, target);
    }

    /// Yes or no.
    pub model Logistic(x1, x2) -> y {
        param w1, w2, b;
        y = sigmoid(x1*w1 + x2*w2 + b);
        loss binary_cross_entropy(y, target);
    }

    /// Two hidden layers.
    pub model Hidden(x: [2]) -> y: [1] {
        h1 = tanh(dense(x, 3));
        h2 = tanh(dense(h1, 2));
        y = sigmoid(dense(h2, 1));
        loss binary_cross_entropy(y, target);
    }
}

fn main() -> nn_runtime::Result<()> {
    // Four examples of y = 2 x1 - 3 x2.
    let inputs = array![[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [2.0, 1.0]];
    let targets = array![[2.0], [-3.0], [-1.0], [1.0]];

    println!("The graph, in Graphviz' language:\n\n{}", Difference::DOT);
    println!("With the loss J = y - target\n\n{}", Difference::EXPLANATION);
    println!("Ten steps with η = 0.1. The loss falls below zero and would fall for ever:\n");
    let mut model = Difference::new(0);
    descend(&mut model, &inputs, &targets)?;

    println!("\nWith the mean squared error\n\n{}", Squared::EXPLANATION);
    println!("With the numbers of the last example\n\n{}", Squared::new(0).trace(&[2.0, 1.0], &[1.0])?);
    println!("What the compiler emits for it:\n\n{}", Squared::RUST);
    println!("Ten steps with η = 0.1. The weights go to 2 and -3:\n");
    let mut model = Squared::new(0);
    let loss = descend(&mut model, &inputs, &targets)?;

    println!("\nLogistic regression\n\n{}", Logistic::EXPLANATION);
    println!("Two hidden layers\n\n{}", Hidden::EXPLANATION);
    println!("and their layers\n\n{}", Hidden::SUMMARY);
    println!("\nafter ten steps: w1 = {:.4}, w2 = {:.4}, J = {loss:.6}", model.params.w1, model.params.w2);
    Ok(())
}

/// `w ← w - η ∂J/∂w`, ten times, by hand. Returns the loss after the last step.
fn descend(
    model: &mut impl Train<Scalar = f32>,
    inputs: &Array2<f32>,
    targets: &Array2<f32>,
) -> nn_runtime::Result<f32> {
    println!("step        w1        w2         J    ∂J/∂w1    ∂J/∂w2");
    for step in 0..10 {
        let (loss, gradient) = model.loss_and_gradient(inputs.view(), targets.view())?;
        let w = model.params_flat_mut();
        println!("{step:4} {:9.4} {:9.4} {loss:9.4} {:9.4} {:9.4}", w[0], w[1], gradient[0], gradient[1]);
        w[0] -= 0.1 * gradient[0];
        w[1] -= 0.1 * gradient[1];
    }
    let (loss, _) = model.loss_and_gradient(inputs.view(), targets.view())?;
    Ok(loss)
}
