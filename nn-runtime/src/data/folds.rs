//! Rows in parts: to train on some and measure on others.

use std::ops::Range;

use super::Dataset;
use super::labels::Labels;
use crate::kernels::Real;
use crate::{Error, InvalidSetting, Result, random};

/// Rows to train on and rows to measure on, by their numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fold {
    /// The rows to train on.
    pub train: Vec<usize>,
    /// The rows to measure on.
    pub valid: Vec<usize>,
}

impl Fold {
    /// The two parts of a dataset.
    ///
    /// # Errors
    /// If the dataset lacks a row.
    pub fn of<T: Real>(&self, dataset: &Dataset<T>) -> Result<(Dataset<T>, Dataset<T>)> {
        Ok((dataset.select(&self.train)?, dataset.select(&self.valid)?))
    }
}

impl<T: Real> Dataset<T> {
    /// Shuffles the rows of each class by the seed and cuts them in two: `fraction` of them, and the rest. Both parts
    /// have, to within one row, the same fraction of each class.
    ///
    /// # Errors
    /// If `fraction` is not from 0 to 1, or the target is no class.
    pub fn split_stratified(&self, fraction: f64, seed: u64) -> Result<(Self, Self)> {
        super::dataset::part_of_the_whole(fraction)?;
        let wanted = (self.len() as f64 * fraction).round() as usize;
        let classes = self.shuffled_classes(seed)?;
        // What is left after rounding down goes to the classes with the largest remainders, the first of several.
        let share = |rows: &[u32]| rows.len() as f64 * fraction;
        let mut taken: Vec<usize> = classes.iter().map(|rows| share(rows).floor() as usize).collect();
        let mut by_remainder: Vec<usize> = (0..classes.len()).collect();
        by_remainder.sort_by(|&a, &b| {
            let remainder = |class: usize| share(&classes[class]).fract();
            remainder(b).total_cmp(&remainder(a)).then(a.cmp(&b))
        });
        let mut left = wanted.saturating_sub(taken.iter().sum());
        for class in by_remainder {
            if left > 0 && taken[class] < classes[class].len() {
                taken[class] += 1;
                left -= 1;
            }
        }
        let (mut first, mut second) = (Vec::new(), Vec::new());
        for (rows, &taken) in classes.iter().zip(&taken) {
            first.extend(rows[..taken].iter().map(|&row| row as usize));
            second.extend(rows[taken..].iter().map(|&row| row as usize));
        }
        // Classes one after another would make the first batches of an unshuffled training all the same.
        Ok((self.rows_at(&shuffled(first, seed)), self.rows_at(&shuffled(second, seed))))
    }

    /// `k` folds: the rows are shuffled by the seed and cut in `k` parts of nearly equal length, each of which is
    /// measured on once.
    ///
    /// # Errors
    /// If `k` is below 2 or above the number of rows.
    pub fn k_fold(&self, k: usize, seed: u64) -> Result<Vec<Fold>> {
        at_least_two(k, self.len(), "rows")?;
        let mut order = vec![0; self.len()];
        random::permute(&mut order, random::stream(seed, 0));
        let mut part = vec![0; self.len()];
        for (fold, range) in parts(self.len(), k).enumerate() {
            for &row in &order[range] {
                part[row as usize] = fold;
            }
        }
        Ok(folds(&part, k))
    }

    /// `k` folds that all have, to within one row, the same fraction of each class.
    ///
    /// # Errors
    /// If `k` is below 2 or above the number of rows, or the target is no class.
    pub fn k_fold_stratified(&self, k: usize, seed: u64) -> Result<Vec<Fold>> {
        at_least_two(k, self.len(), "rows")?;
        let mut part = vec![0; self.len()];
        // Dealt like cards, on and on from class to class, so that the folds are of nearly equal length too.
        let rows = self.shuffled_classes(seed)?.into_iter().flatten();
        for (row, fold) in rows.zip((0..k).cycle()) {
            part[row as usize] = fold;
        }
        Ok(folds(&part, k))
    }

