//! From errors on windows to weights of candidates.

/// How evidence becomes weights. Chosen on series of M1, M4 and hospital data: the prior on every other series only, the
/// rule with all of them in view.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rule {
    /// Each series' own errors count as so many windows against the panel's as this.
    pub(super) prior_windows: f64,
    /// The panel's mean counts as if so many more series had shown what the prior expects: few series say little.
    pub(super) prior_series: f64,
    /// How fast weight falls with the relative error: at 8, 10 % more than the best is e^−0.8 of its weight. Scores that
    /// the prior draws further together need sharper weights.
    pub(super) sharpness: f64,
    /// Candidates with a weight, at most.
    pub(super) most_members: usize,
}

impl Rule {
    /// For series with a season and less than a few hundred observations.
    pub(super) const SEASONAL: Self = Self { prior_windows: 8.0, prior_series: 10.0, sharpness: 4.0, most_members: 12 };
    /// For such series without a season, whose windows are short and tell least.
    pub(super) const PLAIN: Self = Self { prior_windows: 20.0, prior_series: 20.0, sharpness: 15.0, most_members: 9 };
    /// For longer series, whose windows are long enough to be believed.
    pub(super) const LONG: Self = Self { prior_windows: 4.0, prior_series: 2.0, sharpness: 8.0, most_members: 9 };
    /// For demand that comes now and then, where candidates differ little.
    pub(super) const INTERMITTENT: Self =
        Self { prior_windows: 8.0, prior_series: 2.0, sharpness: 4.0, most_members: 9 };
}

/// A candidate that errs unlike the others has its share only where its score is within so many times the best.
const OUTSIDER_RANGE: f64 = 1.5;

/// A single relative error says no more than this.
const RELATIVE_RANGE: (f64, f64) = (0.05, 20.0);

/// Two errors of a forecast over a window, each in a unit in which windows of one series can be averaged.
pub(super) type Errors = [f64; 2];

/// Errors by candidate, series and window; none where a candidate could not forecast it.
#[derive(Clone, Debug, Default)]
pub(super) struct Board {
    /// One row a candidate, one cell a series, one entry a window.
    pub(super) rows: Vec<Vec<Vec<Option<Errors>>>>,
}

/// The relative errors of one series: for each candidate the number of windows and their mean logarithm.
type Relative = Vec<Option<(f64, f64)>>;

impl Board {
    /// Weights by series and candidate; each series' sum to 1. `expected` has the logarithm of each candidate's relative
    /// error before anything is seen, `rules` each series' rule. A series that no window judges is weighed by the panel,
    /// and where the panel has no windows either, `standard` gives the candidates that share it equally. `outsiders` have
    /// a share besides what their errors earn: a mean gains by a member whose errors are its own, even where that member
    /// alone is worse than the rest (Bates and Granger 1969).
    pub(super) fn weights(
        &self,
        rules: &[Rule],
        expected: &[f64],
        standard: &[usize],
        outsiders: &[(usize, f64)],
    ) -> Vec<Vec<f64>> {
        let relative: Vec<Relative> = (0..rules.len()).map(|s| self.relative(s)).collect();
        let panel = |c: usize, rule: &Rule| {
            let (sum, count) = relative
                .iter()
                .zip(rules)
                .filter(|(_, other)| *other == rule)
                .filter_map(|(r, _)| r[c])
                .fold((0.0, 0_u32), |(sum, n), (_, mean)| (sum + mean, n + 1));
            (count > 0).then(|| (sum + rule.prior_series * expected[c]) / (f64::from(count) + rule.prior_series))
        };
        // One panel for each rule: regular and intermittent series do not judge for one another.
        let mut panels: Vec<(Rule, Vec<Option<f64>>)> = Vec::new();
        for rule in rules {
            if !panels.iter().any(|(known, _)| known == rule) {
                panels.push((*rule, (0..self.rows.len()).map(|c| panel(c, rule)).collect()));
            }
        }
        let none = vec![None; self.rows.len()];
        let of = |rule: &Rule| panels.iter().find(|(known, _)| known == rule).map_or(&none, |(_, panel)| panel);
        relative.iter().zip(rules).map(|(own, rule)| shares(own, of(rule), rule, standard, outsiders)).collect()
    }

