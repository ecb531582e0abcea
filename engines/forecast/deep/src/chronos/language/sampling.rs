//! Drawing the next word.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// How paths are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// Paths.
    pub paths: usize,
    /// Scores are divided by it: below 1 likely words become likelier still.
    pub temperature: f64,
    /// Only so many of the likeliest words are drawn.
    pub top: usize,
}

impl Sampling {
    /// A word by its score, never the one that ends a series.
    pub(super) fn draw(&self, scores: &[f32], end: usize, random: &mut ChaCha8Rng) -> usize {
        let mut words: Vec<(usize, f64)> = scores
            .iter()
            .enumerate()
            .filter(|(word, _)| *word != end)
            .map(|(word, score)| (word, f64::from(*score) / self.temperature))
            .collect();
        words.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        words.truncate(self.top.max(1));
        let Some(&(likeliest, best)) = words.first() else {
            return 0;
        };
        let chance = |score: f64| (score - best).exp();
        let total: f64 = words.iter().map(|w| chance(w.1)).sum();
        let mut place = random.random_range(0.0..1.0) * total;
        for (word, score) in &words {
            place -= chance(*score);
            if place < 0.0 {
                return *word;
            }
        }
        likeliest
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn words_are_drawn_by_their_scores_among_the_likeliest() {
        let sampling = Sampling { paths: 1, temperature: 1.0, top: 2 };
        let scores = [5.0, 9.0, 0.0, 5.0 + 3.0_f32.ln()];
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let mut counts = [0; 4];
        for _ in 0..4_000 {
            counts[sampling.draw(&scores, 1, &mut random)] += 1;
        }
        assert_eq!((counts[1], counts[2]), (0, 0));
        assert!((900..1_100).contains(&counts[0]), "{counts:?}");
    }
}
