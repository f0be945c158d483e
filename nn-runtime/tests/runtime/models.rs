//! Models written by hand.
//!
//! Each checks that the runtime hands it slices of the lengths that it asked for.

use nn_runtime::init;
use nn_runtime::kernels::Real;
use nn_runtime::model::{
    Batch, Init, Model, ParamInfo, Pullback, PullbackParams, TargetKind, TensorInfo, Train,
};

/// The parts that the models below have in common.
macro_rules! model {
    ($(#[$doc:meta])* $model:ident $(<$heavy:ident>)?, $name:literal, inputs $inputs:expr, outputs $outputs:expr, params $params:expr, flops $flops:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub(crate) struct $model<T $(, const $heavy: bool = false)?> {
            pub(crate) params: Vec<T>,
        }

        impl<T: Real $(, const $heavy: bool)?> Model for $model<T $(, $heavy)?> {
            type Scalar = T;
            const NAME: &'static str = $name;
            const PARAMS: &'static [ParamInfo] = $params;
            const INPUTS: &'static [TensorInfo] = $inputs;
            const OUTPUTS: &'static [TensorInfo] = $outputs;
            const FORWARD_WORKSPACE: usize = 3;
            const FLOPS_FORWARD: u64 = $flops;

            fn new(seed: u64) -> Self {
                let mut params = vec![T::ZERO; Self::PARAM_COUNT];
                init::fill(Self::PARAMS, seed, &mut params);
                Self { params }
            }

            fn params_flat(&self) -> &[T] {
                &self.params
            }

            fn params_flat_mut(&mut self) -> &mut [T] {
                &mut self.params
            }

            fn forward(&self, batch: &Batch<'_, T>, outputs: &mut [T], workspace: &mut [T]) {
                assert_eq!(workspace.len(), Self::FORWARD_WORKSPACE);
                assert_eq!(outputs.len(), batch.len() * Self::OUTPUT_LEN);
                for (i, out) in outputs.chunks_exact_mut(Self::OUTPUT_LEN).enumerate() {
                    self.example(batch.input_row(i), out);
                }
            }
        }
    };
}

const GLOROT: Init = Init::GlorotNormal;
const ZERO: Init = Init::Constant(0.0);

model!(
    /// `y = x·w + b` with a squared error; `HEAVY` makes the runtime believe that it is worth threads.
    Linear<HEAVY>,
    "Linear",
    inputs &[TensorInfo { name: "x", shape: &[2] }],
    outputs &[TensorInfo { name: "y", shape: &[] }],
    params &[
        ParamInfo { name: "w", shape: &[2], offset: 0, init: GLOROT },
        ParamInfo { name: "b", shape: &[], offset: 2, init: ZERO },
    ],
    flops if HEAVY { 1_000_000 } else { 4 }
);

impl<T: Real, const HEAVY: bool> Linear<T, HEAVY> {
    fn example(&self, x: &[T], out: &mut [T]) {
        out[0] = x[0] * self.params[0] + x[1] * self.params[1] + self.params[2];
    }
}

/// Sums of the loss, then of the gradient, in every trainable model here.
fn check_lengths<M: Train>(shared: &[M::Scalar], sums: &[M::Scalar], workspace: &[M::Scalar]) {
    assert_eq!((shared.len(), sums.len(), workspace.len()), (M::SHARED_LEN, M::SUMS_LEN, M::WORKSPACE));
}

fn mean<T: Real>(sums: &[T], examples: usize, gradient: &mut [T]) -> T {
    let n = T::from_f64(examples as f64);
    for (mean, &sum) in gradient.iter_mut().zip(&sums[1..]) {
        *mean = sum / n;
    }
    sums[0] / n
}

impl<T: Real, const HEAVY: bool> Train for Linear<T, HEAVY> {
    const TARGET: TargetKind = TargetKind::Values { len: 1 };
    const SHARED_LEN: usize = 1;
    const SUMS_LEN: usize = 4;
    const WORKSPACE: usize = 5;

    fn prepare(&self, shared: &mut [T]) {
        shared[0] = T::from_f64(2.0);
    }

    fn accumulate(&self, shared: &[T], batch: &Batch<'_, T>, sums: &mut [T], workspace: &mut [T]) {
        check_lengths::<Self>(shared, sums, workspace);
        for i in 0..batch.len() {
            let x = batch.input_row(i);
            self.example(x, workspace);
            let error = workspace[0] - batch.target_row(i)[0];
            sums[0] += error * error;
            let d_y = shared[0] * error;
            sums[1] += d_y * x[0];
            sums[2] += d_y * x[1];
            sums[3] += d_y;
        }
    }

    fn finish(&self, _shared: &mut [T], sums: &mut [T], examples: usize, gradient: &mut [T]) -> T {
        mean(sums, examples, gradient)
    }
}

model!(
    /// `y = sigmoid(x1 w1 + x2 w2 + b)` with a binary cross-entropy.
    Logistic,
    "Logistic",
    inputs &[TensorInfo { name: "x1", shape: &[] }, TensorInfo { name: "x2", shape: &[] }],
    outputs &[TensorInfo { name: "y", shape: &[] }],
    params &[
        ParamInfo { name: "w1", shape: &[], offset: 0, init: GLOROT },
        ParamInfo { name: "w2", shape: &[], offset: 1, init: GLOROT },
        ParamInfo { name: "b", shape: &[], offset: 2, init: ZERO },
    ],
    flops 8
);

