//! Which form and parameters fit best: descents from several starts of every form beside one another, of which those
//! that can no longer win are left.

use super::recursion::States;
use super::search::Descent;
use super::sensitivity::{Sensitivity, Squares};
use super::{HIGH, LOW, PERFECT, Season, weights};
use crate::models::ets::corrected;

/// Minus twice the log-likelihood is found to within about this.
const TOLERANCE: f64 = 1e-3;
/// Rounds: how many evaluations each descent may make, and by how much for each observation, beside [`MARGIN`], its
/// criterion may then lie above the best. The last is repeated. On 300 series of M3, M4 and NN5 a closer margin saves little
/// more, and loses minima that are reached late.
const ROUNDS: [(usize, f64); 4] = [(6, 1.5), (4, 0.7), (4, 0.4), (4, 0.2)];
const MARGIN: f64 = 20.0;
/// Descents of one form whose parameters come so close have met.
const MET: f64 = 0.02;

/// What won.
pub(super) struct Winner {
    pub(super) season: Season,
    /// Where its recursion begins.
    pub(super) start: States,
    /// Its parameters.
    pub(super) x: Vec<f64>,
}

/// A form with its descents.
struct Entry {
    season: Season,
    start: States,
    descents: Vec<Descent>,
}

/// Room for the derivatives of small and of large forms.
struct Rooms {
    two: Sensitivity<2>,
    four: Sensitivity<4>,
}

impl Rooms {
    fn squares(&mut self, y: &[f64], start: &States, season: Season, x: &[f64]) -> Squares {
        match season {
            Season::None | Season::Simple => self.two.squares(y, start, season, &weights(x)),
            Season::Partial | Season::Full => self.four.squares(y, start, season, &weights(x)),
        }
    }
}

impl Entry {
    fn begin(y: &[f64], m: usize, season: Season, rooms: &mut Rooms) -> Self {
        let start = States::start(y, m, season);
        let from = |x: &&[f64]| Descent::begin(x, &mut |x| rooms.squares(y, &start, season, x));
        let descents = season.starts().iter().filter_map(from).collect();
        Self { season, start, descents }
    }

    fn go_on(&mut self, y: &[f64], evaluations: usize, rooms: &mut Rooms) {
        let k = self.season.starts()[0].len();
        let Self { season, start, descents } = self;
        for descent in descents.iter_mut().filter(|d| !d.ended) {
            let mut squares = |x: &[f64]| rooms.squares(y, start, *season, x);
            descent.go_on((&LOW[..k], &HIGH[..k]), TOLERANCE / y.len() as f64, evaluations, &mut squares);
        }
    }

    /// Akaike's corrected criterion but for the unit of the values.
    fn criterion(&self, descent: &Descent, n: usize) -> f64 {
        let squares = descent.sum.max(PERFECT * n as f64);
        corrected(n as f64 * squares.ln(), self.season.parameters(), n)
    }

    fn best(&self) -> Option<&Descent> {
        self.descents.iter().reduce(|a, b| if b.sum < a.sum { b } else { a })
    }

    /// Ends the descents above the limit, and of those that have met all but the lowest.
    fn leave(&mut self, limit: f64, n: usize) {
        for at in 0..self.descents.len() {
            let this = &self.descents[at];
            let close = |other: &Descent| this.x.iter().zip(&other.x).all(|(a, b)| (a - b).abs() < MET);
            let lower = |(place, other): (usize, &Descent)| other.sum < this.sum || other.sum == this.sum && place < at;
            let met = self.descents.iter().enumerate().any(|(p, d)| p != at && lower((p, d)) && close(d));
            if met || self.criterion(this, n) > limit {
                self.descents[at].ended = true;
            }
        }
    }
}

/// The winner among the forms; none where not one has finite errors.
pub(super) fn winner(y: &[f64], m: usize, seasons: impl Iterator<Item = Season>) -> Option<Winner> {
    let n = y.len();
    let mut rooms = Rooms { two: Sensitivity::new(), four: Sensitivity::new() };
    let mut entries: Vec<Entry> = seasons.map(|s| Entry::begin(y, m, s, &mut rooms)).collect();
    let criterion = |e: &Entry| e.best().map_or(f64::INFINITY, |d| e.criterion(d, n));
    for round in 0.. {
        let (evaluations, margin) = ROUNDS[round.min(ROUNDS.len() - 1)];
        entries.iter_mut().for_each(|e| e.go_on(y, evaluations, &mut rooms));
        let best = entries.iter().map(criterion).fold(f64::INFINITY, f64::min);
        entries.iter_mut().for_each(|e| e.leave(best + MARGIN + margin * n as f64, n));
        if entries.iter().all(|e| e.descents.iter().all(|d| d.ended)) {
            break;
        }
    }
    let first = entries.into_iter().reduce(|best, e| if criterion(&e) < criterion(&best) { e } else { best })?;
    let x = first.best()?.x[..first.season.starts()[0].len()].to_vec();
    Some(Winner { season: first.season, start: first.start, x })
}
