//! Tensors of a few elements with one example in each lane: arrays of [`Lanes`], row-major.
//!
//! Everything here is inlined into emitted code, whose literal sizes make every loop one of constant length. Weights
//! stay in memory and are broadcast as they are read. What is summed over the examples stays in lanes too, one
//! register per element ([`Sum`]), and is added up across them once, after the last tile.
//!
//! `rows` is the number of examples that the lanes hold. Only the last tile of a batch has fewer than there are lanes;
//! the others repeat an example, and are left out of every sum.

use fearless_simd::{Simd, SimdBase, SimdFloat, SimdFloatElement};

pub use super::attention::arrays::{attention_weights, attention_weights_input, contract_each};
pub use super::windows::arrays::{
    avg_pool_input, avg_pool2d, convolve, convolve_input, convolve_weight, max_pool_at, max_pool_input,
};

use super::columns::across;
use super::lane_math::exp_negative;
use super::{Activation, LaneExpr, LaneValue, Lanes, Places, Real, eq, gt, log, lt, max, min, select, sqrt};

/// A sum over the examples of an element: one register of partial sums.
pub type Sum<S, T> = <T as SimdFloatElement>::Native<S>;

/// `[f(0), f(1), …]`
#[inline(always)]
pub fn each<S: Simd, T: Real, E: LaneValue<S, T>, const N: usize>(
    s: S,
    f: impl Fn(usize) -> E,
) -> [Lanes<S, T>; N] {
    let mut values = [Lanes::zero(s); N];
    for (i, value) in values.iter_mut().enumerate() {
        *value = f(i).value(s);
    }
    values
}

/// `N` elements of an array from `at` on.
///
/// # Panics
///
/// If there are fewer.
#[inline(always)]
pub fn part<V, const N: usize>(values: &[V], at: usize) -> &[V; N] {
    match values[at..].first_chunk() {
        Some(part) => part,
        None => panic!("fewer than {N} elements from {at} on"),
    }
}

/// A dense layer: `activation(bias[j] + Σ_i x[i] · weight[i][j])`, for a weight `[K, N]`.
///
/// # Panics
///
/// If a slice is too short.
#[inline(always)]
pub fn dense<S: Simd, T: Real, const K: usize, const N: usize>(
    s: S,
    x: &[Lanes<S, T>; K],
    weight: &[T],
    bias: Option<&[T]>,
    activation: Activation,
) -> [Lanes<S, T>; N] {
    let start = bias.map(
        #[inline(always)]
        |bias| &bias[..N],
    );
    let mut y = product(s, x, (weight, [N, 1]), start);
    if activation == Activation::Relu {
        for y in &mut y {
            *y = select(lt(*y, T::ZERO), T::ZERO, *y);
        }
    }
    y
}

/// Adjoint of a dense layer's input: `Σ_j d[j] · weight[i][j]`, for a weight `[K, N]`; 0 where a `gate` is given and
/// `gate[i] > 0` does not hold.
///
/// # Panics
///
/// If a slice is too short.
#[inline(always)]
pub fn dense_input<S: Simd, T: Real, const K: usize, const N: usize>(
    s: S,
    d: &[Lanes<S, T>; N],
    weight: &[T],
    gate: Option<&[Lanes<S, T>; K]>,
) -> [Lanes<S, T>; K] {
    let out = product(s, d, (weight, [1, N]), None);
    match gate {
        Some(gate) => gated(&out, gate),
        None => out,
    }
}

/// `x` where the gate is positive, 0 elsewhere.
#[inline(always)]
pub fn gated<S: Simd, T: Real, const N: usize>(
    x: &[Lanes<S, T>; N],
    gate: &[Lanes<S, T>; N],
) -> [Lanes<S, T>; N] {
    let mut out = *x;
    for (out, &gate) in out.iter_mut().zip(gate) {
        *out = select(gt(gate, T::ZERO), *out, T::ZERO);
    }
    out
}

