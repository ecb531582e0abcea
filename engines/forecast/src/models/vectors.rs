//! Loops compiled for the vector unit that is there.

use pulp::{Simd, WithSimd};

/// Runs with AVX2 where there is any.
pub(crate) fn run<W: WithSimd>(work: W) -> W::Output {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    if let Some(simd) = pulp::x86::V3::try_new() {
        return Simd::vectorize(simd, work);
    }
    pulp::Arch::new().dispatch(work)
}
