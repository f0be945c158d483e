//! What every generated model can do with arrays.

use std::path::Path;

use ndarray::{Array2, ArrayView2};

use crate::batch::Batch;
use crate::checkpoint;
use crate::data;
use crate::kernels::{AlignedVec, Real};
use crate::model::{Model, Pullback, PullbackParams, Train};
use crate::predictor::Predictor;
use crate::stepper::{Gradients, runs};
use crate::{Error, FittedScaler, Result};

/// Rows that are pulled back at a time. A multiple of every tile.
const ROWS: usize = 512;

/// Predicting, saving and loading: methods of every model.
pub trait ModelExt: Model {
    /// The outputs, `[n, OUTPUT_LEN]`, for inputs `[n, INPUT_LEN]`; several inputs or outputs of a model lie side by
    /// side. On several threads if that pays. For many batches, a [`Predictor`] allocates once.
    ///
    /// # Errors
    /// If the inputs have another number of columns than the model.
    fn predict(&self, inputs: ArrayView2<'_, Self::Scalar>) -> Result<Array2<Self::Scalar>> {
        data::input_width::<Self>(inputs.ncols(), &[])?;
        let inputs = inputs.as_standard_layout();
        let batch = Batch::inputs(flat(&inputs.view()), Self::INPUT_LEN);
        let mut outputs = vec![Self::Scalar::ZERO; batch.len() * Self::OUTPUT_LEN];
        Predictor::new(batch.len()).predict(self, &batch, &mut outputs);
        array(batch.len(), Self::OUTPUT_LEN, outputs)
    }

    /// Writes the parameters to a [safetensors](https://huggingface.co/docs/safetensors) file, one tensor for each,
    /// under their names. The file is replaced as a whole or not at all.
    ///
    /// # Errors
    /// If the file cannot be written.
    fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        checkpoint::save(self, None, path)
    }

    /// Writes the parameters, and the scaler of the data that they were trained on, to a safetensors file that
    /// [`Pipeline::load`](crate::Pipeline::load) reads.
    ///
    /// # Errors
    /// If the file cannot be written.
    fn save_with(&self, scaler: &FittedScaler, path: impl AsRef<Path>) -> Result<()> {
        checkpoint::save(self, Some(scaler), path)
    }

    /// Reads the parameters from a safetensors file.
    ///
    /// # Errors
    /// If the file cannot be read, is damaged, holds another model, or also a scaler: a model on its own would be
    /// given inputs of the wrong scale. [`Pipeline::load`](crate::Pipeline::load) reads both.
    fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        match checkpoint::load(path)? {
            (model, None) => Ok(model),
            (_, Some(_)) => Err(Error::ScalerStored { path: path.to_owned(), model: Self::NAME }),
        }
    }
}

impl<M: Model> ModelExt for M {}

/// Loss and gradient: methods of every model with a loss.
pub trait TrainExt: Train {
    /// The mean loss for inputs `[n, INPUT_LEN]` and targets `[n, TARGET_LEN]`, class indices as whole numbers: that outside
    /// of training, where states stand in the place of what is known of a batch.
    ///
    /// # Errors
    /// If there are no rows, the arrays do not match each other or the model, or a class index is out of range.
    fn loss(
        &self,
        inputs: ArrayView2<'_, Self::Scalar>,
        targets: ArrayView2<'_, Self::Scalar>,
    ) -> Result<Self::Scalar> {
        with_gradients(self, inputs, targets, Gradients::loss)
    }

    /// The mean loss of a training step, without what drops elements, and its gradient with respect to all parameters, in the order of
    /// [`params_flat`](Model::params_flat).
    ///
    /// # Errors
    /// As [`loss`](Self::loss).
    fn loss_and_gradient(
        &self,
        inputs: ArrayView2<'_, Self::Scalar>,
        targets: ArrayView2<'_, Self::Scalar>,
    ) -> Result<(Self::Scalar, Vec<Self::Scalar>)> {
        with_gradients(self, inputs, targets, |gradients, model, batch| {
            let (loss, gradient) = gradients.loss_and_gradient(model, batch);
            (loss, gradient.to_vec())
        })
    }
}

impl<M: Train> TrainExt for M {}

