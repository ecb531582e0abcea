//! Split conformal calibration of quantile forecasts on the residuals of past windows.
//!
//! A model's own quantiles give the shape; past windows say how much wider or narrower they should have been. For a
//! level l with forecast q around the median m, the ratios (y − m) / (q − m) of what happened to what was forecast
//! are the conformity scores of a locally weighted split conformal predictor (Lei et al. 2018, §5.2; per horizon step
//! as in Stankevičiūtė, Alaa and van der Schaar 2021): their quantile at rank (n + 1) p, p = max(l, 1 − l), is the factor
//! by which q − m is stretched. Between two ranks it is interpolated: rounded up, as the guarantee has it, both tails
//! together cover several points too much at the few dozen scores that there usually are.
//!
//! Past windows are the recent past, and that is not exchangeable with the future: a quiet year would narrow intervals
//! that a model rightly makes wide. Factors below 1 are therefore raised to a power: intervals widen all the way, and
//! narrow only part of it.

/// The fewest windows × series for a factor of each step's own.
const ENOUGH_FOR_STEPS: usize = 30;
/// With few trajectories the pooled factor is trusted n / (n + PRIOR): their steps depend on one another.
const PRIOR: f64 = 2.0;
/// A pooled factor outside this range says more about the few windows than about the model.
const FACTOR_RANGE: (f64, f64) = (0.05, 20.0);

/// The power of factors below 1; 1 would narrow as far as the windows say. Chosen on series of M1, M4, NN5 and
/// hospital data, on which it is therefore judged too kindly.
const NARROWING: f64 = 0.6;

/// One past forecast with native quantiles, beside what happened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trajectory<'a> {
    pub(crate) actual: &'a [f64],
    pub(crate) quantiles: &'a [Vec<f64>],
}

/// Stretching factors, learnt from past windows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Calibrator {
    levels: Vec<f64>,
    /// One row for each level, each with one factor a step.
    factors: Vec<Vec<f64>>,
    /// How the factors were found.
    pub(crate) basis: Basis,
}

/// How factors were found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Basis {
    /// No past window: the model's own quantiles.
    Native,
    /// Over all steps of so many windows × series.
    Pooled(usize),
    /// For each step by itself from so many windows × series, where that is enough for the level.
    PerStep(usize),
}

impl std::fmt::Display for Basis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Native => {
                write!(f, "the model's own quantiles, not calibrated: no backtest window ended before the origin")
            }
            Self::Pooled(n) => write!(
                f,
                "split conformal, pooled over the steps of {n} windows × series and shrunk towards the model's own quantiles"
            ),
            Self::PerStep(n) => write!(f, "split conformal for each step, from {n} windows × series"),
        }
    }
}

