//! How a training goes, for whoever sits before it.

use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};

use super::{Callback, Flow, Training};
use crate::Result;
use crate::history::Epoch;
use crate::model::Model;

/// How often another loss is shown.
const INTERVAL: Duration = Duration::from_millis(100);

/// Shows how a training goes on the standard error stream: a bar for each epoch in a terminal, with loss, rows per second
/// and the time that is left, and otherwise a line after each epoch. [`Trainer::progress`](super::Trainer::progress)
/// adds it.
#[derive(Debug, Default)]
pub struct Progress {
    bar: Option<ProgressBar>,
    /// Decided when the training starts.
    in_terminal: bool,
    /// When the loss was shown last.
    shown: Option<Instant>,
}

impl Progress {
    /// Shows the training that it is given to.
    pub fn new() -> Self {
        Self::default()
    }
}

/// A copy shows another training.
impl Clone for Progress {
    fn clone(&self) -> Self {
        Self::new()
    }
}

impl<M: Model> Callback<M> for Progress {
    fn on_start(&mut self, _training: &mut Training<'_, M>) -> Result<Flow> {
        self.in_terminal = stderr().is_terminal();
        Ok(Flow::Continue(()))
    }

    fn on_batch(&mut self, training: &mut Training<'_, M>) -> Result<Flow> {
        if self.in_terminal {
            let bar = self.bar.get_or_insert_with(|| bar(training));
            // The text is only made as often as it can be read.
            if self.shown.is_none_or(|shown| shown.elapsed() >= INTERVAL) {
                bar.set_message(format!("loss {:.4}", training.loss()));
                self.shown = Some(Instant::now());
            }
            bar.set_position(training.rows());
        }
        Ok(Flow::Continue(()))
    }

    fn on_epoch(&mut self, training: &mut Training<'_, M>) -> Result<Flow> {
        let Some(epoch) = training.history().last() else { return Ok(Flow::Continue(())) };
        match self.bar.take() {
            Some(bar) => bar.finish_with_message(measures(epoch)),
            None => eprintln!("{}", line(training.epoch(), training.epochs(), epoch)),
        }
        Ok(Flow::Continue(()))
    }

    fn on_end(&mut self, training: &mut Training<'_, M>) -> Result<()> {
        if let Some(bar) = self.bar.take() {
            bar.abandon();
        }
        if let Some(stop) = training.history().stopped() {
            eprintln!("{stop}");
        }
        Ok(())
    }
}

/// The bar of an epoch. What is drawn of it stays if the training fails, so that nothing hides the error.
fn bar<M: Model>(training: &Training<'_, M>) -> ProgressBar {
    let (bar, template) = match training.epoch_rows() {
        Some(rows) => {
            (ProgressBar::new(rows as u64), "{prefix} {bar:24} {pos}/{len} {per_sec} {eta} left, {msg}")
        }
        None => (ProgressBar::no_length(), "{prefix} {spinner} {pos} {per_sec} {elapsed}, {msg}"),
    };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.set_draw_target(ProgressDrawTarget::stderr());
    bar.set_style(style.with_key(
        "per_sec",
        |state: &indicatif::ProgressState, out: &mut dyn std::fmt::Write| {
            let _ = write!(out, "{:.0} rows/s", state.per_sec());
        },
    ));
    bar.with_prefix(format!("epoch {}/{}", training.epoch(), training.epochs()))
        .with_finish(ProgressFinish::Abandon)
}

/// What was measured after an epoch.
fn measures(epoch: &Epoch) -> String {
    let mut text = format!("loss {:.4}", epoch.train_loss);
    if let Some(loss) = epoch.valid_loss {
        text += &format!(", validation loss {loss:.4}");
    }
    for metric in &epoch.metrics {
        text += &format!(", {metric}");
    }
    text
}

/// An epoch where there is no terminal.
fn line(number: usize, of: usize, epoch: &Epoch) -> String {
    let rate = epoch.rows as f64 / epoch.seconds.max(1e-9);
    format!("epoch {number}/{of}: {}, {rate:.0} rows/s, {:.1} s", measures(epoch), epoch.seconds)
}

#[cfg(test)]
mod tests {
    use super::line;
    use crate::history::{Epoch, Measured};

    #[test]
    fn an_epoch_is_a_line_where_there_is_no_terminal() {
        let epoch = Epoch {
            train_loss: 0.25,
            valid_loss: Some(0.5),
            metrics: vec![Measured::new("accuracy", 0.875), Measured::new("f1", 0.75)],
            learning_rate: 0.1,
            seconds: 2.0,
            rows: 3000,
        };
        assert_eq!(
            line(3, 40, &epoch),
            "epoch 3/40: loss 0.2500, validation loss 0.5000, accuracy 87.50 %, f1 0.7500, 1500 rows/s, 2.0 s"
        );
        let unmeasured = Epoch { valid_loss: None, metrics: Vec::new(), ..epoch };
        assert_eq!(line(1, 1, &unmeasured), "epoch 1/1: loss 0.2500, 1500 rows/s, 2.0 s");
    }
}
