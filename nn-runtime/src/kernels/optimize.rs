//! Updates of the optimisers: one pass over parameters, gradient and state.
//!
//! What an optimiser computes once per step (bias corrections, products of its settings) is in the numbers of an
//! [`Update`]. Every element is computed alone and by the same operations wherever it lies, in a line or beside it:
//! a range gives the same bits however it is cut. No products are fused, because a scalar loop for few parameters
//! cannot fuse them without asking for the level; memory, divisions and roots are what takes the time.
//!
//! A gradient that vanishes leaves running means behind that shrink from step to step, down to subnormal numbers, with
//! which processors take a hundred times as long, and where rounding keeps them for good. What is too small to move any
//! parameter counts as zero instead (`2^-100` for gradients and their means in single precision).

use core::ops::{Add, Div, Sub};

use fearless_simd::Simd;

use super::{LaneExpr, Lanes, Real, abs, lt, select, sign, sqrt};

/// What one step does to a parameter `p` with the gradient `g` and its state. The settings are not checked here.
#[derive(Clone, Copy, Debug)]
pub enum Update<T> {
    /// Without state.
    Descent(Descent<T>),
    /// State: the velocity.
    Momentum(Momentum<T>),
    /// State: the first moments, then the second ones.
    Moments(Moments<T>),
    /// State: the squares.
    Scaled(Scaled<T>),
    /// State: the squares, then the velocity.
    ScaledMomentum(ScaledMomentum<T>),
    /// State: the moments.
    Sign(Sign<T>),
}

/// `p ← p - rate (g + decay p)`
#[derive(Clone, Copy, Debug)]
pub struct Descent<T> {
    pub decay: T,
    pub rate: T,
}

/// `g ← g + decay p`, `v ← mu v + g`, `p ← p - gradient_rate g - velocity_rate v`
#[derive(Clone, Copy, Debug)]
pub struct Momentum<T> {
    pub decay: T,
    pub mu: T,
    pub gradient_rate: T,
    pub velocity_rate: T,
}

/// `g ← g + decay p`, `m ← m + first (g - m)`, `v ← v + second (g² - v)`,
/// `p ← keep p - (gradient_rate g + moment_rate m) / (√v + epsilon)`
#[derive(Clone, Copy, Debug)]
pub struct Moments<T> {
    pub decay: T,
    pub keep: T,
    pub first: T,
    pub second: T,
    pub gradient_rate: T,
    pub moment_rate: T,
    pub epsilon: T,
}

/// `g ← g + decay p`, `v ← keep v + add g²`, `p ← p - rate g / (√v + epsilon)`
#[derive(Clone, Copy, Debug)]
pub struct Scaled<T> {
    pub decay: T,
    pub keep: T,
    pub add: T,
    pub rate: T,
    pub epsilon: T,
}

/// As [`Scaled`], with `b ← mu b + g / (√v + epsilon)`, `p ← p - rate b`
#[derive(Clone, Copy, Debug)]
pub struct ScaledMomentum<T> {
    pub scaled: Scaled<T>,
    pub mu: T,
}

/// `p ← keep p - rate sign(m + first (g - m))`, `m ← m + second (g - m)`
#[derive(Clone, Copy, Debug)]
pub struct Sign<T> {
    pub keep: T,
    pub first: T,
    pub second: T,
    pub rate: T,
}

/// A scalar, or a line of them: the arithmetic of an update is written once for both.
pub(crate) trait Number<T>:
    Copy + Add<Output = Self> + Add<T, Output = Self> + Sub<Output = Self> + Div<Output = Self>
{
    fn times(self, factor: T) -> Self;
    fn squared(self) -> Self;
    fn root(self) -> Self;
    fn sign(self) -> Self;
    /// 0 where the magnitude is below `least`.
    fn at_least(self, least: T) -> Self;
}

impl<T: Real> Number<T> for T {
    #[inline(always)]
    fn times(self, factor: T) -> T {
        self * factor
    }

    #[inline(always)]
    fn squared(self) -> T {
        self * self
    }

    #[inline(always)]
    fn root(self) -> T {
        self.sqrt()
    }

    #[inline(always)]
    fn sign(self) -> T {
        if self > T::ZERO {
            T::ONE
        } else if self < T::ZERO {
            -T::ONE
        } else {
            self
        }
    }

    #[inline(always)]
    fn at_least(self, least: T) -> T {
        if Real::abs(self) < least { T::ZERO } else { self }
    }
}

