//! SIMD lanes, elementary functions and tensor kernels: what emitted code computes with.
//!
//! Two layers:
//!
//! - *Lanes*, generic over the SIMD level `S` and inlined into emitted code: [`Lanes`], its operators and
//!   functions ([`lane_math`]), and the loops over them, [`pointwise`] and [`pointwise_shared`].
//!   [`dispatch!`](crate::dispatch) gives the token `s` and compiles the code for every level.
//! - *Kernels* over whole tensors, compiled here once for every level and dispatched inside: [`dense`] and
//!   its adjoints, [`contract`], reductions, [`softmax`], [`copy`] …
//!
//! # Layout
//!
//! A *tile* holds a few examples. A tensor of `n` elements per example is a buffer of
//! [`tile_len`]`(rows, n)` scalars; element `j` of example `r` is at `r * stride(n) + j` (see [`stride`]).
//! Elements between the rows are pads: any kernel may write anything there, and none lets it reach a real
//! element. A *shared* tensor, one for all examples, is a flat row-major slice without pads.
//!
//! Wrong slice lengths are bugs of the compiler, so kernels panic on them.
#![allow(
    clippy::inline_always,
    reason = "what is not inlined into a function of the level is compiled without it"
)]

pub mod arrays;
mod attention;
mod buffer;
pub(crate) mod columns;
mod compiled;
mod contract;
mod fork;
mod gemm;
pub mod lane_math;
mod lanes;
mod layout;
mod movement;
pub(crate) mod noise;
pub(crate) mod optimize;
pub mod params;
mod pointwise;
mod real;
mod reduce;
mod simd;
pub mod single;
mod softmax;
pub(crate) mod sums;
mod windows;

#[cfg(test)]
mod testing;

pub use attention::{EachSizes, attention_weights, attention_weights_input, contract_each};
pub use buffer::Aligned;
#[cfg(feature = "alloc")]
pub use buffer::AlignedVec;
pub use contract::{
    Activation, Operand, batch_statistic, batch_sum, contract, contract_sum, dense, dense_input, dense_weight,
};
pub use fearless_simd::Simd;
pub use lane_math::{
    abs, cos, eq, erf, exp, ge, gt, le, log, lt, max, min, ne, pow, powi, select, sigmoid, sign, sin,
    softplus, sqrt, tanh,
};
pub use lanes::{LaneExpr, LanePair, LaneValue, Lanes, Mask, Product};
pub use layout::{split, stride, tile_len};
pub use movement::{View, ViewMut, copy, fill, one_hot};
pub use params::Flat;
pub use pointwise::{Source, Sources, full, per_row, pointwise, pointwise_shared, scalar, shared};
pub use real::Real;
pub use reduce::{logsumexp, reduce_max, reduce_min, reduce_sum};
#[cfg(feature = "std")]
pub use simd::with_level;
pub use simd::{Level, level, vectorize};
pub use softmax::{log_softmax, softmax, softmax_cross_entropy, softmax_cross_entropy_loss, softmax_error};
pub use windows::{
    AvgPoolSizes, ConvolutionSizes, MaxPoolSizes, avg_pool_input, avg_pool2d, convolve, convolve_input,
    convolve_weight, convolve_weight_sum, max_pool_at, max_pool_input,
};