/// Derivatives of the outputs: methods of every model that can pull cotangents back.
pub trait PullbackExt: Pullback {
    /// Jᵀ·cotangent of each example, `[n, INPUT_LEN]`, for inputs `[n, INPUT_LEN]` and cotangents
    /// `[n, OUTPUT_LEN]`; 0 for inputs that are nothing but an index. With a cotangent of 1 for one output and 0 for the others it is that output's gradient.
    ///
    /// # Errors
    /// If the arrays do not match each other or the model.
    fn input_gradient(
        &self,
        inputs: ArrayView2<'_, Self::Scalar>,
        cotangents: ArrayView2<'_, Self::Scalar>,
    ) -> Result<Array2<Self::Scalar>> {
        Ok(pull_back(self, inputs, cotangents)?.0)
    }

    /// The sum over the rows of Jᵀ·cotangent with respect to all parameters, in the order of
    /// [`params_flat`](Model::params_flat). For models without a loss.
    ///
    /// # Errors
    /// If the arrays do not match each other or the model.
    fn parameter_gradient(
        &self,
        inputs: ArrayView2<'_, Self::Scalar>,
        cotangents: ArrayView2<'_, Self::Scalar>,
    ) -> Result<Vec<Self::Scalar>>
    where
        Self: PullbackParams,
    {
        Ok(pull_back(self, inputs, cotangents)?.1)
    }
}

impl<M: Pullback> PullbackExt for M {}

fn with_gradients<M: Train, R>(
    model: &M,
    inputs: ArrayView2<'_, M::Scalar>,
    targets: ArrayView2<'_, M::Scalar>,
    f: impl FnOnce(&mut Gradients<M>, &M, &Batch<'_, M::Scalar>) -> R,
) -> Result<R> {
    data::input_width::<M>(inputs.ncols(), &[])?;
    data::target_values::<M>(targets)?;
    if inputs.nrows() != targets.nrows() {
        return Err(Error::RowCount { inputs: inputs.nrows(), targets: targets.nrows() });
    }
    if inputs.nrows() == 0 {
        return Err(Error::Empty { what: "the batch", missing: "rows" });
    }
    let (inputs, targets) = (inputs.as_standard_layout(), targets.as_standard_layout());
    let (inputs, targets) = (inputs.view(), targets.view());
    let batch = Batch::new(flat(&inputs), M::INPUT_LEN, flat(&targets), M::TARGET_LEN);
    Ok(f(&mut Gradients::new(batch.len()), model, &batch))
}

/// The gradients with respect to the inputs of each row, and with respect to the parameters.
type PulledBack<T> = (Array2<T>, Vec<T>);

fn pull_back<M: Pullback>(
    model: &M,
    inputs: ArrayView2<'_, M::Scalar>,
    cotangents: ArrayView2<'_, M::Scalar>,
) -> Result<PulledBack<M::Scalar>> {
    data::input_width::<M>(inputs.ncols(), &[])?;
    let rows = inputs.nrows();
    if cotangents.dim() != (rows, M::OUTPUT_LEN) {
        let found = [cotangents.nrows(), cotangents.ncols()];
        return Err(Error::CotangentShape { model: M::NAME, rows, expected: M::OUTPUT_LEN, found });
    }
    let (inputs, cotangents) = (inputs.as_standard_layout(), cotangents.as_standard_layout());
    let (inputs, cotangents) = (inputs.view(), cotangents.view());
    let batch = Batch::new(flat(&inputs), M::INPUT_LEN, flat(&cotangents), M::OUTPUT_LEN);

    let mut input_gradient = vec![M::Scalar::ZERO; rows * M::INPUT_LEN];
    let mut sum = vec![M::Scalar::ZERO; M::PARAM_COUNT];
    let mut gradient = AlignedVec::zeroed(M::PARAM_COUNT);
    let mut workspace = AlignedVec::zeroed(M::PULLBACK_WORKSPACE);
    for range in runs(rows, ROWS, rows.div_ceil(ROWS).max(1)) {
        let part = &mut input_gradient[range.start * M::INPUT_LEN..range.end * M::INPUT_LEN];
        model.pullback(&batch.slice(range), part, &mut gradient, &mut workspace);
        for (sum, &addend) in sum.iter_mut().zip(gradient.iter()) {
            *sum += addend;
        }
    }
    Ok((array(rows, M::INPUT_LEN, input_gradient)?, sum))
}

/// The elements of a view that `as_standard_layout` made.
fn flat<'a, T>(view: &ArrayView2<'a, T>) -> &'a [T] {
    view.to_slice().unwrap_or_else(|| unreachable!("the view is in standard layout"))
}

fn array<T>(rows: usize, columns: usize, elements: Vec<T>) -> Result<Array2<T>> {
    Array2::from_shape_vec((rows, columns), elements).map_err(|_| Error::TooManyRows { rows })
}
