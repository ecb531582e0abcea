//! VAR-LiNGAM.

use std::borrow::Cow;

use super::direct::direct;
use super::prior::{Prior, Rules};
use super::table::check_shape;
use super::{LingamError, weights};
use crate::knowledge::Knowledge;
use crate::linear::Cholesky;
use crate::vectors::dot;

/// How the number of lags is chosen (Lütkepohl 2005, section 4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Criterion {
    /// Akaike: `ln|Σ| + 2 m / n`.
    Akaike,
    /// Bayesian (Schwarz): `ln|Σ| + m ln n / n`.
    Bayesian,
    /// Hannan and Quinn: `ln|Σ| + 2 m ln ln n / n`.
    HannanQuinn,
    /// Final prediction error.
    FinalPredictionError,
}

/// How [`var`](var()) runs.
#[derive(Clone, Debug, PartialEq)]
pub struct VarSettings {
    /// Lags looked at, at most.
    pub lags: usize,
    /// Chooses among 1 to `lags`; `None`: `lags` as given.
    pub criterion: Option<Criterion>,
    /// Whether an adaptive lasso takes out edges that the data do not ask for.
    pub prune: bool,
    /// What is known of the columns. [`Prior::Edges`] binds lagged edges too: a forbidden cause is forbidden at every
    /// lag; a required one acts in the same moment.
    pub prior: Prior,
}

impl Default for VarSettings {
    fn default() -> Self {
        Self { lags: 1, criterion: Some(Criterion::Bayesian), prune: true, prior: Prior::Nothing }
    }
}

/// A structural vector autoregression with a known causal order.
#[derive(Clone, Debug, PartialEq)]
pub struct VarLingam {
    /// Lags chosen.
    pub lags: usize,
    /// The columns, causes before effects of the same moment.
    pub order: Vec<usize>,
    /// `weights[lag][effect][cause]`; lag 0 is the same moment.
    pub weights: Vec<Vec<Vec<f64>>>,
    /// The autoregression's coefficients: `coefficients[lag - 1][effect][cause]`.
    pub coefficients: Vec<Vec<Vec<f64>>>,
    /// Edges (cause, effect) of the same moment that knowledge asked for.
    pub required: Vec<(usize, usize)>,
}

/// A structural vector autoregression of columns in order of time (`columns[column][time]`): the autoregression has no
/// constant and each number of lags is fitted on its own rows; the structure within a moment is DirectLiNGAM's of the
/// residuals, and `B_τ = (I − B₀) M_τ` (Hyvärinen, Zhang, Shimizu and Hoyer 2010, eqs. 5 to 8).
///
/// # Errors
/// [`LingamError`]: as of [`super::direct`](super::direct()); too few rows for the lags; no lag at all.
pub fn var(columns: &[Vec<f64>], settings: &VarSettings) -> Result<VarLingam, LingamError> {
    var_over(&[columns], settings, None)
}