/// `start[j] + Σ_i x[i] · w[i · row + j · col]`.
#[inline(always)]
fn product<S: Simd, T: Real, const K: usize, const N: usize>(
    s: S,
    x: &[Lanes<S, T>; K],
    weight: (&[T], [usize; 2]),
    start: Option<&[T]>,
) -> [Lanes<S, T>; N] {
    // As many sums at a time as fill sixteen registers half: their latencies overlap, and nothing spills.
    let mut y = [Lanes::zero(s); N];
    let mut j = 0;
    let registers = T::LANES / Sum::<S, T>::LEN;
    if registers == 1 {
        j = sums::<S, T, K, N, 8>(s, x, weight, start, &mut y, j);
    }
    if registers <= 2 {
        j = sums::<S, T, K, N, 4>(s, x, weight, start, &mut y, j);
    }
    j = sums::<S, T, K, N, 2>(s, x, weight, start, &mut y, j);
    if j < N {
        y[j] = sum_in_parts(s, x, weight, start, j);
    }
    y
}

/// Element `j` of a product on its own: four sums, so that an addition need not wait for the one before it.
#[inline(always)]
fn sum_in_parts<S: Simd, T: Real, const K: usize>(
    s: S,
    x: &[Lanes<S, T>; K],
    (weight, [row, col]): (&[T], [usize; 2]),
    start: Option<&[T]>,
    j: usize,
) -> Lanes<S, T> {
    let mut sums = [Lanes::zero(s); 4];
    if let Some(start) = start {
        sums[0] = Lanes::splat(s, start[j]);
    }
    for (i, &x) in x.iter().enumerate() {
        sums[i % 4] += x * weight[i * row + j * col];
    }
    (sums[0] + sums[2]) + (sums[1] + sums[3])
}

/// The elements of a product from `j` on, `R` at a time, and the first that is left.
#[inline(always)]
fn sums<S: Simd, T: Real, const K: usize, const N: usize, const R: usize>(
    s: S,
    x: &[Lanes<S, T>; K],
    (weight, [row, col]): (&[T], [usize; 2]),
    start: Option<&[T]>,
    y: &mut [Lanes<S, T>; N],
    mut j: usize,
) -> usize {
    while j + R <= N {
        let mut sums = [Lanes::zero(s); R];
        if let Some(start) = start {
            for (sum, &start) in sums.iter_mut().zip(&start[j..j + R]) {
                *sum = Lanes::splat(s, start);
            }
        }
        for (i, &x) in x.iter().enumerate() {
            let weight = &weight[i * row + j * col..][..=(R - 1) * col];
            for (r, sum) in sums.iter_mut().enumerate() {
                *sum += x * weight[r * col];
            }
        }
        y[j..j + R].copy_from_slice(&sums);
        j += R;
    }
    j
}

/// Adjoint of a dense layer's weight, added: `sums[i][j] += Σ x[i] · d[j]` over the examples.
///
/// # Panics
///
/// If there are fewer than `K * N` sums.
#[inline(always)]
pub fn dense_weight<S: Simd, T: Real, const K: usize, const N: usize>(
    rows: usize,
    x: &[Lanes<S, T>; K],
    d: &[Lanes<S, T>; N],
    sums: &mut [Sum<S, T>],
) {
    let d = counted(rows, d);
    for (x, sums) in x.iter().zip(sums[..K * N].chunks_exact_mut(N)) {
        for (d, sum) in d.iter().zip(sums) {
            *sum = add_product(x, d, *sum);
        }
    }
}

/// Sum over the examples, added: `sums[j] += Σ x[j]`.
///
/// # Panics
///
/// If there are fewer than `N` sums.
#[inline(always)]
pub fn batch_sum<S: Simd, T: Real, const N: usize>(
    rows: usize,
    x: &[Lanes<S, T>; N],
    sums: &mut [Sum<S, T>],
) {
    for (x, sum) in counted(rows, x).iter().zip(&mut sums[..N]) {
        for register in registers(x) {
            *sum += register;
        }
    }
}