impl Calibrator {
    /// Learns from trajectories of `horizon` steps; intervals narrow only part of the way.
    pub(crate) fn learn(levels: &[f64], horizon: usize, trajectories: &[Trajectory<'_>]) -> Self {
        Self::learn_with(NARROWING, levels, horizon, trajectories)
    }

    /// The same with another power of factors below 1.
    pub(crate) fn learn_with(narrowing: f64, levels: &[f64], horizon: usize, trajectories: &[Trajectory<'_>]) -> Self {
        let cautious = |factor: f64| cautious(factor, narrowing);
        let count = trajectories.len();
        let basis = match count {
            0 => Basis::Native,
            n if n >= ENOUGH_FOR_STEPS => Basis::PerStep(n),
            n => Basis::Pooled(n),
        };
        let ratios: Vec<Vec<Vec<f64>>> = (0..levels.len())
            .map(|l| (0..horizon).map(|h| step_ratios(levels, l, h, trajectories)).collect())
            .collect();
        let factors = (0..levels.len())
            .map(|l| {
                let p = levels[l].max(1.0 - levels[l]);
                if count == 0 || is_median(levels[l]) {
                    return vec![1.0; horizon];
                }
                let pooled = pooled_factor(levels, l, count, &ratios, |pool| cautious(conformal_quantile(pool, p)));
                (0..horizon)
                    .map(|h| {
                        let own = &ratios[l][h];
                        let enough = own.len() >= ENOUGH_FOR_STEPS && (own.len() + 1) as f64 * (1.0 - p) >= 1.0;
                        if enough { cautious(conformal_quantile(own.clone(), p)) } else { pooled }
                    })
                    .collect()
            })
            .collect();
        Self { levels: levels.to_vec(), factors, basis }
    }

    /// Stretches native quantiles (one row a level) in place; they stay ascending.
    pub(crate) fn apply(&self, quantiles: &mut [Vec<f64>]) {
        if self.basis == Basis::Native {
            return;
        }
        let horizon = quantiles.first().map_or(0, Vec::len);
        for h in 0..horizon {
            let centre = median(&self.levels, quantiles, h);
            for (row, factors) in quantiles.iter_mut().zip(&self.factors) {
                row[h] = centre + factors[h] * (row[h] - centre);
            }
        }
        make_monotone(quantiles);
    }
}

/// Sorts the levels' values at every step (the rearrangement of Chernozhukov, Fernández-Val and Galichon 2010, which
/// never makes a quantile forecast worse).
pub(crate) fn make_monotone(quantiles: &mut [Vec<f64>]) {
    let horizon = quantiles.first().map_or(0, Vec::len);
    let mut column = Vec::with_capacity(quantiles.len());
    for h in 0..horizon {
        column.clear();
        column.extend(quantiles.iter().map(|row| row[h]));
        if column.is_sorted() {
            continue;
        }
        column.sort_by(f64::total_cmp);
        quantiles.iter_mut().zip(&column).for_each(|(row, v)| row[h] = *v);
    }
}

/// Keeps every quantile within `widest` of the median at its step: what no past error comes near is an explosion, not a
/// forecast. Rows that ascended still do.
pub(crate) fn limit_spread(levels: &[f64], quantiles: &mut [Vec<f64>], widest: f64) {
    if !(widest.is_finite() && widest >= 0.0) {
        return;
    }
    for h in 0..quantiles.first().map_or(0, Vec::len) {
        let centre = median(levels, quantiles, h);
        quantiles.iter_mut().for_each(|row| row[h] = row[h].clamp(centre - widest, centre + widest));
    }
}

pub(crate) fn is_median(level: f64) -> bool {
    (level - 0.5).abs() < 1e-9
}

/// The forecast median at a step, between the neighbouring levels where 0.5 is not among them.
pub(crate) fn median(levels: &[f64], quantiles: &[Vec<f64>], h: usize) -> f64 {
    let above = levels.iter().position(|l| *l >= 0.5 - 1e-9);
    match above {
        None => quantiles.last().map_or(0.0, |row| row[h]),
        Some(0) => quantiles[0][h],
        Some(i) if is_median(levels[i]) => quantiles[i][h],
        Some(i) => {
            let share = (0.5 - levels[i - 1]) / (levels[i] - levels[i - 1]);
            quantiles[i - 1][h] + share * (quantiles[i][h] - quantiles[i - 1][h])
        }
    }
}

/// What happened over what was forecast, at one level and step, for each trajectory where both are known.
fn step_ratios(levels: &[f64], l: usize, h: usize, trajectories: &[Trajectory<'_>]) -> Vec<f64> {
    trajectories
        .iter()
        .filter_map(|t| {
            let centre = median(levels, t.quantiles, h);
            let width = t.quantiles[l][h] - centre;
            let ratio = (t.actual[h] - centre) / width;
            // A width that is rounding only says nothing; one on the wrong side belongs to a level next to the median.
            let sign = if levels[l] > 0.5 { width } else { -width };
            (ratio.is_finite() && sign > 1e-12 * centre.abs()).then_some(ratio)
        })
        .collect()
}

/// One factor for all steps: the conformal quantile of the ratios of a level and of its mirror image, shrunk towards 1.
fn pooled_factor(
    levels: &[f64],
    l: usize,
    count: usize,
    ratios: &[Vec<Vec<f64>>],
    factor: impl Fn(Vec<f64>) -> f64,
) -> f64 {
    let mirror = levels.iter().position(|other| (other + levels[l] - 1.0).abs() < 1e-9);
    let mut pool: Vec<f64> = ratios[l].iter().flatten().copied().collect();
    if let Some(mirror) = mirror {
        pool.extend(ratios[mirror].iter().flatten());
    }
    if pool.is_empty() {
        return 1.0;
    }
    let factor = factor(pool).clamp(FACTOR_RANGE.0, FACTOR_RANGE.1);
    let trust = count as f64 / (count as f64 + PRIOR);
    (trust * factor.ln()).exp()
}

/// A factor that narrows only part of the way.
fn cautious(factor: f64, narrowing: f64) -> f64 {
    let factor = factor.max(0.0);
    if factor < 1.0 { factor.powf(narrowing) } else { factor }
}

/// The value of rank (n + 1) p between its neighbours, at least the first and at most the last.
fn conformal_quantile(mut values: Vec<f64>, p: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let rank = ((values.len() + 1) as f64 * p).clamp(1.0, values.len() as f64);
    let below = rank.floor();
    let share = rank - below;
    let low = values[below as usize - 1];
    let high = values.get(below as usize).copied().unwrap_or(low);
    // Ranks that are whole but for rounding.
    if share < 1e-9 { low } else { low + share * (high - low) }
}

/// The places of the levels that lie symmetrically around the median, the widest interval last.
pub(crate) fn central_pairs(levels: &[f64]) -> Vec<(usize, usize)> {
    let mirror = |low: usize| levels.iter().position(|high| (high + levels[low] - 1.0).abs() < 1e-9);
    let mut pairs: Vec<(usize, usize)> =
        (0..levels.len()).filter_map(|low| Some((low, mirror(low)?))).filter(|(low, high)| low < high).collect();
    pairs.reverse();
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEVELS: [f64; 3] = [0.1, 0.5, 0.9];

    fn native(horizon: usize) -> Vec<Vec<f64>> {
        vec![vec![-1.0; horizon], vec![0.0; horizon], vec![1.0; horizon]]
    }

    #[test]
    fn ranks_carry_the_finite_sample_correction() {
        let values: Vec<f64> = (1..=9).map(f64::from).collect();
        assert!((conformal_quantile(values.clone(), 0.9) - 9.0).abs() < 1e-12);
        assert!((conformal_quantile(values.clone(), 0.5) - 5.0).abs() < 1e-12);
        assert!((conformal_quantile(values.clone(), 0.83) - 8.3).abs() < 1e-12);
        assert!((conformal_quantile(values, 0.99) - 9.0).abs() < 1e-12);
    }

    #[test]
    fn without_windows_nothing_changes() {
        let mut quantiles = native(2);
        Calibrator::learn(&LEVELS, 2, &[]).apply(&mut quantiles);
        assert_eq!(quantiles, native(2));
    }

    #[test]
    fn many_windows_give_each_step_and_side_its_own_width() {
        // Step 0 scatters over −2…2, step 1 over 0…4: 99 evenly spaced values each, of which 90 are below 1.6 and 3.6.
        let shape = native(2);
        let actuals: Vec<[f64; 2]> = (1..=99).map(|i| f64::from(i) / 25.0).map(|v| [v - 2.0, v]).collect();
        let past: Vec<_> = actuals.iter().map(|a| Trajectory { actual: a, quantiles: &shape }).collect();
        let calibrator = Calibrator::learn(&LEVELS, 2, &past);
        assert_eq!(calibrator.basis, Basis::PerStep(99));
        let mut quantiles = native(2);
        calibrator.apply(&mut quantiles);
        // Rank 100 · 0.9 = 90: 90/25 − 2 = 1.6 above, and 1.6 below; at step 1, 3.6 above, and never below zero.
        for (got, expect) in
            [(quantiles[2][0], 1.6), (quantiles[0][0], -1.6), (quantiles[2][1], 3.6), (quantiles[0][1], 0.0)]
        {
            assert!((got - expect).abs() < 1e-9, "{got} is not {expect}");
        }
    }

    #[test]
    fn intervals_narrow_part_of_the_way() {
        // given forecasts ±1 and 99 outcomes that scatter over −0.5…0.5
        let shape = native(1);
        let actuals: Vec<[f64; 1]> = (1..=99).map(|i| [f64::from(i) / 100.0 - 0.5]).collect();
        let past: Vec<_> = actuals.iter().map(|a| Trajectory { actual: a, quantiles: &shape }).collect();
        let mut quantiles = native(1);
        // when they are calibrated
        Calibrator::learn(&LEVELS, 1, &past).apply(&mut quantiles);
        // then the factor is not 0.4 but 0.4 to the power of NARROWING
        assert!((quantiles[2][0] - 0.4_f64.powf(NARROWING)).abs() < 1e-9, "{quantiles:?}");
    }

    #[test]
    fn symmetric_levels_make_intervals() {
        assert_eq!(central_pairs(&[0.025, 0.1, 0.5, 0.9, 0.975]), [(1, 3), (0, 4)]);
        assert_eq!(central_pairs(&[0.1, 0.5, 0.8]), []);
    }

    #[test]
    fn few_windows_move_part_of_the_way() {
        let shape = native(4);
        let actual = [3.0, -3.0, 3.0, -3.0];
        let past = [Trajectory { actual: &actual, quantiles: &shape }; 2];
        let calibrator = Calibrator::learn(&LEVELS, 4, &past);
        let mut quantiles = native(4);
        calibrator.apply(&mut quantiles);
        // Factor 3, trusted 2 / (2 + 2): √3.
        assert!((quantiles[2][0] - 3.0_f64.sqrt()).abs() < 1e-9);
        assert!((quantiles[0][3] + 3.0_f64.sqrt()).abs() < 1e-9);
        assert!(quantiles[1][0].abs() < 1e-12);
    }

    #[test]
    fn crossed_quantiles_are_sorted() {
        let mut quantiles = vec![vec![2.0, 0.0], vec![1.0, 1.0]];
        make_monotone(&mut quantiles);
        assert_eq!(quantiles, vec![vec![1.0, 0.0], vec![2.0, 1.0]]);
    }
}
