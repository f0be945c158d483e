//! Random masks that anyone can compute again: each element depends on the seed, the step, the example's place in its
//! batch, the layer and its own place, and on nothing else. Which thread computes it, and when, makes no difference.
//!
//! The generator is Philox-4x32 with 10 rounds: Salmon et al., *Parallel random numbers: as easy as 1, 2, 3* (2011).

use super::Real;

/// Counters that are encrypted side by side.
const WIDE: usize = 8;
/// Elements that they give.
const CHUNK: usize = 4 * WIDE;

/// What the randomness of one training step is drawn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Noise {
    /// The seed of the training.
    pub seed: u64,
    /// The number of the step.
    pub step: u64,
}

impl Noise {
    /// The mask of one example at a layer that drops elements: 0 with the probability `drop`, at least 0 and below 1,
    /// and `1 / (1 - drop)` elsewhere. `example` is its place in the batch of the step, `site` the layer's in
    /// [`Train::EXTRAS`](crate::model::Train::EXTRAS).
    #[inline(always)]
    pub fn mask<T: Real>(self, site: u32, drop: f64, example: usize, mask: &mut [T]) {
        // A draw below the threshold drops: of 2³² draws as many as the probability says, to the nearest.
        let threshold = (drop * 4_294_967_296.0 + 0.5) as u64;
        let kept = T::from_f64(1.0 / (1.0 - drop));
        let key = [self.seed as u32, (self.seed >> 32) as u32 ^ (self.step >> 32) as u32];
        let own = [example as u32, site, self.step as u32];
        for (chunk, elements) in mask.chunks_mut(CHUNK).enumerate() {
            let first = (chunk * WIDE) as u32;
            let draws = draws(core::array::from_fn(|i| first.wrapping_add(i as u32)), own, key);
            for (draws, elements) in draws.iter().zip(elements.chunks_mut(WIDE)) {
                for (element, &draw) in elements.iter_mut().zip(draws) {
                    *element = if u64::from(draw) < threshold { T::ZERO } else { kept };
                }
            }
        }
    }
}

/// Philox-4x32-10 of the counters `[first[i], rest…]`.
#[inline(always)]
#[allow(clippy::needless_range_loop, reason = "four arrays are walked at once")]
fn draws(first: [u32; WIDE], rest: [u32; 3], key: [u32; 2]) -> [[u32; WIDE]; 4] {
    const ROUNDS: u32 = 10;
    const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
    const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
    let mut x = [first, [rest[0]; WIDE], [rest[1]; WIDE], [rest[2]; WIDE]];
    for round in 0..ROUNDS {
        let key = [0, 1].map(|i| key[i].wrapping_add(round.wrapping_mul(WEYL[i])));
        for i in 0..WIDE {
            let products = [0, 1].map(|k| u64::from(x[2 * k][i]) * u64::from(MULTIPLIERS[k]));
            let [low, high] = [products.map(|p| p as u32), products.map(|p| (p >> 32) as u32)];
            (x[0][i], x[2][i]) = (high[1] ^ x[1][i] ^ key[0], high[0] ^ x[3][i] ^ key[1]);
            (x[1][i], x[3][i]) = (low[1], low[0]);
        }
    }
    x
}

#[cfg(test)]
mod tests {
    use super::{Noise, WIDE, draws};

    /// The test vectors of the authors' Random123 library.
    #[test]
    fn draws_are_those_of_the_paper() {
        let vectors = [
            ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            ([u32::MAX; 4], [u32::MAX; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
            ),
        ];
        for ([first, rest @ ..], key, expected) in vectors {
            let draws = draws([first; WIDE], rest, key);
            assert_eq!(draws.map(|word| word[3]), expected);
        }
    }

    fn mask(noise: Noise, site: u32, drop: f64, example: usize, len: usize) -> Vec<f64> {
        let mut mask = vec![f64::NAN; len];
        noise.mask(site, drop, example, &mut mask);
        mask
    }

    #[test]
    fn masks_drop_as_often_as_they_should_and_keep_the_mean() {
        let noise = Noise { seed: 7, step: 3 };
        for drop in [0.0, 0.1, 0.5, 0.9] {
            let mask = mask(noise, 0, drop, 5, 100_000);
            let dropped = mask.iter().filter(|&&m| m == 0.0).count() as f64 / mask.len() as f64;
            // Five standard deviations.
            assert!(
                (dropped - drop).abs() <= 5.0 * (drop * (1.0 - drop) / 1e5).sqrt(),
                "{dropped} of {drop}"
            );
            assert!(mask.iter().all(|&m| m == 0.0 || m == 1.0 / (1.0 - drop)));
        }
    }

    #[test]
    fn masks_differ_by_seed_step_example_and_layer_and_agree_in_their_beginnings() {
        let noise = Noise { seed: 1 << 40, step: 9 };
        let one = mask(noise, 1, 0.5, 2, 77);
        assert_eq!(one, mask(noise, 1, 0.5, 2, 77));
        assert_eq!(one[..40], mask(noise, 1, 0.5, 2, 40));
        for other in [
            mask(noise, 2, 0.5, 2, 77),
            mask(Noise { seed: 1 << 41, ..noise }, 1, 0.5, 2, 77),
            mask(Noise { step: 10, ..noise }, 1, 0.5, 2, 77),
            mask(Noise { step: 9 + (1 << 32), ..noise }, 1, 0.5, 2, 77),
            mask(noise, 1, 0.5, 3, 77),
        ] {
            assert_ne!(one, other);
        }
    }
}
