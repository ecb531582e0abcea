//! Dropout with masks of our own: burn's generator is one for the whole process, so that two trainings at once would
//! take each other's numbers.

use burn::tensor::{Tensor, TensorData};

/// The masks of one training step (Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov 2014).
///
/// Every mask comes from one stream, in the order in which the network asks: the same seed gives the same masks.
#[derive(Clone, Debug)]
pub struct Dropout {
    rate: f64,
    state: u64,
}

impl Dropout {
    /// Drops each number with probability `rate`, from 0 up to but not 1.
    #[must_use]
    pub const fn new(rate: f64, seed: u64) -> Self {
        Self { rate, state: seed }
    }

    /// Drops nothing, as outside of a training.
    #[must_use]
    pub const fn none() -> Self {
        Self::new(0.0, 0)
    }

    /// The tensor with each number dropped or, where kept, enlarged so that the expected value stays.
    #[must_use]
    pub fn apply<const D: usize>(&mut self, tensor: Tensor<D>) -> Tensor<D> {
        if self.rate <= 0.0 {
            return tensor;
        }
        let shape = tensor.dims();
        let mask = self.mask(shape.iter().product());
        let mask = Tensor::<D>::from_data(TensorData::new(mask, shape), &tensor.device());
        tensor * mask
    }

    fn mask(&mut self, count: usize) -> Vec<f32> {
        /// Chances are told apart by so many equal parts: a draw gives four.
        const PARTS: f64 = 65_536.0;
        let dropped = (self.rate * PARTS).round() as u64;
        let kept = (1.0 / (1.0 - dropped as f64 / PARTS)) as f32;
        let mut mask = Vec::with_capacity(count + 3);
        while mask.len() < count {
            let bits = self.next();
            mask.extend([0, 16, 32, 48].map(|at| if (bits >> at) & 0xffff < dropped { 0.0 } else { kept }));
        }
        mask.truncate(count);
        mask
    }

    /// SplitMix64 (Steele, Lea and Flood 2014).
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn about_the_rate_is_dropped_and_the_mean_stays() {
        let mask = Dropout::new(0.3, 5).mask(40_001);
        let dropped = mask.iter().filter(|m| **m == 0.0).count() as f64 / mask.len() as f64;
        assert!((dropped - 0.3).abs() < 0.01, "{dropped}");
        let mean = mask.iter().sum::<f32>() / mask.len() as f32;
        assert!((mean - 1.0).abs() < 0.02, "{mean}");
    }

    #[test]
    fn masks_follow_from_the_seed_alone() {
        assert_eq!(Dropout::new(0.5, 5).mask(100), Dropout::new(0.5, 5).mask(100));
        assert_ne!(Dropout::new(0.5, 5).mask(100), Dropout::new(0.5, 6).mask(100));
        let mut one = Dropout::new(0.5, 5);
        assert_ne!(one.mask(100), one.mask(100));
    }
}
