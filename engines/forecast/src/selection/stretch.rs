//! How much wider or narrower a selection's intervals should be than its members say.
//!
//! Three things are known of that. First, what series of a length usually need: members judge their own errors as if
//! their parameters were known, so that intervals of short series are too narrow; on public series the factor falls with
//! the logarithm of the length, and the quantiles averaged over members are too wide where series are long. Second, what
//! the panel's own windows needed: the conformal quantile (Lei et al. 2018, §5.2) of the distances of outcomes from the
//! median in units of the forecast interval, over both sides and neighbouring steps. It is drawn towards the first, and
//! believed half at most however many series there are: they share the calm or the crisis of their last windows, and the
//! future need not (Barber, Candès, Ramdas and Tibshirani 2023 on what exchangeability that fails costs). Third, how a
//! series' own misses compare with the others': intervals of one that its members often misjudge widen.

use statrs::distribution::{ContinuousCDF, Normal};

use crate::calibration::{is_median, make_monotone, median};

/// The logarithm of the factor that series of [`COMMON_LENGTH`] observations need, at the median's place and for each
/// standard deviation of the normal quantile from it, and its change with the logarithm of the length. Regressed on the
/// values after several origins of 45 series of M3 and of every other one of M1, M4, hospital and NN5 data, of which M1
/// counts as one: a third for its years, quarters and months each.
const USUAL: (f64, f64, f64) = (-0.29, 0.295, -0.18);
/// The length that the first two belong to.
const COMMON_LENGTH: f64 = 100.0;
/// Lengths beyond these change nothing.
const LENGTHS: (f64, f64) = (4.0, 500.0);
/// The panel's windows are believed so far at most.
const MOST_TRUST: f64 = 0.5;
/// So many windows × series are believed half as far as that.
const PRIOR_WINDOWS: f64 = 60.0;
/// Steps to either side whose outcomes count for a step, as a share of the horizon.
const NEIGHBOURS: f64 = 0.25;
/// A series' own misses count to this power of what they say...
const OWN_POWER: f64 = 0.5;
/// ...drawn towards the panel's as if so many windows had shown what the panel shows.
const OWN_PRIOR: f64 = 10.0;
/// One miss counts for no more, and one window's misses for no less than its inverse; nor is a factor beyond either.
const LARGEST: f64 = 20.0;
/// The level whose misses tell one series from another, or the nearest to it that there is: far enough from the median for
/// its distance not to be rounding, and nearer than those that hardly ever are reached.
const TELLING: f64 = 0.9;

/// What happened on one window of one series, with the quantiles forecast.
pub(super) struct Past<'v> {
    /// The series' place in the view.
    pub(super) place: usize,
    /// Windows are numbered from the latest.
    pub(super) window: usize,
    /// Observations before the window.
    pub(super) length: usize,
    pub(super) actual: &'v [f64],
    /// One row a level.
    pub(super) quantiles: Vec<Vec<f64>>,
}

/// Factors by which intervals are stretched around the median.
pub(super) struct Stretch {
    levels: Vec<f64>,
    /// One row a level, one factor a step.
    panel: Vec<Vec<f64>>,
    /// One factor a place of the view.
    own: Vec<f64>,
    /// Windows × series that were learnt from.
    windows: usize,
}

