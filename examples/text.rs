//! Shakespeare's sonnets as numbers: what the examples `gru` and `gpt` learn from.

use ndarray::Array2;
use nn_runtime::Dataset;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// See `data/README.md`.
const SONNETS: &str = include_str!("data/sonnets.txt");

/// Characters that occur in the sonnets: the classes of the models.
pub(crate) const CHARACTERS: usize = 61;

/// The share of the text that models learn from; the rest of it judges them.
const SHARE: f64 = 0.9;

/// A text, its characters numbered in the order of their code points.
pub(crate) struct Text {
    alphabet: Vec<char>,
    train: Vec<usize>,
    valid: Vec<usize>,
}

impl Text {
    /// The sonnets: nine tenths of them to learn from, the last tenth to judge by.
    pub(crate) fn sonnets() -> Self {
        let mut alphabet: Vec<char> = SONNETS.chars().collect();
        alphabet.sort_unstable();
        alphabet.dedup();
        assert_eq!(alphabet.len(), CHARACTERS, "characters in the text");
        let mut train: Vec<usize> =
            SONNETS.chars().map(|c| alphabet.binary_search(&c).expect("it is in the text")).collect();
        let valid = train.split_off((SHARE * train.len() as f64) as usize);
        Self { alphabet, train, valid }
    }

    /// Windows of so many characters, and for each of these the one after it: to learn from, one every `step` characters,
    /// and to judge by, one after the other.
    ///
    /// # Errors
    /// If a part of the text is shorter than a window.
    pub(crate) fn windows(&self, length: usize, step: usize) -> nn_runtime::Result<(Dataset, Dataset)> {
        Ok((windows(&self.train, length, step)?, windows(&self.valid, length, length)?))
    }

    /// Cross-entropies of the part to judge by, in nats for a character, of two models that count: how often each
    /// character occurs, and how often each one follows each. To every count one is added, for what was never seen.
    pub(crate) fn baselines(&self) -> [f64; 2] {
        let mut of_one = vec![1.0; CHARACTERS];
        let mut of_two = vec![1.0; CHARACTERS * CHARACTERS];
        for pair in self.train.windows(2) {
            of_one[pair[1]] += 1.0;
            of_two[pair[0] * CHARACTERS + pair[1]] += 1.0;
        }
        let share = |counts: &[f64], at: usize| counts[at] / counts.iter().sum::<f64>();
        let pairs = || self.valid.windows(2);
        let mean = |surprise: f64| surprise / pairs().count() as f64;
        let unigram = pairs().map(|pair| -share(&of_one, pair[1]).ln()).sum();
        let bigram =
            pairs().map(|pair| -share(&of_two[pair[0] * CHARACTERS..][..CHARACTERS], pair[1]).ln()).sum();
        [mean(unigram), mean(bigram)]
    }

    /// A text that goes on from a new line: each character is drawn from the probabilities that `predict` gives for the
    /// last of so many before it, those to the power of `1 / temperature`.
    ///
    /// `predict` takes a window of `LENGTH` characters and gives the probabilities after each of them; only places up to
    /// the last real character are looked at.
    pub(crate) fn sample<const LENGTH: usize>(
        &self,
        count: usize,
        temperature: f32,
        seed: u64,
        predict: impl Fn(&[f32; LENGTH]) -> Vec<f32>,
    ) -> String {
        let mut random = StdRng::seed_from_u64(seed);
        let newline = self.alphabet.binary_search(&'\n').unwrap_or(0);
        let mut codes = vec![newline];
        while codes.len() <= count {
            let recent = &codes[codes.len().saturating_sub(LENGTH)..];
            let mut window = [0.0; LENGTH];
            for (place, &code) in window.iter_mut().zip(recent) {
                *place = code as f32;
            }
            let probabilities = predict(&window);
            let last = &probabilities[(recent.len() - 1) * CHARACTERS..][..CHARACTERS];
            let weights: Vec<f32> = last.iter().map(|p| p.powf(1.0 / temperature)).collect();
            let mut left = random.random_range(0.0..1.0_f32) * weights.iter().sum::<f32>();
            let drawn = weights.iter().position(|weight| {
                left -= weight;
                left < 0.0
            });
            codes.push(drawn.unwrap_or(newline));
        }
        codes[1..].iter().map(|&code| self.alphabet[code]).collect()
    }
}

fn windows(codes: &[usize], length: usize, step: usize) -> nn_runtime::Result<Dataset> {
    let starts: Vec<usize> = (0..codes.len().saturating_sub(length)).step_by(step).collect();
    let of = |shift: usize| {
        Array2::from_shape_fn((starts.len(), length), |(row, place)| {
            codes[starts[row] + place + shift] as f32
        })
    };
    Dataset::new(of(0), of(1))
}
