//! What a training step knows of its batch becomes part of the model's states.

use crate::kernels::Real;
use crate::model::{Model, StateInfo};

/// Moves the states towards what they are in a batch of so many examples: `new` has parameters and states in the order
/// in which the model stores them, of which only the latter count.
pub(super) fn move_towards<M: Model>(model: &mut M, new: &[M::Scalar], examples: usize) {
    for &StateInfo { tensor, momentum, corrected } in M::STATES {
        // Bessel's correction: the mean is that of these very elements.
        let factor = match corrected.map(|places| places * examples) {
            Some(elements @ 2..) => elements as f64 / (elements - 1) as f64,
            _ => 1.0,
        };
        let [momentum, factor] = [momentum, factor].map(M::Scalar::from_f64);
        let range = tensor.offset..tensor.offset + tensor.len();
        for (state, &new) in model.stored_flat_mut()[range.clone()].iter_mut().zip(&new[range]) {
            *state += momentum * (factor * new - *state);
        }
    }
}
