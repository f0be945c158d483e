//! A crate that forbids unsafe code, with models that are called like what emitted code works with.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

use nn_runtime::nn_model;

nn_model! {
    /// Named like the runtime's SIMD level.
    pub model Level(x: [3]) -> y { y = sum(dense(x, 2)); loss mse(y, target); }

    /// Named like the runtime's list of activations, in lanes.
    pub model Activation(x) -> y { param w = 2; y = relu(x * w); loss mse(y, target); }

    /// Named like what stands for a value in each lane.
    pub model Lanes(x) -> y { param w = 3; y = tanh(x * w); loss mse(y, target); }

    /// Named like a trait of the runtime's.
    pub model Simd(x: [2]) -> y: [2] { param w: [2] = 1; y = x * w; loss mse(y, target); }

    /// Named like the runtime's aligned memory.
    pub model Aligned(x) -> y { y = 2 * x; }
}

#[test]
fn a_models_name_is_its_own() {
    assert_eq!(Level::new(1).params.y_bias, [0.0; 2]);
    assert_eq!(Activation::new(1).infer(1.5), 3.0);
    assert_eq!(Lanes::new(1).infer(0.0), 0.0);
    assert_eq!(Simd::new(1).infer(&[1.0, 2.0]), [1.0, 2.0]);
    assert_eq!(Aligned::new(1).infer(1.0), 2.0);
}
