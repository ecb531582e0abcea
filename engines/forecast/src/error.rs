//! What can go wrong in a forecast, named by what the caller can do about it.

/// A forecast that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ForecastError {
    /// No such model is registered.
    #[error("unknown model `{model}` of framework `{framework}`; known models: {known}")]
    UnknownModel {
        /// The framework asked for.
        framework: String,
        /// The model asked for.
        model: String,
        /// The models that are registered, separated by commas.
        known: String,
    },
    /// A hyperparameter is unknown or has an unusable value.
    #[error("model `{model}`: setting `{setting}` {problem}")]
    Setting {
        /// The model.
        model: String,
        /// The setting's name.
        setting: String,
        /// What is wrong with it and what it may be.
        problem: String,
    },
    /// The job itself contradicts itself or its data.
    #[error("the job cannot be run: {0}")]
    Job(String),
    /// There is too little data for the model.
    #[error(
        "model `{model}` needs at least {needed} observations before each origin, series `{item_id}` has {length}; shorten the horizon or the backtest, or take a simpler model"
    )]
    TooShort {
        /// The model.
        model: String,
        /// The series.
        item_id: String,
        /// What it has.
        length: usize,
        /// What the model needs.
        needed: usize,
    },
    /// The model was asked to predict before it was fitted.
    #[error("model `{0}` was asked to predict before it was fitted")]
    NotFitted(String),
    /// The model's arithmetic failed: a singular system, a divergent training.
    #[error("model `{model}` failed numerically: {problem}")]
    Numerical {
        /// The model.
        model: String,
        /// What failed and where.
        problem: String,
    },
    /// The model's backend (device, framework) failed.
    #[error("model `{model}`: its backend failed: {problem}")]
    Backend {
        /// The model.
        model: String,
        /// What the backend said.
        problem: String,
    },
    /// The time axis leaves the calendar.
    #[error("the time axis cannot be continued after {last} microseconds since 1970 by {count} steps ({frequency})")]
    TimeAxis {
        /// The last known moment.
        last: i64,
        /// Steps asked for.
        count: usize,
        /// The frequency, in words.
        frequency: String,
    },
    /// The caller cancelled the job.
    #[error("the forecast was cancelled")]
    Cancelled,
}
