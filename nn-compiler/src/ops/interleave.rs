//! Changes of layout: the same tensor by rows, or with the same element of several examples side by side.
//!
//! The schedule puts them where a kernel wants another layout than the one before it. They change no value.

use super::{Kernel, Op, Vjp};

/// From rows to blocks of interleaved examples.
pub static INTERLEAVE: Op = Op {
    name: "interleave",
    vjp: Vjp::Rule(|_, d| vec![Some(d)]),
    kernel: Kernel::Call { function: "interleave", sizes: |_, shapes| vec![shapes[0].count()] },
    notation: |style, _, x, _| style.call("interleave", x),
    flops: 0,
    ..Op::POINTWISE
};

/// From blocks of interleaved examples to rows.
pub static DEINTERLEAVE: Op = Op {
    name: "deinterleave",
    vjp: Vjp::Rule(|_, d| vec![Some(d)]),
    kernel: Kernel::Call {
        function: "interleaved::deinterleave",
        sizes: |_, shapes| vec![shapes[0].count()],
    },
    notation: |style, _, x, _| style.call("deinterleave", x),
    flops: 0,
    ..Op::POINTWISE
};
