//! Distances between two places, put into buckets: near ones one by one, far ones in steps that grow.

/// The sizes of the buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Distances {
    /// Buckets in all.
    pub buckets: usize,
    /// The distance from which on all fall into the last bucket.
    pub furthest: usize,
    /// Whether places may look ahead; then half the buckets are for those behind them, half for those before.
    pub both_ways: bool,
}

/// The bucket of a key's place minus the query's (Raffel et al. 2020, §2.1).
///
/// The logarithm is computed in f32, as T5 does: at powers of two the rounding decides.
#[must_use]
pub fn bucket(relative: i64, distances: &Distances) -> usize {
    let buckets = if distances.both_ways { distances.buckets / 2 } else { distances.buckets };
    let start = if distances.both_ways && relative > 0 { buckets } else { 0 };
    let distance = match (distances.both_ways, relative) {
        (true, r) => r.unsigned_abs(),
        // Without a look ahead, all that lies ahead counts as here.
        (false, r) => r.min(0).unsigned_abs(),
    } as usize;
    let exact = buckets / 2;
    if distance < exact {
        return start + distance;
    }
    let ratio = (distance as f32 / exact as f32).ln() / (distances.furthest as f64 / exact as f64).ln() as f32;
    start + (exact + (ratio * (buckets - exact) as f32) as usize).min(buckets - 1)
}