/// The same over several stretches of time, `stretches[stretch][column][time]`, none of whose rows looks back into another.
/// With `lagged`, which is about exactly `settings.lags` lags and asks for no criterion, knowledge binds each lag by itself; of a
/// moment's edges `settings.prior` still has to tell.
pub(crate) fn var_over(
    stretches: &[&[Vec<f64>]],
    settings: &VarSettings,
    lagged: Option<&Knowledge>,
) -> Result<VarLingam, LingamError> {
    let size = stretches.first().map_or(0, |columns| columns.len());
    if settings.lags == 0 {
        return Err(LingamError::NoLag);
    }
    for columns in stretches {
        check_shape(columns)?;
    }
    let rules = Rules::compile(&settings.prior, size)?;
    let after =
        |lags: usize| stretches.iter().map(|s| s.first().map_or(0, Vec::len).saturating_sub(lags)).sum::<usize>();
    let needed = size * (settings.lags + 1) + 2;
    if after(settings.lags) < needed {
        let (rows, needed) = (after(0), needed + after(0) - after(settings.lags));
        return Err(LingamError::TooFewRows { rows, columns: size, lags: settings.lags, needed });
    }
    let scaled = Scaled::new(stretches)?;
    let fitted = choose(&scaled, settings)?;
    let model = direct(&fitted.residuals, &settings.prior)?;
    let same_moment = model.weights;
    let mut weights = vec![same_moment.clone()];
    if settings.prune || rules.binds_lags() || lagged.is_some() {
        weights.resize(fitted.lags + 1, vec![vec![0.0; size]; size]);
        let window = Window::new(&scaled, fitted.lags);
        let bound = Bound { size, rules: &rules, lagged, prune: settings.prune };
        for (place, effect) in model.order.iter().enumerate() {
            window.regress(*effect, &model.order[..place], bound, &mut weights)?;
        }
    } else {
        for coefficients in &fitted.coefficients {
            weights.push(structural(&same_moment, coefficients));
        }
    }
    for lag in weights.iter_mut() {
        scaled.restore(lag)?;
    }
    let mut coefficients = fitted.coefficients;
    for lag in &mut coefficients {
        scaled.restore(lag)?;
    }
    Ok(VarLingam { lags: fitted.lags, order: model.order, weights, coefficients, required: model.required })
}

/// What binds the regression of one column: node `lag * size + column`.
#[derive(Clone, Copy)]
struct Bound<'a> {
    size: usize,
    rules: &'a Rules,
    lagged: Option<&'a Knowledge>,
    prune: bool,
}

impl Bound<'_> {
    fn bars(&self, node: usize, effect: usize) -> bool {
        match self.lagged {
            Some(knowledge) => knowledge.forbids(node, effect),
            None => self.rules.binds_lags() && self.rules.bars(node % self.size, effect),
        }
    }

    /// Whether the node has a weight whatever the lasso says; without pruning everything has.
    fn stays(&self, node: usize, effect: usize) -> bool {
        !self.prune
            || match self.lagged {
                Some(knowledge) => knowledge.requires(node, effect),
                None => self.rules.required.contains(&(node, effect)),
            }
    }
}

/// `(I − B₀) M`.
fn structural(same_moment: &[Vec<f64>], coefficients: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let size = same_moment.len();
    let entry = |i: usize, j: usize| {
        coefficients[i][j] - (0..size).map(|k| same_moment[i][k] * coefficients[k][j]).sum::<f64>()
    };
    (0..size).map(|i| (0..size).map(|j| entry(i, j)).collect()).collect()
}

/// Columns divided by a power of two each, which costs no digit and keeps squares finite.
struct Scaled {
    stretches: Vec<Vec<Vec<f64>>>,
    units: Vec<f64>,
}

impl Scaled {
    fn new(stretches: &[&[Vec<f64>]]) -> Result<Self, LingamError> {
        let mut units = Vec::new();
        for column in 0..stretches.first().map_or(0, |s| s.len()) {
            let values = stretches.iter().flat_map(|s| &s[column]);
            let largest = values.fold(0.0_f64, |m, v| m.max(v.abs()));
            if largest < f64::MIN_POSITIVE {
                return Err(LingamError::Constant { column });
            }
            units.push(2.0_f64.powi(largest.log2().floor() as i32));
        }
        let scale = |columns: &&[Vec<f64>]| {
            columns.iter().zip(&units).map(|(c, unit)| c.iter().map(|v| v / unit).collect()).collect()
        };
        Ok(Self { stretches: stretches.iter().map(scale).collect(), units })
    }

    fn size(&self) -> usize {
        self.units.len()
    }

