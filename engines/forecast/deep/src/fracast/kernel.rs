//! The arithmetic of the network on rows of hidden states, for the vectors that the processor has.
//!
//! Every value of a result is computed in one order, whatever the number of rows, so that a row's result does not depend
//! on its neighbours.

use pulp::{Simd, WithSimd};

use super::{INNER, Row, WIDTH};

/// Rows that the product keeps in registers at a time.
const ROWS: usize = 6;

/// Runs `work` with the widest vectors of this processor that need no unstable feature: AVX2 on x86, Neon on ARM.
pub(super) fn dispatch<W: WithSimd>(work: W) -> W::Output {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    if let Some(simd) = pulp::x86::V3::try_new() {
        return Simd::vectorize(simd, work);
    }
    pulp::Arch::new().dispatch(work)
}

/// A linear map from `INPUTS` numbers, its weights laid out for the kernel: panels of two vectors' outputs, and in each
/// the weights input by input.
#[derive(Clone, Debug)]
pub(super) struct Linear<const INPUTS: usize> {
    panels: Vec<f32>,
    bias: Vec<f32>,
}

struct PanelWidth;

impl WithSimd for PanelWidth {
    type Output = usize;

    fn with_simd<S: Simd>(self, _: S) -> usize {
        2 * S::F32_LANES
    }
}

impl<const INPUTS: usize> Linear<INPUTS> {
    /// From `[outputs, INPUTS]` weights. The number of outputs is a multiple of 32, the widest panel.
    pub(super) fn new(weight: &[f32], bias: Vec<f32>) -> Self {
        let panel = dispatch(PanelWidth);
        let panels = (0..bias.len() / panel)
            .flat_map(|p| (0..INPUTS).flat_map(move |i| (0..panel).map(move |o| weight[(p * panel + o) * INPUTS + i])))
            .collect();
        Self { panels, bias }
    }

    /// The map of every row of `inputs`, into `outputs` row by row. A panel of weights stays in the first-level cache
    /// while all rows pass it.
    #[inline(always)]
    pub(super) fn apply<S: Simd>(&self, simd: S, inputs: &[[f32; INPUTS]], outputs: &mut [f32]) {
        let panel = 2 * S::F32_LANES;
        let width = self.bias.len();
        let panels = self.panels.chunks_exact(panel * INPUTS).zip(self.bias.chunks_exact(panel));
        let (groups, rest) = inputs.as_chunks::<ROWS>();
        for (number, (weights, bias)) in panels.enumerate() {
            let weights = S::as_simd_f32s(weights).0;
            let bias = S::as_simd_f32s(bias).0;
            let start = number * panel;
            for (rows, out) in groups.iter().zip(outputs.chunks_exact_mut(ROWS * width)) {
                product::<S, INPUTS, ROWS>(simd, rows, weights, bias, &mut out[start..], width);
            }
            for (row, out) in rest.iter().zip(outputs[groups.len() * ROWS * width..].chunks_exact_mut(width)) {
                product::<S, INPUTS, 1>(simd, std::array::from_ref(row), weights, bias, &mut out[start..], width);
            }
        }
    }
}

/// One panel's outputs of a few rows; `out` begins at the first of them and has `width` numbers a row.
#[inline(always)]
#[expect(
    clippy::needless_range_loop,
    reason = "an iterator over the sums keeps them in memory, which halves the speed"
)]
fn product<S: Simd, const INPUTS: usize, const M: usize>(
    simd: S,
    rows: &[[f32; INPUTS]; M],
    weights: &[S::f32s],
    bias: &[S::f32s],
    out: &mut [f32],
    width: usize,
) {
    assert_eq!(weights.len(), 2 * INPUTS, "a panel holds two vectors for each input");
    let mut sums = [[bias[0], bias[1]]; M];
    for i in 0..INPUTS {
        let (left, right) = (weights[2 * i], weights[2 * i + 1]);
        for m in 0..M {
            let x = simd.splat_f32s(rows[m][i]);
            sums[m][0] = simd.mul_add_e_f32s(x, left, sums[m][0]);
            sums[m][1] = simd.mul_add_e_f32s(x, right, sums[m][1]);
        }
    }
    // By value, not through a slice of the sums: they would have to lie in memory all the time.
    for m in 0..M {
        let place = m * width;
        let out = S::as_mut_simd_f32s(&mut out[place..place + 2 * S::F32_LANES]).0;
        out[0] = sums[m][0];
        out[1] = sums[m][1];
    }
}

/// A depthwise causal convolution of three taps.
#[derive(Clone, Debug)]
pub(super) struct Convolution {
    /// The oldest tap first.
    taps: [Row; 3],
    bias: Row,
}

impl Convolution {
    /// From `[WIDTH, 1, 3]` weights.
    pub(super) fn new(weight: &[f32], bias: &[f32]) -> Self {
        let tap = |k: usize| std::array::from_fn(|c| weight[c * 3 + k]);
        Self { taps: [tap(0), tap(1), tap(2)], bias: std::array::from_fn(|c| bias[c]) }
    }

