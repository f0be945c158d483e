//! The numbers of one example, step by step.

use nn_compiler::emit::trace::trace;

pub use nn_compiler::emit::trace::{Trace, TracedEdge, TracedGradient, TracedValue};

use crate::kernels::Real;
use crate::model::{Inspect, Model};
use crate::{Error, Result};

/// Tracing: a method of every model.
///
/// ```
/// use nn_runtime::TraceExt;
/// use nn_runtime::prelude::*;
///
/// let mut model = nn_model!(y = x1*w1 + x2*w2);
/// (model.params.w1, model.params.w2) = (1.0, -1.5);
/// let trace = model.trace(&[2.0, 3.0], &[1.0])?;
/// assert_eq!(trace.gradients[0].value.sum(), 2.0 * (2.0 - 4.5 - 1.0) * 2.0);
/// println!("{trace}");
/// # Ok::<(), nn_runtime::Error>(())
/// ```
pub trait TraceExt: Inspect {
    /// The forward and the backward pass of one example, with the model's parameters: each value, each local derivative,
    /// each adjoint, and the gradients beside finite differences. Inputs and target lie flat, one tensor after the other,
    /// `[INPUT_LEN]` and `[TARGET_LEN]`; the target of a model without a loss is empty.
    ///
    /// This is for reading. It is computed from the model's text by the reference semantics, in double precision, a
    /// million times slower than what was compiled.
    ///
    /// # Errors
    /// If there are more or fewer numbers than the model takes.
    ///
    /// # Panics
    /// If the model's own text is not compiled by this version of the compiler, which is a defect.
    fn trace(&self, inputs: &[Self::Scalar], target: &[Self::Scalar]) -> Result<Trace> {
        let plans = Self::SOURCE
            .parse()
            .map_err(|error| format!("{error}"))
            .and_then(|tokens| nn_compiler::parse::source(tokens).map_err(|errors| format!("{errors:?}")))
            .and_then(|source| nn_compiler::compile(source).map_err(|errors| format!("{errors:?}")));
        let plans = plans.unwrap_or_else(|error| panic!("the text of `{}`: {error}", Self::NAME));
        let plan = plans.iter().find(|plan| plan.program.model.name == Self::NAME);
        let plan = plan.unwrap_or_else(|| panic!("`{}` is not in its own text", Self::NAME));
        let wide = |values: &[Self::Scalar]| values.iter().map(|value| value.to_f64()).collect::<Vec<_>>();
        trace(&plan.program, &wide(Model::stored_flat(self)), &wide(inputs), &wide(target))
            .map_err(|source| Error::Trace { model: Self::NAME, source })
    }
}

impl<M: Inspect> TraceExt for M {}
