//! Histories as tables and documents, for spreadsheets, pandas and the like.

use std::fmt::Write;
use std::path::Path;

use super::History;
use crate::{Result, file};

impl History {
    /// A table with a header line and a line for each epoch. The columns are `epoch`, counted from 1, `train_loss`,
    /// `valid_loss`, one for each [metric](Self::metric_names), `learning_rate`, `seconds` and `rows`.
    ///
    /// What was not measured is empty. Numbers are read back as the same bits.
    pub fn to_csv(&self) -> String {
        let names = self.metric_names();
        let mut table = String::from("epoch,train_loss,valid_loss");
        for name in &names {
            table.push(',');
            table.push_str(&field(name));
        }
        table.push_str(",learning_rate,seconds,rows\n");
        for (i, epoch) in self.epochs().iter().enumerate() {
            let metrics = names.iter().map(|name| epoch.metric(name));
            let numbers = [Some(epoch.train_loss), epoch.valid_loss]
                .into_iter()
                .chain(metrics)
                .chain([Some(epoch.learning_rate), Some(epoch.seconds)]);
            // Writing to a string cannot fail.
            let _ = write!(table, "{}", i + 1);
            for number in numbers {
                table.push(',');
                if let Some(number) = number {
                    let _ = write!(table, "{number:?}");
                }
            }
            let _ = writeln!(table, ",{}", epoch.rows);
        }
        table
    }

    /// Writes [`to_csv`](Self::to_csv) to a file. The file is replaced as a whole or not at all.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save_csv(&self, path: impl AsRef<Path>) -> Result<()> {
        file::save(path.as_ref(), self.to_csv().as_bytes())
    }

    /// A JSON object with the name of the model and the epochs, as [`Serialize`](serde::Serialize) gives it. What is
    /// no finite number is the text "NaN", "inf" or "-inf".
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self)
            .unwrap_or_else(|_| unreachable!("a history is made of text and numbers"))
    }

    /// Writes [`to_json`](Self::to_json) to a file. The file is replaced as a whole or not at all.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save_json(&self, path: impl AsRef<Path>) -> Result<()> {
        file::save(path.as_ref(), self.to_json().as_bytes())
    }
}

/// A name as a field of a table, quoted where it has to be (RFC 4180).
fn field(name: &str) -> String {
    if name.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", name.replace('"', "\"\""))
    } else {
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::history::tests::history;
    use crate::history::{Epoch, History, Measured};

    #[test]
    fn a_table_has_a_line_for_each_epoch() {
        let mut history = history(&[(0.1, Some(1e-9)), (f64::INFINITY, None)]);
        history.epochs[1].metrics.push(Measured::new("error, \"worst\"", f64::NAN));
        assert_eq!(
            history.to_csv(),
            "epoch,train_loss,valid_loss,accuracy,\"error, \"\"worst\"\"\",learning_rate,seconds,rows\n\
             1,0.1,1e-9,0.5,,0.1,0.25,128\n\
             2,inf,,0.5,NaN,0.1,0.25,128\n"
        );
    }

    #[test]
    fn files_hold_what_the_texts_say() {
        let folder = tempfile::tempdir().unwrap();
        let history = history(&[(0.5, None)]);
        history.save_csv(folder.path().join("h.csv")).unwrap();
        history.save_json(folder.path().join("h.json")).unwrap();
        assert_eq!(std::fs::read_to_string(folder.path().join("h.csv")).unwrap(), history.to_csv());
        let text = std::fs::read_to_string(folder.path().join("h.json")).unwrap();
        assert_eq!(serde_json::from_str::<History>(&text).unwrap(), history);
        let error = history.save_csv(folder.path().join("none/h.csv")).unwrap_err().to_string();
        assert!(error.starts_with("cannot write `") && error.ends_with("none/h.csv`"), "{error}");
    }

    /// All that a float can be; NaN as one of its bit patterns.
    fn number() -> impl Strategy<Value = f64> {
        any::<u64>().prop_map(f64::from_bits).prop_map(|x| if x.is_nan() { f64::NAN } else { x })
    }

    proptest! {
        #[test]
        fn json_keeps_every_bit(
            losses in prop::collection::vec((number(), prop::option::of(number()), number(), any::<u64>()), 0..4),
        ) {
            let mut history = History::new("Net", true);
            for (train_loss, valid_loss, value, rows) in losses {
                let metrics = vec![Measured::new("accuracy", value)];
                history.push(Epoch { train_loss, valid_loss, metrics, learning_rate: value, seconds: value, rows });
            }
            let read: History = serde_json::from_str(&history.to_json()).unwrap();
            // NaN is not equal to itself, but its text is; texts of other numbers tell them apart.
            prop_assert_eq!(format!("{read:?}"), format!("{history:?}"));
        }
    }

    #[test]
    fn text_that_is_no_number_is_refused() {
        let text = history(&[(0.5, None)]).to_json().replace("0.25", "\"fast\"");
        let error = serde_json::from_str::<History>(&text).unwrap_err().to_string();
        assert!(error.contains("invalid value: string \"fast\", expected a number"), "{error}");
    }
}