    /// The convolution at one place: rows two dilations ago, one ago and now.
    #[inline(always)]
    pub(super) fn apply<S: Simd>(&self, simd: S, rows: [&Row; 3], out: &mut Row) {
        let bias = S::as_simd_f32s(&self.bias).0;
        let [a, b, c] = rows.map(|r| S::as_simd_f32s(r).0);
        let [wa, wb, wc] = [0, 1, 2].map(|k: usize| S::as_simd_f32s(&self.taps[k]).0);
        let out = S::as_mut_simd_f32s(out).0;
        for i in 0..out.len() {
            let sum = simd.mul_add_e_f32s(a[i], wa[i], bias[i]);
            let sum = simd.mul_add_e_f32s(b[i], wb[i], sum);
            out[i] = simd.mul_add_e_f32s(c[i], wc[i], sum);
        }
    }
}

/// A vector divided by its root mean square, times a gain (Zhang and Sennrich 2019); ε is f32's machine epsilon.
#[derive(Clone, Debug)]
pub(super) struct Norm(Row);

impl Norm {
    pub(super) fn new(gain: &[f32]) -> Self {
        Self(std::array::from_fn(|c| gain[c]))
    }

    /// The norm of `a + b`.
    #[inline(always)]
    pub(super) fn of_sum<S: Simd>(&self, simd: S, a: &Row, b: &Row, out: &mut Row) {
        let (a, b, gain) = (S::as_simd_f32s(a).0, S::as_simd_f32s(b).0, S::as_simd_f32s(&self.0).0);
        let out = S::as_mut_simd_f32s(out).0;
        let mut squares = simd.splat_f32s(0.0);
        for i in 0..out.len() {
            out[i] = simd.add_f32s(a[i], b[i]);
            squares = simd.mul_add_e_f32s(out[i], out[i], squares);
        }
        let mean = simd.reduce_sum_f32s(squares) / WIDTH as f32;
        let factor = simd.splat_f32s(1.0 / (mean + f32::EPSILON).sqrt());
        for i in 0..out.len() {
            out[i] = simd.mul_f32s(simd.mul_f32s(out[i], factor), gain[i]);
        }
    }

    /// The norm of `a`.
    #[inline(always)]
    pub(super) fn of<S: Simd>(&self, simd: S, a: &Row, out: &mut Row) {
        self.of_sum(simd, a, &[0.0; WIDTH], out);
    }
}

/// `silu(first half) · second half` (Shazeer 2020).
#[inline(always)]
pub(super) fn gate(pairs: &[f32; 2 * INNER], out: &mut [f32; INNER]) {
    let (gates, values) = pairs.split_at(INNER);
    for ((out, gate), value) in out.iter_mut().zip(gates).zip(values) {
        *out = gate / (1.0 + exponential(-gate)) * value;
    }
}

/// e^x within two units of the last place, for x in ±87; beyond, the values there. Written without branches, so that it
/// becomes vector instructions: x = n ln 2 + r, e^r by its Taylor polynomial, 2^n by the exponent's bits.
#[inline(always)]
fn exponential(x: f32) -> f32 {
    /// 1.5 · 2²³: added, it rounds to the nearest whole number.
    const ROUND: f32 = 12_582_912.0;
    /// ln 2 in two parts, the first with few digits, so that its multiples are exact.
    const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
    let x = if x > 87.0 { 87.0 } else { x };
    let x = if x < -87.0 { -87.0 } else { x };
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = x - n * LN_2[0] - n * LN_2[1];
    let power = r * (1.0 / 720.0) + 1.0 / 120.0;
    let power = power * r + 1.0 / 24.0;
    let power = power * r + 1.0 / 6.0;
    let power = power * r + 0.5;
    let power = power * (r * r) + r + 1.0;
    f32::from_bits(power.to_bits().wrapping_add(shifted.to_bits() << 23))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_is_right_to_the_last_places() {
        for i in -87_000..=87_000 {
            let x = i as f32 / 1_000.0;
            let (ours, right) = (f64::from(exponential(x)), f64::from(x).exp());
            assert!((ours - right).abs() <= 3e-7 * right, "e^{x} is {right}, not {ours}");
        }
        assert_eq!(exponential(200.0), exponential(87.0));
        assert_eq!(exponential(-200.0), exponential(-87.0));
    }

    struct Product<'a>(&'a Linear<64>, &'a [Row], &'a mut [f32]);

    impl WithSimd for Product<'_> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            self.0.apply(simd, self.1, self.2);
        }
    }

    #[test]
    fn a_row_has_the_same_image_alone_and_among_others() {
        let number = |i: usize| ((i * 7_919) % 1_000) as f32 / 500.0 - 1.0;
        let weight: Vec<f32> = (0..64 * 64).map(number).collect();
        let map = Linear::<64>::new(&weight, (0..64).map(number).collect());
        let rows: Vec<Row> = (0..11).map(|r| std::array::from_fn(|c| number(r * 64 + c + 5))).collect();
        let mut together = vec![0.0; 11 * 64];
        dispatch(Product(&map, &rows, &mut together));
        for (r, row) in rows.iter().enumerate() {
            let mut alone = vec![0.0; 64];
            dispatch(Product(&map, std::slice::from_ref(row), &mut alone));
            assert_eq!(alone, together[r * 64..(r + 1) * 64]);
            for (o, value) in alone.iter().enumerate() {
                let sum: f64 = (0..64).map(|i| f64::from(row[i]) * f64::from(weight[o * 64 + i])).sum();
                assert!((f64::from(*value) - sum - f64::from(number(o))).abs() < 1e-5);
            }
        }
    }
}
