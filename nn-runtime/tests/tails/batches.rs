//! Examples on their way into a tile and into lanes, and parameters on theirs through an optimiser.

use nn_runtime::kernels::{Lanes, Real, Simd};
use nn_runtime::model::Batch;
use nn_runtime::{Adagrad, Adam, AdamW, Lion, Nadam, Optimizer, RmsProp, Sgd};

use crate::{LONGEST, Numbers, close, elements, empty, in_both_precisions};

fn tiles<T: Real>(length: usize) {
    let mut numbers = Numbers(length as u64);
    for (rows, width) in [(length, 1 + length % 7), (1 + length % 19, length)] {
        let (x, x64) = numbers.shared::<T>(rows * width);
        let batch = Batch::inputs(&x, width);
        let order: Vec<u32> = (0..rows as u32).rev().collect();
        for first in [0, rows / 2] {
            let mut out = empty::<T>(rows - first, width);
            batch.inputs_into(first..rows, [0, width], &mut out);
            let expected = &x64[first * width..];
            close(
                &elements(&out, rows - first, width),
                expected,
                0.0,
                &("rows of a batch", rows, width, first),
            );
            batch.with_order(&order).inputs_into(0..rows - first, [0, width], &mut out);
            let turned: Vec<f64> =
                x64.chunks_exact(width).rev().take(rows - first).flatten().copied().collect();
            close(
                &elements(&out, rows - first, width),
                &turned,
                0.0,
                &("rows in an order", rows, width, first),
            );
        }
    }
}

/// The columns of a batch of three inputs.
#[allow(clippy::inline_always, reason = "compiled for the level of its caller")]
#[inline(always)]
fn columns<S: Simd, T: Real>(s: S, x: &[T], rows: std::ops::Range<usize>) -> Vec<T> {
    let columns: [Lanes<S, T>; 3] = Batch::inputs(x, 3).input_columns(s, rows);
    let mut out = vec![T::NAN; 3 * T::LANES];
    columns.iter().zip(out.chunks_exact_mut(T::LANES)).for_each(|(column, out)| column.store(out));
    out
}

macro_rules! columns {
    ($name:ident, $T:ty) => {
        fn $name(rows: usize) {
            let (x, _) = Numbers(rows as u64).shared::<$T>(rows * 3);
            for first in (0..rows).step_by(<$T>::LANES) {
                let last = rows.min(first + <$T>::LANES);
                let found = nn_runtime::dispatch!(s => columns(s, &x, first..last));
                for (lane, column) in (0..last - first).flat_map(|lane| (0..3).map(move |column| (lane, column))) {
                    assert_eq!(found[column * <$T>::LANES + lane], x[(first + lane) * 3 + column]);
                }
            }
        }
    };
}

columns!(columns_f32, f32);
columns!(columns_f64, f64);

#[test]
fn lanes_of_every_number_of_examples() {
    crate::at_every_length(&(1..=LONGEST), |rows| {
        columns_f32(rows);
        columns_f64(rows);
    });
}

/// A range of parameters is moved as each of them is alone, to the bit.
fn moved<T: Real>(n: usize, optimizer: &impl Optimizer<T>, name: &str) {
    let mut numbers = Numbers(n as u64);
    let ((start, _), parts) = (numbers.shared::<T>(n), optimizer.state_per_parameter());
    let (mut together, mut state) = (start.clone(), vec![T::ZERO; parts * n]);
    let (mut alone, mut states) = (start, vec![vec![T::ZERO; parts]; n]);
    for step in 1..=3 {
        let (gradient, _) = numbers.shared::<T>(n);
        optimizer.update(step, &mut together, &gradient, &mut state);
        for (i, state) in states.iter_mut().enumerate() {
            optimizer.update(step, &mut alone[i..=i], &gradient[i..=i], state);
        }
    }
    let bits = |x: &[T]| x.iter().map(|x| x.to_f64().to_bits()).collect::<Vec<u64>>();
    assert_eq!(bits(&together), bits(&alone), "{name} of {n}");
    for (i, alone) in states.iter().enumerate() {
        let of_one: Vec<T> = (0..parts).map(|part| state[part * n + i]).collect();
        assert_eq!(bits(&of_one), bits(alone), "state of {name}, {i} of {n}");
    }
}

fn optimisers<T: Real>(n: usize) {
    moved::<T>(n, &Sgd::new(0.1), "descent");
    moved::<T>(n, &Sgd::new(0.1).momentum(0.9).nesterov().weight_decay(0.01), "momentum");
    moved::<T>(n, &Adam::new(0.1), "adam");
    moved::<T>(n, &AdamW::new(0.1), "adamw");
    moved::<T>(n, &Nadam::new(0.1), "nadam");
    moved::<T>(n, &RmsProp::new(0.1), "rmsprop");
    moved::<T>(n, &RmsProp::new(0.1).momentum(0.9), "rmsprop with momentum");
    moved::<T>(n, &Adagrad::new(0.1), "adagrad");
    moved::<T>(n, &Lion::new(0.1), "lion");
}

in_both_precisions! {
    tiles_of_every_size: tiles over 1..=LONGEST;
    parameters_of_every_number: optimisers over 0..=LONGEST;
}
