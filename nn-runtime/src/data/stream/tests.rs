use std::ops::ControlFlow;

use ndarray::Array2;
use proptest::prelude::*;

use super::Stream;
use crate::data::{Dataset, Order, Source};
use crate::model::Batch;
use crate::{Error, Result};

/// Row r is (10 r, 10 r + 1) with the target r.
fn counting(n: usize) -> Stream<f64> {
    let rows = move |_| Ok((0..n).map(|r| Ok(([10.0 * r as f64, 10.0 * r as f64 + 1.0], [r as f64]))));
    Stream::from_rows(2, 1, rows).unwrap()
}

fn in_memory(n: usize) -> Dataset<f64> {
    let inputs = Array2::from_shape_fn((n, 2), |(row, column)| (10 * row + column) as f64);
    Dataset::new(inputs, Array2::from_shape_fn((n, 1), |(row, _)| row as f64)).unwrap()
}

/// All batches, as rows of inputs and targets.
fn batches(
    source: &dyn Source<f64>,
    order: Order,
    batch_rows: usize,
    skip: usize,
) -> Result<Vec<Vec<Vec<f64>>>> {
    let mut batches = Vec::new();
    source.epoch(order, batch_rows, skip, &mut |batch| {
        batches.push((0..batch.len()).map(|i| [batch.input_row(i), batch.target_row(i)].concat()).collect());
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(batches)
}

proptest! {
    #[test]
    fn a_buffer_for_all_rows_gives_the_batches_of_a_dataset(
        n in 0..200_usize, batch in 1..80_usize, extra in 0..50_usize, seed: u64, epoch in 1..9_u64,
        shuffled: bool, skip in 0..4_usize,
    ) {
        let order = Order { seed, epoch, shuffled };
        let stream = counting(n).buffer((n + extra).max(1)).unwrap();
        prop_assert_eq!(
            batches(&stream, order, batch, skip).unwrap(),
            batches(&in_memory(n), order, batch, skip).unwrap()
        );
    }

    #[test]
    fn small_buffers_visit_every_row_once_in_full_batches(
        n in 0..300_usize, batch in 1..40_usize, buffer in 1..60_usize, seed: u64, shuffled: bool,
    ) {
        let order = Order { seed, epoch: 1, shuffled };
        let stream = counting(n).buffer(buffer).unwrap();
        prop_assert_eq!(stream.rows(), None);
        let visited = batches(&stream, order, batch, 0).unwrap();
        prop_assert_eq!(stream.rows(), Some(n));
        prop_assert_eq!(visited.len(), n.div_ceil(batch));
        prop_assert!(visited.iter().rev().skip(1).all(|rows| rows.len() == batch));
        let mut targets: Vec<usize> = visited.concat().iter().map(|row| row[2] as usize).collect();
        if shuffled {
            // No row is visited before it could be read.
            let window = buffer.max(batch);
            prop_assert!(targets.iter().enumerate().all(|(i, &row)| row < i + 2 * window));
            targets.sort_unstable();
        }
        prop_assert_eq!(targets, (0..n).collect::<Vec<_>>());
        for skip in [1, 3] {
            let rest = batches(&stream, order, batch, skip).unwrap();
            prop_assert_eq!(&rest[..], visited.get(skip..).unwrap_or_default());
        }
    }
}

#[test]
fn rows_are_shuffled_within_their_buffer() {
    let stream = counting(1000).buffer(100).unwrap();
    let targets = |epoch| -> Vec<usize> {
        let visited = batches(&stream, Order::shuffled(7, epoch), 10, 0).unwrap().concat();
        visited.iter().map(|row| row[2] as usize).collect()
    };
    let (first, second) = (targets(1), targets(2));
    assert_ne!(first, second);
    for (window, rows) in first.chunks(100).enumerate() {
        assert!(rows.iter().all(|&row| row / 100 == window));
        assert!(!rows.is_sorted(), "window {window}");
    }
    assert_ne!(
        first[..100].iter().map(|row| row % 100).collect::<Vec<_>>(),
        first[100..200].iter().map(|row| row % 100).collect::<Vec<_>>()
    );
}

#[test]
fn errors_of_readers_and_visitors_come_through() {
    let failing = Stream::<f64>::from_fn(1, 0, |_| {
        let mut row = 0;
        Ok(move |x: &mut [f64], _: &mut [f64]| {
            x[0] = 0.0;
            row += 1;
            let source = std::io::Error::other("worn out");
            if row <= 25 { Ok(true) } else { Err(Error::Read { file: "the tape".to_owned(), source }) }
        })
    });
    let mut rows = 0;
    let mut visit = |batch: &Batch<'_, f64>| {
        rows += batch.len();
        Ok(ControlFlow::Continue(()))
    };
    let error = failing.unwrap().buffer(10).unwrap().epoch(Order::shuffled(1, 1), 5, 0, &mut visit);
    assert_eq!(error.unwrap_err().to_string(), "cannot read the tape");
    assert_eq!(rows, 20, "whole buffers before the failure are visited");

    let error =
        counting(100).buffer(10).unwrap().epoch(Order::sequential(1), 5, 0, &mut |_| Err(Error::NoWeight));
    assert!(matches!(error, Err(Error::NoWeight)));
}

#[test]
fn values_are_finite_and_rows_whole() {
    let rows = |_| Ok([[1.0, 2.0], [3.0, f64::NAN]].into_iter().map(|x| Ok((x, []))));
    let error = batches(&Stream::from_rows(2, 0, rows).unwrap(), Order::sequential(1), 5, 0).unwrap_err();
    assert_eq!(error.to_string(), "the stream, row 1: `x[1]` is NaN; every value must be finite");
    let rows = |_| Ok([vec![1.0], vec![2.0, 3.0]].into_iter().map(|x| Ok((x, [0.0]))));
    let error = batches(&Stream::from_rows(1, 1, rows).unwrap(), Order::sequential(1), 5, 0).unwrap_err();
    assert_eq!(error.to_string(), "row 1 has 2 inputs, but the stream was declared with 1");
}

#[test]
fn an_epoch_can_end_early() {
    // Rows that never end: the reader has to notice that nobody takes them.
    let endless = Stream::<f64>::from_fn(1, 0, |_| {
        Ok(|x: &mut [f64], _: &mut [f64]| {
            x[0] = 1.0;
            Ok(true)
        })
    });
    let endless = endless.unwrap().buffer(100).unwrap();
    let mut batches = 0;
    let mut visit = |_: &Batch<'_, f64>| {
        batches += 1;
        Ok(if batches == 42 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    };
    endless.epoch(Order::shuffled(1, 1), 7, 0, &mut visit).unwrap();
    assert_eq!((batches, endless.rows()), (42, None));
    assert_eq!(endless.to_dataset(250).unwrap().len(), 250);
}

#[test]
fn settings_have_ranges() {
    assert!(matches!(counting(1).buffer(0), Err(Error::Setting(_))));
    assert!(matches!(counting(1).with_feature_names(&["a"]), Err(Error::NameCount { names: 1, columns: 2 })));
    assert!(matches!(
        counting(1).epoch(Order::sequential(1), 0, 0, &mut |_| unreachable!()),
        Err(Error::Setting(_))
    ));
    assert!(matches!(
        Stream::<f32>::from_rows(0, 1, |_| Ok(std::iter::empty::<Result<([f32; 0], [f32; 1])>>())),
        Err(Error::Empty { .. })
    ));
    let classes = counting(3).with_classes(&["a", "b", "c"]).unwrap();
    assert_eq!(classes.to_dataset(9).unwrap().classes().unwrap().len(), 3);
    let too_few = counting(3).with_classes(&["a", "b"]).unwrap().to_dataset(9).unwrap();
    assert!(matches!(too_few.balanced(), Err(Error::ClassLabel { row: 2, classes: 2, .. })));
}