    /// The mean over windows of the logarithms of each candidate's errors over the candidates' median there. A window on
    /// which fewer than half as many candidates forecast as on the best covered one is too early in the series, and does
    /// not count.
    fn relative(&self, series: usize) -> Relative {
        let windows = self.rows.iter().map(|row| row[series].len()).max().unwrap_or(0);
        let seen = |w: usize| self.rows.iter().filter(|row| row[series].get(w).is_some_and(Option::is_some)).count();
        let most = (0..windows).map(seen).max().unwrap_or(0);
        let mut sums = vec![(0.0, 0.0); self.rows.len()];
        for window in (0..windows).filter(|w| 2 * seen(*w) >= most) {
            let at = |c: usize| self.rows[c][series].get(window).copied().flatten();
            let base = |part: usize| {
                let mut values: Vec<f64> = (0..self.rows.len()).filter_map(|c| Some(at(c)?[part])).collect();
                if values.is_empty() { 0.0 } else { crate::metrics::aggregate::median(&mut values) }
            };
            let base = [base(0), base(1)];
            for (c, sum) in sums.iter_mut().enumerate() {
                if let Some(errors) = at(c) {
                    let relative = 0.5 * (ratio(errors[0], base[0]) + ratio(errors[1], base[1]));
                    sum.0 += 1.0;
                    sum.1 += relative.clamp(RELATIVE_RANGE.0, RELATIVE_RANGE.1).ln();
                }
            }
        }
        sums.into_iter().map(|(count, sum)| (count > 0.0).then(|| (count, sum / count))).collect()
    }

    /// How much larger the newest candidate's error on one window is than that of the best so far, as the geometric mean
    /// over series; none where no series has both.
    pub(super) fn lag_behind(&self, newest: usize, window: usize) -> Option<f64> {
        let (mut sum, mut count) = (0.0, 0_u32);
        for series in 0..self.rows[newest].len() {
            let Some(own) = self.rows[newest][series][window] else { continue };
            let others = (0..newest).filter_map(|c| self.rows[c][series][window]);
            let best = others.map(|e| e[0]).fold(f64::INFINITY, f64::min);
            if best.is_finite() && best > 0.0 {
                sum += (own[0] / best).clamp(RELATIVE_RANGE.0, RELATIVE_RANGE.1).ln();
                count += 1;
            }
        }
        (count > 0).then(|| (sum / f64::from(count)).exp())
    }

    /// Forgets what a candidate did, so that it gets no weight.
    pub(super) fn dismiss(&mut self, candidate: usize) {
        self.rows[candidate].iter_mut().flatten().for_each(|cell| *cell = None);
    }

    /// Whether every series already has a candidate without any error on the windows.
    pub(super) fn nothing_left_to_gain(&self) -> bool {
        let series = self.rows.first().map_or(0, Vec::len);
        let perfect = |windows: &Vec<Option<Errors>>| {
            windows.iter().flatten().count() > 0 && windows.iter().flatten().all(|e| e[0] <= 1e-12)
        };
        series > 0 && (0..series).all(|s| self.rows.iter().any(|row| perfect(&row[s])))
    }
}

fn ratio(error: f64, base: f64) -> f64 {
    if base > 0.0 {
        error / base
    } else if error > 0.0 {
        RELATIVE_RANGE.1
    } else {
        1.0
    }
}

fn shares(
    own: &Relative,
    panel: &[Option<f64>],
    rule: &Rule,
    standard: &[usize],
    outsiders: &[(usize, f64)],
) -> Vec<f64> {
    let unseen = own.iter().all(Option::is_none);
    let score = |c: usize| match (own[c], panel[c]) {
        (Some((windows, mine)), Some(all)) => {
            let trust = windows / (windows + rule.prior_windows);
            Some((trust * mine + (1.0 - trust) * all).exp())
        }
        (None, Some(all)) if unseen => Some(all.exp()),
        (Some(_) | None, _) => None,
    };
    let mut scored: Vec<(usize, f64)> = (0..panel.len()).filter_map(|c| Some((c, score(c)?))).collect();
    let mut weights = vec![0.0; panel.len()];
    if scored.is_empty() {
        standard.iter().for_each(|c| weights[*c] = 1.0 / standard.len() as f64);
        return weights;
    }
    // Stable: the cheaper candidate stands first among equals.
    scored.sort_by(|a, b| a.1.total_cmp(&b.1));
    let best = scored[0].1;
    let welcome: Vec<(usize, f64)> = outsiders
        .iter()
        .copied()
        .filter(|(c, _)| scored.iter().any(|(other, score)| other == c && *score < OUTSIDER_RANGE * best))
        .collect();
    scored.truncate(rule.most_members);
    let weight = |score: f64| (-rule.sharpness * (score / best - 1.0)).exp();
    let total: f64 = scored.iter().map(|(_, s)| weight(*s)).sum();
    let left = 1.0 - welcome.iter().map(|(_, share)| share).sum::<f64>();
    scored.iter().for_each(|(c, s)| weights[*c] = left * weight(*s) / total);
    welcome.iter().for_each(|(c, share)| weights[*c] += share);
    weights
}