    /// `k` folds that split no group: all rows of a patient, say, are trained on or measured on. `groups` has a number or
    /// name for each row. Larger groups are dealt first, each into the fold with the fewest rows so far; the seed decides
    /// between equal ones.
    ///
    /// # Errors
    /// If there is not one group for each row, or `k` is below 2 or above the number of groups.
    pub fn k_fold_groups<G: Ord>(&self, k: usize, groups: &[G], seed: u64) -> Result<Vec<Fold>> {
        if groups.len() != self.len() {
            return Err(Error::GroupCount { rows: self.len(), groups: groups.len() });
        }
        let mut names: Vec<&G> = groups.iter().collect();
        names.sort();
        names.dedup();
        at_least_two(k, names.len(), "groups")?;
        let of_row: Vec<usize> =
            groups.iter().map(|group| names.partition_point(|&name| name < group)).collect();
        let mut sizes = vec![0_usize; names.len()];
        for &group in &of_row {
            sizes[group] += 1;
        }
        let mut order = vec![0; names.len()];
        random::permute(&mut order, random::stream(seed, 0));
        // A stable sort: equal groups stay shuffled.
        order.sort_by_key(|&group| std::cmp::Reverse(sizes[group as usize]));
        let (mut fold_of, mut filled) = (vec![0; names.len()], vec![0; k]);
        for group in order {
            let group = group as usize;
            let fold = (0..k).min_by_key(|&fold| filled[fold]).unwrap_or(0);
            fold_of[group] = fold;
            filled[fold] += sizes[group];
        }
        let part: Vec<usize> = of_row.iter().map(|&group| fold_of[group]).collect();
        Ok(folds(&part, k))
    }

    /// `k` folds for rows in the order of time: the first is trained on the first of `k + 1` parts and measured on the
    /// second, the next one is trained on two and measured on the third, and so on. Nothing is shuffled, and no row is
    /// measured on that comes before one that was trained on.
    ///
    /// # Errors
    /// If `k` is 0 or not below the number of rows.
    pub fn time_folds(&self, k: usize) -> Result<Vec<Fold>> {
        if k == 0 || k >= self.len() {
            let range = "at least 1 and below the number of rows";
            return Err(InvalidSetting { setting: "number of folds", value: k as f64, range }.into());
        }
        // As scikit-learn's TimeSeriesSplit: what is left over is trained on.
        let test = self.len() / (k + 1);
        let start = |fold: usize| self.len() - (k - fold) * test;
        let fold = |fold| Fold {
            train: (0..start(fold)).collect(),
            valid: (start(fold)..start(fold) + test).collect(),
        };
        Ok((0..k).map(fold).collect())
    }

    /// The rows of each class in the order that the seed gives.
    fn shuffled_classes(&self, seed: u64) -> Result<Vec<Vec<u32>>> {
        let labels = Labels::of(self)?;
        let mut order = vec![0; self.len()];
        random::permute(&mut order, random::stream(seed, 0));
        let mut classes = vec![Vec::new(); labels.names.len()];
        for row in order {
            classes[labels.of_row[row as usize]].push(row);
        }
        Ok(classes)
    }
}

/// Row numbers in another order.
fn shuffled(rows: Vec<usize>, seed: u64) -> Vec<usize> {
    let mut order = vec![0; rows.len()];
    random::permute(&mut order, random::stream(seed, 1));
    order.into_iter().map(|i| rows[i as usize]).collect()
}

/// `len` rows in `k` runs, the first ones longer by one if it does not divide.
fn parts(len: usize, k: usize) -> impl Iterator<Item = Range<usize>> {
    let (size, longer) = (len / k, len % k);
    let start = move |fold: usize| fold * size + fold.min(longer);
    (0..k).map(move |fold| start(fold)..start(fold + 1))
}

/// Each part is measured on once.
fn folds(part: &[usize], k: usize) -> Vec<Fold> {
    let fold = |fold| {
        let (valid, train) = (0..part.len()).partition(|&row| part[row] == fold);
        Fold { train, valid }
    };
    (0..k).map(fold).collect()
}

