//! Parameters that are updated differently from the others.

use glob::Pattern;

use crate::error::quoted;
use crate::model::{Model, ParamInfo};
use crate::stepper::Run;
use crate::{Error, InvalidSetting, Result};

/// Parameters, by a pattern of their names, with a learning rate or weight decay of their own.
///
/// In a pattern `*` stands for any letters, none included, and `?` for one: `*.bias` is every bias of a layer, `h1.*`
/// everything of the layer `h1`. A parameter belongs to the first group that it matches.
///
/// ```
/// # use nn_runtime::prelude::*;
/// use nn_runtime::Group;
///
/// # fn run<M: Train<Scalar = f32>>(mut model: M, train: Dataset) -> nn_runtime::Result<()> {
/// // Biases are not decayed, and the last layer learns more slowly.
/// let trainer = Trainer::new(AdamW::new(1e-3))
///     .group(Group::new("*.bias").weight_decay(0.0))
///     .group(Group::new("y.weight").factor(0.1));
/// trainer.fit(&mut model, &train, None)?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    pattern: String,
    factor: f64,
    weight_decay: Option<f64>,
}

impl Group {
    /// The parameters whose names match, with the settings of the optimiser.
    pub fn new(pattern: impl Into<String>) -> Self {
        Self { pattern: pattern.into(), factor: 1.0, weight_decay: None }
    }

    /// What their learning rate is multiplied with: at least 0, which keeps them as they are.
    #[must_use]
    pub fn factor(self, factor: f64) -> Self {
        Self { factor, ..self }
    }

    /// Their weight decay, at least 0, in the place of the optimiser's.
    #[must_use]
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Self { weight_decay: Some(weight_decay), ..self }
    }

    fn validate(&self, has_weight_decay: bool) -> Result<(), InvalidSetting> {
        InvalidSetting::unless_not_negative("learning-rate factor of a group", self.factor)?;
        let Some(decay) = self.weight_decay else { return Ok(()) };
        let setting = "weight decay of a group";
        InvalidSetting::unless_not_negative(setting, decay)?;
        let range = "left out: the optimiser has none";
        if has_weight_decay { Ok(()) } else { Err(InvalidSetting { setting, value: decay, range }) }
    }
}

/// The parameters of a model, in order, cut where they belong to another group.
pub(super) fn runs<M: Model>(groups: &[Group], has_weight_decay: bool) -> Result<Vec<Run>> {
    for group in groups {
        group.validate(has_weight_decay)?;
    }
    let patterns = groups.iter().map(pattern).collect::<Result<Vec<_>>>()?;
    let of = |param: &ParamInfo| patterns.iter().position(|pattern| pattern.matches(param.name));
    let owners: Vec<Option<usize>> = M::PARAMS.iter().map(of).collect();
    for (i, (group, pattern)) in groups.iter().zip(&patterns).enumerate() {
        if !owners.contains(&Some(i)) {
            return Err(empty::<M>(group, pattern));
        }
    }
    let mut runs: Vec<(Option<usize>, Run)> = Vec::new();
    for (param, owner) in M::PARAMS.iter().zip(owners) {
        match runs.last_mut() {
            Some((last, run)) if *last == owner => run.len += param.len(),
            _ => {
                let run = Run::all(param.len());
                let of_group = |i: usize| Run {
                    factor: groups[i].factor,
                    weight_decay: groups[i].weight_decay,
                    ..Run::all(param.len())
                };
                runs.push((owner, owner.map_or(run, of_group)));
            }
        }
    }
    Ok(runs.into_iter().map(|(_, run)| run).collect())
}

fn pattern(group: &Group) -> Result<Pattern> {
    Pattern::new(&group.pattern)
        .map_err(|source| Error::Pattern { pattern: group.pattern.clone(), source: source.into() })
}

fn empty<M: Model>(group: &Group, pattern: &Pattern) -> Error {
    let names = || M::PARAMS.iter().map(|param| param.name);
    let taken = names().any(|name| pattern.matches(name));
    let like = |name: &&str| strsim::jaro_winkler(name, &group.pattern);
    let near = names().filter(|name| !taken && like(name) > 0.8).max_by(|a, b| like(a).total_cmp(&like(b)));
    Error::EmptyGroup {
        model: M::NAME,
        pattern: group.pattern.clone(),
        reason: if taken { "is left by earlier groups for" } else { "matches" },
        suggestion: near.map_or_else(String::new, |name| format!(" (did you mean `{name}`?)")),
        available: quoted(names()),
    }
}
