//! One line of scalars in registers, and what its operators yield.

use core::ops::{Add, AddAssign, BitAnd, BitOr, Div, DivAssign, Mul, MulAssign, Neg, Not, Sub, SubAssign};

use fearless_simd::{ExtractToken, Select, Simd, SimdBase, SimdFloat, SimdMask};

use super::Real;

/// [`Real::LANES`] scalars, one of each of so many examples (or elements): 16 `f32` or 8 `f64`.
#[derive(Clone, Copy, Debug)]
pub struct Lanes<S: Simd, T: Real>(pub(super) T::Vector<S>);

/// A product that is still to be rounded: added to or subtracted from something it becomes a fused
/// multiply-add where the level has one. Anything else makes it a plain value.
#[derive(Clone, Copy, Debug)]
pub struct Product<S: Simd, T: Real>(Lanes<S, T>, Lanes<S, T>);

/// The mask of a line of scalars.
pub(super) type RawMask<S, T> = <<T as Real>::Vector<S> as SimdBase<S>>::Mask;

/// One truth value per lane. In arithmetic true counts as 1 and false as 0.
#[derive(Clone, Copy)]
pub struct Mask<S: Simd, T: Real>(pub(super) RawMask<S, T>);

mod sealed {
    pub trait Sealed {}
}

impl<S: Simd, T: Real> sealed::Sealed for Lanes<S, T> {}
impl<S: Simd, T: Real> sealed::Sealed for Product<S, T> {}
impl<S: Simd, T: Real> sealed::Sealed for Mask<S, T> {}

/// What lane functions and operators take: [`Lanes`], [`Product`] or [`Mask`]. Sealed.
pub trait LaneExpr: Copy + sealed::Sealed {
    /// The SIMD level.
    type Simd: Simd;
    /// The element type.
    type Real: Real;

    /// The value.
    fn lanes(self) -> Lanes<Self::Simd, Self::Real>;

    /// Where the value is not zero (NaN is not zero).
    #[inline(always)]
    fn mask(self) -> Mask<Self::Simd, Self::Real> {
        let x = self.lanes();
        Mask(x.0.simd_ne(x.splat_like(Self::Real::ZERO).0))
    }

    /// `self + c`, fused for a product.
    #[doc(hidden)]
    #[inline(always)]
    fn plus(self, c: Lanes<Self::Simd, Self::Real>) -> Lanes<Self::Simd, Self::Real> {
        Lanes(self.lanes().0 + c.0)
    }

    /// `self - c`, fused for a product.
    #[doc(hidden)]
    #[inline(always)]
    fn minus(self, c: Lanes<Self::Simd, Self::Real>) -> Lanes<Self::Simd, Self::Real> {
        Lanes(self.lanes().0 - c.0)
    }

    /// `c - self`, fused for a product.
    #[doc(hidden)]
    #[inline(always)]
    fn minus_from(self, c: Lanes<Self::Simd, Self::Real>) -> Lanes<Self::Simd, Self::Real> {
        Lanes(c.0 - self.lanes().0)
    }
}

impl<S: Simd, T: Real> LaneExpr for Lanes<S, T> {
    type Simd = S;
    type Real = T;

    #[inline(always)]
    fn lanes(self) -> Self {
        self
    }
}

impl<S: Simd, T: Real> LaneExpr for Product<S, T> {
    type Simd = S;
    type Real = T;

    #[inline(always)]
    fn lanes(self) -> Lanes<S, T> {
        Lanes(self.0.0 * self.1.0)
    }

    #[inline(always)]
    fn plus(self, c: Lanes<S, T>) -> Lanes<S, T> {
        Lanes(self.0.0.mul_add(self.1.0, c.0))
    }

    #[inline(always)]
    fn minus(self, c: Lanes<S, T>) -> Lanes<S, T> {
        Lanes(self.0.0.mul_sub(self.1.0, c.0))
    }

    #[inline(always)]
    fn minus_from(self, c: Lanes<S, T>) -> Lanes<S, T> {
        Lanes((-self.0.0).mul_add(self.1.0, c.0))
    }
}

impl<S: Simd, T: Real> LaneExpr for Mask<S, T> {
    type Simd = S;
    type Real = T;

    #[inline(always)]
    fn lanes(self) -> Lanes<S, T> {
        let s = self.0.token();
        self.select(Lanes::splat(s, T::ONE), Lanes::splat(s, T::ZERO))
    }

