//! Numbers to try a model on: the example that a report begins with.

use crate::model::{Init, Model, Target};
use crate::shape::Shape;

/// Parameters and one example, row-major, in the order of the model's declarations.
#[derive(Clone, PartialEq, Debug)]
pub struct Numbers {
    /// One entry for each parameter.
    pub params: Vec<Vec<f64>>,
    /// One entry for each input.
    pub inputs: Vec<Vec<f64>>,
    /// What the loss compares with, if it does.
    pub target: Option<Vec<f64>>,
}

impl Numbers {
    /// The same ones every time. Parameters are drawn from their initialisers and have three decimals, inputs and targets
    /// lie between -1 and 1 and have one; of yes and no it is yes, of several classes the second.
    pub fn new(model: &Model) -> Self {
        let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
        let inputs = model.inputs.iter().map(|input| noise.plain(&input.shape)).collect();
        let target = model.target.as_ref().map(|target| match target {
            Target::Values(shape) => noise.plain(shape),
            Target::Binary(shape) => vec![1.0; shape.count()],
            Target::Class(classes, shape) => vec![if *classes > 1 { 1.0 } else { 0.0 }; shape.count()],
        });
        let params = model.params.iter().map(|param| noise.initial(param.init, &param.shape)).collect();
        Self { params, inputs, target }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.params.iter().chain(&self.inputs).chain(&self.target).map(Vec::len).sum()
    }
}

/// A linear congruential generator with Knuth's constants: nobody's training depends on it.
struct Noise(u64);

impl Noise {
    /// From 0 to just below 1.
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f64 / f64::from(1 << 24)
    }

    fn plain(&mut self, shape: &Shape) -> Vec<f64> {
        (0..shape.count()).map(|_| rounded(2.0 * self.unit() - 1.0, 10.0)).collect()
    }

    fn initial(&mut self, init: Init, shape: &Shape) -> Vec<f64> {
        let (fan_in, fan_out) = match **shape {
            [] => (1.0, 1.0),
            [n] => (n as f64, 1.0),
            [ref outer @ .., n] => (outer.iter().product::<usize>() as f64, n as f64),
        };
        let number = |noise: &mut Self| match init {
            Init::Constant(value) => value,
            Init::Uniform(low, high) => noise.between(low, high),
            Init::Normal(mean, deviation) => noise.normal(mean, deviation),
            Init::GlorotUniform => noise.symmetric((6.0 / (fan_in + fan_out)).sqrt()),
            Init::GlorotNormal => noise.normal(0.0, (2.0 / (fan_in + fan_out)).sqrt()),
            Init::HeUniform => noise.symmetric((6.0 / fan_in).sqrt()),
            Init::HeNormal => noise.normal(0.0, (2.0 / fan_in).sqrt()),
        };
        (0..shape.count()).map(|_| rounded(number(self), 1000.0)).collect()
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    fn symmetric(&mut self, bound: f64) -> f64 {
        self.between(-bound, bound)
    }

    /// The sum of twelve uniform numbers has the variance 1.
    fn normal(&mut self, mean: f64, deviation: f64) -> f64 {
        let sum: f64 = (0..12).map(|_| self.unit()).sum();
        mean + deviation * (sum - 6.0)
    }
}

/// To a whole fraction of `parts`, without a negative zero.
fn rounded(value: f64, parts: f64) -> f64 {
    (value * parts).round() / parts + 0.0
}
