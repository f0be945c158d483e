//! Learning curves in a terminal.

use std::fmt;

use super::{Epoch, History};

/// Columns of the plot.
const WIDTH: usize = 64;
/// Rows of the plot.
const HEIGHT: usize = 14;
/// Losses that span more than this factor are drawn on a logarithmic axis.
pub(crate) const LOGARITHMIC: f64 = 30.0;

const TRAIN: char = '·';
const VALID: char = '●';
const BEST: char = '▲';

impl fmt::Display for History {
    /// Learning curves, a legend, the best and the last epoch. Epochs that share a column are averaged.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Some(last), Some((best, best_epoch))) = (self.last(), self.best()) else {
            return write!(f, "{}: no epochs", self.model);
        };
        let train = self.curve(|epoch| Some(epoch.train_loss));
        let valid = self.curve(|epoch| epoch.valid_loss);
        let axis = Axis::over(train.iter().chain(&valid).map(|&(_, loss)| loss));
        writeln!(f, "{}: loss over {} epochs{}", self.model, self.epochs.len(), axis.note())?;
        // The validation curve comes last: where both meet, it is the one to see.
        self.plot(f, &axis, [(TRAIN, train), (VALID, valid)], best)?;

        if self.validated {
            writeln!(f, "{TRAIN} training   {VALID} validation   {BEST} best epoch")?;
        } else {
            writeln!(f, "{TRAIN} training   {BEST} best epoch")?;
        }
        writeln!(f, "best  epoch {best}: {best_epoch}")?;
        write!(f, "last  epoch {}: {last}", self.epochs.len())?;
        match &self.stopped {
            Some(stop) => write!(f, "\n{stop}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "training loss {}", short(self.train_loss))?;
        if let Some(loss) = self.valid_loss {
            write!(f, ", validation loss {}", short(loss))?;
        }
        let on = if self.valid_loss.is_some() { "validation " } else { "" };
        self.metrics.iter().try_for_each(|metric| write!(f, ", {on}{metric}"))
    }
}

impl History {
    /// Columns of the plot: one for each epoch, as long as they fit.
    fn columns(&self) -> usize {
        self.epochs.len().min(WIDTH)
    }

    /// The column of the epoch with this index.
    fn column(&self, epoch: usize) -> usize {
        epoch * self.columns() / self.epochs.len()
    }

    /// The mean of a loss over the epochs of each column, for the columns in which there is one.
    fn curve(&self, loss: impl Fn(&Epoch) -> Option<f64>) -> Vec<(usize, f64)> {
        let mut sums = vec![(0.0, 0.0); self.columns()];
        for (i, epoch) in self.epochs.iter().enumerate() {
            if let Some(loss) = loss(epoch) {
                let (sum, count) = &mut sums[self.column(i)];
                *sum += loss;
                *count += 1.0;
            }
        }
        let means = sums.into_iter().map(|(sum, count)| sum / count).enumerate();
        means.filter(|(_, mean)| mean.is_finite()).collect()
    }

    fn plot(
        &self,
        f: &mut fmt::Formatter<'_>,
        axis: &Axis,
        curves: [(char, Vec<(usize, f64)>); 2],
        best: usize,
    ) -> fmt::Result {
        let columns = self.columns();
        let mut cells = [[' '; WIDTH]; HEIGHT];
        for (mark, curve) in curves {
            for (column, loss) in curve {
                cells[axis.row(loss)][column] = mark;
            }
        }

        let labels: Vec<String> = (0..HEIGHT).map(|row| axis.label(row)).collect();
        let margin = labels.iter().map(|label| label.chars().count()).max().unwrap_or(0);
        for (label, cells) in labels.iter().zip(cells) {
            let tick = if label.is_empty() { '│' } else { '┤' };
            let line: String = cells.iter().collect();
            writeln!(f, "{}", format!("{label:>margin$} {tick}{line}").trim_end())?;
        }
        writeln!(f, "{:margin$} └{}", "", "─".repeat(columns))?;

        let mut marker: Vec<char> = vec![' '; columns];
        marker[self.column(best - 1)] = BEST;
        writeln!(f, "{}", format!("{:margin$}  {}", "", marker.iter().collect::<String>()).trim_end())?;
        let last = self.epochs.len().to_string();
        let gap = columns.saturating_sub(1).max(last.len() + 1);
        if self.epochs.len() > 1 {
            writeln!(f, "{:margin$}  1{last:>gap$}", "")
        } else {
            writeln!(f, "{:margin$}  1", "")
        }
    }
}

/// The vertical axis: from losses to rows of the plot.
struct Axis {
    low: f64,
    high: f64,
    logarithmic: bool,
}