    #[inline(always)]
    fn mask(self) -> Self {
        self
    }
}

impl<S: Simd, T: Real> Lanes<S, T> {
    /// Number of lanes.
    pub const LEN: usize = T::LANES;

    /// The same scalar in every lane.
    #[inline(always)]
    pub fn splat(s: S, x: T) -> Self {
        Self(T::Vector::<S>::splat(s, x))
    }

    /// Zeros.
    #[inline(always)]
    pub fn zero(s: S) -> Self {
        Self::splat(s, T::ZERO)
    }

    /// Lane `i` is `f(i)`.
    #[inline(always)]
    pub fn from_fn(s: S, f: impl FnMut(usize) -> T) -> Self {
        Self(T::Vector::<S>::from_fn(s, f))
    }

    /// The first [`Self::LEN`] scalars of `from`.
    ///
    /// # Panics
    ///
    /// If there are fewer.
    #[inline(always)]
    #[track_caller]
    pub fn load(s: S, from: &[T]) -> Self {
        Self(T::Vector::<S>::from_slice(s, &from[..T::LANES]))
    }

    /// The first [`Self::LEN`] scalars of `from`; zeros where there are fewer.
    #[inline(always)]
    pub fn load_partial(s: S, from: &[T]) -> Self {
        if from.len() >= T::LANES {
            return Self::load(s, from);
        }
        Self::from_fn(s, |i| from.get(i).copied().unwrap_or(T::ZERO))
    }

    /// Writes every lane to the start of `to`.
    ///
    /// # Panics
    ///
    /// If `to` is shorter than [`Self::LEN`].
    #[inline(always)]
    #[track_caller]
    pub fn store(self, to: &mut [T]) {
        self.0.store_slice(&mut to[..T::LANES]);
    }

    /// Writes as many lanes as `to` holds.
    #[inline(always)]
    pub fn store_partial(self, to: &mut [T]) {
        if to.len() >= T::LANES {
            return self.store(to);
        }
        for (to, &x) in to.iter_mut().zip(self.0.as_slice()) {
            *to = x;
        }
    }

    /// The sum over the lanes, in a tree of fixed order.
    #[inline(always)]
    pub fn sum(self) -> T {
        self.0.reduce_sum()
    }

    /// The lanes below `n`; +0 in the others, whatever they held.
    #[inline(always)]
    #[must_use]
    pub fn keep(self, n: usize) -> Self {
        first(self.0.token(), n).select(self, self.splat_like(T::ZERO))
    }

    /// The lanes.
    #[inline(always)]
    pub fn as_slice(&self) -> &[T] {
        self.0.as_slice()
    }

    /// The lanes, to be written.
    #[inline(always)]
    pub(super) fn as_mut_slice(&mut self) -> &mut [T] {
        self.0.as_mut_slice()
    }

    /// The token of the level.
    #[inline(always)]
    pub fn token(self) -> S {
        self.0.token()
    }

    #[inline(always)]
    pub(super) fn splat_like(self, x: T) -> Self {
        Self::splat(self.0.token(), x)
    }
}

/// True in the lanes below `n`.
#[inline(always)]
pub(super) fn first<S: Simd, T: Real>(s: S, n: usize) -> Mask<S, T> {
    let bits = if n >= T::LANES { u64::MAX } else { (1 << n) - 1 };
    Mask(RawMask::<S, T>::from_bitmask(s, bits))
}

impl<S: Simd, T: Real> Mask<S, T> {
    /// `a` where true, `b` where false.
    #[inline(always)]
    pub(super) fn select(self, a: Lanes<S, T>, b: Lanes<S, T>) -> Lanes<S, T> {
        Lanes(self.0.select(a.0, b.0))
    }

    #[inline(always)]
    pub(super) fn token(self) -> S {
        self.0.token()
    }

    /// Whether any lane is true.
    #[inline(always)]
    pub fn any(self) -> bool {
        self.0.any_true()
    }

    /// Bit `i` is lane `i`.
    #[inline(always)]
    pub fn to_bitmask(self) -> u64 {
        self.0.to_bitmask()
    }
}

impl<S: Simd, T: Real> Not for Mask<S, T> {
    type Output = Self;

    #[inline(always)]
    fn not(self) -> Self {
        Self(!self.0)
    }
}

