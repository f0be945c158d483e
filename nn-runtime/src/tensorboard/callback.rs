//! A training in `TensorBoard`.

use super::TensorBoard;
use crate::Result;
use crate::kernels::Real;
use crate::model::Model;
use crate::train::{Callback, Flow, Training};

/// After each epoch: losses, metrics and the learning rate as curves over the updates, each parameter as a histogram.
impl<M: Model> Callback<M> for TensorBoard {
    fn on_epoch(&mut self, training: &mut Training<'_, M>) -> Result<Flow> {
        let step = training.updates();
        if let Some(epoch) = training.history().epochs().last() {
            self.scalar("loss/train", step, epoch.train_loss)?;
            if let Some(loss) = epoch.valid_loss {
                self.scalar("loss/validation", step, loss)?;
            }
            for metric in &epoch.metrics {
                self.scalar(&format!("metrics/{}", metric.name), step, metric.value)?;
            }
            self.scalar("learning_rate", step, epoch.learning_rate)?;
        }
        let params = training.model().params_flat();
        for param in M::PARAMS {
            let values = &params[param.offset..param.offset + param.len()];
            self.histogram(
                &format!("parameters/{}", param.name),
                step,
                values.iter().map(|value| value.to_f64()),
            )?;
        }
        self.flush()?;
        Ok(Flow::Continue(()))
    }
}
