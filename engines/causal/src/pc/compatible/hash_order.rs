//! The order in which the followed implementation goes through candidate sets.
//!
//! It builds the union of two power sets as a hash set of tuples and walks the table, and where a scan stops early that
//! order decides which tests are asked. The order is fixed by CPython: tuples hash by a variant of xxHash (3.8 and
//! later), small integers hash to themselves, and the table is probed linearly ten slots at a time, then by perturbation.

/// Slots looked at in a row after the first.
const LINEAR_PROBES: usize = 9;
const PERTURB_SHIFT: u32 = 5;
const SMALLEST: usize = 8;
/// Beyond this many members a table grows by 2, before by 4.
const LARGE: usize = 50_000;

/// An open-addressing table of tuples.
pub(super) struct HashOrder {
    table: Vec<Option<(u64, Vec<usize>)>>,
    used: usize,
}

impl HashOrder {
    pub(super) fn new() -> Self {
        Self { table: vec![None; SMALLEST], used: 0 }
    }

    /// Adds a tuple that may be there already.
    pub(super) fn insert(&mut self, members: &[usize]) {
        let hash = hash_of(members);
        let slot = self.probe(hash, |entry| entry.0 == hash && entry.1 == members);
        if self.table[slot].is_some() {
            return;
        }
        self.table[slot] = Some((hash, members.to_vec()));
        self.used += 1;
        if self.used * 5 >= (self.table.len() - 1) * 3 {
            self.grow();
        }
    }

    /// The tuples in the order of the table.
    pub(super) fn into_members(self) -> impl Iterator<Item = Vec<usize>> {
        self.table.into_iter().flatten().map(|(_, members)| members)
    }

    /// The first slot on the path of `hash` that is free or whose entry satisfies `same`.
    fn probe(&self, hash: u64, same: impl Fn(&(u64, Vec<usize>)) -> bool) -> usize {
        let mask = self.table.len() - 1;
        let (mut perturb, mut start) = (hash, hash as usize & mask);
        loop {
            let probes = if start + LINEAR_PROBES <= mask { LINEAR_PROBES } else { 0 };
            if let Some(slot) = (start..=start + probes).find(|slot| self.table[*slot].as_ref().is_none_or(&same)) {
                return slot;
            }
            perturb >>= PERTURB_SHIFT;
            start = start.wrapping_mul(5).wrapping_add(1).wrapping_add(perturb as usize) & mask;
        }
    }

    fn grow(&mut self) {
        let wanted = self.used * if self.used > LARGE { 2 } else { 4 };
        let size = (wanted + 1).next_power_of_two().max(SMALLEST);
        for entry in std::mem::replace(&mut self.table, vec![None; size]).into_iter().flatten() {
            let slot = self.probe(entry.0, |_| false);
            self.table[slot] = Some(entry);
        }
    }
}

fn hash_of(members: &[usize]) -> u64 {
    const PRIME_1: u64 = 11_400_714_785_074_694_791;
    const PRIME_2: u64 = 14_029_467_366_897_019_727;
    const PRIME_5: u64 = 2_870_177_450_012_600_261;
    let mixed = members.iter().fold(PRIME_5, |hash, member| {
        hash.wrapping_add((*member as u64).wrapping_mul(PRIME_2)).rotate_left(31).wrapping_mul(PRIME_1)
    });
    let hash = mixed.wrapping_add(members.len() as u64 ^ (PRIME_5 ^ 3_527_539));
    if hash == u64::MAX { 1_546_275_796 } else { hash }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subsets::visit_subsets;

    #[test]
    fn tuples_hash_as_in_cpython() {
        // hash(()), hash((1,)), hash((0, 5, 17)) in CPython 3.11, modulo 2^64.
        assert_eq!(hash_of(&[]) as i64, 5_740_354_900_026_072_187);
        assert_eq!(hash_of(&[1]) as i64, -6_644_214_454_873_602_895);
        assert_eq!(hash_of(&[0, 5, 17]) as i64, 4_514_137_440_942_261_722);
    }

    #[test]
    fn a_power_set_comes_in_the_order_of_the_table() {
        // list(set(chain.from_iterable(combinations((0, 2, 3), r) for r in range(4)))) in CPython 3.11.
        let mut order = HashOrder::new();
        for size in 0..=3 {
            visit_subsets(&[0, 2, 3], size, |s| {
                order.insert(s);
                true
            });
        }
        assert_eq!(
            order.into_members().collect::<Vec<_>>(),
            [vec![2], vec![0, 3], vec![0, 2, 3], vec![2, 3], vec![0, 2], vec![0], vec![], vec![3]]
        );
    }
}
