//! The order in which the implementation that the compatible modes follow goes through its sets.
//!
//! It walks hash sets, and that order decides which tests are asked and which rule acts first. The order is fixed by
//! CPython 3.8 to 3.12: tuples hash by a variant of xxHash, small integers hash to themselves, text hashes by SipHash-1-3
//! (with keys of zero where the process was told not to draw them), and the table is probed linearly ten slots at a time,
//! then by perturbation.

/// Slots looked at in a row after the first.
const LINEAR_PROBES: usize = 9;
const PERTURB_SHIFT: u32 = 5;
const SMALLEST: usize = 8;
/// Beyond this many members a table grows by 2, before by 4.
const LARGE: usize = 50_000;

/// An open-addressing table of members with their hashes.
pub(crate) struct HashOrder<T> {
    table: Vec<Option<(u64, T)>>,
    used: usize,
}

impl<T: PartialEq + Clone> HashOrder<T> {
    pub(crate) fn new() -> Self {
        Self { table: vec![None; SMALLEST], used: 0 }
    }

    /// Adds a member that may be there already.
    pub(crate) fn insert(&mut self, hash: u64, member: T) {
        let slot = self.probe(hash, |entry| entry.0 == hash && entry.1 == member);
        if self.table[slot].is_some() {
            return;
        }
        self.table[slot] = Some((hash, member));
        self.used += 1;
        if self.used * 5 >= (self.table.len() - 1) * 3 {
            self.grow();
        }
    }

    /// The members in the order of the table.
    pub(crate) fn into_members(self) -> impl Iterator<Item = T> {
        self.table.into_iter().flatten().map(|(_, member)| member)
    }

    /// The first slot on the path of `hash` that is free or whose entry satisfies `same`.
    fn probe(&self, hash: u64, same: impl Fn(&(u64, T)) -> bool) -> usize {
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

/// The hash of a tuple of small integers.
pub(crate) fn hash_of_tuple(members: &[usize]) -> u64 {
    const PRIME_1: u64 = 11_400_714_785_074_694_791;
    const PRIME_2: u64 = 14_029_467_366_897_019_727;
    const PRIME_5: u64 = 2_870_177_450_012_600_261;
    let mixed = members.iter().fold(PRIME_5, |hash, member| {
        hash.wrapping_add((*member as u64).wrapping_mul(PRIME_2)).rotate_left(31).wrapping_mul(PRIME_1)
    });
    let hash = mixed.wrapping_add(members.len() as u64 ^ (PRIME_5 ^ 3_527_539));
    if hash == u64::MAX { 1_546_275_796 } else { hash }
}

/// The hash of ASCII text, by SipHash-1-3 (Aumasson and Bernstein 2012, with fewer rounds) and keys of zero.
pub(crate) fn hash_of_text(text: &str) -> u64 {
    let mut state: [u64; 4] =
        [0x736f_6d65_7073_6575, 0x646f_7261_6e64_6f6d, 0x6c79_6765_6e65_7261, 0x7465_6462_7974_6573];
    let (words, rest) = text.as_bytes().as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    last[7] = text.len() as u8;
    for word in words.iter().chain([&last]) {
        let word = u64::from_le_bytes(*word);
        state[3] ^= word;
        sip_round(&mut state);
        state[0] ^= word;
    }
    state[2] ^= 0xff;
    (0..3).for_each(|_| sip_round(&mut state));
    let hash = state[0] ^ state[1] ^ state[2] ^ state[3];
    // Minus one means an error there and is avoided.
    if hash == u64::MAX { u64::MAX - 1 } else { hash }
}

fn sip_round(v: &mut [u64; 4]) {
    v[0] = v[0].wrapping_add(v[1]);
    v[1] = v[1].rotate_left(13) ^ v[0];
    v[0] = v[0].rotate_left(32);
    v[2] = v[2].wrapping_add(v[3]);
    v[3] = v[3].rotate_left(16) ^ v[2];
    v[0] = v[0].wrapping_add(v[3]);
    v[3] = v[3].rotate_left(21) ^ v[0];
    v[2] = v[2].wrapping_add(v[1]);
    v[1] = v[1].rotate_left(17) ^ v[2];
    v[2] = v[2].rotate_left(32);
}

/// Columns in the order of a set of nodes that are called `X1`, `X2`, … and were added in the order given.
pub(crate) fn in_set_order(columns: impl IntoIterator<Item = usize>) -> Vec<usize> {
    let mut set = HashOrder::new();
    columns.into_iter().for_each(|column| set.insert(hash_of_text(&format!("X{}", column + 1)), column));
    set.into_members().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subsets::visit_subsets;

    #[test]
    fn tuples_hash_as_in_cpython() {
        // hash(()), hash((1,)), hash((0, 5, 17)) in CPython 3.11, modulo 2^64.
        assert_eq!(hash_of_tuple(&[]) as i64, 5_740_354_900_026_072_187);
        assert_eq!(hash_of_tuple(&[1]) as i64, -6_644_214_454_873_602_895);
        assert_eq!(hash_of_tuple(&[0, 5, 17]) as i64, 4_514_137_440_942_261_722);
    }

    #[test]
    fn a_power_set_comes_in_the_order_of_the_table() {
        // list(set(chain.from_iterable(combinations((0, 2, 3), r) for r in range(4)))) in CPython 3.11.
        let mut order = HashOrder::new();
        for size in 0..=3 {
            visit_subsets(&[0, 2, 3], size, |s| {
                order.insert(hash_of_tuple(s), s.to_vec());
                true
            });
        }
        assert_eq!(
            order.into_members().collect::<Vec<_>>(),
            [vec![2], vec![0, 3], vec![0, 2, 3], vec![2, 3], vec![0, 2], vec![0], vec![], vec![3]]
        );
    }

    #[test]
    fn text_hashes_and_sets_of_nodes_come_as_in_cpython() {
        // hash("X1"), hash("X19") and list(set([...])) in CPython 3.11 with PYTHONHASHSEED=0.
        assert_eq!(hash_of_text("X1") as i64, 7_931_989_472_823_280_758);
        assert_eq!(hash_of_text("X19") as i64, -1_707_788_152_705_265_148);
        assert_eq!(in_set_order([0, 3, 4, 8, 11, 16, 19]), [19, 16, 8, 3, 4, 0, 11]);
    }
}
