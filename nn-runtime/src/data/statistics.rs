//! Means, quantiles and modes of columns, as `NumPy` and pandas define them.

/// The mean, or none of no values.
pub(super) fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The median, or none of no values. Sorts them.
pub(super) fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    quantile(values, 0.5)
}

/// The quantile of sorted values, `q` from 0 to 1, with linear interpolation between the two nearest.
pub(super) fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let at = q * last as f64;
    let (low, high) = (sorted[at.floor() as usize], sorted[(at.ceil() as usize).min(last)]);
    // From the nearer end, as NumPy does, so that equal ends give themselves.
    let fraction = at.fract();
    Some(if fraction < 0.5 { low + (high - low) * fraction } else { high - (high - low) * (1.0 - fraction) })
}

/// The standard deviation of a sample (divided by n - 1), or none of fewer than two values.
pub(super) fn sample_deviation(values: &[f64]) -> Option<f64> {
    let mean = mean(values)?;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (values.len() > 1).then(|| (squares / (values.len() - 1) as f64).sqrt())
}

/// The most frequent value, the smallest of several, or none of no values. Sorts them.
pub(super) fn most_frequent(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let runs = values.chunk_by(|a, b| a == b);
    let longest = runs.rev().max_by_key(|run| run.len())?;
    longest.first().copied()
}

#[cfg(test)]
mod tests {
    use super::{mean, median, most_frequent, quantile, sample_deviation};

    #[test]
    fn of_few_values() {
        assert_eq!((mean(&[]), median(&mut []), most_frequent(&mut [])), (None, None, None));
        assert_eq!((sample_deviation(&[]), sample_deviation(&[1.0])), (None, None));
        assert_eq!(sample_deviation(&[1.0, 3.0]), Some(2.0_f64.sqrt()));
        assert_eq!(median(&mut [3.0, 1.0, 10.0, 2.0]), Some(2.5));
        assert_eq!(most_frequent(&mut [2.0, 1.0, 2.0, 1.0, 5.0]), Some(1.0));
        assert_eq!(quantile(&[0.0, 10.0, 20.0], 0.25), Some(5.0));
        assert_eq!(quantile(&[7.0], 0.75), Some(7.0));
    }
}