/// A product summed over the examples, added: `sums[i][j] += Σ Σ_l a[i, l] · b[l, j]`, for `[m, k, n]`.
///
/// # Panics
///
/// If there are fewer than `m * n` sums, or an element lies outside of its array.
#[inline(always)]
pub fn contract_sum<S: Simd, T: Real, const A: usize, const B: usize>(
    rows: usize,
    [m, k, n]: [usize; 3],
    (a, [a_row, a_col]): (&[Lanes<S, T>; A], [usize; 2]),
    (b, [b_row, b_col]): (&[Lanes<S, T>; B], [usize; 2]),
    sums: &mut [Sum<S, T>],
) {
    let b = counted(rows, b);
    for i in 0..m {
        for j in 0..n {
            let mut sum = sums[i * n + j];
            for l in 0..k {
                sum = add_product(&a[i * a_row + l * a_col], &b[l * b_row + j * b_col], sum);
            }
            sums[i * n + j] = sum;
        }
    }
}

/// The lanes that count, zeros in the others.
#[inline(always)]
fn counted<S: Simd, T: Real, const N: usize>(rows: usize, x: &[Lanes<S, T>; N]) -> [Lanes<S, T>; N] {
    let mut x = *x;
    if rows < T::LANES {
        for x in &mut x {
            *x = x.keep(rows);
        }
    }
    x
}

/// The registers of a line.
#[inline(always)]
fn registers<S: Simd, T: Real>(x: &Lanes<S, T>) -> impl Iterator<Item = Sum<S, T>> {
    let s = x.token();
    x.as_slice().chunks_exact(Sum::<S, T>::LEN).map(
        #[inline(always)]
        move |chunk| Sum::<S, T>::from_slice(s, chunk),
    )
}

/// `sum + x · y`, register by register.
#[inline(always)]
fn add_product<S: Simd, T: Real>(x: &Lanes<S, T>, y: &Lanes<S, T>, mut sum: Sum<S, T>) -> Sum<S, T> {
    for (x, y) in registers(x).zip(registers(y)) {
        sum = x.mul_add(y, sum);
    }
    sum
}

/// An operand of [`contract`]: one value for each example, or one for all.
pub trait Elements<S: Simd, T: Real>: Copy {
    /// Element `i`.
    fn element(self, s: S, i: usize) -> Lanes<S, T>;
}

impl<S: Simd, T: Real, const N: usize> Elements<S, T> for &[Lanes<S, T>; N] {
    #[inline(always)]
    fn element(self, _: S, i: usize) -> Lanes<S, T> {
        self[i]
    }
}

impl<S: Simd, T: Real> Elements<S, T> for &[T] {
    #[inline(always)]
    fn element(self, s: S, i: usize) -> Lanes<S, T> {
        Lanes::splat(s, self[i])
    }
}

/// A product: `Σ_l a[i, l] · b[l, j]`, for `[m, k, n]` and matrices with any strides.
///
/// # Panics
///
/// If an element lies outside of its array, or the result does not have `m * n` elements.
#[inline(always)]
pub fn contract<S: Simd, T: Real, const O: usize>(
    s: S,
    [m, k, n]: [usize; 3],
    (a, [a_row, a_col]): (impl Elements<S, T>, [usize; 2]),
    (b, [b_row, b_col]): (impl Elements<S, T>, [usize; 2]),
) -> [Lanes<S, T>; O] {
    assert_eq!(O, m * n, "elements of a product");
    let mut out = [Lanes::zero(s); O];
    for i in 0..m {
        for j in 0..n {
            let mut sum = Lanes::zero(s);
            for l in 0..k {
                sum += a.element(s, i * a_row + l * a_col) * b.element(s, l * b_row + j * b_col);
            }
            out[i * n + j] = sum;
        }
    }
    out
}

