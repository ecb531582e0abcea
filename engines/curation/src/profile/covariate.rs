//! The columns beside the target.

use std::collections::BTreeSet;

use atsre_domain::Finite;
use atsre_domain::panel::Panel;
use atsre_domain::profile::CovariateProfile;

/// Distinct values counted, at most.
const DISTINCT_MAX: usize = 1_000;

/// Profiles each covariate over all series. The correlation is within the series: levels that differ between them do not count.
pub(super) fn covariates(panel: &Panel) -> Vec<CovariateProfile> {
    panel
        .covariates
        .iter()
        .enumerate()
        .map(|(row, covariate)| {
            let mut distinct = BTreeSet::new();
            let mut missing = 0_u64;
            for value in panel.series.iter().filter_map(|s| s.covariates.get(row)).flatten() {
                if !value.is_finite() {
                    missing += 1;
                } else if distinct.len() < DISTINCT_MAX {
                    // Zero has two bit patterns.
                    distinct.insert((value + 0.0).to_bits());
                }
            }
            let kind = match (distinct.len(), &covariate.levels) {
                (2, _) => "binary",
                (_, Some(_)) => "categorical",
                (_, None) => "numeric",
            };
            CovariateProfile {
                name: covariate.name.clone(),
                kind: kind.to_owned(),
                distinct: distinct.len() as u64,
                missing,
                correlation: if kind == "categorical" { None } else { correlation(panel, row) },
            }
        })
        .collect()
}

/// Pearson's correlation of the deviations from each series' own means, each series scaled by its target's spread.
fn correlation(panel: &Panel, row: usize) -> Option<Finite> {
    let (mut xy, mut xx, mut yy) = (0.0, 0.0, 0.0);
    for series in &panel.series {
        let Some(column) = series.covariates.get(row) else { continue };
        let pairs = || column.iter().zip(&series.target).filter(|(x, y)| x.is_finite() && y.is_finite());
        let n = pairs().count() as f64;
        if n < 3.0 {
            continue;
        }
        let (sx, sy) = pairs().fold((0.0, 0.0), |(a, b), (x, y)| (a + x, b + y));
        let (mx, my) = (sx / n, sy / n);
        let (mut sxy, mut sxx, mut syy) = (0.0, 0.0, 0.0);
        for (x, y) in pairs() {
            sxy += (x - mx) * (y - my);
            sxx += (x - mx) * (x - mx);
            syy += (y - my) * (y - my);
        }
        if syy > 0.0 {
            let scale = (syy / n).sqrt();
            xy += sxy / scale;
            xx += sxx;
            yy += n;
        }
    }
    let scale = (xx * yy).sqrt();
    (scale > 0.0).then(|| (xy / scale).clamp(-1.0, 1.0)).and_then(Finite::of)
}