impl<S: Simd, T: Real> BitAnd for Mask<S, T> {
    type Output = Self;

    #[inline(always)]
    fn bitand(self, rhs: Self) -> Self {
        Self(self.0 & rhs.0)
    }
}

impl<S: Simd, T: Real> BitOr for Mask<S, T> {
    type Output = Self;

    #[inline(always)]
    fn bitor(self, rhs: Self) -> Self {
        Self(self.0 | rhs.0)
    }
}

impl<S: Simd, T: Real> Neg for Lanes<S, T> {
    type Output = Self;

    #[inline(always)]
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl<S: Simd, T: Real> Neg for Product<S, T> {
    type Output = Self;

    #[inline(always)]
    fn neg(self) -> Self {
        Self(-self.0, self.1)
    }
}

impl<S: Simd, T: Real> Neg for Mask<S, T> {
    type Output = Lanes<S, T>;

    #[inline(always)]
    fn neg(self) -> Lanes<S, T> {
        -self.lanes()
    }
}

/// Something that stands for lanes beside an expression of level `S` and type `T`: the expressions, and a scalar,
/// which counts for every lane. Sealed in effect: scalars are [`Real`].
pub trait LaneValue<S: Simd, T: Real>: Copy {
    /// The lanes.
    fn value(self, s: S) -> Lanes<S, T>;
}

impl<S: Simd, T: Real> LaneValue<S, T> for T {
    #[inline(always)]
    fn value(self, s: S) -> Lanes<S, T> {
        Lanes::splat(s, self)
    }
}

/// Two arguments of a lane function, at least one of which is an expression; the other may be a scalar.
pub trait LanePair<B>: Copy {
    /// The SIMD level.
    type Simd: Simd;
    /// The element type.
    type Real: Real;

