//! Loops over lanes: one expression for every element of a tensor.

use fearless_simd::Simd;

use super::{LaneExpr, Lanes, Real, stride, tile_len};

/// A tensor of the tile with as many elements per example as the result.
#[inline(always)]
pub fn full<T: Real>(x: &[T]) -> Full<'_, T> {
    Full(x)
}

/// One scalar per example, the same for every element of the example.
#[inline(always)]
pub fn per_row<T: Real>(x: &[T]) -> PerRow<'_, T> {
    PerRow(x)
}

/// A shared tensor with as many elements as an example of the result, the same for every example.
#[inline(always)]
pub fn shared<T: Real>(x: &[T]) -> Shared<'_, T> {
    Shared(x)
}

/// One scalar for every element of every example.
#[inline(always)]
pub fn scalar<T: Real>(x: T) -> Scalar<T> {
    Scalar(x)
}

/// See [`full`].
#[derive(Clone, Copy, Debug)]
pub struct Full<'a, T>(&'a [T]);

/// See [`per_row`].
#[derive(Clone, Copy, Debug)]
pub struct PerRow<'a, T>(&'a [T]);

/// See [`shared`].
#[derive(Clone, Copy, Debug)]
pub struct Shared<'a, T>(&'a [T]);

/// See [`scalar`].
#[derive(Clone, Copy, Debug)]
pub struct Scalar<T>(T);

/// An argument of a pointwise expression: [`full`], [`per_row`], [`shared`] or [`scalar`].
pub trait Source<S: Simd, T: Real>: Copy {
    /// The source within one example.
    type Row: Copy;

    /// Asserts that the slice fits `rows` examples of `n` elements.
    fn check(&self, rows: usize, n: usize);

    /// The source within example `row`.
    fn row(&self, s: S, row: usize, n: usize) -> Self::Row;

    /// Elements `at ..` of an example.
    fn lanes(s: S, row: Self::Row, at: usize) -> Lanes<S, T>;

    /// Examples `at ..` of a result with one element per example.
    fn examples(&self, s: S, at: usize) -> Lanes<S, T>;

    /// Element `j` of the examples of a block, blocks being `stride` apart; see
    /// [`interleaved`](super::interleaved).
    fn in_block(&self, s: S, block: [usize; 2], j: usize) -> Lanes<S, T>;
}

impl<'a, S: Simd, T: Real> Source<S, T> for Full<'a, T> {
    type Row = &'a [T];

    #[inline(always)]
    fn check(&self, rows: usize, n: usize) {
        check_len(self.0, tile_len::<T>(rows, n));
    }

    #[inline(always)]
    fn row(&self, _: S, row: usize, n: usize) -> &'a [T] {
        let stride = stride::<T>(n);
        &self.0[row * stride..][..stride]
    }

    #[inline(always)]
    fn lanes(s: S, row: &'a [T], at: usize) -> Lanes<S, T> {
        Lanes::load(s, &row[at..])
    }

    #[inline(always)]
    fn examples(&self, s: S, at: usize) -> Lanes<S, T> {
        Lanes::load(s, &self.0[at..])
    }

    #[inline(always)]
    fn in_block(&self, s: S, [block, stride]: [usize; 2], j: usize) -> Lanes<S, T> {
        Lanes::load(s, &self.0[block * stride + j * T::LANES..])
    }
}

impl<S: Simd, T: Real> Source<S, T> for PerRow<'_, T> {
    type Row = Lanes<S, T>;

    #[inline(always)]
    fn check(&self, rows: usize, _: usize) {
        check_len(self.0, tile_len::<T>(rows, 1));
    }

    #[inline(always)]
    fn row(&self, s: S, row: usize, _: usize) -> Lanes<S, T> {
        Lanes::splat(s, self.0[row])
    }

    #[inline(always)]
    fn lanes(_: S, row: Lanes<S, T>, _: usize) -> Lanes<S, T> {
        row
    }

    #[inline(always)]
    fn examples(&self, s: S, at: usize) -> Lanes<S, T> {
        Lanes::load(s, &self.0[at..])
    }

    #[inline(always)]
    fn in_block(&self, s: S, [block, _]: [usize; 2], _: usize) -> Lanes<S, T> {
        Lanes::load(s, &self.0[block * T::LANES..])
    }
}

impl<'a, S: Simd, T: Real> Source<S, T> for Shared<'a, T> {
    type Row = &'a [T];

    #[inline(always)]
    fn check(&self, _: usize, n: usize) {
        check_len(self.0, n);
    }

    #[inline(always)]
    fn row(&self, _: S, _: usize, n: usize) -> &'a [T] {
        &self.0[..n]
    }

    #[inline(always)]
    fn lanes(s: S, row: &'a [T], at: usize) -> Lanes<S, T> {
        Lanes::load_partial(s, &row[at..])
    }

    #[inline(always)]
    fn examples(&self, s: S, _: usize) -> Lanes<S, T> {
        Lanes::splat(s, self.0[0])
    }

    #[inline(always)]
    fn in_block(&self, s: S, _: [usize; 2], j: usize) -> Lanes<S, T> {
        Lanes::splat(s, self.0[j])
    }
}

