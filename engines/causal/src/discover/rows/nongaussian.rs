//! DirectLiNGAM and ICA-LiNGAM on rows.

use atsre_domain::graph::BackgroundKnowledge;

use super::{Table, drawn};
use crate::discover::learner::{Evidence, Learned, Learner};
use crate::discover::progress::Progress;
use crate::discover::{Algorithm, DiscoverError, DiscoverOptions};
use crate::knowledge::Knowledge;
use crate::lingam::{EdgeRules, IcaSettings, Lingam, LingamError, PathMatrix, Prior, direct, ica};

/// Multiplications that one run may take, some minutes' work: `columns³ · rows` of DirectLiNGAM, `columns² · rows` in each of the
/// iterations that ICA usually takes.
const WORK_MAX: f64 = 2e11;
const ITERATIONS: f64 = 50.0;
/// Names that an error tells of.
const NAMES_TOLD: usize = 20;

pub(super) struct NonGaussian<'a> {
    algorithm: Algorithm,
    table: &'a Table,
    prior: Prior,
    seed: u64,
}

impl<'a> NonGaussian<'a> {
    pub(super) fn new(
        algorithm: Algorithm,
        table: &'a Table,
        knowledge: &Knowledge,
        known: &BackgroundKnowledge,
        options: &DiscoverOptions,
    ) -> Result<Self, DiscoverError> {
        let (columns, rows) = (table.names.len() as f64, table.rows() as f64);
        let each = if algorithm == Algorithm::IcaLingam { ITERATIONS } else { columns };
        if columns * columns * rows * each > WORK_MAX {
            let advice = "leave columns or rows out, or use pc or ges";
            return Err(DiscoverError::TooMuchWork { tests: WORK_MAX as u64, advice });
        }
        let prior = prior(&table.names, knowledge, known, options).map_err(model_error(algorithm, &table.names))?;
        if options.compatible() && algorithm == Algorithm::IcaLingam && prior != Prior::Nothing {
            let why = "the reference's takes no background knowledge";
            return Err(DiscoverError::NotCompatible { algorithm: algorithm.name(), why });
        }
        Ok(Self { algorithm, table, prior, seed: options.seed })
    }
}

/// What is known, as the reference takes it (known paths) or as an invariant.
fn prior(
    names: &[String],
    knowledge: &Knowledge,
    known: &BackgroundKnowledge,
    options: &DiscoverOptions,
) -> Result<Prior, LingamError> {
    if *known == BackgroundKnowledge::default() {
        return Ok(Prior::Nothing);
    }
    if !options.compatible() {
        return Ok(Prior::Edges(EdgeRules::compile(known, names)?));
    }
    let path = |effect: usize, cause: usize| {
        if knowledge.requires(cause, effect) { Some(true) } else { knowledge.forbids(cause, effect).then_some(false) }
    };
    let size = names.len();
    let rows: Vec<Vec<Option<bool>>> = (0..size).map(|e| (0..size).map(|c| path(e, c)).collect()).collect();
    Ok(Prior::Hard(PathMatrix::new(&rows)?))
}

/// The error of a model whose columns are numbered.
pub(in crate::discover) fn model_error(
    algorithm: Algorithm,
    names: &[String],
) -> impl Fn(LingamError) -> DiscoverError + use<> {
    let mut columns = names.iter().take(NAMES_TOLD).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > NAMES_TOLD {
        columns.push_str(", …");
    }
    move |source| match source {
        LingamError::Knowledge(error) => DiscoverError::Knowledge(error),
        source => {
            DiscoverError::Model { algorithm: algorithm.name(), columns: columns.clone(), source: Box::new(source) }
        }
    }
}

impl Learner for NonGaussian<'_> {
    fn units(&self) -> usize {
        self.table.rows()
    }

    fn learn(&self, times: Option<&[u32]>, progress: &dyn Progress) -> Result<Learned, DiscoverError> {
        let again = times.map(|times| drawn(&self.table.columns, times));
        let columns = again.as_deref().unwrap_or(&self.table.columns);
        let refuse = model_error(self.algorithm, &self.table.names);
        let mut notes = Vec::new();
        let model = if self.algorithm == Algorithm::IcaLingam {
            let settings = IcaSettings { seed: self.seed, prior: self.prior.clone(), ..IcaSettings::default() };
            let found = ica(columns, &settings).map_err(refuse)?;
            if !found.converged {
                notes.push(format!(
                    "the independent components had not settled after {} iterations; the order may be another",
                    found.iterations
                ));
            }
            found.model
        } else {
            direct(columns, &self.prior).map_err(refuse)?
        };
        if progress.cancelled() {
            return Err(DiscoverError::Cancelled);
        }
        Ok(Learned { notes, ..of_model(&model) })
    }
}

/// An edge's statistic is its weight.
fn of_model(model: &Lingam) -> Learned {
    let size = model.order.len();
    let mut learned = Learned::empty(size);
    for (cause, effect) in (0..size * size).map(|k| (k / size, k % size)).filter(|(c, e)| model.has_edge(*c, *e)) {
        learned.pattern.orient(cause, effect);
        let evidence = Evidence { statistic: model.weights[effect][cause], p_value: f64::NAN };
        learned.evidence.insert((cause.min(effect), cause.max(effect)), evidence);
    }
    learned
}
