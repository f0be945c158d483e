//! From a training to a checkpoint, and back.

use std::path::Path;
use std::time::Instant;

use super::checkpoint::{Float, Position, Saved, Setup, State, encode, is_free, read};
use super::run::Run;
use super::schedule::Schedule;
use super::{Callback, Checkpoint, Memory, Stop};
use crate::data::Source;
use crate::kernels::Real;
use crate::model::Train;
use crate::optim::Optimizer;
use crate::{Error, Result, file};

/// Writes all that a training needs to go on.
pub(super) fn save<M, D, O, S, C>(run: &Run<'_, M, D, O, S, C>, checkpoint: &Checkpoint) -> Result<()>
where
    M: Train,
    D: Source<M::Scalar> + ?Sized,
    O: Optimizer<M::Scalar>,
    S: Schedule,
    C: Callback<M>,
{
    let mut memory = Memory::default();
    run.callback.save(&mut memory);
    let memory = checked(memory, [M::PARAM_COUNT, M::STORED_COUNT])?;
    let now = &run.now;
    let training = State {
        setup: run.setup.clone(),
        position: Position {
            epoch: now.epoch,
            measured: run.measured,
            batch: now.batch,
            rows: now.rows,
            sum: Float(run.sum),
            seconds: Float(run.seconds()),
            updates: now.updates,
            loss: Float(now.loss),
            learning_rate: Float(now.learning_rate),
        },
        schedule: run.schedule.state().into_iter().map(Float).collect(),
        callbacks: memory
            .numbers
            .into_iter()
            .map(|(name, numbers)| (name, numbers.into_iter().map(Float).collect()))
            .collect(),
        history: run.history.clone(),
        scaler: checkpoint.scaler().cloned(),
    };
    let narrow = |values: Vec<f64>| values.into_iter().map(M::Scalar::from_f64).collect();
    let saved = Saved {
        training,
        parameters: run.model.stored_flat().to_vec(),
        optimizer: run.stepper.state(),
        callbacks: memory.parameters.into_iter().map(|(name, values)| (name, narrow(values))).collect(),
    };
    let path = checkpoint.path();
    let failed = |source| Error::File { action: "write", path: path.to_owned(), source };
    let bytes = encode::<M>(saved).map_err(|error| failed(std::io::Error::other(error)))?;
    file::replace_alone(path, &bytes).map_err(failed)
}

/// Refuses what could not be read back.
fn checked(memory: Memory, parameters: [usize; 2]) -> Result<Memory> {
    if let Some(name) = memory.twice {
        return Err(Error::MemoryName { name, reason: "as another callback does" });
    }
    if let Some(name) = memory.numbers.keys().chain(memory.parameters.keys()).find(|name| !is_free(name)) {
        let reason = "but a name is not empty, not `param` or `optim`, and has no `/`";
        return Err(Error::MemoryName { name: name.clone(), reason });
    }
    if let Some((name, _)) = memory.parameters.iter().find(|(_, values)| !parameters.contains(&values.len()))
    {
        let reason = "but as many numbers as there are parameters are needed";
        return Err(Error::MemoryName { name: name.clone(), reason });
    }
    Ok(memory)
}

/// Puts a training where a checkpoint says, and returns what its callbacks remember.
pub(super) fn load<M, D, O, S, C>(run: &mut Run<'_, M, D, O, S, C>, path: &Path) -> Result<Memory>
where
    M: Train,
    D: Source<M::Scalar> + ?Sized,
    O: Optimizer<M::Scalar>,
    S: Schedule,
    C: Callback<M>,
{
    let saved = read::<M>(path)?;
    let State { setup, position, schedule, callbacks, mut history, scaler } = saved.training;
    same_setup(&setup, &run.setup, path)?;
    let slots = run.stepper.state().len();
    if saved.optimizer.len() != slots {
        return Err(Error::CheckpointSetting {
            path: path.to_owned(),
            setting: "optimiser's state",
            found: format!("{} numbers of state for each parameter", saved.optimizer.len()),
            expected: format!("{slots} numbers"),
        });
    }
    let schedule: Vec<f64> = schedule.into_iter().map(|Float(number)| number).collect();
    if !run.schedule.restore(&schedule) {
        return Err(Error::CheckpointState { path: path.to_owned(), what: "the schedule".to_owned() });
    }

    // Nothing was changed before all of it was read.
    run.model.stored_flat_mut().copy_from_slice(&saved.parameters);
    run.stepper.restore(position.updates, &saved.optimizer);
    let now = &mut run.now;
    (now.epoch, now.batch, now.rows, now.updates) =
        (position.epoch, position.batch, position.rows, position.updates);
    (now.loss, now.learning_rate) = (position.loss.0, position.learning_rate.0);
    (run.measured, run.sum) = (position.measured, position.sum.0);
    (run.start, run.seconds) = (Instant::now(), position.seconds.0);
    if history.stopped == Some(Stop::Interrupted) {
        history.stopped = None;
    }
    run.history = history;
    if let (Some(checkpoint), Some(scaler)) = (&mut run.checkpoint, scaler)
        && checkpoint.scaler().is_none()
    {
        *checkpoint = checkpoint.clone().with_scaler(&scaler);
    }
    let numbers = callbacks.into_iter().map(|(name, numbers)| (name, numbers.iter().map(|n| n.0).collect()));
    let wide = |values: Vec<M::Scalar>| values.into_iter().map(Real::to_f64).collect();
    Ok(Memory {
        numbers: numbers.collect(),
        parameters: saved.callbacks.into_iter().map(|(name, values)| (name, wide(values))).collect(),
        twice: None,
    })
}

/// Checks that what decides about the bits is what it was.
fn same_setup(found: &Setup, expected: &Setup, path: &Path) -> Result<()> {
    let seed =
        |seed: Option<u64>| seed.map_or_else(|| "no seed".to_owned(), |seed| format!("the seed {seed}"));
    let rows = |rows: Option<usize>| {
        rows.map_or_else(|| "an unknown number of rows".to_owned(), |rows| format!("{rows} rows"))
    };
    let batch = |rows: usize| format!("batches of {rows} rows");
    let settings = [
        ("optimiser", format!("`{}`", found.optimizer), format!("`{}`", expected.optimizer)),
        ("seed", seed(found.seed), seed(expected.seed)),
        ("training data", rows(found.rows), rows(expected.rows)),
        ("batch size", batch(found.batch_rows), batch(expected.batch_rows)),
    ];
    match settings.into_iter().find(|(_, found, expected)| found != expected) {
        None => Ok(()),
        Some((setting, found, expected)) => {
            Err(Error::CheckpointSetting { path: path.to_owned(), setting, found, expected })
        }
    }
}
