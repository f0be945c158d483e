//! Elementary functions over lanes.
use super::lanes::{LaneExpr, LanePair, LaneValue, Lanes, Mask};
use fearless_simd::{SimdBase, SimdFloat};
use crate::kernels::Real;

pub trait Constants: Sized {
    fn f_exp(self) -> Self;
    fn f_log(self) -> Self;
    fn f_sin(self) -> Self;
    fn f_cos(self) -> Self;
    fn f_tanh(self) -> Self;
    fn f_erf(self) -> Self;
    fn f_log1p(self) -> Self;
    fn f_pow(self, y: Self) -> Self;
}
macro_rules! c { ($T:ty, $($m:ident $f:ident),*; $pow:ident) => { impl Constants for $T { $(#[inline] fn $m(self) -> Self { libm::$f(self) })* #[inline] fn f_pow(self, y: Self) -> Self { libm::$pow(self, y) } } } }
c!(f32, f_exp expf, f_log logf, f_sin sinf, f_cos cosf, f_tanh tanhf, f_erf erff, f_log1p log1pf; powf);
c!(f64, f_exp exp, f_log log, f_sin sin, f_cos cos, f_tanh tanh, f_erf erf, f_log1p log1p; pow);

#[inline(always)]
fn map<E: LaneExpr>(x: E, f: impl Fn(E::Real) -> E::Real) -> Lanes<E::Simd, E::Real> {
    let x = x.lanes();
    Lanes::from_fn(x.token(), |i| f(x.as_slice()[i]))
}
macro_rules! u { ($($n:ident $f:ident),*) => { $(#[doc = "."] #[inline(always)] pub fn $n<E: LaneExpr>(x: E) -> Lanes<E::Simd, E::Real> { map(x, |x| x.$f()) })* } }
u!(exp f_exp, log f_log, sin f_sin, cos f_cos, tanh f_tanh, erf f_erf);
#[doc = "."] #[inline(always)] pub fn sqrt<E: LaneExpr>(x: E) -> Lanes<E::Simd, E::Real> { Lanes(x.lanes().0.sqrt()) }
#[doc = "."] #[inline(always)] pub fn abs<E: LaneExpr>(x: E) -> Lanes<E::Simd, E::Real> { Lanes(x.lanes().0.abs()) }
#[doc = "."] #[inline(always)] pub fn sign<E: LaneExpr>(x: E) -> Lanes<E::Simd, E::Real> { let x = x.lanes(); let z = x.splat_like(E::Real::ZERO); select(gt(x, z), x.splat_like(E::Real::ONE), select(lt(x, z), -x.splat_like(E::Real::ONE), x)) }
#[doc = "."] #[inline(always)] pub fn sigmoid<E: LaneExpr>(x: E) -> Lanes<E::Simd, E::Real> { map(x, |x| if x < E::Real::ZERO { x.f_exp() / (E::Real::ONE + x.f_exp()) } else {E::Real::ONE / (E::Real::ONE + (-x).f_exp())} ) }
#[doc = "."] #[inline(always)] pub fn softplus<E: LaneExpr>(x: E) -> Lanes<E::Simd, E::Real> { map(x, |x| { let t = (-Real::abs(x)).f_exp().f_log1p(); if x > E::Real::ZERO { x + t } else { t } }) }
#[doc = "."] #[inline(always)] pub fn powi<E: LaneExpr>(x: E, n: i32) -> Lanes<E::Simd, E::Real> {
    let x = x.lanes();
    let mut r = x.splat_like(E::Real::ONE);
    for _ in 0..n.unsigned_abs() { r = (r * x).lanes(); }
    if n < 0 { x.splat_like(E::Real::ONE) / r } else { r }
}
#[doc = "."] #[inline(always)] pub fn pow<A: LanePair<B>, B>(a: A, b: B) -> Lanes<A::Simd, A::Real> { let [a, b] = a.pair(b); Lanes::from_fn(a.token(), |i| a.as_slice()[i].f_pow(b.as_slice()[i])) }
#[doc = "."] #[inline(always)] pub fn max<A: LanePair<B>, B>(a: A, b: B) -> Lanes<A::Simd, A::Real> { let [a, b] = a.pair(b); let m = le(a, b).select(b, a); ne(b, b).select(b, m) }
#[doc = "."] #[inline(always)] pub fn min<A: LanePair<B>, B>(a: A, b: B) -> Lanes<A::Simd, A::Real> { let [a, b] = a.pair(b); let m = ge(a, b).select(b, a); ne(b, b).select(b, m) }
macro_rules! cmp { ($($n:ident $f:ident),*) => { $(#[doc = "."] #[inline(always)] pub fn $n<A: LanePair<B>, B>(a: A, b: B) -> Mask<A::Simd, A::Real> { let [a, b] = a.pair(b); Mask(a.0.$f(b.0)) })* } }
cmp!(gt simd_gt, lt simd_lt, ge simd_ge, le simd_le, eq simd_eq, ne simd_ne);
#[doc = "."] #[inline(always)] pub fn select<C: LaneExpr>(condition: C, a: impl LaneValue<C::Simd, C::Real>, b: impl LaneValue<C::Simd, C::Real>) -> Lanes<C::Simd, C::Real> {
    let s = condition.lanes().token();
    condition.mask().select(a.value(s), b.value(s))
}
