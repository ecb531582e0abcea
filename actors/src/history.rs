//! What earlier experiments on similar data taught.

use atsre_domain::finite::Finite;
use atsre_domain::policy::reasoner::PastTrial;
use atsre_domain::profile::Profile;
use atsre_store::Store;

use crate::error::AgentError;

/// Trials looked at, the newest first.
const MOST_TRIALS: i64 = 200;

/// Finished trials of experiments on data of the same frequency and season, this data set's own included, with
/// the best backtest MASE of each experiment. Empty while no read model is there yet.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn similar_trials(
    store: &Store,
    dataset: &str,
    profile: &Profile,
) -> Result<Vec<PastTrial>, AgentError> {
    let frequency = serde_json::to_value(profile.frequency)?;
    let rows = store.similar_trials(dataset, &frequency, i64::from(profile.season_length()), MOST_TRIALS).await?;
    Ok(rows
        .into_iter()
        .filter_map(|(dataset, model, mase, best)| {
            Some(PastTrial { dataset, model, mase: Finite::of(mase)?, best_mase: Finite::of(best)? })
        })
        .collect())
}