    /// A column so many steps back, in every row that has `lags` steps behind it.
    fn lagged(&self, column: usize, lag: usize, lags: usize) -> Cow<'_, [f64]> {
        let part = |stretch: &'_ Vec<Vec<f64>>| {
            let length = stretch[column].len();
            (lags - lag).min(length)..(length.max(lags) - lag).min(length)
        };
        match self.stretches.as_slice() {
            [one] => Cow::Borrowed(&one[column][part(one)]),
            many => Cow::Owned(many.iter().flat_map(|s| &s[column][part(s)]).copied().collect()),
        }
    }

    fn restore(&self, matrix: &mut [Vec<f64>]) -> Result<(), LingamError> {
        for (effect, row) in matrix.iter_mut().enumerate() {
            for (cause, weight) in row.iter_mut().enumerate().filter(|(_, w)| **w != 0.0) {
                *weight *= self.units[effect] / self.units[cause];
                if !weight.is_finite() {
                    return Err(LingamError::Scale { cause, effect });
                }
            }
        }
        Ok(())
    }
}

struct Fitted {
    lags: usize,
    coefficients: Vec<Vec<Vec<f64>>>,
    residuals: Vec<Vec<f64>>,
}

fn choose(scaled: &Scaled, settings: &VarSettings) -> Result<Fitted, LingamError> {
    let Some(criterion) = settings.criterion else { return fit(scaled, settings.lags) };
    let mut best: Option<(f64, Fitted)> = None;
    for lags in 1..=settings.lags {
        let fitted = fit(scaled, lags)?;
        let value = criterion.of(&fitted)?;
        if best.as_ref().is_none_or(|(least, _)| value < *least) {
            best = Some((value, fitted));
        }
    }
    best.map(|(_, fitted)| fitted).ok_or(LingamError::NoLag)
}

/// Ordinary least squares without a constant on the rows that have all lags.
fn fit(scaled: &Scaled, lags: usize) -> Result<Fitted, LingamError> {
    let size = scaled.size();
    let past: Vec<Cow<'_, [f64]>> = (0..size * lags).map(|k| scaled.lagged(k % size, 1 + k / size, lags)).collect();
    let regressor = |k: usize| &*past[k];
    let count = size * lags;
    let mut products = vec![0.0; count * count];
    for i in 0..count {
        for j in 0..=i {
            products[i * count + j] = dot(regressor(i), regressor(j));
        }
    }
    let factor = Cholesky::new(count, |i, j| products[i * count + j]);
    let factor = factor.ok_or_else(|| LingamError::Collinear { column: first_collinear(count, &products) % size })?;
    let mut coefficients = vec![0.0; lags * size * size];
    let mut residuals = Vec::with_capacity(size);
    for effect in 0..size {
        let now = scaled.lagged(effect, 0, lags);
        let right: Vec<f64> = (0..count).map(|k| dot(regressor(k), &now)).collect();
        let mut residual = now.into_owned();
        for (k, weight) in factor.solve(&right).into_iter().enumerate() {
            coefficients[k / size * size * size + effect * size + k % size] = weight;
            residual.iter_mut().zip(regressor(k)).for_each(|(r, v)| *r -= weight * v);
        }
        residuals.push(residual);
    }
    let rows_of = |lag: &[f64]| lag.chunks(size).map(<[f64]>::to_vec).collect();
    let coefficients = coefficients.chunks(size * size).map(rows_of).collect();
    Ok(Fitted { lags, coefficients, residuals })
}

fn first_collinear(count: usize, products: &[f64]) -> usize {
    let sizes: Vec<usize> = (1..=count).collect();
    sizes.partition_point(|size| Cholesky::new(*size, |i, j| products[i * count + j]).is_some())
}

impl Criterion {
    fn of(self, fitted: &Fitted) -> Result<f64, LingamError> {
        let size = fitted.residuals.len() as f64;
        let rows = fitted.residuals[0].len() as f64;
        let parameters = fitted.lags as f64 * size * size;
        let log_determinant = log_determinant(&fitted.residuals)?;
        let regressors = fitted.lags as f64 * size;
        Ok(match self {
            Self::Akaike => log_determinant + 2.0 * parameters / rows,
            Self::Bayesian => log_determinant + rows.ln() * parameters / rows,
            Self::HannanQuinn => log_determinant + 2.0 * rows.ln().ln() * parameters / rows,
            Self::FinalPredictionError => {
                log_determinant + size * ((rows + regressors).ln() - (rows - regressors).ln())
            }
        })
    }
}

