//! From sums over parts of a batch to means.

use fearless_simd::Simd;

use super::{LaneExpr, Lanes, Real};

/// [`mean_of_sums`] at the best level.
#[cfg(any(feature = "train", test))]
pub(crate) fn mean<T: Real>(total: &mut [T], parts: &[&mut [T]], examples: usize) {
    if total.len() >= T::LANES {
        return T::mean_of_sums(total, parts, examples);
    }
    // Few scalars: without asking for the level.
    let divisor = T::from_f64(examples as f64);
    for (i, sum) in total.iter_mut().enumerate() {
        for part in parts {
            *sum += part[i];
        }
        *sum /= divisor;
    }
}

/// `total[i] = (total[i] + parts[0][i] + parts[1][i] + …) / examples`, added in this order.
///
/// A division by a power of two is a product, of the same bits.
#[inline(always)]
pub(super) fn mean_of_sums<S: Simd, T: Real>(s: S, total: &mut [T], parts: &[&mut [T]], examples: usize) {
    let len = total.len();
    for part in parts {
        assert_eq!(part.len(), len, "scalars of a part");
    }
    let divisor = T::from_f64(examples as f64);
    let factor = T::ONE / divisor;
    let scale = |sum: Lanes<S, T>| {
        if examples.is_power_of_two() { (sum * factor).lanes() } else { sum / Lanes::splat(s, divisor) }
    };
    let whole = len - len % T::LANES;
    for at in (0..whole).step_by(T::LANES) {
        let mut sum = Lanes::load(s, &total[at..]);
        for part in parts {
            sum += Lanes::load(s, &part[at..]);
        }
        scale(sum).store(&mut total[at..]);
    }
    if whole < len {
        let mut sum = Lanes::load_partial(s, &total[whole..]);
        for part in parts {
            sum += Lanes::load_partial(s, &part[whole..]);
        }
        scale(sum).store_partial(&mut total[whole..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{Numbers, at_every_level};

    fn means_have_the_bits_of_plain_loops<T: Real>() {
        at_every_level(|level| {
            for len in [0, 1, 7, 8, 15, 16, 17, 100] {
                for count in [0, 1, 15] {
                    for examples in [1, 3, 64, 100] {
                        let mut numbers = Numbers(len as u64);
                        let mut total = numbers.flat::<T>(len);
                        let mut parts: std::vec::Vec<_> =
                            (0..count).map(|_| numbers.flat::<T>(len)).collect();
                        let mut want = total.clone();
                        for (i, want) in want.iter_mut().enumerate() {
                            for part in &parts {
                                *want += part[i];
                            }
                            *want /= T::from_f64(examples as f64);
                        }
                        let parts: std::vec::Vec<_> = parts.iter_mut().map(|part| &mut part[..]).collect();
                        mean(&mut total, &parts, examples);
                        assert_eq!(
                            total, want,
                            "{level:?}, {len} scalars of {count} parts, {examples} examples"
                        );
                    }
                }
            }
        });
    }

    #[test]
    fn means() {
        means_have_the_bits_of_plain_loops::<f32>();
        means_have_the_bits_of_plain_loops::<f64>();
    }
}
