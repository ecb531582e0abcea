//! A training in the middle, as bytes: taken up again, it goes on as if it had never stopped, bit for bit on the
//! processor.

use burn::tensor::Device;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::nets::Network;
use crate::optimizer::AdamW;
use crate::saved::{Reading, Writing};
use crate::training::{Best, History, Plan};

/// Where a file keeps the weights that are being trained, and the best so far.
const NET: &str = "net";
const BEST: &str = "best";

/// Everything that a training knows after a step.
#[derive(Debug)]
pub(crate) struct Checkpoint<N> {
    /// Steps done.
    pub(crate) step: usize,
    pub(crate) net: N,
    pub(crate) optimizer: AdamW,
    pub(crate) best: Best<N>,
    pub(crate) history: History,
}

/// What of a checkpoint is no tensor.
#[derive(Serialize, Deserialize)]
struct State {
    step: usize,
    best: Option<(usize, f64)>,
    without_improvement: usize,
    history: History,
    /// Where the random stream of the windows is: the upper and the lower half of its position.
    random: (u64, u64),
}

impl<N: Network> Checkpoint<N> {
    /// The bytes of a safetensors file.
    ///
    /// # Errors
    /// What the device says where it fails.
    pub(crate) fn write(&self, plan: &Plan, random: &ChaCha8Rng) -> Result<Vec<u8>, Error> {
        let mut writing = Writing::default();
        let position = random.get_word_pos();
        let state = State {
            step: self.step,
            best: self.best.kept.as_ref().map(|(step, loss, _)| (*step, *loss)),
            without_improvement: self.best.without_improvement,
            history: self.history.clone(),
            random: ((position >> 64) as u64, position as u64),
        };
        writing.describe("state", &state)?;
        writing.describe("plan", plan)?;
        self.optimizer.write(&mut writing)?;
        writing.module(NET, &self.net.valid())?;
        if let Some((_, _, best)) = &self.best.kept {
            writing.module(BEST, best)?;
        }
        Ok(writing.into_bytes())
    }

    /// The checkpoint in `bytes`, of a training by the same plan. `net` is a network of the same architecture, whose
    /// weights do not matter; `random` is set to where it was.
    ///
    /// # Errors
    /// [`Error::Saved`] or [`Error::Weights`] where the bytes are no such file or of another training.
    pub(crate) fn read(
        bytes: Vec<u8>,
        plan: &Plan,
        net: N,
        device: &Device,
        random: &mut ChaCha8Rng,
    ) -> Result<Self, Error> {
        let reading = Reading::new(bytes)?;
        let other: Plan = reading.described("plan")?;
        if other != *plan {
            let problem = format!("it is a checkpoint of {other:?}, not of {plan:?}");
            return Err(Error::Saved { problem });
        }
        let state: State = reading.described("state")?;
        let best = match state.best {
            Some((step, loss)) => Some((step, loss, reading.module(BEST, net.valid())?)),
            None => None,
        };
        random.set_word_pos((u128::from(state.random.0) << 64) | u128::from(state.random.1));
        Ok(Self {
            step: state.step,
            net: reading.module(NET, net)?,
            optimizer: AdamW::read(&reading, device)?,
            best: Best { kept: best, without_improvement: state.without_improvement },
            history: state.history,
        })
    }
}
