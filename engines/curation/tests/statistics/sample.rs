//! Seeded samples.

/// Independent standard normal values (Box and Muller over a 64-bit xorshift).
pub(crate) fn normal(seed: u64, n: usize) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut uniform = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        ((state >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    };
    (0..n)
        .map(|_| {
            let (u, v) = (uniform(), uniform());
            (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
        })
        .collect()
}

/// Their cumulative sums.
pub(crate) fn random_walk(seed: u64, n: usize) -> Vec<f64> {
    let mut level = 0.0;
    normal(seed, n)
        .into_iter()
        .map(|step| {
            level += step;
            level
        })
        .collect()
}