impl<S: Simd, T: Real> Source<S, T> for Scalar<T> {
    type Row = Lanes<S, T>;

    #[inline(always)]
    fn check(&self, _: usize, _: usize) {}

    #[inline(always)]
    fn row(&self, s: S, _: usize, _: usize) -> Lanes<S, T> {
        Lanes::splat(s, self.0)
    }

    #[inline(always)]
    fn lanes(_: S, row: Lanes<S, T>, _: usize) -> Lanes<S, T> {
        row
    }

    #[inline(always)]
    fn examples(&self, s: S, _: usize) -> Lanes<S, T> {
        Lanes::splat(s, self.0)
    }

    #[inline(always)]
    fn in_block(&self, s: S, _: [usize; 2], _: usize) -> Lanes<S, T> {
        Lanes::splat(s, self.0)
    }
}

#[inline(always)]
#[track_caller]
fn check_len<T>(x: &[T], len: usize) {
    assert!(x.len() >= len, "the buffer holds {} scalars, the kernel needs {len}", x.len());
}

/// The arguments of a pointwise expression: a tuple of one to eight [`Source`]s.
pub trait Sources<S: Simd, T: Real>: Copy {
    /// What the expression takes: a tuple of [`Lanes`].
    type Lanes;
    /// The sources within one example.
    type Rows: Copy;

    /// See [`Source::check`].
    fn check(&self, rows: usize, n: usize);
    /// See [`Source::row`].
    fn row(&self, s: S, row: usize, n: usize) -> Self::Rows;
    /// See [`Source::lanes`].
    fn lanes(s: S, rows: Self::Rows, at: usize) -> Self::Lanes;
    /// See [`Source::examples`].
    fn examples(&self, s: S, at: usize) -> Self::Lanes;
    /// See [`Source::in_block`].
    fn in_block(&self, s: S, block: [usize; 2], j: usize) -> Self::Lanes;
}

macro_rules! sources {
    ($($Source:ident $lanes:ident $i:tt),*) => {
        impl<S: Simd, T: Real, $($Source: Source<S, T>),*> Sources<S, T> for ($($Source,)*) {
            type Lanes = ($(lanes_of!($Source S T),)*);
            type Rows = ($($Source::Row,)*);

            #[inline(always)]
            fn check(&self, rows: usize, n: usize) {
                $(self.$i.check(rows, n);)*
            }

            #[inline(always)]
            fn row(&self, s: S, row: usize, n: usize) -> Self::Rows {
                ($(self.$i.row(s, row, n),)*)
            }

            #[inline(always)]
            fn lanes(s: S, rows: Self::Rows, at: usize) -> Self::Lanes {
                ($($Source::lanes(s, rows.$i, at),)*)
            }

            #[inline(always)]
            fn examples(&self, s: S, at: usize) -> Self::Lanes {
                ($(self.$i.examples(s, at),)*)
            }

            #[inline(always)]
            fn in_block(&self, s: S, block: [usize; 2], j: usize) -> Self::Lanes {
                ($(self.$i.in_block(s, block, j),)*)
            }
        }
    };
}

macro_rules! lanes_of {
    ($Source:ident $S:ident $T:ident) => {
        Lanes<$S, $T>
    };
}

sources!(A a 0);
sources!(A a 0, B b 1);
sources!(A a 0, B b 1, C c 2);
sources!(A a 0, B b 1, C c 2, D d 3);
sources!(A a 0, B b 1, C c 2, D d 3, E e 4);
sources!(A a 0, B b 1, C c 2, D d 3, E e 4, F f 5);
sources!(A a 0, B b 1, C c 2, D d 3, E e 4, F f 5, G g 6);
sources!(A a 0, B b 1, C c 2, D d 3, E e 4, F f 5, G g 6, H h 7);

/// `out[r][j] = f(sources[r][j])` for `rows` examples of `n` elements: `out` is a tile buffer.
///
/// Call it inside of [`dispatch!`](crate::dispatch), with an `#[inline(always)]` closure.
///
/// ```
/// use nn_runtime::dispatch;
/// use nn_runtime::kernels::{full, pointwise, tile_len};
///
/// const LEN: usize = tile_len::<f32>(2, 3);
/// let (h, d_h) = ([0.5_f32; LEN], [2.0; LEN]);
/// let mut d_q = [0.0; LEN];
/// dispatch!(s => pointwise(s, 2, 3, (full(&h), full(&d_h)), &mut d_q, #[inline(always)] |(h, d_h)| d_h * (1.0 - h * h)));
/// assert_eq!(d_q[0], 1.5);
/// ```
#[inline(always)]
pub fn pointwise<S, T, A, E>(
    s: S,
    rows: usize,
    n: usize,
    sources: A,
    out: &mut [T],
    f: impl Fn(A::Lanes) -> E,
) where
    S: Simd,
    T: Real,
    A: Sources<S, T>,
    E: LaneExpr<Simd = S, Real = T>,
{
    sources.check(rows, n);
    check_len(out, tile_len::<T>(rows, n));
    if n == 1 {
        for at in (0..rows).step_by(T::LANES) {
            f(sources.examples(s, at)).lanes().store(&mut out[at..]);
        }
        return;
    }
    let stride = stride::<T>(n);
    for (row, out) in out.chunks_exact_mut(stride).take(rows).enumerate() {
        let source = sources.row(s, row, n);
        for at in (0..n).step_by(T::LANES) {
            f(A::lanes(s, source, at)).lanes().store(&mut out[at..]);
        }
    }
}

