//! How much each row of a dataset counts.

use super::Dataset;
use super::labels::Labels;
use crate::error::quoted;
use crate::kernels::Real;
use crate::{Error, Result};

impl<T: Real> Dataset<T> {
    /// The dataset with a weight for each row: `weight` in the loss of a model, `loss weight * mse(y, target);`. Beside
    /// rows of weight 1, one of weight 2 is as good as being there twice. The loss stays the mean over the rows, not over
    /// the weights, as in Keras.
    ///
    /// # Errors
    /// If there are more or fewer weights than rows, one is negative or not finite, or all are 0.
    pub fn with_weights(self, weights: Vec<T>) -> Result<Self> {
        if weights.len() != self.len() {
            return Err(Error::WeightCount { rows: self.len(), weights: weights.len() });
        }
        for (row, weight) in weights.iter().enumerate() {
            if !weight.is_finite() || *weight < T::ZERO {
                return Err(Error::Weight { row, weight: weight.to_f64() });
            }
        }
        if !weights.is_empty() && weights.iter().all(|&weight| weight == T::ZERO) {
            return Err(Error::NoWeight);
        }
        Ok(self.weighted(Some(weights)))
    }

    /// The dataset with the weight of its class for each row; classes that are not listed have the weight 1.
    ///
    /// A class goes by its name; for a target of 0 and 1, or of whole numbers in one column, by the number: `"1"`.
    ///
    /// # Errors
    /// If the target is no class, there is no class of a name, or a weight is negative or not finite.
    pub fn with_class_weights(self, weights: &[(&str, f64)]) -> Result<Self> {
        let labels = Labels::of(&self)?;
        let mut of_class = vec![1.0; labels.names.len()];
        for &(class, weight) in weights {
            let Some(at) = labels.names.iter().position(|name| name == class) else {
                return Err(Error::UnknownClass {
                    class: class.to_owned(),
                    available: quoted(labels.names.iter().map(String::as_str)),
                });
            };
            of_class[at] = weight;
        }
        let weights = labels.of_row.iter().map(|&class| T::from_f64(of_class[class])).collect();
        self.with_weights(weights)
    }

    /// The dataset with weights that let each class count the same: n / (k · nᵢ) for a row of a class with nᵢ of the n
    /// rows, where k classes occur. It is what scikit-learn calls `balanced`.
    ///
    /// # Errors
    /// If the target is no class.
    pub fn balanced(self) -> Result<Self> {
        let labels = Labels::of(&self)?;
        let counts = labels.counts();
        let present = counts.iter().filter(|&&count| count > 0).count();
        let weight = |class: usize| self.len() as f64 / (present * counts[class]) as f64;
        let weights = labels.of_row.iter().map(|&class| T::from_f64(weight(class))).collect();
        self.with_weights(weights)
    }

    /// The weight of each row, if they were given. Without weights, every row counts the same.
    pub fn weights(&self) -> Option<&[T]> {
        self.weights.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use crate::Error;
    use crate::data::Dataset;

    fn classes(labels: &[usize]) -> Dataset<f64> {
        Dataset::with_classes(Array2::zeros((labels.len(), 1)), labels, &["a", "b", "c"]).unwrap()
    }

    #[test]
    fn balanced_classes_count_the_same() {
        // n / (k nᵢ): 6 / (2 · 4) and 6 / (2 · 2); `b` never occurs.
        let data = classes(&[0, 0, 2, 0, 2, 0]).balanced().unwrap();
        assert_eq!(data.weights().unwrap(), [0.75, 0.75, 1.5, 0.75, 1.5, 0.75]);
        assert_eq!(classes(&[]).balanced().unwrap().weights(), Some(&[][..]));
    }

    #[test]
    fn classes_go_by_name_or_number() {
        let data = classes(&[0, 1, 2]).with_class_weights(&[("c", 3.0), ("a", 0.5)]).unwrap();
        assert_eq!(data.weights().unwrap(), [0.5, 1.0, 3.0]);
        let numbers = Dataset::new(array![[0.0], [0.0]], array![[1.0], [0.0]]).unwrap();
        assert_eq!(numbers.with_class_weights(&[("1", 4.0)]).unwrap().weights().unwrap(), [4.0, 1.0]);
        let error = classes(&[0]).with_class_weights(&[("d", 1.0)]).unwrap_err();
        assert_eq!(error.to_string(), "there is no class `d`; the classes are `a`, `b`, `c`");
    }

    #[test]
    fn weights_follow_their_rows() {
        let inputs = Array2::from_shape_fn((20, 1), |(row, _)| row as f64);
        let data = Dataset::new(inputs.clone(), inputs.clone()).unwrap();
        let data = data.with_weights((0..20).map(f64::from).collect()).unwrap();
        let (a, b) = data.split(0.7, 3);
        for part in [a, b] {
            assert_eq!(part.inputs().column(0).to_vec(), part.weights().unwrap());
        }
    }

    #[test]
    fn weights_that_make_no_sense_are_refused() {
        let data = || classes(&[0, 1]);
        assert!(matches!(data().with_weights(vec![1.0]), Err(Error::WeightCount { rows: 2, weights: 1 })));
        for weight in [-1.0, f64::NAN, f64::INFINITY] {
            assert!(matches!(data().with_weights(vec![1.0, weight]), Err(Error::Weight { row: 1, .. })));
        }
        assert!(matches!(data().with_weights(vec![0.0, 0.0]), Err(Error::NoWeight)));
        let real = Dataset::new(array![[0.0]], array![[0.5]]).unwrap();
        assert!(matches!(real.balanced(), Err(Error::NoClasses { .. })));
    }
}
