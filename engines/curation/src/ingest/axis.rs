//! The times of each series, put in order, with what was found on the way.

/// Times by series, ascending and distinct.
#[derive(Debug)]
pub(super) struct Axis {
    pub(super) series: Vec<Vec<i64>>,
    pub(super) duplicates: u64,
    pub(super) out_of_order: u64,
    pub(super) descending: bool,
}

impl Axis {
    /// Sorts the times of each series; `codes` tell the series apart.
    pub(super) fn new(times: &[i64], codes: Option<&[u32]>) -> Self {
        let mut series = match codes {
            None => vec![times.to_vec()],
            Some(codes) => by_series(times, codes),
        };
        let mut axis = Self { series: Vec::new(), duplicates: 0, out_of_order: 0, descending: true };
        for times in &mut series {
            let backward = times.windows(2).filter(|pair| pair[1] < pair[0]).count();
            let forward = times.windows(2).any(|pair| pair[1] > pair[0]);
            axis.out_of_order += late_rows(times);
            axis.descending &= backward > 0 && !forward;
            if backward > 0 {
                times.sort_unstable();
            }
            let rows = times.len();
            times.dedup();
            axis.duplicates += (rows - times.len()) as u64;
        }
        axis.series = series;
        axis
    }
}

/// Rows that come after a later time.
fn late_rows(times: &[i64]) -> u64 {
    let mut latest = i64::MIN;
    let mut late = 0;
    for time in times {
        late += u64::from(*time < latest);
        latest = latest.max(*time);
    }
    late
}

fn by_series(times: &[i64], codes: &[u32]) -> Vec<Vec<i64>> {
    let count = codes.iter().max().map_or(0, |m| *m as usize + 1);
    let mut sizes = vec![0_usize; count];
    for code in codes {
        sizes[*code as usize] += 1;
    }
    let mut series: Vec<Vec<i64>> = sizes.into_iter().map(Vec::with_capacity).collect();
    for (time, code) in times.iter().zip(codes) {
        series[*code as usize].push(*time);
    }
    series
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_repeats_are_counted_by_series() {
        let axis = Axis::new(&[1, 5, 2, 6, 2, 4], Some(&[0, 1, 0, 1, 0, 1]));
        assert_eq!(axis.series, [vec![1, 2], vec![4, 5, 6]]);
        assert_eq!((axis.duplicates, axis.out_of_order, axis.descending), (1, 1, false));
        let axis = Axis::new(&[3, 2, 1], None);
        assert_eq!((axis.out_of_order, axis.descending), (2, true));
    }
}
