//! Attention of a few places, with one example in each lane.

use fearless_simd::Simd;

use super::super::arrays::softmax_run;
use super::super::{LaneExpr, Lanes, Real};
use super::{EachSizes, scale};

/// As [`contract_each`](super::contract_each()), of arrays.
#[inline(always)]
pub fn contract_each<S: Simd, T: Real, const A: usize, const B: usize, const O: usize>(
    s: S,
    sizes: EachSizes,
    a: &[Lanes<S, T>; A],
    b: &[Lanes<S, T>; B],
) -> [Lanes<S, T>; O] {
    let [places, m, k, n, a_place, a_row, a_col, b_place, b_row, b_col, y_place, y_row, y_col] = sizes;
    let mut out = [Lanes::zero(s); O];
    for place in 0..places {
        for i in 0..m {
            for j in 0..n {
                let mut sum = Lanes::zero(s);
                for l in 0..k {
                    sum += a[place * a_place + i * a_row + l * a_col]
                        * b[place * b_place + l * b_row + j * b_col];
                }
                out[place * y_place + i * y_row + j * y_col] = sum;
            }
        }
    }
    out
}

/// As [`attention_weights`](super::attention_weights()), of arrays.
#[inline(always)]
pub fn attention_weights<S: Simd, T: Real, const N: usize>(
    s: S,
    [heads, queries, keys, width, causal]: [usize; 5],
    x: &[Lanes<S, T>; N],
) -> [Lanes<S, T>; N] {
    let (mut scores, mut out) = (*x, [Lanes::zero(s); N]);
    for score in &mut scores {
        *score *= scale::<T>(width);
    }
    for line in 0..heads * queries {
        let seen = if causal == 1 { keys.min(line % queries + 1) } else { keys };
        softmax_run(&scores, &mut out, line * keys..line * keys + seen);
    }
    out
}

/// As [`attention_weights_input`](super::attention_weights_input()), of arrays.
#[inline(always)]
pub fn attention_weights_input<S: Simd, T: Real, const N: usize>(
    s: S,
    [heads, queries, keys, width]: [usize; 4],
    y: &[Lanes<S, T>; N],
    d: &[Lanes<S, T>; N],
) -> [Lanes<S, T>; N] {
    let mut out = [Lanes::zero(s); N];
    for line in 0..heads * queries {
        let places = line * keys..(line + 1) * keys;
        let mut mean = Lanes::zero(s);
        for i in places.clone() {
            mean += y[i] * d[i];
        }
        for i in places {
            out[i] = (y[i] * ((d[i] - mean) * scale::<T>(width))).lanes();
        }
    }
    out
}