impl Stretch {
    /// Learns from past windows of a view of `series` series.
    pub(super) fn learn<'p, 'v: 'p>(
        levels: &[f64],
        horizon: usize,
        series: usize,
        past: impl Iterator<Item = &'p Past<'v>>,
    ) -> Self {
        let past: Vec<&Past<'_>> = past.collect();
        let telling = (0..levels.len())
            .filter(|l| !is_median(levels[*l]))
            .min_by(|a, b| distance(levels[*a], TELLING).total_cmp(&distance(levels[*b], TELLING)));
        let misses: Vec<f64> =
            past.iter().map(|p| telling.map_or(f64::NAN, |l| mean_miss(levels, l, p, horizon))).collect();
        let excess = excess(&misses);
        let (mut sums, mut counts) = (vec![0.0; series], vec![0.0; series]);
        for (p, own) in past.iter().zip(&excess).filter(|(_, own)| own.is_finite()) {
            sums[p.place] += own;
            counts[p.place] += 1.0;
        }
        let own_factor = |sum: f64, count: f64| (OWN_POWER * sum / (count + OWN_PRIOR)).exp();
        // A window's own miss must not widen what it is measured by.
        let without = |p: &Past<'_>, own: f64| {
            let seen = own.is_finite();
            let (sum, count) = (sums[p.place], counts[p.place]);
            if seen { own_factor(sum - own, count - 1.0) } else { own_factor(sum, count) }
        };
        let widths: Vec<f64> = past.iter().zip(&excess).map(|(p, own)| without(p, *own)).collect();
        let windows = past.iter().filter(|p| p.actual.iter().any(|y| y.is_finite())).count();
        let trust = MOST_TRUST * windows as f64 / (windows as f64 + PRIOR_WINDOWS);
        let reach = NEIGHBOURS * horizon as f64;
        let panel = (0..levels.len())
            .map(|l| {
                if is_median(levels[l]) {
                    return vec![1.0; horizon];
                }
                let misses: Vec<Vec<f64>> = (0..horizon)
                    .map(|h| past.iter().zip(&widths).filter_map(|(p, w)| Some(miss(levels, l, p, h)? / w)).collect())
                    .collect();
                let inside = 2.0 * levels[l].max(1.0 - levels[l]) - 1.0;
                let factor = |h: usize| {
                    let from = (h as f64 - reach).floor().max(0.0) as usize;
                    let to = ((h as f64 + reach).ceil() as usize + 1).min(horizon);
                    let pool: Vec<f64> = misses[from..to].concat();
                    let found = middle_quantile(pool, inside).map_or(1.0, |f| f.clamp(1.0 / LARGEST, LARGEST));
                    found.powf(trust)
                };
                (0..horizon).map(factor).collect()
            })
            .collect();
        let own = sums.iter().zip(&counts).map(|(sum, count)| own_factor(*sum, *count)).collect();
        Self { levels: levels.to_vec(), panel, own, windows }
    }

    /// Stretches quantiles (one row a level) of a series after so many observations, in place; they stay ascending.
    pub(super) fn apply(&self, place: usize, length: usize, quantiles: &mut [Vec<f64>]) {
        let own = self.own.get(place).copied().unwrap_or(1.0);
        let usual: Vec<f64> = self.levels.iter().map(|l| usual_factor(*l, length)).collect();
        for h in 0..quantiles.first().map_or(0, Vec::len) {
            let centre = median(&self.levels, quantiles, h);
            for ((row, panel), usual) in quantiles.iter_mut().zip(&self.panel).zip(&usual) {
                row[h] = centre + usual * own * panel[h] * (row[h] - centre);
            }
        }
        make_monotone(quantiles);
    }

    /// How the factors were found.
    pub(super) fn basis(&self) -> String {
        match self.windows {
            0 => "stretched by what series of such a length usually need: no window tells what these do".to_owned(),
            n => format!(
                "stretched by what series of such a length usually need, and conformally by what {n} windows × series of these did"
            ),
        }
    }
}

/// The factor that series of a length usually need at a level; 1 at the median.
fn usual_factor(level: f64, length: usize) -> f64 {
    if is_median(level) {
        return 1.0;
    }
    let deviations = Normal::standard().inverse_cdf(level.max(1.0 - level).min(1.0 - 1e-9));
    let (base, slope, decay) = USUAL;
    let longer = ((length as f64).clamp(LENGTHS.0, LENGTHS.1) / COMMON_LENGTH).ln();
    (base + slope * deviations + decay * longer).exp()
}

/// How far an outcome lay from the median, in units of the distance forecast for the level on that side, or for its
/// mirror image on the other: none where the outcome or that distance is unknown.
fn miss(levels: &[f64], l: usize, past: &Past<'_>, h: usize) -> Option<f64> {
    let centre = median(levels, &past.quantiles, h);
    let error = past.actual[h] - centre;
    let above = error >= 0.0;
    let side = if (levels[l] > 0.5) == above {
        l
    } else {
        levels.iter().position(|other| (other + levels[l] - 1.0).abs() < 1e-9)?
    };
    let width = (past.quantiles[side][h] - centre) * if above { 1.0 } else { -1.0 };
    let miss = error.abs() / (width * usual_factor(levels[l], past.length));
    // A width that is rounding only says nothing.
    (miss.is_finite() && width > 1e-12 * centre.abs()).then_some(miss)
}