/// `[1 where index = 0, 1 where index = 1, …]` for each place; NaN where the index is not a whole number below the number
/// of classes.
///
/// # Panics
///
/// If the result does not have a row of all classes for each of the `I` places.
#[inline(always)]
pub fn one_hot<S: Simd, T: Real, const I: usize, const N: usize>(
    s: S,
    classes: impl Places,
    index: &[Lanes<S, T>; I],
) -> [Lanes<S, T>; N] {
    let [places, classes] = classes.places();
    assert_eq!((I, N), (places, places * classes), "places");
    let mut hot = [Lanes::zero(s); N];
    for (&index, hot) in index.iter().zip(hot.chunks_exact_mut(classes)) {
        let mut found = Lanes::zero(s);
        for (class, hot) in hot.iter_mut().enumerate() {
            *hot = eq(index, T::from_f64(class as f64)).lanes();
            found += *hot;
        }
        for hot in hot {
            *hot = select(gt(found, T::ZERO), *hot, T::NAN);
        }
    }
    hot
}

/// Rows with mean 0 and variance 1: `(x - mean) / sqrt(variance + epsilon)`, for `[outer, len]`.
///
/// # Panics
///
/// If the array does not have these sizes.
#[inline(always)]
pub fn normalise<S: Simd, T: Real, const N: usize>(
    _: S,
    [outer, len]: [usize; 2],
    x: &[Lanes<S, T>; N],
    [epsilon]: &[Lanes<S, T>; 1],
) -> [Lanes<S, T>; N] {
    assert_eq!(N, outer * len, "sizes");
    let mut out = *x;
    for row in out.chunks_exact_mut(len) {
        normalise_row(row, *epsilon);
    }
    out
}

/// The adjoint of `x` in [`normalise`], given the adjoint `d` of its result.
///
/// # Panics
///
/// If the arrays do not have these sizes.
#[inline(always)]
pub fn normalise_input<S: Simd, T: Real, const N: usize>(
    s: S,
    [outer, len]: [usize; 2],
    x: &[Lanes<S, T>; N],
    [epsilon]: &[Lanes<S, T>; 1],
    d: &[Lanes<S, T>; N],
) -> [Lanes<S, T>; N] {
    assert_eq!(N, outer * len, "sizes");
    let (mut y, mut out) = (*x, *d);
    let share = T::ONE / T::from_f64(len as f64);
    for (y, d) in y.chunks_exact_mut(len).zip(out.chunks_exact_mut(len)) {
        let scale = normalise_row(y, *epsilon);
        let (mut sum, mut along) = (Lanes::zero(s), Lanes::zero(s));
        for (&y, &d) in y.iter().zip(d.iter()) {
            sum += d;
            along += d * y;
        }
        let (mean, along) = ((sum * share).lanes(), (along * share).lanes());
        for (&y, d) in y.iter().zip(d) {
            *d = ((*d - mean - y * along) * scale).lanes();
        }
    }
    out
}

/// Normalises a row, and gives one by the root of its variance.
#[inline(always)]
fn normalise_row<S: Simd, T: Real>(row: &mut [Lanes<S, T>], epsilon: Lanes<S, T>) -> Lanes<S, T> {
    let s = epsilon.token();
    let share = T::ONE / T::from_f64(row.len() as f64);
    let (mut sum, mut squares) = (Lanes::zero(s), Lanes::zero(s));
    for &x in row.iter() {
        sum += x;
    }
    let mean = (sum * share).lanes();
    for x in row.iter_mut() {
        *x = (*x - mean).lanes();
        squares += *x * *x;
    }
    let scale = (Lanes::splat(s, T::ONE) / sqrt(squares * share + epsilon)).lanes();
    for x in row {
        *x *= scale;
    }
    scale
}