/// `ln |E Eᵀ / n|` of residuals, by elimination.
fn log_determinant(residuals: &[Vec<f64>]) -> Result<f64, LingamError> {
    let size = residuals.len();
    let rows = residuals[0].len() as f64;
    let mut matrix: Vec<Vec<f64>> =
        residuals.iter().map(|a| residuals.iter().map(|b| dot(a, b) / rows).collect()).collect();
    let mut sum = 0.0;
    for pivot in 0..size {
        let value = matrix[pivot][pivot];
        if value.is_nan() || value <= 0.0 {
            return Err(LingamError::Collinear { column: pivot });
        }
        sum += value.ln();
        let line = matrix[pivot].clone();
        for row in matrix.iter_mut().skip(pivot + 1) {
            let factor = row[pivot] / value;
            row.iter_mut().zip(&line).skip(pivot).for_each(|(v, p)| *v -= factor * p);
        }
    }
    Ok(sum)
}

/// Correlations of columns at lags 0 to L: node `lag * size + column`.
struct Window {
    size: usize,
    nodes: usize,
    rows: usize,
    correlation: Vec<f64>,
    deviation: Vec<f64>,
}

impl Window {
    fn new(scaled: &Scaled, lags: usize) -> Self {
        let size = scaled.size();
        let length = scaled.stretches.iter().map(|s| s.first().map_or(0, Vec::len)).sum::<usize>();
        let mean = |c: usize| scaled.stretches.iter().map(|s| s[c].iter().sum::<f64>()).sum::<f64>() / length as f64;
        let means: Vec<f64> = (0..size).map(mean).collect();
        let nodes = size * (lags + 1);
        let centred: Vec<Vec<f64>> = (0..nodes)
            .map(|k| scaled.lagged(k % size, k / size, lags).iter().map(|v| v - means[k % size]).collect())
            .collect();
        let rows = centred.first().map_or(0, Vec::len);
        let node = |k: usize| centred[k].as_slice();
        let means: Vec<f64> = (0..nodes).map(|k| node(k).iter().sum::<f64>() / rows as f64).collect();
        let mut correlation = vec![0.0; nodes * nodes];
        for i in 0..nodes {
            for j in 0..=i {
                let value = dot(node(i), node(j)) / rows as f64 - means[i] * means[j];
                correlation[i * nodes + j] = value;
                correlation[j * nodes + i] = value;
            }
        }
        let deviation: Vec<f64> = (0..nodes).map(|k| correlation[k * nodes + k].max(0.0).sqrt()).collect();
        for (k, value) in correlation.iter_mut().enumerate() {
            *value /= deviation[k / nodes] * deviation[k % nodes];
        }
        Self { size, nodes, rows, correlation, deviation }
    }

    /// Regresses a column on its candidates of the same moment, then on every column's past.
    fn regress(
        &self,
        effect: usize,
        before: &[usize],
        bound: Bound<'_>,
        weights: &mut [Vec<Vec<f64>>],
    ) -> Result<(), LingamError> {
        let size = self.size;
        let predictors: Vec<usize> =
            before.iter().copied().chain(size..self.nodes).filter(|p| !bound.bars(*p, effect)).collect();
        let correlation = |i: usize, j: usize| self.correlation[i * self.nodes + j];
        let stays = |node: usize| bound.stays(node, effect);
        for lag in weights.iter_mut() {
            lag[effect].fill(0.0);
        }
        for (node, weight) in weights::regress(&correlation, &predictors, effect, self.rows, stays)? {
            weights[node / size][effect][node % size] = weight * self.deviation[effect] / self.deviation[node];
        }
        Ok(())
    }
}
