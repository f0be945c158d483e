//! Comparisons and choices.

use fearless_simd::SimdBase;

use crate::kernels::{LaneExpr, LanePair, LaneValue, Lanes, Mask, Real};

macro_rules! comparisons {
    ($($name:ident, $simd:ident, $doc:literal;)*) => {
        $(
            #[doc = $doc]
            #[inline(always)]
            pub fn $name<A: LanePair<B>, B>(a: A, b: B) -> Mask<A::Simd, A::Real> {
                let [a, b] = a.pair(b);
                Mask(a.0.$simd(b.0))
            }
        )*
    };
}

comparisons! {
    gt, simd_gt, "`a > b`; false where one is NaN.";
    lt, simd_lt, "`a < b`; false where one is NaN.";
    ge, simd_ge, "`a >= b`; false where one is NaN.";
    le, simd_le, "`a <= b`; false where one is NaN.";
    eq, simd_eq, "`a == b`; false where one is NaN.";
    ne, simd_ne, "`a != b`; true where one is NaN.";
}

/// The larger; NaN where one is NaN.
#[inline(always)]
pub fn max<A: LanePair<B>, B>(a: A, b: B) -> Lanes<A::Simd, A::Real> {
    let [a, b] = a.pair(b);
    // `a <= b` is false where `a` is NaN, which leaves NaN in `b` to be caught.
    (le(a, b) | ne(b, b)).select(b, a)
}

/// The smaller; NaN where one is NaN.
#[inline(always)]
pub fn min<A: LanePair<B>, B>(a: A, b: B) -> Lanes<A::Simd, A::Real> {
    let [a, b] = a.pair(b);
    (ge(a, b) | ne(b, b)).select(b, a)
}

/// -1, 0 or 1 by the sign; 0 for 0 and NaN for NaN.
#[inline(always)]
pub fn sign<E: LaneExpr>(x: E) -> Lanes<E::Simd, E::Real> {
    let x = x.lanes();
    select(gt(x, E::Real::ZERO), E::Real::ONE, select(lt(x, E::Real::ZERO), -E::Real::ONE, x))
}

/// `a` where the condition is true (a mask) or not zero (a value; NaN is not zero), `b` elsewhere.
#[inline(always)]
pub fn select<C: LaneExpr>(
    condition: C,
    a: impl LaneValue<C::Simd, C::Real>,
    b: impl LaneValue<C::Simd, C::Real>,
) -> Lanes<C::Simd, C::Real> {
    let mask = condition.mask();
    let s = mask.token();
    mask.select(a.value(s), b.value(s))
}