/// The row of a table that each index names, for `[places, entries, width]`; NaN where the index is not a whole number
/// below `entries`.
///
/// # Panics
///
/// If the arrays do not have these sizes.
#[inline(always)]
pub fn lookup<S: Simd, T: Real, const P: usize, const E: usize, const N: usize>(
    s: S,
    [places, entries, width]: [usize; 3],
    index: &[Lanes<S, T>; P],
    table: &[Lanes<S, T>; E],
) -> [Lanes<S, T>; N] {
    assert_eq!((P, E, N), (places, entries * width, places * width), "sizes");
    let mut out = [Lanes::splat(s, T::NAN); N];
    for (&index, out) in index.iter().zip(out.chunks_exact_mut(width)) {
        for (entry, row) in table.chunks_exact(width).enumerate() {
            let is_entry = eq(index, T::from_f64(entry as f64));
            for (out, &x) in out.iter_mut().zip(row) {
                *out = select(is_entry, x, *out);
            }
        }
    }
    out
}

/// The adjoint of the table of [`lookup`]: each row is the sum of the adjoints of its copies. All of it is NaN where an
/// index is not a whole number below `entries`.
///
/// # Panics
///
/// If the arrays do not have these sizes.
#[inline(always)]
pub fn lookup_weight<S: Simd, T: Real, const P: usize, const D: usize, const E: usize>(
    s: S,
    [places, entries, width]: [usize; 3],
    index: &[Lanes<S, T>; P],
    d: &[Lanes<S, T>; D],
) -> [Lanes<S, T>; E] {
    assert_eq!((P, D, E), (places, places * width, entries * width), "sizes");
    let mut sums = [Lanes::zero(s); E];
    for (&index, d) in index.iter().zip(d.chunks_exact(width)) {
        let mut found = Lanes::zero(s);
        for (entry, row) in sums.chunks_exact_mut(width).enumerate() {
            let is_entry = eq(index, T::from_f64(entry as f64));
            found += is_entry.lanes();
            for (sum, &d) in row.iter_mut().zip(d) {
                *sum = select(is_entry, *sum + d, *sum);
            }
        }
        for sum in &mut sums {
            *sum = select(gt(found, T::ZERO), *sum, T::NAN);
        }
    }
    sums
}

/// The indices of the elements that a reduction of the middle axis of `[outer, len, inner]` takes together.
#[inline(always)]
fn run([_, len, inner]: [usize; 3], result: usize) -> impl Iterator<Item = usize> + Clone {
    let first = result / inner * len * inner + result % inner;
    (0..len).map(
        #[inline(always)]
        move |l| first + l * inner,
    )
}