impl<S: Simd, T: Real> Number<T> for Lanes<S, T> {
    #[inline(always)]
    fn times(self, factor: T) -> Self {
        (self * factor).lanes()
    }

    #[inline(always)]
    fn squared(self) -> Self {
        (self * self).lanes()
    }

    #[inline(always)]
    fn root(self) -> Self {
        sqrt(self)
    }

    #[inline(always)]
    fn sign(self) -> Self {
        sign(self)
    }

    #[inline(always)]
    fn at_least(self, least: T) -> Self {
        select(lt(abs(self), least), T::ZERO, self)
    }
}

/// `g²`, and 0 where it would be so small that running means of it are no normal numbers.
#[inline(always)]
fn square<T: Real, V: Number<T>>(g: V) -> V {
    g.at_least(T::LEAST_ROOT).squared()
}

/// The arithmetic of an update with `STATE` numbers of state for each parameter.
pub(crate) trait Rule<T: Real, const STATE: usize>: Copy {
    /// The new parameter; the state is changed in place.
    fn step<V: Number<T>>(self, p: V, g: V, state: &mut [V; STATE]) -> V;

    /// The rule as one of all, for the compiled kernel.
    fn update(self) -> Update<T>;

    /// Moves the parameters along the gradient. `state` has `STATE` scalars for each parameter; of more than one, the
    /// first of all parameters come before the second.
    ///
    /// # Panics
    /// If the lengths differ.
    #[inline]
    fn apply(self, parameters: &mut [T], gradient: &[T], state: &mut [T]) {
        if parameters.len() < T::LANES {
            scalars(self, parameters, gradient, state);
        } else {
            T::optimize(&self.update(), parameters, gradient, state);
        }
    }
}

impl<T: Real> Rule<T, 0> for Descent<T> {
    #[inline(always)]
    fn step<V: Number<T>>(self, p: V, g: V, []: &mut [V; 0]) -> V {
        p - (g.at_least(T::LEAST_GRADIENT) + p.times(self.decay)).times(self.rate)
    }

    #[inline(always)]
    fn update(self) -> Update<T> {
        Update::Descent(self)
    }
}

impl<T: Real> Rule<T, 1> for Momentum<T> {
    #[inline(always)]
    fn step<V: Number<T>>(self, p: V, g: V, [v]: &mut [V; 1]) -> V {
        let g = g.at_least(T::LEAST_GRADIENT) + p.times(self.decay);
        *v = (v.times(self.mu) + g).at_least(T::LEAST_GRADIENT);
        p - (g.times(self.gradient_rate) + v.times(self.velocity_rate))
    }

    #[inline(always)]
    fn update(self) -> Update<T> {
        Update::Momentum(self)
    }
}

impl<T: Real> Rule<T, 2> for Moments<T> {
    #[inline(always)]
    fn step<V: Number<T>>(self, p: V, g: V, [m, v]: &mut [V; 2]) -> V {
        let g = g.at_least(T::LEAST_GRADIENT) + p.times(self.decay);
        *m = (*m + (g - *m).times(self.first)).at_least(T::LEAST_GRADIENT);
        *v = (*v + (square(g) - *v).times(self.second)).at_least(T::LEAST_SQUARE);
        let direction = g.times(self.gradient_rate) + m.times(self.moment_rate);
        p.times(self.keep) - direction / (v.root() + self.epsilon)
    }

    #[inline(always)]
    fn update(self) -> Update<T> {
        Update::Moments(self)
    }
}

impl<T: Real> Rule<T, 1> for Scaled<T> {
    #[inline(always)]
    fn step<V: Number<T>>(self, p: V, g: V, [v]: &mut [V; 1]) -> V {
        let g = g.at_least(T::LEAST_GRADIENT) + p.times(self.decay);
        *v = (v.times(self.keep) + square(g).times(self.add)).at_least(T::LEAST_SQUARE);
        p - g.times(self.rate) / (v.root() + self.epsilon)
    }

    #[inline(always)]
    fn update(self) -> Update<T> {
        Update::Scaled(self)
    }
}

impl<T: Real> Rule<T, 2> for ScaledMomentum<T> {
    #[inline(always)]
    fn step<V: Number<T>>(self, p: V, g: V, [v, b]: &mut [V; 2]) -> V {
        let Self { scaled, mu } = self;
        let g = g.at_least(T::LEAST_GRADIENT) + p.times(scaled.decay);
        *v = (v.times(scaled.keep) + square(g).times(scaled.add)).at_least(T::LEAST_SQUARE);
        *b = (b.times(mu) + g / (v.root() + scaled.epsilon)).at_least(T::LEAST_GRADIENT);
        p - b.times(scaled.rate)
    }