    /// Both as lanes.
    fn pair(self, other: B) -> [Lanes<Self::Simd, Self::Real>; 2];
}

macro_rules! operator {
    ($Op:ident, $op:ident, [$($Left:ident)*], $Output:ident, |$a:ident, $b:ident| $result:expr, |$x:ident, $y:ident| $product:expr) => {
        $(
            operator!(@ $Op, $op, $Left, Lanes, $Output, |$a, $b| $result);
            operator!(@ $Op, $op, $Left, Mask, $Output, |$a, $b| $result);
            operator!(@ $Op, $op, $Left, Product, $Output, |$x, $y| $product);

            impl<S: Simd, T: Real> $Op<T> for $Left<S, T> {
                type Output = $Output<S, T>;

                #[inline(always)]
                fn $op(self, rhs: T) -> $Output<S, T> {
                    let ($a, $b) = (self, Lanes::splat(self.lanes().token(), rhs));
                    $result
                }
            }
        )*
    };
    (@ $Op:ident, $op:ident, $Left:ident, $Right:ident, $Output:ident, |$a:ident, $b:ident| $result:expr) => {
        impl<S: Simd, T: Real> $Op<$Right<S, T>> for $Left<S, T> {
            type Output = $Output<S, T>;

            #[inline(always)]
            fn $op(self, rhs: $Right<S, T>) -> $Output<S, T> {
                let ($a, $b) = (self, rhs);
                $result
            }
        }
    };
}

operator!(Add, add, [Product], Lanes, |a, b| a.plus(b.lanes()), |a, b| a.plus(b.lanes()));
operator!(Add, add, [Lanes Mask], Lanes, |a, b| a.plus(b.lanes()), |a, b| b.plus(a.lanes()));
operator!(Sub, sub, [Product], Lanes, |a, b| a.minus(b.lanes()), |a, b| a.minus(b.lanes()));
operator!(Sub, sub, [Lanes Mask], Lanes, |a, b| a.minus(b.lanes()), |a, b| b.minus_from(a.lanes()));
operator!(
    Mul,
    mul,
    [Lanes Product Mask],
    Product,
    |a, b| Product(a.lanes(), b.lanes()),
    |a, b| Product(a.lanes(), b.lanes())
);
operator!(
    Div,
    div,
    [Lanes Product Mask],
    Lanes,
    |a, b| Lanes(a.lanes().0 / b.lanes().0),
    |a, b| Lanes(a.lanes().0 / b.lanes().0)
);

macro_rules! scalar_operators {
    ($T:ty: $($Right:ident)*) => {
        $(
            impl<S: Simd> Add<$Right<S, $T>> for $T {
                type Output = Lanes<S, $T>;

                #[inline(always)]
                fn add(self, rhs: $Right<S, $T>) -> Lanes<S, $T> {
                    rhs.plus(rhs.lanes().splat_like(self))
                }
            }

            impl<S: Simd> Sub<$Right<S, $T>> for $T {
                type Output = Lanes<S, $T>;

                #[inline(always)]
                fn sub(self, rhs: $Right<S, $T>) -> Lanes<S, $T> {
                    rhs.minus_from(rhs.lanes().splat_like(self))
                }
            }

            impl<S: Simd> Mul<$Right<S, $T>> for $T {
                type Output = Product<S, $T>;

                #[inline(always)]
                fn mul(self, rhs: $Right<S, $T>) -> Product<S, $T> {
                    rhs * self
                }
            }

            impl<S: Simd> Div<$Right<S, $T>> for $T {
                type Output = Lanes<S, $T>;

                #[inline(always)]
                fn div(self, rhs: $Right<S, $T>) -> Lanes<S, $T> {
                    rhs.lanes().splat_like(self) / rhs
                }
            }
        )*
    };
}

scalar_operators!(f32: Lanes Product Mask);
scalar_operators!(f64: Lanes Product Mask);

macro_rules! assign {
    ($($Assign:ident, $assign:ident, $Op:ident, $op:ident;)*) => {
        $(
            impl<S: Simd, T: Real, R> $Assign<R> for Lanes<S, T>
            where
                Self: $Op<R, Output: LaneExpr<Simd = S, Real = T>>,
            {
                #[inline(always)]
                fn $assign(&mut self, rhs: R) {
                    *self = $Op::$op(*self, rhs).lanes();
                }
            }
        )*
    };
}

assign! {
    AddAssign, add_assign, Add, add;
    SubAssign, sub_assign, Sub, sub;
    MulAssign, mul_assign, Mul, mul;
    DivAssign, div_assign, Div, div;
}

macro_rules! pairs {
    ($Left:ident: $($Right:ident)*) => {
        $(
            impl<S: Simd, T: Real> LanePair<$Right<S, T>> for $Left<S, T> {
                type Simd = S;
                type Real = T;

                #[inline(always)]
                fn pair(self, other: $Right<S, T>) -> [Lanes<S, T>; 2] {
                    [self.lanes(), other.lanes()]
                }
            }
        )*

        impl<S: Simd, T: Real> LanePair<T> for $Left<S, T> {
            type Simd = S;
            type Real = T;

            #[inline(always)]
            fn pair(self, other: T) -> [Lanes<S, T>; 2] {
                let a = self.lanes();
                [a, a.splat_like(other)]
            }
        }

        impl<S: Simd, T: Real> LanePair<$Left<S, T>> for T {
            type Simd = S;
            type Real = T;

            #[inline(always)]
            fn pair(self, other: $Left<S, T>) -> [Lanes<S, T>; 2] {
                let b = other.lanes();
                [b.splat_like(self), b]
            }
        }

        impl<S: Simd, T: Real> LaneValue<S, T> for $Left<S, T> {
            #[inline(always)]
            fn value(self, _: S) -> Lanes<S, T> {
                self.lanes()
            }
        }
    };
}

pairs!(Lanes: Lanes Product Mask);
pairs!(Product: Lanes Product Mask);
pairs!(Mask: Lanes Product Mask);

#[cfg(test)]
mod tests {
    use crate::dispatch;
    use crate::kernels::{LaneExpr, Lanes, Level, eq, gt, max, min, pow, select, with_level};

