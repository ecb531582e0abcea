//! Subsets of a fixed size, in lexicographic order of positions.

/// Calls `visit` with every subset of `items` of `size` members until it returns `false`.
/// Returns whether all subsets were visited.
pub(crate) fn visit_subsets(items: &[usize], size: usize, mut visit: impl FnMut(&[usize]) -> bool) -> bool {
    if size > items.len() {
        return true;
    }
    let mut positions: Vec<usize> = (0..size).collect();
    let mut members: Vec<usize> = items[..size].to_vec();
    loop {
        if !visit(&members) {
            return false;
        }
        let Some(moved) = (0..size).rev().find(|k| positions[*k] < items.len() - size + k) else {
            return true;
        };
        positions[moved] += 1;
        members[moved] = items[positions[moved]];
        for k in moved + 1..size {
            positions[k] = positions[k - 1] + 1;
            members[k] = items[positions[k]];
        }
    }
}

/// n over k, saturating.
pub(crate) fn choose(n: usize, k: usize) -> f64 {
    if k > n {
        return 0.0;
    }
    (0..k).fold(1.0, |product, i| product * (n - i) as f64 / (i + 1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(items: &[usize], size: usize) -> Vec<Vec<usize>> {
        let mut seen = Vec::new();
        visit_subsets(items, size, |s| {
            seen.push(s.to_vec());
            true
        });
        seen
    }

    #[test]
    fn subsets_come_in_lexicographic_order() {
        assert_eq!(all(&[4, 7, 9], 2), [[4, 7], [4, 9], [7, 9]]);
        assert_eq!(all(&[4, 7, 9], 0), [Vec::<usize>::new()]);
        assert_eq!(all(&[4, 7, 9], 3), [[4, 7, 9]]);
        assert!(all(&[4, 7, 9], 4).is_empty());
        assert_eq!(all(&[0, 1, 2, 3, 4, 5, 6], 3).len() as f64, choose(7, 3));
    }

    #[test]
    fn a_visitor_can_stop() {
        let mut count = 0;
        assert!(!visit_subsets(&[1, 2, 3], 1, |_| {
            count += 1;
            count < 2
        }));
        assert_eq!(count, 2);
    }
}