impl Axis {
    fn over(losses: impl Iterator<Item = f64>) -> Self {
        let (low, high) = losses
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), loss| (low.min(loss), high.max(loss)));
        Self { low, high, logarithmic: low > 0.0 && high / low > LOGARITHMIC }
    }

    fn note(&self) -> &'static str {
        if self.logarithmic { ", logarithmic" } else { "" }
    }

    /// The row of a loss; the top one is 0.
    fn row(&self, loss: f64) -> usize {
        let place = |v: f64| if self.logarithmic { v.ln() } else { v };
        let span = place(self.high) - place(self.low);
        let height = if span > 0.0 { (place(loss) - place(self.low)) / span } else { 0.0 };
        HEIGHT - 1 - (height * (HEIGHT - 1) as f64).round() as usize
    }

    /// The loss that a row stands for.
    fn loss(&self, row: usize) -> f64 {
        let height = (HEIGHT - 1 - row) as f64 / (HEIGHT - 1) as f64;
        if self.logarithmic {
            (self.low.ln() * (1.0 - height) + self.high.ln() * height).exp()
        } else {
            self.low * (1.0 - height) + self.high * height
        }
    }

    /// What stands beside a row: the losses at the top, at the bottom and at thirds between, or at the bottom alone
    /// if all losses are the same.
    fn label(&self, row: usize) -> String {
        let third = (HEIGHT - 1) / 3;
        let labelled =
            row == HEIGHT - 1 || (self.low < self.high && (row == 0 || row == third || row == 2 * third));
        if labelled { short(self.loss(row)) } else { String::new() }
    }
}

/// Four significant digits.
pub(crate) fn short(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude == 0.0 {
        return "0".to_owned();
    }
    if !(1e-4..1e5).contains(&magnitude) {
        return format!("{value:.3e}");
    }
    let digits = 3 - magnitude.log10().floor() as i32;
    format!("{value:.*}", digits.max(0) as usize)
}

#[cfg(test)]
mod tests {
    use super::short;
    use crate::history::tests::history;

    #[test]
    fn curves_have_axes_a_legend_and_the_last_values() {
        let losses: Vec<_> = (0..8).map(|i| (8.0 - f64::from(i), Some(9.0 - f64::from(i) * 0.5))).collect();
        let expected = "\
Net: loss over 8 epochs
9.000 ┤●
      │ ●
      │· ●●
      │ ·  ●
6.538 ┤     ●
      │  ·   ●
      │   ·   ●
      │
4.077 ┤    ·
      │
      │     ·
      │      ·
      │
1.000 ┤       ·
      └────────
              ▲
       1      8
· training   ● validation   ▲ best epoch
best  epoch 8: training loss 1.000, validation loss 5.500, validation accuracy 50.00 %
last  epoch 8: training loss 1.000, validation loss 5.500, validation accuracy 50.00 %";
        let drawn = history(&losses).to_string();
        assert!(drawn == expected, "{drawn}");
    }

    #[test]
    fn long_trainings_fit_the_width_and_wide_ranges_are_logarithmic() {
        let losses: Vec<_> = (0..1000).map(|i| (100.0 * 0.99_f64.powi(i), None)).collect();
        let text = history(&losses).to_string();
        assert!(text.starts_with("Net: loss over 1000 epochs, logarithmic\n"), "{text}");
        assert!(text.lines().take(17).skip(1).all(|line| line.chars().count() <= 80), "{text}");
        assert!(!text.contains('●') && !text.contains("validation"), "{text}");
        assert!(text.contains("best  epoch 1000: training loss 0.004361"), "{text}");
    }

    #[test]
    fn epochs_that_share_a_column_are_averaged() {
        let losses: Vec<_> = (0..640).map(|i| (if i % 2 == 0 { 3.0 } else { 5.0 }, None)).collect();
        let curve = history(&losses).curve(|epoch| Some(epoch.train_loss));
        assert_eq!(curve, (0..64).map(|column| (column, 4.0)).collect::<Vec<_>>());
        assert_eq!(history(&losses).curve(|epoch| epoch.valid_loss), []);
    }

    #[test]
    fn one_epoch_and_constant_or_negative_losses_can_be_drawn() {
        for losses in [&[(1.0, None)][..], &[(0.0, Some(0.0)); 3], &[(-1.0, Some(-2.0)), (-5.0, Some(-1e6))]]
        {
            let text = history(losses).to_string();
            assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
            assert!(text.contains('▲'), "{text}");
        }
        assert_eq!(history(&[]).to_string(), "Net: no epochs");
    }

    #[test]
    fn numbers_have_four_significant_digits() {
        let texts = [0.0, 1.0, 0.012_345_6, 123.456, 99_999.0, 123_456.0, 0.000_012, -2.5].map(short);
        assert_eq!(texts, ["0", "1.000", "0.01235", "123.5", "99999", "1.235e5", "1.200e-5", "-2.500"]);
    }
}