    /// Types of bare literals and of mixed expressions are inferred, and the values are right.
    #[test]
    fn operators_infer_and_compute() {
        for level in Level::available() {
            with_level(level, || {
                let x: [f32; 16] = core::array::from_fn(|i| i as f32 - 7.5);
                let y: [f32; 16] = core::array::from_fn(|i| 0.25 * i as f32 + 1.0);
                dispatch!(s => {
                    let (a, b) = (Lanes::load(s, &x), Lanes::load(s, &y));
                    let check = |got: Lanes<_, f32>, want: &dyn Fn(f32, f32) -> f32| {
                        for (i, &got) in got.as_slice().iter().enumerate() {
                            let want = want(x[i], y[i]);
                            assert!((got - want).abs() <= 1e-5 * want.abs().max(1.0), "{level:?} {i}: {got} {want}");
                        }
                    };
                    check(1.0 - b * b, &|_, y| 1.0 - y * y);
                    check(b * b - 1.0, &|_, y| y * y - 1.0);
                    check(0.5 * a + b / 2.0, &|x, y| 0.5 * x + y / 2.0);
                    check(a + 2.0, &|x, _| x + 2.0);
                    check(2.0 - a, &|x, _| 2.0 - x);
                    check(1.0 / b - a, &|x, y| 1.0 / y - x);
                    check(a * b + b * 3.0, &|x, y| x * y + y * 3.0);
                    check(a * b - b * a, &|_, _| 0.0);
                    check(a - b * a, &|x, y| x - y * x);
                    check(-(a * b) + a, &|x, y| x - x * y);
                    check(a * b * a / (b * b), &|x, y| x * y * x / (y * y));
                    check(-a - 1.0, &|x, _| -x - 1.0);
                    check(max(a, 0.0), &|x, _| x.max(0.0));
                    check(max(0.0, a * 2.0), &|x, _| (2.0 * x).max(0.0));
                    check(min(a, b), &|x, y| x.min(y));
                    check(select(gt(a, 0.0), a, 0.0), &|x, _| x.max(0.0));
                    check(select(a * 0.0, a, b * b), &|_, y| y * y);
                    check((gt(a, b) * b).lanes(), &|x, y| if x > y { y } else { 0.0 });
                    check(gt(a, 0.0) + gt(b, 2.0), &|x, y| f32::from(x > 0.0) + f32::from(y > 2.0));
                    check(1.0 - eq(a, 0.5), &|x, _| f32::from(x != 0.5));
                    check(select(!gt(a, 0.0) & gt(b, 1.5) | gt(a, 5.0), 1.0, a), &|x, y| {
                        if x <= 0.0 && y > 1.5 || x > 5.0 { 1.0 } else { x }
                    });
                    check(pow(b, 2.0), &|_, y| y * y);
                    let mut sum = a;
                    sum += a * b;
                    sum -= b * 2.0;
                    sum -= 1.0;
                    sum += gt(a, 0.0);
                    sum *= 2.0;
                    sum /= b;
                    check(sum, &|x, y| (x + x * y - y * 2.0 - 1.0 + f32::from(x > 0.0)) * 2.0 / y);
                });
            });
        }
    }

    #[test]
    fn products_are_fused_where_the_level_can() {
        let e = f64::EPSILON;
        for level in Level::available() {
            let rest = with_level(level, || {
                dispatch!(s => {
                    let a = Lanes::splat(s, 1.0 + e);
                    let b = Lanes::splat(s, 1.0 - e);
                    (a * b - 1.0).as_slice()[0]
                })
            });
            // (1 + e)(1 - e) - 1 = -e², which a rounded product loses.
            let want = if level == Level::baseline() && cfg!(any(target_arch = "x86", target_arch = "x86_64"))
            {
                0.0
            } else {
                -e * e
            };
            assert_eq!(rest, want, "{level:?}");
        }
    }

    #[test]
    fn partial_loads_stores_and_keep() {
        for level in Level::available() {
            with_level(level, || {
                let x: [f64; 8] = core::array::from_fn(|i| i as f64 + 1.0);
                for n in 0..=8 {
                    dispatch!(s => {
                        let part = Lanes::load_partial(s, &x[..n]);
                        assert_eq!(part.as_slice()[..n], x[..n]);
                        assert!(part.as_slice()[n..].iter().all(|&x| x == 0.0));
                        assert_eq!(part.sum(), (n * (n + 1) / 2) as f64);
                        let mut out = [-1.0; 8];
                        Lanes::load(s, &x).store_partial(&mut out[..n]);
                        assert_eq!(out[..n], x[..n]);
                        assert!(out[n..].iter().all(|&x| x == -1.0));
                        let kept = Lanes::splat(s, f64::NAN).keep(n);
                        assert_eq!(kept.as_slice().iter().filter(|x| x.is_nan()).count(), n);
                        assert!(kept.as_slice()[n..].iter().all(|x| x.to_bits() == 0));
                    });
                }
            });
        }
    }
}
