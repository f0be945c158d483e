//! The one source of randomness: `ChaCha`, seeded, with as many independent streams as are needed.

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;

/// A generator for this seed. Streams of the same seed are independent of each other.
pub(crate) fn stream(seed: u64, stream: u64) -> ChaCha12Rng {
    let mut random = ChaCha12Rng::seed_from_u64(seed);
    random.set_stream(stream);
    random
}

/// Fills `order` with the numbers 0, 1, 2 … in random order.
#[cfg(feature = "train")]
pub(crate) fn permute(order: &mut [u32], mut random: ChaCha12Rng) {
    use rand::seq::SliceRandom;

    for (slot, row) in order.iter_mut().zip(0..) {
        *slot = row;
    }
    order.shuffle(&mut random);
}