fn at_least_two(k: usize, most: usize, what: &'static str) -> Result<()> {
    if (2..=most).contains(&k) {
        return Ok(());
    }
    Err(Error::FoldCount { folds: k, most, what })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use ndarray::Array2;
    use proptest::prelude::*;

    use super::Fold;
    use crate::Error;
    use crate::data::Dataset;

    /// Row r is (r), and of this class.
    fn data(labels: &[usize]) -> Dataset<f64> {
        let inputs = Array2::from_shape_fn((labels.len(), 1), |(row, _)| row as f64);
        Dataset::with_classes(inputs, labels, &["a", "b", "c"]).unwrap()
    }

    /// Every row is measured on once, and trained on in the other folds.
    fn are_a_partition(folds: &[Fold], n: usize) -> Result<(), TestCaseError> {
        let mut valid: Vec<usize> = folds.iter().flat_map(|fold| fold.valid.clone()).collect();
        valid.sort_unstable();
        prop_assert_eq!(valid, (0..n).collect::<Vec<_>>());
        for fold in folds {
            let mut rows = [&fold.train[..], &fold.valid].concat();
            rows.sort_unstable();
            prop_assert_eq!(rows, (0..n).collect::<Vec<_>>());
        }
        Ok(())
    }

    fn count(rows: &[usize], labels: &[usize], class: usize) -> usize {
        rows.iter().filter(|&&row| labels[row] == class).count()
    }

    proptest! {
        #[test]
        fn every_row_is_in_one_fold(labels in prop::collection::vec(0..3_usize, 5..80), k in 2..6_usize, seed: u64) {
            let (data, n) = (data(&labels), labels.len());
            let plain = data.k_fold(k, seed).unwrap();
            are_a_partition(&plain, n)?;
            let stratified = data.k_fold_stratified(k, seed).unwrap();
            are_a_partition(&stratified, n)?;
            for folds in [&plain, &stratified] {
                prop_assert!(folds.iter().all(|fold| (n / k..=n.div_ceil(k)).contains(&fold.valid.len())));
            }
            for class in 0..3 {
                let total = labels.iter().filter(|&&label| label == class).count();
                for fold in &stratified {
                    let here = count(&fold.valid, &labels, class);
                    prop_assert!((total / k..=total.div_ceil(k)).contains(&here), "{here} of {total} in {k}");
                }
            }
            prop_assert_eq!(&plain, &data.k_fold(k, seed).unwrap());
        }

        #[test]
        fn stratified_parts_have_the_fractions_of_the_whole(
            labels in prop::collection::vec(0..3_usize, 1..80), fraction in 0.0..=1.0, seed: u64,
        ) {
            let (first, second) = data(&labels).split_stratified(fraction, seed).unwrap();
            prop_assert_eq!(first.len(), (labels.len() as f64 * fraction).round() as usize);
            let rows = |part: &Dataset<f64>| part.inputs().iter().map(|&row| row as usize).collect::<Vec<_>>();
            let mut all = [rows(&first), rows(&second)].concat();
            for class in 0..3 {
                let total = labels.iter().filter(|&&label| label == class).count() as f64;
                let here = count(&rows(&first), &labels, class) as f64;
                prop_assert!((here - total * fraction).abs() < 1.0);
            }
            all.sort_unstable();
            prop_assert_eq!(all, (0..labels.len()).collect::<Vec<_>>());
        }

        #[test]
        fn groups_are_never_split(groups in prop::collection::vec(0..30_u32, 40..120), k in 2..5_usize, seed: u64) {
            let data = data(&vec![0; groups.len()]);
            let folds = data.k_fold_groups(k, &groups, seed).unwrap();
            are_a_partition(&folds, groups.len())?;
            for fold in &folds {
                let of = |rows: &[usize]| rows.iter().map(|&row| groups[row]).collect::<BTreeSet<_>>();
                prop_assert!(of(&fold.train).is_disjoint(&of(&fold.valid)));
                prop_assert!(!fold.valid.is_empty());
            }
        }

        #[test]
        fn the_future_is_never_trained_on(n in 2..200_usize, k in 1..9_usize) {
            prop_assume!(k < n);
            let folds = data(&vec![0; n]).time_folds(k).unwrap();
            prop_assert_eq!(folds.len(), k);
            let mut end = 0;
            for fold in &folds {
                prop_assert!(fold.train.last() < fold.valid.first());
                prop_assert!(fold.train.iter().copied().eq(0..fold.train.len()), "all of the past");
                prop_assert!(fold.valid.first() >= Some(&end) && fold.valid.is_sorted());
                end = fold.valid.last().map_or(end, |row| row + 1);
            }
            prop_assert_eq!(end, n);
        }
    }

    #[test]
    fn folds_depend_on_their_seed_alone() {
        let data = data(&[0, 1, 2, 0, 1, 2, 0, 1, 2, 0]);
        assert_ne!(data.k_fold(3, 1).unwrap(), data.k_fold(3, 2).unwrap());
        assert_ne!(data.k_fold_stratified(3, 1).unwrap(), data.k_fold_stratified(3, 2).unwrap());
        let (train, valid) = data.k_fold(5, 1).unwrap()[0].of(&data).unwrap();
        assert_eq!((train.len(), valid.len()), (8, 2));
    }

    #[test]
    fn numbers_of_folds_that_make_no_sense() {
        let data = data(&[0, 1, 0]);
        for k in [0, 1, 4] {
            assert!(matches!(data.k_fold(k, 0), Err(Error::FoldCount { most: 3, .. })));
            assert!(matches!(data.k_fold_stratified(k, 0), Err(Error::FoldCount { .. })));
        }
        assert!(matches!(data.k_fold_groups(3, &["x", "y", "x"], 0), Err(Error::FoldCount { most: 2, .. })));
        assert!(matches!(data.k_fold_groups(2, &["x"], 0), Err(Error::GroupCount { rows: 3, groups: 1 })));
        assert!(data.time_folds(0).is_err() && data.time_folds(3).is_err());
        assert!(data.split_stratified(1.5, 0).is_err());
        let other = Fold { train: vec![0], valid: vec![3] };
        assert!(matches!(other.of(&data), Err(Error::UnknownRow { row: 3, rows: 3 })));
    }
}
