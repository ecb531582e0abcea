//! How many sets the possible-d-sep step may look at.

/// Sets looked at in one search, whether they are asked about or not: seconds of work, and beyond what any
/// implementation that asks about them one by one would finish in a day.
const MOST: u64 = 1 << 24;

/// What is left of them.
#[derive(Debug)]
pub(super) struct Sets {
    left: u64,
}

impl Sets {
    pub(super) const fn all() -> Self {
        Self { left: MOST }
    }

    /// Takes one; `false` when there is none left.
    pub(super) const fn take(&mut self) -> bool {
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        }
    }

    /// Whether none is left.
    pub(super) const fn exhausted(&self) -> bool {
        self.left == 0
    }
}
