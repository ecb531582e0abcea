//! The nodes of a graph: columns, at lags 0, 1, … where time matters.

/// A window over time: node `lag * columns + column` is a column so many steps back. Rows without time are a window
/// of one moment.
///
/// What holds between two nodes holds between the same columns at any other moment (stationarity), so a pair is
/// represented by its latest copy, the one with a node at lag 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    columns: usize,
    max_lag: usize,
}

impl Window {
    /// Rows without time.
    #[must_use]
    pub fn of_rows(columns: usize) -> Self {
        Self { columns, max_lag: 0 }
    }

    /// Columns at lags 0 to `max_lag`.
    #[must_use]
    pub fn lagged(columns: usize, max_lag: usize) -> Self {
        Self { columns, max_lag }
    }

    /// Number of columns.
    #[must_use]
    pub fn columns(self) -> usize {
        self.columns
    }

    /// The longest lag, in steps.
    #[must_use]
    pub fn max_lag(self) -> usize {
        self.max_lag
    }

    /// Number of nodes.
    #[must_use]
    pub fn nodes(self) -> usize {
        self.columns * (self.max_lag + 1)
    }

    /// The node of a column at a lag.
    #[must_use]
    pub fn node(self, column: usize, lag: usize) -> usize {
        lag * self.columns + column
    }

    /// The lag of a node.
    #[must_use]
    pub fn lag(self, node: usize) -> usize {
        node / self.columns
    }

    /// The column of a node.
    #[must_use]
    pub fn column(self, node: usize) -> usize {
        node % self.columns
    }

    /// The latest copy of some nodes: shifted in time together until the latest is at lag 0.
    #[must_use]
    pub fn latest<const N: usize>(self, nodes: [usize; N]) -> [usize; N] {
        let shift = nodes.iter().map(|n| self.lag(*n)).min().unwrap_or(0) * self.columns;
        nodes.map(|n| n - shift)
    }

    /// Every copy of a pair inside the window, the latest first.
    pub fn copies(self, i: usize, j: usize) -> impl Iterator<Item = (usize, usize)> {
        let [i, j] = self.latest([i, j]);
        let room = self.max_lag - self.lag(i).max(self.lag(j));
        (0..=room).map(move |shift| (i + shift * self.columns, j + shift * self.columns))
    }

    /// One representative of each pair of nodes: (earlier or equal in time, at lag 0). Within the same moment the
    /// larger column comes first.
    pub fn pairs(self) -> impl Iterator<Item = (usize, usize)> {
        (0..self.columns).flat_map(move |late| (late + 1..self.nodes()).map(move |early| (early, late)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_and_their_copies_cover_every_pair_once() {
        for (columns, max_lag) in [(3, 0), (3, 2), (1, 4), (4, 1)] {
            let window = Window::lagged(columns, max_lag);
            let mut seen = vec![0; window.nodes() * window.nodes()];
            for (early, late) in window.pairs() {
                assert!(window.lag(late) == 0 && early != late);
                for (i, j) in window.copies(early, late) {
                    seen[i * window.nodes() + j] += 1;
                    seen[j * window.nodes() + i] += 1;
                }
            }
            for i in 0..window.nodes() {
                for j in 0..window.nodes() {
                    assert_eq!(seen[i * window.nodes() + j], usize::from(i != j), "{columns} {max_lag} {i} {j}");
                }
            }
        }
    }
}
