//! One pass over the parameters, by panels that stay in cache.

#[cfg(feature = "rayon")]
use crate::kernels::{Level, level, with_level};
use crate::kernels::{Real, sums::mean};
use crate::optim::{Optimizer, Step};

/// Parameters of a panel: with gradient and state, they stay in the first-level cache while they are worked on.
pub(super) const PANEL: usize = 4096;
/// Parameters, some 40 µs of work, that are worth a task of their own.
#[cfg(feature = "rayon")]
const WORTH_TASK: usize = 16 * PANEL;

/// Parameters side by side that are updated alike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Run {
    /// How many.
    pub(crate) len: usize,
    /// What their learning rate is multiplied with.
    pub(crate) factor: f64,
    /// Their weight decay, in the place of the optimiser's.
    pub(crate) weight_decay: Option<f64>,
}

impl Run {
    /// All of them, as the optimiser says.
    pub(crate) fn all(len: usize) -> Self {
        Self { len, factor: 1.0, weight_decay: None }
    }

    fn step(self, step: Step) -> Step {
        let step = step.with_factor(step.factor() * self.factor);
        self.weight_decay.map_or(step, |decay| step.with_weight_decay(decay))
    }
}

/// The panels of parameters that are cut in runs. The state of each panel lies apart.
pub(super) fn panels(runs: &[Run]) -> impl Iterator<Item = core::ops::Range<usize>> {
    let starts = runs.iter().scan(0, |end, run| {
        let start = *end;
        *end += run.len;
        Some((start, run.len))
    });
    starts.flat_map(|(start, len)| {
        (0..len).step_by(PANEL).map(move |at| start + at..start + len.min(at + PANEL))
    })
}

/// An update of all parameters.
pub(super) struct Update<'a, O> {
    pub(super) optimizer: &'a O,
    pub(super) step: Step,
    /// All parameters, in order.
    pub(super) runs: &'a [Run],
}