/// `out[j] = f(sources[j])` for `n` elements of shared tensors: the sources are [`shared`] or [`scalar`].
///
/// ```
/// use nn_runtime::dispatch;
/// use nn_runtime::kernels::{pointwise_shared, scalar, shared};
///
/// let w = [1.0_f32, 2.0, 3.0];
/// let mut out = [0.0; 3];
/// dispatch!(s => pointwise_shared(s, 3, (shared(&w), scalar(0.5)), &mut out, #[inline(always)] |(w, c)| w * w * c));
/// assert_eq!(out, [0.5, 2.0, 4.5]);
/// ```
#[inline(always)]
pub fn pointwise_shared<S, T, A, E>(s: S, n: usize, sources: A, out: &mut [T], f: impl Fn(A::Lanes) -> E)
where
    S: Simd,
    T: Real,
    A: Sources<S, T>,
    E: LaneExpr<Simd = S, Real = T>,
{
    sources.check(1, n);
    let out = &mut out[..n];
    let source = sources.row(s, 0, n);
    for (i, out) in out.chunks_mut(T::LANES).enumerate() {
        f(A::lanes(s, source, i * T::LANES)).lanes().store_partial(out);
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;
    use crate::dispatch;
    use crate::kernels::testing::{Numbers, assert_close, at_every_level, elements, nan_tile};
    use crate::kernels::{gt, max};

    fn check<T: Real>(rows: usize, n: usize) {
        let what = (core::any::type_name::<T>(), rows, n);
        let mut numbers = Numbers((rows * 100 + n) as u64);
        let (x, c) = (numbers.tile::<T>(rows, n), numbers.tile::<T>(rows, 1));
        let b = numbers.flat::<T>(n);
        let k = T::from_f64(0.25);
        let mut want = Vec::new();
        for (r, row) in elements(&x, rows, n).chunks_exact(n).enumerate() {
            for (x, b) in row.iter().zip(&b) {
                want.push(x.to_f64() * c[r].to_f64() - b.to_f64() + k.to_f64());
            }
        }
        let mut out = nan_tile::<T>(rows, n);
        dispatch!(s => pointwise(
            s,
            rows,
            n,
            (full(&x), per_row(&c), shared(&b), scalar(k)),
            &mut out,
            #[inline(always)]
            |(x, c, b, k)| x * c - b + k,
        ));
        assert_close(&elements(&out, rows, n), &want, 4.0, &what);

        let mut out = std::vec![T::ONE; n + 1];
        dispatch!(s => pointwise_shared(s, n, (shared(&b), scalar(k)), &mut out[..n], #[inline(always)] |(b, k)| b * k));
        let want: Vec<f64> = b.iter().map(|b| b.to_f64() * 0.25).collect();
        assert_close(&out[..n], &want, 1.0, &what);
        assert_eq!(out[n], T::ONE);
    }

    #[test]
    fn every_source_for_any_size() {
        at_every_level(|_| {
            for rows in 1..=40 {
                for n in [1, 2, 7, 8, 9, 15, 16, 17, 33, 256] {
                    check::<f32>(rows, n);
                    check::<f64>(rows, n);
                }
            }
        });
    }

    #[test]
    fn results_of_every_kind() {
        at_every_level(|_| {
            let x = [-1.0_f64, 2.0, 0.0, f64::NAN, 3.0, -2.0, 0.5, 1.0];
            let mut out = [0.0; 8];
            dispatch!(s => pointwise(s, 1, 8, (full(&x),), &mut out, #[inline(always)] |(x,)| gt(x, 0.0)));
            assert_eq!(out, [0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0]);
            dispatch!(s => pointwise(s, 1, 8, (full(&x),), &mut out, #[inline(always)] |(x,)| 2.0 * x));
            assert_eq!(out[4], 6.0);
            dispatch!(s => pointwise(s, 1, 8, (full(&x),), &mut out, #[inline(always)] |(x,)| max(x, 0.0)));
            assert_eq!(out[..3], [0.0, 2.0, 0.0]);
            assert!(out[3].is_nan());
        });
    }

    #[test]
    #[should_panic(expected = "the kernel needs 32")]
    fn short_sources_are_caught() {
        let mut out = [0.0_f32; 32];
        dispatch!(s => pointwise(s, 2, 5, (full(&[0.0; 31]),), &mut out, #[inline(always)] |(x,)| x));
    }
}
