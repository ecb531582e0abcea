//! Where observations are missing, and in which pattern.

use atsre_domain::Finite;
use atsre_domain::profile::Gaps;

/// Describes the gaps of a series. `periods` are those at which missing values may come back (nights, weekends).
pub(super) fn gaps(target: &[f64], periods: &[u32]) -> Gaps {
    let runs = runs(target);
    let missing: usize = runs.iter().map(|(_, length)| length).sum();
    let longest = runs.iter().map(|(_, length)| *length).max().unwrap_or(0);
    Gaps {
        missing: missing as u64,
        share: (!target.is_empty()).then(|| missing as f64 / target.len() as f64).and_then(Finite::of),
        runs: runs.len() as u64,
        longest_run: longest as u64,
        pattern: pattern(target, &runs, missing, periods).to_owned(),
    }
}

/// Start and length of each run of missing values.
fn runs(target: &[f64]) -> Vec<(usize, usize)> {
    let mut out: Vec<(usize, usize)> = Vec::new();
    for (i, v) in target.iter().enumerate() {
        if v.is_finite() {
            continue;
        }
        match out.last_mut() {
            Some((start, length)) if *start + *length == i => *length += 1,
            _ => out.push((i, 1)),
        }
    }
    out
}

fn pattern(target: &[f64], runs: &[(usize, usize)], missing: usize, periods: &[u32]) -> &'static str {
    if missing == 0 {
        return "none";
    }
    if is_periodic(target, missing, periods) || is_evenly_spaced(runs) {
        return "periodic";
    }
    // Blocks: most of what is missing lies in runs of at least three.
    let in_blocks: usize = runs.iter().map(|(_, length)| *length).filter(|length| *length >= 3).sum();
    if 2 * in_blocks > missing { "blocks" } else { "scattered" }
}

/// Whether nine tenths of the missing values fall on phases of a period that are mostly missing, while others are not.
fn is_periodic(target: &[f64], missing: usize, periods: &[u32]) -> bool {
    periods.iter().map(|p| *p as usize).filter(|p| *p >= 2 && target.len() >= 3 * p).any(|period| {
        let mut absent = vec![0_usize; period];
        let mut total = vec![0_usize; period];
        for (i, v) in target.iter().enumerate() {
            total[i % period] += 1;
            absent[i % period] += usize::from(!v.is_finite());
        }
        let regular: Vec<usize> = (0..period).filter(|k| 5 * absent[*k] >= 4 * total[*k]).collect();
        let explained: usize = regular.iter().map(|k| absent[*k]).sum();
        !regular.is_empty() && regular.len() < period && 10 * explained >= 9 * missing
    })
}

/// Whether at least six runs follow each other at one distance.
fn is_evenly_spaced(runs: &[(usize, usize)]) -> bool {
    if runs.len() < 6 {
        return false;
    }
    let mut distances: Vec<usize> = runs.windows(2).map(|w| w[1].0 - w[0].0).collect();
    distances.sort_unstable();
    let usual = distances[distances.len() / 2];
    let equal = distances.iter().filter(|d| **d == usual).count();
    usual > 2 && 10 * equal >= 9 * distances.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_missing(n: usize, missing: impl Fn(usize) -> bool) -> Vec<f64> {
        (0..n).map(|i| if missing(i) { f64::NAN } else { i as f64 }).collect()
    }

    #[test]
    fn patterns_are_told_apart() {
        assert_eq!(gaps(&with_missing(100, |_| false), &[7]).pattern, "none");
        assert_eq!(gaps(&with_missing(100, |i| i % 7 >= 5), &[7]).pattern, "periodic");
        assert_eq!(gaps(&with_missing(100, |i| i % 10 == 3), &[]).pattern, "periodic");
        assert_eq!(gaps(&with_missing(100, |i| (40..52).contains(&i)), &[7]).pattern, "blocks");
        assert_eq!(gaps(&with_missing(100, |i| [3, 17, 18, 40, 77].contains(&i)), &[7]).pattern, "scattered");
    }

    #[test]
    fn runs_are_counted() {
        let found = gaps(&with_missing(10, |i| i == 1 || (4..7).contains(&i)), &[]);
        assert_eq!((found.missing, found.runs, found.longest_run), (4, 2, 3));
        assert_eq!(found.share.map(Finite::get), Some(0.4));
    }

    #[test]
    fn an_empty_series_has_no_share() {
        assert_eq!(gaps(&[], &[]).share, None);
    }
}
