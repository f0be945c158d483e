//! A model together with the scaler of its data.

use std::path::Path;

use ndarray::{Array2, ArrayView2, s};

use crate::checkpoint;
use crate::data::{self, Dataset};
use crate::ext::ModelExt;
use crate::metrics::{Evaluation, Measure, Measuring, evaluate};
use crate::model::{Model, Train};
use crate::{Error, FittedScaler, Result};

/// A trained model that takes inputs, and gives predictions, in the units of the original data.
///
/// ```no_run
/// # use nn_runtime::prelude::*;
/// # fn run<M: Train<Scalar = f32>>(mut model: M, raw: Dataset, x: ndarray::ArrayView2<f32>) -> nn_runtime::Result<()> {
/// let (train, valid) = raw.split(0.8, 7);
/// let scaler = Scaler::standard().fit(&train)?;
/// Trainer::new(Sgd::new(0.1)).fit(&mut model, &scaler.transform(&train)?, &scaler.transform(&valid)?)?;
///
/// let pipeline = Pipeline::new(model, scaler)?;
/// pipeline.save("model.safetensors")?;
/// let y = Pipeline::<M>::load("model.safetensors")?.predict(x)?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Pipeline<M> {
    model: M,
    scaler: Option<FittedScaler>,
}

impl<M: Model> Pipeline<M> {
    /// A model with the scaler of the data that it was trained on, or `None`.
    ///
    /// # Errors
    /// If the scaler gives another number of columns than the model takes, or scales targets that the model's
    /// first output is not.
    pub fn new(model: M, scaler: impl Into<Option<FittedScaler>>) -> Result<Self> {
        let scaler = scaler.into();
        if let Some(scaler) = &scaler {
            data::input_width::<M>(scaler.features().len(), scaler.features())?;
            if let Some(targets) = scaler.target_columns()
                && targets != Self::predicted()
            {
                return Err(Error::ScalerColumns {
                    expected: format!("{targets} target columns"),
                    found: format!("the {} values of the first output of `{}`", Self::predicted(), M::NAME),
                });
            }
        }
        Ok(Self { model, scaler })
    }

    /// The model, which takes scaled inputs.
    pub fn model(&self) -> &M {
        &self.model
    }

    /// The scaler.
    pub fn scaler(&self) -> Option<&FittedScaler> {
        self.scaler.as_ref()
    }

    /// Model and scaler.
    pub fn into_parts(self) -> (M, Option<FittedScaler>) {
        (self.model, self.scaler)
    }

    /// The outputs, `[n, OUTPUT_LEN]`, for inputs in their original units: `[n, INPUT_LEN]`, or the columns that a
    /// [`Preprocessor`](crate::Preprocessor) was fitted on, NaN where a value is missing. If targets were scaled,
    /// the first output is given in the original units of the targets; other outputs are as the model computes them.
    ///
    /// # Errors
    /// If the inputs have another number of columns, or preprocessing cannot take a value.
    pub fn predict(&self, inputs: ArrayView2<'_, M::Scalar>) -> Result<Array2<M::Scalar>> {
        let Some(scaler) = &self.scaler else { return self.model.predict(inputs) };
        if scaler.input_columns() == M::INPUT_LEN {
            data::input_width::<M>(inputs.ncols(), &[])?;
        }
        let mut outputs = self.model.predict(scaler.transform_inputs(inputs)?.view())?;
        if scaler.target_columns().is_some() {
            let mut predictions = outputs.slice_mut(s![.., ..Self::predicted()]);
            let original = scaler.inverse_targets(predictions.view())?;
            predictions.assign(&original);
        }
        Ok(outputs)
    }

    /// Writes model and scaler to a safetensors file. The file is replaced as a whole or not at all.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        checkpoint::save(&self.model, self.scaler.as_ref(), path)
    }

    /// Reads model and scaler, if there is one, from a safetensors file.
    ///
    /// # Errors
    /// If the file cannot be read, is damaged, or holds another model.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let (model, scaler) = checkpoint::load(path)?;
        Self::new(model, scaler)
    }

    /// Values of the first output, the one that is compared with targets.
    fn predicted() -> usize {
        M::OUTPUTS.first().map_or(0, crate::model::TensorInfo::len)
    }
}

impl<M: Train> Pipeline<M> {
    /// Loss and metric on a dataset in its original units. If targets were scaled, the loss is that of scaled targets.
    ///
    /// # Errors
    /// If the dataset is empty, not what the model takes, or has other columns than the scaler was fitted on.
    pub fn evaluate(&self, dataset: &Dataset<M::Scalar>) -> Result<Evaluation> {
        match &self.scaler {
            None => evaluate(&self.model, dataset),
            Some(scaler) => evaluate(&self.model, &scaler.transform(dataset)?),
        }
    }

    /// Loss, metric and these measures on a dataset in its original units. The measures compare predictions and targets
    /// in original units, even if targets were scaled: a mean absolute error is one of millimetres, not of deviations.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate), and those of [`evaluate_with`](crate::evaluate_with).
    pub fn evaluate_with(&self, dataset: &Dataset<M::Scalar>, measures: &[Measure]) -> Result<Evaluation> {
        let mut measuring = Measuring::new::<M>(measures, dataset.target())?;
        let mut evaluation = self.evaluate(dataset)?;
        if !measuring.is_empty() {
            let outputs = self.predict(dataset.inputs())?;
            let predictions = outputs.slice(s![.., ..Self::predicted()]);
            evaluation.measures = measuring.measure(predictions, dataset.targets())?;
        }
        Ok(evaluation)
    }
}
