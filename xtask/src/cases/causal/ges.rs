//! Cases of GES.

use anyhow::Result;

use super::{Answer, Case};

/// `None`: not available yet.
pub(super) fn answer(_case: &Case) -> Result<Option<Answer>> {
    Ok(None)
}
