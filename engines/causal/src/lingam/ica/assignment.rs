//! The assignment problem (Kuhn 1955, in the form of Jonker and Volgenant 1987).

/// For each row the column assigned to it, so that the sum of `cost[row * size + column]` is smallest.
pub(super) fn cheapest(size: usize, cost: &[f64]) -> Vec<usize> {
    const NOBODY: usize = usize::MAX;
    let mut row_price = vec![0.0; size];
    let mut column_price = vec![0.0; size];
    let mut holder = vec![NOBODY; size];
    for row in 0..size {
        // Dijkstra from `row` to the nearest free column.
        let mut distance = vec![f64::INFINITY; size];
        let mut came_from = vec![NOBODY; size];
        let mut done = vec![false; size];
        let (mut at, mut reached, mut last) = (row, 0.0, NOBODY);
        let end = loop {
            for column in (0..size).filter(|c| !done[*c]) {
                let length = reached + cost[at * size + column] - row_price[at] - column_price[column];
                if length < distance[column] {
                    distance[column] = length;
                    came_from[column] = last;
                }
            }
            let mut nearest = NOBODY;
            for column in (0..size).filter(|c| !done[*c]) {
                if nearest == NOBODY || distance[column] < distance[nearest] {
                    nearest = column;
                }
            }
            reached = distance[nearest];
            done[nearest] = true;
            last = nearest;
            if holder[nearest] == NOBODY {
                break nearest;
            }
            at = holder[nearest];
        };
        row_price[row] += reached;
        for column in (0..size).filter(|c| done[*c] && *c != end) {
            row_price[holder[column]] += reached - distance[column];
            column_price[column] -= reached - distance[column];
        }
        let mut column = end;
        while came_from[column] != NOBODY {
            holder[column] = holder[came_from[column]];
            column = came_from[column];
        }
        holder[column] = row;
    }
    let mut assigned = vec![0; size];
    holder.iter().enumerate().for_each(|(column, row)| assigned[*row] = column);
    assigned
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permutations(size: usize) -> Vec<Vec<usize>> {
        let shorter = if size <= 1 { return vec![vec![0; size]] } else { permutations(size - 1) };
        shorter
            .iter()
            .flat_map(|p| {
                (0..size).map(|at| {
                    let mut longer = p.clone();
                    longer.insert(at, size - 1);
                    longer
                })
            })
            .collect()
    }

    #[test]
    fn no_permutation_is_cheaper() {
        let mut state = 7_u64;
        for size in 1..=6 {
            for _ in 0..50 {
                let cost: Vec<f64> = (0..size * size)
                    .map(|_| {
                        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                        (state >> 40) as f64 / 1e4
                    })
                    .collect();
                let total = |rows: &[usize]| rows.iter().enumerate().map(|(r, c)| cost[r * size + c]).sum::<f64>();
                let found = total(&cheapest(size, &cost));
                let best = permutations(size).iter().map(|p| total(p)).fold(f64::INFINITY, f64::min);
                assert!((found - best).abs() < 1e-9, "{size}: {found} {best}");
            }
        }
    }
}