impl<O> Update<'_, O> {
    /// Moves the parameters along their gradient, or the mean of their sums over so many examples, which are cleared.
    pub(super) fn apply<T: Real, const R: usize>(&self, columns: Columns<'_, T, R>, examples: Option<usize>)
    where
        O: Optimizer<T>,
    {
        // Usually there is but one.
        let [runs @ .., last] = self.runs else { return };
        let mut rest = columns;
        for run in runs {
            let (columns, others) = rest.split_at(run.len);
            self.apply_to(*run, columns, examples);
            rest = others;
        }
        self.apply_to(*last, rest, examples);
    }

    fn apply_to<T: Real, const R: usize>(&self, run: Run, columns: Columns<'_, T, R>, examples: Option<usize>)
    where
        O: Optimizer<T>,
    {
        let update = self.optimizer.begin(run.step(self.step));
        columns.for_each_panel(&|panel| panel.take_step(examples, &update));
    }
}

/// Some of the parameters, their state, and their sums in `R` partitions, of which the last ones may be missing.
pub(super) struct Columns<'a, T, const R: usize> {
    pub(super) params: &'a mut [T],
    pub(super) state: &'a mut [T],
    pub(super) sums: [&'a mut [T]; R],
}

impl<'a, T: Real, const R: usize> Columns<'a, T, R> {
    /// Hands the parameters to `f` panel by panel, on several threads if that pays.
    pub(super) fn for_each_panel(self, f: &(impl Fn(Columns<'_, T, R>) + Sync)) {
        #[cfg(feature = "rayon")]
        if self.params.len() >= 2 * WORTH_TASK
            && rayon::current_thread_index().is_some()
            && rayon::current_num_threads() > 1
        {
            return self.share(level(), f);
        }
        self.for_each_here(f);
    }

    #[cfg(feature = "rayon")]
    fn share(self, level: Level, f: &(impl Fn(Columns<'_, T, R>) + Sync)) {
        let count = self.params.len();
        if count < 2 * WORTH_TASK {
            return with_level(level, || self.for_each_here(f));
        }
        let (first, second) = self.split_at((count / 2).next_multiple_of(PANEL));
        rayon::join(|| first.share(level, f), || second.share(level, f));
    }

    fn for_each_here(self, f: &impl Fn(Columns<'_, T, R>)) {
        let mut rest = self;
        while rest.params.len() > PANEL {
            let (panel, others) = rest.split_at(PANEL);
            f(panel);
            rest = others;
        }
        f(rest);
    }

    fn split_at(self, at: usize) -> (Self, Self) {
        let per_parameter = self.state.len().checked_div(self.params.len()).unwrap_or(0);
        let (params, other_params) = self.params.split_at_mut(at);
        let (state, other_state) = self.state.split_at_mut(at * per_parameter);
        let mut other_sums: [&'a mut [T]; R] = core::array::from_fn(|_| Default::default());
        let mut sums = self.sums;
        for (sums, others) in sums.iter_mut().zip(&mut other_sums) {
            let at = at.min(sums.len());
            let (first, second) = core::mem::take(sums).split_at_mut(at);
            (*sums, *others) = (first, second);
        }
        (Self { params, state, sums }, Self { params: other_params, state: other_state, sums: other_sums })
    }

    /// Moves the parameters along their gradient. Sums over so many `examples` become the mean gradient first, and are
    /// cleared afterwards; without a number, they are the gradient.
    fn take_step(self, examples: Option<usize>, update: &impl Fn(&mut [T], &[T], &mut [T])) {
        let Self { params, state, mut sums } = self;
        let [gradient, parts @ ..] = &mut sums[..] else { return };
        let Some(examples) = examples else { return update(params, gradient, state) };
        let used = parts.iter().take_while(|part| !part.is_empty()).count();
        mean(gradient, &parts[..used], examples);
        update(params, gradient, state);
        gradient.fill(T::ZERO);
        for part in &mut parts[..used] {
            part.fill(T::ZERO);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Columns, PANEL, Run, panels};

    #[test]
    fn panels_end_where_runs_do() {
        let run = |len| Run { len, factor: 1.0, weight_decay: None };
        let found: Vec<_> = panels(&[run(3), run(2 * PANEL + 1), run(PANEL)]).collect();
        let start = 3 + 2 * PANEL;
        assert_eq!(
            found,
            [0..3, 3..3 + PANEL, 3 + PANEL..start, start..start + 1, start + 1..start + 1 + PANEL]
        );
    }

    /// Every parameter is updated once, with the sum over the partitions, wherever panels and threads end.
    #[test]
    fn panels_cover_the_parameters() {
        for count in [1, 15, PANEL - 1, PANEL, 3 * PANEL + 5, 40 * PANEL + 1] {
            for used in [1, 3] {
                let mut params = vec![0.0_f32; count];
                let mut state: Vec<f32> = vec![0.0; 2 * count];
                let mut sums: Vec<Vec<f32>> =
                    (0..used).map(|r| (0..count).map(|i| (8 * (i + r)) as f32).collect()).collect();
                let update = |params: &mut [f32], gradient: &[f32], state: &mut [f32]| {
                    assert!(params.len() <= PANEL && state.len() == 2 * params.len());
                    state.fill(1.0);
                    for (param, gradient) in params.iter_mut().zip(gradient) {
                        *param += gradient;
                    }
                };
                let mut columns: [&mut [f32]; 4] = Default::default();
                for (to, sums) in columns.iter_mut().zip(&mut sums) {
                    *to = sums;
                }
                let work = || {
                    Columns { params: &mut params, state: &mut state, sums: columns }
                        .for_each_panel(&|panel| panel.take_step(Some(8), &update));
                };
                #[cfg(feature = "rayon")]
                rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap().install(work);
                #[cfg(not(feature = "rayon"))]
                work();
                let added = if used == 1 { 0 } else { 3 };
                for (i, &param) in params.iter().enumerate() {
                    assert_eq!(param, (used * i + added) as f32, "parameter {i} of {count}");
                }
                assert!(state.iter().all(|&state| state == 1.0));
                assert!(sums.iter().flatten().all(|&sum| sum == 0.0));
            }
        }
    }
}
