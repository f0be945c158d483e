//! Updates of the optimisers: one pass over parameters, gradient and state.
//!
//! What an optimiser computes once per step (bias corrections, products of its settings) is in the numbers of an
//! [`Update`]. Every element is computed alone and by the same operations wherever it lies, so that a range gives the
//! same bits however it is cut.

use fearless_simd::Simd;

use super::{Lanes, Real, sqrt};

/// What one step does to a parameter `p` with the gradient `g` and its state. Nothing here is checked: the optimisers
/// check their settings.
#[derive(Clone, Copy, Debug)]
pub enum Update<T> {
    /// Without state.
    Descent(Descent<T>),
    /// State: the velocity.
    Momentum(Momentum<T>),
    /// State: the first moments, then the second ones.
    Moments(Moments<T>),
}

impl<T: Real> Update<T> {
    /// Moves the parameters along the gradient. `state` has so many scalars for each parameter as the update needs;
    /// of more than one, the first of all parameters come before the second.
    ///
    /// # Panics
    /// If the lengths differ.
    #[inline]
    pub fn apply(&self, parameters: &mut [T], gradient: &[T], state: &mut [T]) {
        T::optimize(self, parameters, gradient, state);
    }
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

/// The arithmetic of an update with `STATE` scalars of state for each parameter.
trait Rule<T: Real, const STATE: usize>: Copy {
    /// One line: the new parameters; the state is changed in place.
    fn line<S: Simd>(self, p: Lanes<S, T>, g: Lanes<S, T>, state: &mut [Lanes<S, T>; STATE]) -> Lanes<S, T>;
}

impl<T: Real> Rule<T, 0> for Descent<T> {
    #[inline(always)]
    fn line<S: Simd>(self, p: Lanes<S, T>, g: Lanes<S, T>, []: &mut [Lanes<S, T>; 0]) -> Lanes<S, T> {
        p - (p * self.decay + g) * self.rate
    }
}

impl<T: Real> Rule<T, 1> for Momentum<T> {
    #[inline(always)]
    fn line<S: Simd>(self, p: Lanes<S, T>, g: Lanes<S, T>, [v]: &mut [Lanes<S, T>; 1]) -> Lanes<S, T> {
        let g = p * self.decay + g;
        *v = *v * self.mu + g;
        p - g * self.gradient_rate - *v * self.velocity_rate
    }
}

impl<T: Real> Rule<T, 2> for Moments<T> {
    #[inline(always)]
    fn line<S: Simd>(self, p: Lanes<S, T>, g: Lanes<S, T>, [m, v]: &mut [Lanes<S, T>; 2]) -> Lanes<S, T> {
        let g = p * self.decay + g;
        *m += (g - *m) * self.first;
        *v += (g * g - *v) * self.second;
        let direction = (g * self.gradient_rate + *m * self.moment_rate) / (sqrt(*v) + self.epsilon);
        p * self.keep - direction
    }
}

/// Runs the update.
#[inline(always)]
pub(super) fn optimize<S: Simd, T: Real>(s: S, update: &Update<T>, p: &mut [T], g: &[T], state: &mut [T]) {
    match *update {
        Update::Descent(rule) => run(s, rule, p, g, state),
        Update::Momentum(rule) => run(s, rule, p, g, state),
        Update::Moments(rule) => run(s, rule, p, g, state),
    }
}

#[inline(always)]
fn run<S: Simd, T: Real, const STATE: usize>(
    s: S,
    rule: impl Rule<T, STATE>,
    p: &mut [T],
    g: &[T],
    state: &mut [T],
) {
    let n = p.len();
    assert_eq!(g.len(), n, "the lengths of the gradient and the parameters");
    assert_eq!(state.len(), STATE * n, "the lengths of the state and the parameters");
    let mut rest = state;
    let mut state: [&mut [T]; STATE] = core::array::from_fn(|_| rest.split_off_mut(..n).unwrap_or_default());

    let mut at = 0;
    while at + T::LANES <= n {
        let mut old: [_; STATE] = core::array::from_fn(
            #[inline(always)]
            |i| Lanes::load(s, &state[i][at..]),
        );
        let new = rule.line(Lanes::load(s, &p[at..]), Lanes::load(s, &g[at..]), &mut old);
        new.store(&mut p[at..]);
        for (state, old) in state.iter_mut().zip(old) {
            old.store(&mut state[at..]);
        }
        at += T::LANES;
    }
    if at < n {
        let mut old: [_; STATE] = core::array::from_fn(
            #[inline(always)]
            |i| Lanes::load_partial(s, &state[i][at..]),
        );
        let new = rule.line(Lanes::load_partial(s, &p[at..]), Lanes::load_partial(s, &g[at..]), &mut old);
        new.store_partial(&mut p[at..]);
        for (state, old) in state.iter_mut().zip(old) {
            old.store_partial(&mut state[at..]);
        }
    }
}
