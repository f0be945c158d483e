//! Trainings that end when somebody wants them to.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError};

use super::{Callback, Flow, Stop, Training};
use crate::model::Model;
use crate::{Error, Result};

/// How many trainings listen.
static LISTENING: AtomicUsize = AtomicUsize::new(0);
/// Whether they were asked to end.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);
/// What a shell reports of a program that Ctrl-C ended: 128 and the number of the signal.
const EXIT_CODE: i32 = 130;

/// Ends a training after the batch in which somebody presses Ctrl-C. [`Trainer::stop_on_ctrl_c`] adds it.
///
/// A process has one handler of Ctrl-C. It stays when the training ends, and then does what happens without one.
///
/// [`Trainer::stop_on_ctrl_c`]: super::Trainer::stop_on_ctrl_c
#[derive(Debug, Default)]
pub struct StopOnCtrlC {
    listening: Option<Listening>,
}

impl StopOnCtrlC {
    /// Listens from the start of a training on.
    pub fn new() -> Self {
        Self::default()
    }

    fn flow() -> Flow {
        if INTERRUPTED.load(SeqCst) { Flow::Break(Stop::Interrupted) } else { Flow::Continue(()) }
    }
}

/// A copy listens for itself once its training starts.
impl Clone for StopOnCtrlC {
    fn clone(&self) -> Self {
        Self::new()
    }
}

impl<M: Model> Callback<M> for StopOnCtrlC {
    fn on_start(&mut self, _training: &mut Training<'_, M>) -> Result<Flow> {
        if self.listening.is_none() {
            self.listening = Some(Listening::new()?);
        }
        Ok(Self::flow())
    }

    fn on_batch(&mut self, _training: &mut Training<'_, M>) -> Result<Flow> {
        Ok(Self::flow())
    }

    fn on_epoch(&mut self, _training: &mut Training<'_, M>) -> Result<Flow> {
        Ok(Self::flow())
    }

    fn on_end(&mut self, _training: &mut Training<'_, M>) -> Result<()> {
        self.listening = None;
        Ok(())
    }
}

/// While it lives, Ctrl-C does not end the process.
#[derive(Debug)]
struct Listening(());

impl Listening {
    fn new() -> Result<Self> {
        static INSTALLED: Mutex<bool> = Mutex::new(false);
        let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
        if !*installed {
            ctrlc::try_set_handler(interrupt).map_err(|source| Error::Signals { source: source.into() })?;
            *installed = true;
        }
        LISTENING.fetch_add(1, SeqCst);
        Ok(Self(()))
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        if LISTENING.fetch_sub(1, SeqCst) == 1 {
            INTERRUPTED.store(false, SeqCst);
        }
    }
}

fn interrupt() {
    if LISTENING.load(SeqCst) == 0 || INTERRUPTED.swap(true, SeqCst) {
        std::process::exit(EXIT_CODE);
    }
}
