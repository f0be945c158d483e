//! Where to go next: the gradient, turned by an approximation of the inverse Hessian.

use std::collections::VecDeque;

use super::dot;

/// The last steps, and how they changed the gradient.
pub(super) struct Directions {
    most: usize,
    pairs: VecDeque<Pair>,
    /// The Hessian's inverse is this times the identity before the pairs correct it.
    scale: f64,
}

struct Pair {
    step: Vec<f64>,
    change: Vec<f64>,
    /// The inverse of their product.
    rho: f64,
}

/// Steps along which the gradient grows by less than that say nothing about the curvature.
const LEAST_CURVATURE: f64 = 1e-10;

impl Directions {
    /// Remembers up to `most` pairs.
    pub(super) fn new(most: usize) -> Self {
        Self { most, pairs: VecDeque::new(), scale: 1.0 }
    }

    /// Takes note of a step and of the change of the gradient.
    pub(super) fn remember(&mut self, step: Vec<f64>, change: Vec<f64>) {
        let curvature = dot(&step, &change);
        if curvature <= LEAST_CURVATURE {
            return;
        }
        self.scale = curvature / dot(&change, &change);
        if self.pairs.len() == self.most {
            self.pairs.pop_front();
        }
        self.pairs.push_back(Pair { step, change, rho: 1.0 / curvature });
    }

    /// `-H g`: Nocedal and Wright, algorithm 7.4.
    pub(super) fn downhill(&self, gradient: &[f64]) -> Vec<f64> {
        let mut direction: Vec<f64> = gradient.iter().map(|g| -g).collect();
        let mut alphas = Vec::with_capacity(self.pairs.len());
        for pair in self.pairs.iter().rev() {
            let alpha = pair.rho * dot(&pair.step, &direction);
            add(&mut direction, -alpha, &pair.change);
            alphas.push(alpha);
        }
        for d in &mut direction {
            *d *= self.scale;
        }
        for (pair, alpha) in self.pairs.iter().zip(alphas.into_iter().rev()) {
            let beta = pair.rho * dot(&pair.change, &direction);
            add(&mut direction, alpha - beta, &pair.step);
        }
        direction
    }
}

fn add(sum: &mut [f64], factor: f64, values: &[f64]) {
    for (sum, value) in sum.iter_mut().zip(values) {
        *sum += factor * value;
    }
}

#[cfg(test)]
mod tests {
    use super::Directions;

    /// On a quadratic function, as many pairs as there are axes are the inverse Hessian.
    #[test]
    fn the_direction_leads_to_the_minimum_of_a_parabola() {
        let hessian = [4.0, 0.25];
        let mut directions = Directions::new(2);
        assert_eq!(
            directions.downhill(&[1.0, 2.0]),
            [-1.0, -2.0],
            "without experience, against the gradient"
        );
        directions.remember(vec![1.0, 0.0], vec![hessian[0], 0.0]);
        directions.remember(vec![0.0, 1.0], vec![0.0, hessian[1]]);
        assert_eq!(directions.downhill(&[1.0, 2.0]), [-0.25, -8.0]);
        // A step without curvature is not remembered, and the oldest gives way to a new one.
        directions.remember(vec![1.0, 0.0], vec![-1.0, 0.0]);
        assert_eq!(directions.pairs.len(), 2);
        directions.remember(vec![2.0, 0.0], vec![2.0 * hessian[0], 0.0]);
        assert_eq!((directions.pairs.len(), directions.pairs[0].step[1]), (2, 1.0));
    }
}