/// The mean over a window's steps; not a number where none counts.
fn mean_miss(levels: &[f64], l: usize, past: &Past<'_>, horizon: usize) -> f64 {
    let (sum, count) = (0..horizon)
        .filter_map(|h| miss(levels, l, past, h))
        .fold((0.0, 0.0), |(sum, count), miss| (sum + miss.min(LARGEST), count + 1.0));
    sum / count
}

/// The logarithms of windows' mean misses over the median window's.
fn excess(misses: &[f64]) -> Vec<f64> {
    let mut known: Vec<f64> = misses.iter().copied().filter(|m| m.is_finite()).collect();
    let typical = if known.is_empty() { 0.0 } else { crate::metrics::aggregate::median(&mut known) };
    if typical <= 0.0 {
        return vec![f64::NAN; misses.len()];
    }
    misses.iter().map(|m| if m.is_finite() { (m / typical).max(1.0 / LARGEST).ln() } else { f64::NAN }).collect()
}

/// The quantile of values whose places are (i − 1/2) / n (Hyndman and Fan 1996, type 5), between which it is
/// interpolated: neither the largest of few values, nor below what they say.
fn middle_quantile(mut values: Vec<f64>, p: f64) -> Option<f64> {
    let last = values.len().checked_sub(1)?;
    let rank = (values.len() as f64 * p - 0.5).clamp(0.0, last as f64);
    let share = rank.fract();
    let (_, low, rest) = values.select_nth_unstable_by(rank as usize, f64::total_cmp);
    let low = *low;
    let high = rest.iter().copied().min_by(f64::total_cmp).unwrap_or(low);
    Some(low + share * (high - low))
}

