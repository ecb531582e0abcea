//! What the orientation rules ask.

/// What is known about colliders.
pub(crate) trait Evidence {
    /// Whether the unshielded triple `a, b, c` is known to be no collider.
    fn non_collider(&self, a: usize, b: usize, c: usize) -> bool;

    /// Whether `b` is no collider (`true`) or one (`false`) between `a` and `c`, where a path from `d` over `a` to `c`
    /// discriminates it. `None` where it is not known.
    fn on_discriminating_path(&self, d: usize, a: usize, b: usize, c: usize) -> Option<bool>;
}