macro_rules! reductions {
    ($($(#[$doc:meta])* $name:ident, $start:expr, |$a:ident, $b:ident| $fold:expr;)*) => {
        $(
            $(#[$doc])*
            ///
            /// # Panics
            ///
            /// If the arrays do not have these sizes.
            #[inline(always)]
            pub fn $name<S: Simd, T: Real, const N: usize, const O: usize>(
                s: S,
                dims: [usize; 3],
                x: &[Lanes<S, T>; N],
            ) -> [Lanes<S, T>; O] {
                let mut out = [Lanes::splat(s, $start); O];
                for (result, out) in out.iter_mut().enumerate() {
                    for i in run(dims, result) {
                        let ($a, $b) = (*out, x[i]);
                        *out = $fold;
                    }
                }
                out
            }
        )*
    };
}

reductions! {
    /// Sums over the middle axis of `[outer, len, inner]`.
    reduce_sum, T::ZERO, |a, b| a + b;
    /// The largest elements along the middle axis of `[outer, len, inner]`; NaN if any is NaN.
    reduce_max, -T::INFINITY, |a, b| max(a, b);
    /// The smallest elements along the middle axis of `[outer, len, inner]`; NaN if any is NaN.
    reduce_min, T::INFINITY, |a, b| min(a, b);
}

/// `log Σ exp x` along the middle axis of `[outer, len, inner]`, without overflow.
///
/// # Panics
///
/// If the arrays do not have these sizes.
#[inline(always)]
pub fn logsumexp<S: Simd, T: Real, const N: usize, const O: usize>(
    s: S,
    dims: [usize; 3],
    x: &[Lanes<S, T>; N],
) -> [Lanes<S, T>; O] {
    let largest: [_; O] = reduce_max(s, dims, x);
    let mut out = [Lanes::zero(s); O];
    for (result, out) in out.iter_mut().enumerate() {
        for i in run(dims, result) {
            *out += exp_down(x[i] - largest[result], T::EXP_NORMAL);
        }
        *out = finite_or(largest[result], log(*out) + largest[result]);
    }
    out
}

/// `exp x / Σ exp x` along the middle axis of `[outer, len, inner]`, without overflow.
///
/// # Panics
///
/// If the array does not have these sizes.
#[inline(always)]
pub fn softmax<S: Simd, T: Real, const N: usize>(
    s: S,
    [outer, len, inner]: [usize; 3],
    x: &[Lanes<S, T>; N],
) -> [Lanes<S, T>; N] {
    let mut out = [Lanes::zero(s); N];
    for result in 0..outer * inner {
        softmax_run(x, &mut out, run([outer, len, inner], result));
    }
    out
}

/// The logarithm of [`softmax`].
///
/// # Panics
///
/// If the array does not have these sizes.
#[inline(always)]
pub fn log_softmax<S: Simd, T: Real, const N: usize>(
    s: S,
    [outer, len, inner]: [usize; 3],
    x: &[Lanes<S, T>; N],
) -> [Lanes<S, T>; N] {
    let mut out = [Lanes::zero(s); N];
    for result in 0..outer * inner {
        log_softmax_run(x, &mut out, run([outer, len, inner], result));
    }
    out
}

/// The softmax of the elements with these indices.
#[inline(always)]
pub(super) fn softmax_run<S: Simd, T: Real>(
    x: &[Lanes<S, T>],
    out: &mut [Lanes<S, T>],
    run: impl Iterator<Item = usize> + Clone,
) {
    let sum = exponentials(x, out, run.clone(), T::EXP_NORMAL);
    let scale = Lanes::splat(sum.token(), T::ONE) / sum;
    for i in run {
        out[i] *= scale;
    }
}

/// The logarithm of the softmax of the elements with these indices.
#[inline(always)]
pub(super) fn log_softmax_run<S: Simd, T: Real>(
    x: &[Lanes<S, T>],
    out: &mut [Lanes<S, T>],
    run: impl Iterator<Item = usize> + Clone,
) {
    let largest = largest(x, run.clone());
    let sum = exponentials(x, out, run.clone(), T::EXP_NORMAL);
    let log_sum = log(sum);
    for i in run {
        out[i] = x[i] - largest - log_sum;
    }
}

/// `e^x` for `x <= 0`, and 0 below `from`.
#[inline(always)]
pub(super) fn exp_down<S: Simd, T: Real>(x: Lanes<S, T>, from: T) -> Lanes<S, T> {
    Lanes(exp_negative::<S, T>(x.0, from))
}

/// `y`, or the largest of the terms where that is infinite: it is their sum then.
#[inline(always)]
pub(super) fn finite_or<S: Simd, T: Real>(largest: Lanes<S, T>, y: Lanes<S, T>) -> Lanes<S, T> {
    select(lt(super::abs(largest), T::INFINITY), y, largest)
}

#[inline(always)]
fn largest<S: Simd, T: Real>(x: &[Lanes<S, T>], mut run: impl Iterator<Item = usize>) -> Lanes<S, T> {
    let first = run.next().map_or(0, |i| i);
    run.fold(
        x[first],
        #[inline(always)]
        |a, i| max(a, x[i]),
    )
}

/// `out = exp(x - max x)`, 0 where the difference is below `from`, and the sum.
#[inline(always)]
fn exponentials<S: Simd, T: Real>(
    x: &[Lanes<S, T>],
    out: &mut [Lanes<S, T>],
    run: impl Iterator<Item = usize> + Clone,
    from: T,
) -> Lanes<S, T> {
    let largest = largest(x, run.clone());
    let mut sum = Lanes::zero(largest.token());
    for i in run {
        out[i] = exp_down(x[i] - largest, from);
        sum += out[i];
    }
    sum
}

/// What [`softmax_cross_entropy`] gives.
pub type LossAndError<S, T, const P: usize, const N: usize> = ([Lanes<S, T>; P], [Lanes<S, T>; N]);

/// The cross-entropy of a softmax with a class index, and its derivative by the softmax's operands, for each place:
/// `log Σ_c exp x[c] - x[target]` and `softmax(x) - one_hot(target)`. NaN where the target is not a whole number below
/// the number of classes.
///
/// # Panics
///
/// If `x` does not have a row of all classes for each of the `P` places.
#[inline(always)]
pub fn softmax_cross_entropy<S: Simd, T: Real, const P: usize, const N: usize>(
    s: S,
    classes: impl Places,
    x: &[Lanes<S, T>; N],
    target: &[Lanes<S, T>; P],
) -> LossAndError<S, T, P, N> {
    let [places, classes] = classes.places();
    assert_eq!((P, N), (places, places * classes), "places");
    let (mut loss, mut d) = ([Lanes::zero(s); P], [Lanes::zero(s); N]);
    let rows = x.chunks_exact(classes).zip(d.chunks_exact_mut(classes));
    for ((x, d), (&target, loss)) in rows.zip(target.iter().zip(&mut loss)) {
        *loss = cross_entropy_columns(x, target, d);
    }
    (loss, d)
}

/// The loss of [`softmax_cross_entropy`] alone.
#[inline(always)]
pub fn softmax_cross_entropy_loss<S: Simd, T: Real, const P: usize, const N: usize>(
    s: S,
    classes: impl Places,
    x: &[Lanes<S, T>; N],
    target: &[Lanes<S, T>; P],
) -> [Lanes<S, T>; P] {
    softmax_cross_entropy(s, classes, x, target).0
}

/// The derivative of [`softmax_cross_entropy`] alone.
#[inline(always)]
pub fn softmax_error<S: Simd, T: Real, const P: usize, const N: usize>(
    s: S,
    classes: impl Places,
    x: &[Lanes<S, T>; N],
    target: &[Lanes<S, T>; P],
) -> [Lanes<S, T>; N] {
    softmax_cross_entropy(s, classes, x, target).1
}

/// See [`softmax_cross_entropy`].
#[inline(always)]
pub(super) fn cross_entropy_columns<S: Simd, T: Real>(
    x: &[Lanes<S, T>],
    target: Lanes<S, T>,
    d: &mut [Lanes<S, T>],
) -> Lanes<S, T> {
    let largest = largest(x, 0..x.len());
    // What a class that is out of the question adds to a gradient is less than any rounding.
    let sum = exponentials(x, d, 0..x.len(), T::EXP_USEFUL);
    let scale = Lanes::splat(sum.token(), T::ONE) / sum;
    let s = target.token();
    let (mut right, mut found) = (Lanes::zero(s), Lanes::zero(s));
    for (class, (&x, d)) in x.iter().zip(d.iter_mut()).enumerate() {
        let is_target = eq(target, T::from_f64(class as f64));
        right = select(is_target, x - largest, right);
        let hot = is_target.lanes();
        found += hot;
        *d = *d * scale - hot;
    }
    let valid = gt(found, T::ZERO);
    for d in d.iter_mut() {
        *d = select(valid, *d, T::NAN);
    }
    select(valid, log(sum) - right, T::NAN)
}

/// Adds each sum, across its lanes, to its scalar.
///
/// # Panics
///
/// If there are not as many.
#[inline(always)]
pub(crate) fn add_across<S: Simd, T: Real>(s: S, sums: &[Sum<S, T>], totals: &mut [T]) {
    assert_eq!(sums.len(), totals.len(), "sums");
    let width = Sum::<S, T>::LEN;
    for (sums, totals) in sums.chunks(width).zip(totals.chunks_mut(width)) {
        let mut square = [Sum::<S, T>::splat(s, T::ZERO); 16];
        square[..sums.len()].copy_from_slice(sums);
        let across = across::<S, T>(square);
        for (total, &sum) in totals.iter_mut().zip(across.as_slice()) {
            *total += sum;
        }
    }
}