fn distance(level: f64, other: f64) -> f64 {
    (level.max(1.0 - level) - other).abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEVELS: [f64; 3] = [0.1, 0.5, 0.9];

    fn native(horizon: usize) -> Vec<Vec<f64>> {
        vec![vec![-1.0; horizon], vec![0.0; horizon], vec![1.0; horizon]]
    }

    fn past(place: usize, actual: &[f64]) -> Past<'_> {
        Past { place, window: 0, length: 100, actual, quantiles: native(actual.len()) }
    }

    fn upper(stretch: &Stretch, place: usize, length: usize, horizon: usize) -> Vec<f64> {
        let mut quantiles = native(horizon);
        stretch.apply(place, length, &mut quantiles);
        assert!(quantiles[1].iter().all(|v| *v == 0.0), "the median moved: {quantiles:?}");
        quantiles.swap_remove(2)
    }

    #[test]
    fn without_windows_the_length_decides() {
        // given nothing seen
        let stretch = Stretch::learn(&LEVELS, 1, 1, std::iter::empty());
        // when intervals of 80 % are stretched, then short series get wider ones than long, and lengths beyond 500 the same
        let of = |length| upper(&stretch, 0, length, 1)[0];
        let usual = (USUAL.0 + USUAL.1 * 1.281_551_565_5_f64).exp();
        assert!((of(100) - usual).abs() < 1e-9, "{} is not {usual}", of(100));
        assert!((of(25) / of(100) - 4_f64.powf(-USUAL.2)).abs() < 1e-9);
        assert!(of(10) > 1.3 && of(600) < 1.0 && of(600) == of(5_000), "{} {}", of(10), of(600));
        assert!(of(0).is_finite());
    }

    #[test]
    fn wider_levels_need_more_of_it() {
        let factor = |level: f64| usual_factor(level, 100);
        assert!(factor(0.6) < factor(0.9) && factor(0.9) < factor(0.975) && factor(0.975) < factor(0.999));
        assert!((factor(0.025) - factor(0.975)).abs() < 1e-9);
        assert!((factor(0.5) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn windows_are_believed_half_however_many_they_are() {
        // given 6,000 windows on which every outcome lay four times as far out as intervals reach
        let usual = usual_factor(0.9, 100);
        let actual = [4.0 * usual, -4.0 * usual, 4.0 * usual, -4.0 * usual];
        let seen: Vec<Past<'_>> = (0..6_000).map(|place| past(place, &actual)).collect();
        // when the stretch is learnt from them, and from 60 of them
        let many = Stretch::learn(&LEVELS, 4, 6_000, seen.iter());
        let few = Stretch::learn(&LEVELS, 4, 6_000, seen.iter().take(60));
        // then intervals widen by nearly the root of 4, and by its fourth root
        let factor = |s: &Stretch| upper(s, 0, 100, 4)[2] / usual;
        assert!((factor(&many) - 4_f64.powf(0.5 * 6_000.0 / 6_060.0)).abs() < 1e-9, "{}", factor(&many));
        assert!((factor(&few) - 4_f64.powf(0.25)).abs() < 1e-9, "{}", factor(&few));
    }

    #[test]
    fn steps_far_apart_have_factors_of_their_own() {
        // given misses that are large on the last steps only
        let actual = [0.5, -0.5, 0.5, -0.5, 3.0, -3.0, 3.0, -3.0];
        let seen: Vec<Past<'_>> = (0..100).map(|place| past(place, &actual)).collect();
        let stretch = Stretch::learn(&LEVELS, 8, 100, seen.iter());
        let widths = upper(&stretch, 0, 100, 8);
        assert!(widths[0] < 1.0 && widths[7] > 1.3, "{widths:?}");
    }

    #[test]
    fn a_series_that_is_often_misjudged_gets_wider_intervals_than_the_others() {
        // given ten series of four windows, of which the first errs five times as much
        let (calm, wild) = ([0.5, -0.5], [2.5, -2.5]);
        let seen: Vec<Past<'_>> = (0..40).map(|i| past(i % 10, if i % 10 == 0 { &wild } else { &calm })).collect();
        let stretch = Stretch::learn(&LEVELS, 2, 10, seen.iter());
        // when intervals are stretched, then its are wider by the root of 5 to the power of 4 / (4 + 10)
        let ratio = upper(&stretch, 0, 100, 2)[0] / upper(&stretch, 1, 100, 2)[0];
        assert!((ratio - 5_f64.powf(0.5 * 4.0 / 14.0)).abs() < 1e-9, "{ratio}");
    }

    #[test]
    fn levels_without_a_mirror_image_learn_from_their_own_side() {
        // given a level above the median only, and outcomes far above or a little below
        let actual = [3.0, -0.1];
        let seen: Vec<Past<'_>> = (0..60)
            .map(|place| Past {
                place,
                window: 0,
                length: 100,
                actual: &actual,
                quantiles: vec![vec![0.0; 2], vec![1.0; 2]],
            })
            .collect();
        let stretch = Stretch::learn(&[0.5, 0.9], 2, 60, seen.iter());
        let mut quantiles = vec![vec![0.0; 2], vec![1.0; 2]];
        stretch.apply(0, 100, &mut quantiles);
        let expect = usual_factor(0.9, 100) * (3.0 / usual_factor(0.9, 100)).powf(0.25);
        assert!((quantiles[1][0] - expect).abs() < 1e-9, "{quantiles:?} is not {expect}");
    }

    #[test]
    fn gaps_and_points_without_width_say_nothing() {
        // given a window of which nothing was observed, and one whose intervals have no width
        let gap = [f64::NAN, f64::NAN];
        let flat = Past { place: 0, window: 0, length: 50, actual: &[1.0, 2.0], quantiles: vec![vec![1.0; 2]; 3] };
        let stretch = Stretch::learn(&LEVELS, 2, 1, [past(0, &gap), flat].iter());
        // when the stretch is applied, then only the length counts
        let usual = usual_factor(0.9, 100);
        assert!(upper(&stretch, 0, 100, 2).iter().all(|v| (v - usual).abs() < 1e-9));
    }

    #[test]
    fn few_values_are_not_stretched_to_their_largest() {
        assert_eq!(middle_quantile(vec![], 0.5), None);
        assert_eq!(middle_quantile(vec![7.0], 0.95), Some(7.0));
        // Places 0.05, 0.15, … 0.95 of ten values.
        let values: Vec<f64> = (1..=10).rev().map(f64::from).collect();
        assert!((middle_quantile(values.clone(), 0.8).unwrap_or(0.0) - 8.5).abs() < 1e-12);
        assert!((middle_quantile(values, 0.99).unwrap_or(0.0) - 10.0).abs() < 1e-12);
    }
}