impl<T: Real> Logistic<T> {
    fn logit(&self, x: &[T]) -> T {
        x[0] * self.params[0] + x[1] * self.params[1] + self.params[2]
    }

    fn example(&self, x: &[T], out: &mut [T]) {
        out[0] = T::ONE / (T::ONE + (-self.logit(x)).exp());
    }
}

impl<T: Real> Train for Logistic<T> {
    const TARGET: TargetKind = TargetKind::Binary { len: 1, logits: false };
    const SHARED_LEN: usize = 0;
    const SUMS_LEN: usize = 4;
    const WORKSPACE: usize = 1;

    fn prepare(&self, _shared: &mut [T]) {}

    fn accumulate(&self, shared: &[T], batch: &Batch<'_, T>, sums: &mut [T], workspace: &mut [T]) {
        check_lengths::<Self>(shared, sums, workspace);
        for i in 0..batch.len() {
            let (x, target) = (batch.input_row(i), batch.target_row(i)[0]);
            let q = self.logit(x);
            // softplus(q) - target q, without overflow for large |q|.
            let softplus = if q > T::ZERO { q } else { T::ZERO } + (T::ONE + (-Real::abs(q)).exp()).ln();
            sums[0] += softplus - target * q;
            self.example(x, workspace);
            let d_q = workspace[0] - target;
            sums[1] += d_q * x[0];
            sums[2] += d_q * x[1];
            sums[3] += d_q;
        }
    }

    fn finish(&self, _shared: &mut [T], sums: &mut [T], examples: usize, gradient: &mut [T]) -> T {
        mean(sums, examples, gradient)
    }
}

model!(
    /// Three logits for two inputs with a cross-entropy, and their sum as a second output.
    Classifier,
    "Classifier",
    inputs &[TensorInfo { name: "x", shape: &[2] }],
    outputs &[TensorInfo { name: "z", shape: &[3] }, TensorInfo { name: "sum", shape: &[] }],
    params &[
        ParamInfo { name: "z.weight", shape: &[2, 3], offset: 0, init: GLOROT },
        ParamInfo { name: "z.bias", shape: &[3], offset: 6, init: ZERO },
    ],
    flops 15
);

impl<T: Real> Classifier<T> {
    fn example(&self, x: &[T], out: &mut [T]) {
        let (w, b) = self.params.split_at(6);
        for j in 0..3 {
            out[j] = x[0] * w[j] + x[1] * w[3 + j] + b[j];
        }
        out[3] = out[0] + out[1] + out[2];
    }
}

impl<T: Real> Train for Classifier<T> {
    const TARGET: TargetKind = TargetKind::Class { classes: 3 };
    const SHARED_LEN: usize = 0;
    const SUMS_LEN: usize = 10;
    const WORKSPACE: usize = 4;

    fn prepare(&self, _shared: &mut [T]) {}

    fn accumulate(&self, shared: &[T], batch: &Batch<'_, T>, sums: &mut [T], workspace: &mut [T]) {
        check_lengths::<Self>(shared, sums, workspace);
        for i in 0..batch.len() {
            let (x, class) = (batch.input_row(i), batch.target_row(i)[0].to_f64() as usize);
            self.example(x, workspace);
            let z = &mut workspace[..3];
            let total = z[0].exp() + z[1].exp() + z[2].exp();
            sums[0] += total.ln() - z[class];
            for j in 0..3 {
                let d_z = z[j].exp() / total - if j == class { T::ONE } else { T::ZERO };
                sums[1 + j] += d_z * x[0];
                sums[4 + j] += d_z * x[1];
                sums[7 + j] += d_z;
            }
        }
    }

    fn finish(&self, _shared: &mut [T], sums: &mut [T], examples: usize, gradient: &mut [T]) -> T {
        mean(sums, examples, gradient)
    }
}

model!(
    /// `u = a x², v = a + x`: two outputs and no loss.
    Parabola,
    "Parabola",
    inputs &[TensorInfo { name: "x", shape: &[] }],
    outputs &[TensorInfo { name: "u", shape: &[] }, TensorInfo { name: "v", shape: &[] }],
    params &[ParamInfo { name: "a", shape: &[], offset: 0, init: Init::Constant(3.0) }],
    flops 3
);

impl<T: Real> Parabola<T> {
    fn example(&self, x: &[T], out: &mut [T]) {
        out[0] = self.params[0] * x[0] * x[0];
        out[1] = self.params[0] + x[0];
    }
}

impl<T: Real> Pullback for Parabola<T> {
    const PULLBACK_WORKSPACE: usize = 2;

    fn pullback(
        &self,
        batch: &Batch<'_, T>,
        input_gradient: &mut [T],
        gradient: &mut [T],
        workspace: &mut [T],
    ) {
        assert_eq!(workspace.len(), Self::PULLBACK_WORKSPACE);
        assert_eq!((input_gradient.len(), gradient.len()), (batch.len(), 1));
        let a = self.params[0];
        let mut sum = T::ZERO;
        for (i, d_x) in input_gradient.iter_mut().enumerate() {
            let (x, d) = (batch.input_row(i)[0], batch.target_row(i));
            *d_x = d[0] * (a + a) * x + d[1];
            sum += d[0] * x * x + d[1];
        }
        gradient[0] = sum;
    }
}

impl<T: Real> PullbackParams for Parabola<T> {}
