//! Softmax and its logarithm.

use fearless_simd::Simd;

use super::arrays::{cross_entropy_columns, exp_down, log_softmax_run, softmax_run};
use super::columns::{NARROW, by_columns};
use super::movement::whole_below;
use super::reduce::Line;
use super::{LaneExpr, Lanes, Places, Real, columns, log, stride, tile_len};

/// `out[r][o][l][i] = exp x[r][o][l][i] / Σ_l exp x[r][o][l][i]`, for `[outer, len, inner]`.
///
/// `x` and `out` are tile buffers of `outer * len * inner` elements, or with one row shared tensors.
///
/// # Panics
///
/// If a slice is too short.
pub fn softmax<T: Real>(rows: usize, dims: [usize; 3], x: &[T], out: &mut [T]) {
    T::softmax(rows, dims, x, out);
}

/// `out[r][o][l][i] = x[r][o][l][i] - log Σ_l exp x[r][o][l][i]`, for `[outer, len, inner]`. Buffers and panics as for
/// [`softmax`].
pub fn log_softmax<T: Real>(rows: usize, dims: [usize; 3], x: &[T], out: &mut [T]) {
    T::log_softmax(rows, dims, x, out);
}

/// The softmax, or with `LOG` its logarithm.
#[inline(always)]
pub(super) fn normalise<S: Simd, T: Real, const LOG: bool>(
    s: S,
    rows: usize,
    dims: [usize; 3],
    x: &[T],
    out: &mut [T],
) {
    let [outer, len, inner] = dims;
    let stride = stride::<T>(outer * len * inner);
    if by_columns(dims) {
        return columns::for_tiles(
            s,
            rows,
            [len, stride],
            x,
            out,
            #[inline(always)]
            |x, out| if LOG { log_softmax_run(x, out, 0..len) } else { softmax_run(x, out, 0..len) },
        );
    }
    for r in 0..rows {
        for o in 0..outer {
            let mut i = 0;
            while i < inner {
                let at = r * stride + o * len * inner + i;
                let line = Line::new(&x[at..], dims, i);
                let out = &mut out[at..];
                let largest = line.max(s);
                let sum = line.sum(
                    s,
                    -T::INFINITY,
                    #[inline(always)]
                    |x| exp_down(x - largest, T::EXP_NORMAL),
                );
                let log_sum = log(sum);
                for v in 0..line.vectors() {
                    let (at, n) = line.position(v);
                    let shifted = line.vector(s, v, T::ZERO) - largest;
                    let y = if LOG { shifted - log_sum } else { exp_down(shifted, T::EXP_NORMAL) / sum };
                    y.lanes().store_partial(&mut out[at..at + n]);
                }
                i += line.width;
            }
        }
    }
}

/// The cross-entropy of a softmax with a class index, and its derivative by the softmax's operand, for each place `p`:
/// `loss[r][p] = log Σ_c exp x[r][p][c] - x[r][p][target[r][p]]` and `d[r][p] = softmax(x[r][p]) - one_hot(target[r][p])`.
/// Both are NaN where the target is not a whole number below the number of classes.
///
/// `x` and `d` (a row of all classes a place), `target` and `loss` (one element a place) are tile buffers.
///
/// # Panics
///
/// If a slice is too short.
pub fn softmax_cross_entropy<T: Real>(
    rows: usize,
    classes: impl Places,
    x: &[T],
    target: &[T],
    loss: &mut [T],
    d: &mut [T],
) {
    T::softmax_cross_entropy(rows, classes.places(), x, target, Some(loss), Some(d));
}

/// The loss of [`softmax_cross_entropy`] alone.
///
/// # Panics
///
/// If a slice is too short.
pub fn softmax_cross_entropy_loss<T: Real>(
    rows: usize,
    classes: impl Places,
    x: &[T],
    target: &[T],
    loss: &mut [T],
) {
    T::softmax_cross_entropy(rows, classes.places(), x, target, Some(loss), None);
}

/// The derivative of [`softmax_cross_entropy`] alone.
///
/// # Panics
///
/// If a slice is too short.
pub fn softmax_error<T: Real>(rows: usize, classes: impl Places, x: &[T], target: &[T], d: &mut [T]) {
    T::softmax_cross_entropy(rows, classes.places(), x, target, None, Some(d));
}

/// See [`softmax_cross_entropy`].
#[inline(always)]
pub(super) fn cross_entropy<S: Simd, T: Real>(
    s: S,
    rows: usize,
    [places, classes]: [usize; 2],
    x: &[T],
    target: &[T],
    loss: Option<&mut [T]>,
    d: Option<&mut [T]>,
) {
    let len = tile_len::<T>(rows, places * classes);
    assert!(
        x.len() >= len && target.len() >= rows * places,
        "x is no tile of {rows} examples of {places} places and {classes} classes"
    );
    if places == 1 {
        return cross_entropy_rows(s, rows, [classes, stride::<T>(classes)], x, target, loss, d);
    }
    let (row, of_targets) = (stride::<T>(places * classes), stride::<T>(places));
    let (mut loss, mut d) = (loss, d);
    for r in 0..rows {
        let (x, target) = (&x[r * row..], &target[r * of_targets..]);
        let loss = loss.as_deref_mut().map(
            #[inline(always)]
            |loss| &mut loss[r * of_targets..],
        );
        let d = d.as_deref_mut().map(
            #[inline(always)]
            |d| &mut d[r * row..],
        );
        cross_entropy_rows(s, places, [classes, classes], x, target, loss, d);
    }
}