    #[inline(always)]
    fn update(self) -> Update<T> {
        Update::ScaledMomentum(self)
    }
}

impl<T: Real> Rule<T, 1> for Sign<T> {
    #[inline(always)]
    fn step<V: Number<T>>(self, p: V, g: V, [m]: &mut [V; 1]) -> V {
        let change = g.at_least(T::LEAST_GRADIENT) - *m;
        let direction = *m + change.times(self.first);
        *m = (*m + change.times(self.second)).at_least(T::LEAST_GRADIENT);
        p.times(self.keep) - direction.sign().times(self.rate)
    }

    #[inline(always)]
    fn update(self) -> Update<T> {
        Update::Sign(self)
    }
}

/// At least one line of parameters.
#[inline(always)]
pub(super) fn optimize<S: Simd, T: Real>(s: S, update: &Update<T>, p: &mut [T], g: &[T], state: &mut [T]) {
    match *update {
        Update::Descent(rule) => lines(s, rule, p, g, state),
        Update::Momentum(rule) => lines(s, rule, p, g, state),
        Update::Moments(rule) => lines(s, rule, p, g, state),
        Update::Scaled(rule) => lines(s, rule, p, g, state),
        Update::ScaledMomentum(rule) => lines(s, rule, p, g, state),
        Update::Sign(rule) => lines(s, rule, p, g, state),
    }
}

/// Fewer parameters than one line: without asking for the level.
#[inline(always)]
fn scalars<T: Real, const STATE: usize>(rule: impl Rule<T, STATE>, p: &mut [T], g: &[T], state: &mut [T]) {
    let Range { p, g, mut state } = Range::<T, STATE>::new(p, g, state);
    for (i, (p, &g)) in p.iter_mut().zip(g).enumerate() {
        let mut next = core::array::from_fn(|k| state[k][i]);
        *p = rule.step(*p, g, &mut next);
        for (state, next) in state.iter_mut().zip(next) {
            state[i] = next;
        }
    }
}

/// At least one line. The last one may overlap the one before it: it is computed before anything is written, and
/// written after everything else.
#[inline(always)]
fn lines<S: Simd, T: Real, const STATE: usize>(
    s: S,
    rule: impl Rule<T, STATE>,
    p: &mut [T],
    g: &[T],
    state: &mut [T],
) {
    let mut range = Range::<T, STATE>::new(p, g, state);
    let last = range.p.len() - T::LANES;
    let end = range.step(s, rule, last);
    for at in (0..last).step_by(T::LANES) {
        let next = range.step(s, rule, at);
        range.write(at, next);
    }
    range.write(last, end);
}

/// A range of parameters with their gradient, and the parts of their state.
struct Range<'a, T, const STATE: usize> {
    p: &'a mut [T],
    g: &'a [T],
    state: [&'a mut [T]; STATE],
}

impl<'a, T: Real, const STATE: usize> Range<'a, T, STATE> {
    #[inline(always)]
    fn new(p: &'a mut [T], g: &'a [T], mut state: &'a mut [T]) -> Self {
        let n = p.len();
        assert_eq!(g.len(), n, "scalars of the gradient of {n} parameters");
        assert_eq!(state.len(), STATE * n, "scalars of the state of {n} parameters");
        Self { p, g, state: core::array::from_fn(|_| state.split_off_mut(..n).unwrap_or_default()) }
    }

    /// The next parameters and state of the line `at ..`.
    #[inline(always)]
    fn step<S: Simd>(
        &self,
        s: S,
        rule: impl Rule<T, STATE>,
        at: usize,
    ) -> (Lanes<S, T>, [Lanes<S, T>; STATE]) {
        let mut state = core::array::from_fn(
            #[inline(always)]
            |k| Lanes::load(s, &self.state[k][at..]),
        );
        let p = rule.step(Lanes::load(s, &self.p[at..]), Lanes::load(s, &self.g[at..]), &mut state);
        (p, state)
    }

    #[inline(always)]
    fn write<S: Simd>(&mut self, at: usize, (p, state): (Lanes<S, T>, [Lanes<S, T>; STATE])) {
        p.store(&mut self.p[at..]);
        for (to, state) in self.state.iter_mut().zip(state) {
            state.store(&mut to[at..]);
        }
    }
}
