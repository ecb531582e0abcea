//! What a worker and its parent say to each other.
//!
//! The parent writes one [`Job`] to the worker's standard input and closes it. The worker writes frames to its
//! standard output: four bytes of length, little endian, then a MessagePack [`Message`]. Anything else on
//! standard output breaks the protocol, and the attempt fails with the evidence.

use std::io::{Read, Write};

use atsre_domain::failure::{FailureKind, Usage};
use atsre_domain::model::Limits;
use atsre_forecast::job::TrialJob;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt;

/// The largest frame: a result of 100,000 series with seven quantiles over 18 steps fits four times.
const LARGEST_FRAME_BYTES: u32 = 512 << 20;

/// What the parent asks.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Job {
    /// The trial.
    pub trial: TrialJob,
    /// What the worker may use; it sets the memory limit on itself before it computes.
    pub limits: Limits,
    /// How often it gives a sign of life, in milliseconds.
    pub heartbeat_ms: u64,
    /// The power assumed for one busy core where nothing measures it, in milliwatts.
    pub core_milliwatts: u32,
}

/// What the worker says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Message {
    /// It lives.
    Heartbeat,
    /// It has come so far.
    Progress {
        /// The share done, 0 to 1.
        fraction: f64,
        /// What it is doing.
        message: String,
    },
    /// It cannot go on.
    Failed {
        /// What happened.
        kind: FailureKind,
        /// In words.
        message: String,
    },
    /// It is done: the [`atsre_forecast::job::TrialResult`] as JSON, the form that is stored.
    Result {
        /// The JSON text.
        json: Vec<u8>,
        /// What it used, seen from inside at the end: a worker may be gone before anybody looks.
        usage: Usage,
    },
}

/// What breaks the protocol.
#[derive(Debug, thiserror::Error)]
pub enum ProtocolError {
    /// The stream broke off inside a frame, or could not be read or written.
    #[error("the stream to the worker broke off")]
    Stream(#[from] std::io::Error),
    /// The length is not plausible: something wrote text to standard output.
    #[error("a frame claims {0} bytes; something other than the protocol was written")]
    Length(u32),
    /// A message could not be read.
    #[error("a frame does not hold a message")]
    Decode(#[from] rmp_serde::decode::Error),
    /// A message could not be written.
    #[error("a message could not be encoded")]
    Encode(#[from] rmp_serde::encode::Error),
}

/// The bytes of a job.
///
/// # Errors
/// When it cannot be encoded.
pub fn encode_job(job: &Job) -> Result<Vec<u8>, ProtocolError> {
    Ok(rmp_serde::to_vec_named(job)?)
}

/// Reads the job from the worker's standard input, to its end.
///
/// # Errors
/// When the stream breaks off or holds something else.
pub fn read_job(mut input: impl Read) -> Result<Job, ProtocolError> {
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes)?;
    Ok(rmp_serde::from_slice(&bytes)?)
}

/// Writes a frame.
///
/// # Errors
/// When the parent is gone.
pub fn write_message(mut output: impl Write, message: &Message) -> Result<(), ProtocolError> {
    let body = rmp_serde::to_vec_named(message)?;
    let length = u32::try_from(body.len()).map_err(|_| ProtocolError::Length(u32::MAX))?;
    output.write_all(&length.to_le_bytes())?;
    output.write_all(&body)?;
    Ok(output.flush()?)
}

/// Reads the next frame; nothing at an orderly end.
///
/// # Errors
/// When what was written is not the protocol.
pub async fn read_message(input: &mut (impl AsyncReadExt + Unpin)) -> Result<Option<Message>, ProtocolError> {
    let mut length = [0_u8; 4];
    let mut have = 0;
    while have < length.len() {
        match input.read(&mut length[have..]).await? {
            0 if have == 0 => return Ok(None),
            0 => return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into()),
            n => have += n,
        }
    }
    let length = u32::from_le_bytes(length);
    if length > LARGEST_FRAME_BYTES {
        return Err(ProtocolError::Length(length));
    }
    let mut body = vec![0_u8; length as usize];
    input.read_exact(&mut body).await?;
    Ok(Some(rmp_serde::from_slice(&body)?))
}