/// The same for rows at a distance of `stride`, with adjacent targets and losses.
#[inline(always)]
fn cross_entropy_rows<S: Simd, T: Real>(
    s: S,
    rows: usize,
    [classes, stride]: [usize; 2],
    x: &[T],
    target: &[T],
    loss: Option<&mut [T]>,
    d: Option<&mut [T]>,
) {
    let (mut loss, mut d) = (loss, d);
    // Rows that are turned into columns end with pads.
    if classes <= NARROW && classes > 1 && stride.is_multiple_of(T::LANES) {
        let mut first = 0;
        while first < rows {
            let count = (rows - first).min(T::LANES);
            let mut columns = [Lanes::zero(s); NARROW];
            columns::columns_of_rows(
                s,
                classes,
                #[inline(always)]
                |lane| &x[(first + lane.min(count - 1)) * stride..],
                &mut columns,
            );
            let mut errors = [Lanes::zero(s); NARROW];
            let target = Lanes::load_partial(s, &target[first..first + count]);
            let losses = cross_entropy_columns(&columns[..classes], target, &mut errors[..classes]);
            if let Some(loss) = &mut loss {
                losses.store_partial(&mut loss[first..first + count]);
            }
            if let Some(d) = &mut d {
                columns::rows_of_columns(s, [count, classes, stride], &errors, &mut d[first * stride..]);
            }
            first += count;
        }
        return;
    }
    for r in 0..rows {
        let row = &x[r * stride..][..classes];
        let line = Line::new(row, [1, classes, 1], 0);
        let largest = line.max(s);
        let sum = line.sum(
            s,
            -T::INFINITY,
            #[inline(always)]
            |x| exp_down(x - largest, T::EXP_USEFUL),
        );
        let class = whole_below(target[r], classes);
        if let Some(loss) = &mut loss {
            let right = class.map_or(T::NAN, |class| row[class]);
            loss[r] = log(sum).as_slice()[0] - (right - largest.as_slice()[0]);
        }
        if let Some(d) = &mut d {
            let d = &mut d[r * stride..][..classes];
            for v in 0..line.vectors() {
                let (at, n) = line.position(v);
                let y = exp_down(line.vector(s, v, T::ZERO) - largest, T::EXP_USEFUL) / sum;
                y.store_partial(&mut d[at..at + n]);
            }
            match class {
                Some(class) => d[class] -= T::ONE,
                None => d.fill(T::NAN),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{Numbers, assert_close, at_every_level, elements, nan_tile};

    fn check<T: Real>(rows: usize, dims: [usize; 3]) {
        let [outer, len, inner] = dims;
        let n = outer * len * inner;
        let mut x = Numbers((rows * 100 + len) as u64).tile::<T>(rows, n);
        for x in &mut x {
            *x *= T::from_f64(20.0);
        }
        let flat = elements(&x, rows, n);
        let mut want = std::vec![0.0; rows * n];
        for (row, want) in flat.chunks_exact(n).zip(want.chunks_exact_mut(n)) {
            for o in 0..outer {
                for i in 0..inner {
                    let at = |l| (o * len + l) * inner + i;
                    let sum: f64 = (0..len).map(|l| row[at(l)].to_f64().exp()).sum();
                    for l in 0..len {
                        want[at(l)] = row[at(l)].to_f64() - sum.ln();
                    }
                }
            }
        }
        let what = (core::any::type_name::<T>(), rows, dims);
        let mut out = nan_tile::<T>(rows, n);
        log_softmax(rows, dims, &x, &mut out);
        assert_close(&elements(&out, rows, n), &want, 64.0, &what);
        softmax(rows, dims, &x, &mut out);
        for y in &mut want {
            *y = y.exp();
        }
        assert_close(&elements(&out, rows, n), &want, 64.0, &what);
        let mut row = std::vec![T::ONE; n + 1];
        softmax(1, dims, &flat[..n], &mut row[..n]);
        assert_close(&row[..n], &want[..n], 64.0, &what);
        assert_eq!(row[n], T::ONE);
    }

    #[test]
    fn softmax_of_any_axis() {
        at_every_level(|_| {
            for dims in
                [[1, 1, 1], [1, 5, 1], [1, 16, 1], [1, 33, 1], [3, 10, 1], [1, 4, 3], [2, 6, 16], [2, 3, 37]]
            {
                for rows in [1, 2, 9, 40] {
                    check::<f32>(rows, dims);
                    check::<f64>(rows, dims);
                }
            }
        });
    }

    fn check_cross_entropy<T: Real>(rows: usize, classes: usize) {
        let mut x = Numbers((rows * 100 + classes) as u64).tile::<T>(rows, classes);
        for x in &mut x {
            *x *= T::from_f64(20.0);
        }
        let flat = elements(&x, rows, classes);
        let bad = rows / 2;
        let mut target: std::vec::Vec<T> =
            (0..tile_len::<T>(rows, 1)).map(|r| T::from_f64((r * 7 % classes) as f64)).collect();
        if rows > 2 {
            target[bad] = T::from_f64(0.5);
        }
        let (mut losses, mut errors) = (std::vec::Vec::new(), std::vec::Vec::new());
        for (r, row) in flat.chunks_exact(classes).enumerate() {
            let sum: f64 = row.iter().map(|x| x.to_f64().exp()).sum();
            let valid = rows <= 2 || r != bad;
            let nan = if valid { 0.0 } else { f64::NAN };
            let class = r * 7 % classes;
            losses.push(sum.ln() - row[class].to_f64() + nan);
            errors.extend(
                row.iter().enumerate().map(|(c, x)| x.to_f64().exp() / sum - f64::from(c == class) + nan),
            );
        }
        let what = (core::any::type_name::<T>(), rows, classes);
        let (mut loss, mut d) = (nan_tile::<T>(rows, 1), nan_tile::<T>(rows, classes));
        softmax_cross_entropy(rows, classes, &x, &target, &mut loss, &mut d);
        assert_close(&loss[..rows], &losses, 256.0, &what);
        assert_close(&elements(&d, rows, classes), &errors, 256.0, &what);
        let (mut loss_alone, mut d_alone) = (nan_tile::<T>(rows, 1), nan_tile::<T>(rows, classes));
        softmax_cross_entropy_loss(rows, classes, &x, &target, &mut loss_alone);
        softmax_error(rows, classes, &x, &target, &mut d_alone);
        assert_close(&loss_alone[..rows], &losses, 256.0, &what);
        assert_close(&elements(&d_alone, rows, classes), &errors, 256.0, &what);
    }

    #[test]
    fn cross_entropy_of_any_number_of_classes() {
        at_every_level(|_| {
            for classes in [2, 3, 5, 10, 16, 17, 40] {
                for rows in [1, 2, 7, 16, 33] {
                    check_cross_entropy::<f32>(rows, classes);
                    check_cross_entropy::<f64>(rows, classes);
                }
            }
        });
    }

    #[test]
    fn several_places_are_as_many_examples() {
        at_every_level(|_| {
            for (places, classes) in [(2, 3), (5, 16), (3, 20), (4, 65)] {
                let (rows, n) = (3, places * classes);
                let mut numbers = Numbers(n as u64);
                let x = numbers.tile::<f32>(rows, n);
                let mut target = nan_tile::<f32>(rows, places);
                for r in 0..rows {
                    for p in 0..places {
                        target[r * stride::<f32>(places) + p] = ((r * 5 + p * 7) % classes) as f32;
                    }
                }
                target[0] = -1.0;
                let (mut loss, mut d) = (nan_tile::<f32>(rows, places), nan_tile::<f32>(rows, n));
                softmax_cross_entropy(rows, [places, classes], &x, &target, &mut loss, &mut d);
                let (loss, d) = (elements(&loss, rows, places), elements(&d, rows, n));
                let (flat, targets) = (elements(&x, rows, n), elements(&target, rows, places));
                for (at, row) in flat.chunks_exact(classes).enumerate() {
                    let (mut one, mut error) = (nan_tile::<f32>(1, 1), nan_tile::<f32>(1, classes));
                    let mut padded = nan_tile::<f32>(1, classes);
                    padded[..classes].copy_from_slice(row);
                    softmax_cross_entropy(1, classes, &padded, &targets[at..=at], &mut one, &mut error);
                    let error: std::vec::Vec<f64> = error[..classes].iter().map(|&x| f64::from(x)).collect();
                    assert_close(&loss[at..=at], &[f64::from(one[0])], 64.0, &(places, classes, at));
                    assert_close(&d[at * classes..][..classes], &error, 64.0, &(places, classes, at));
                }
            }
        });
    }

    #[test]
    fn large_arguments_do_not_overflow() {
        at_every_level(|_| {
            let mut out = [0.0_f32; 3];
            softmax(1, [1, 3, 1], &[1e4, 1e4, -1e4], &mut out);
            assert_eq!(out, [0.5, 0.5, 0.0]);
            log_softmax(1, [1, 3, 1], &[1e4, f32::NEG_INFINITY, 0.0], &mut out);
            assert_eq!(out, [0.0, f32::NEG_INFINITY, -1e4]);
        });
    }
}
