//! `auto`: the forecaster that a user meets first.
//!
//! Candidates are judged by rolling-origin errors inside the history that the view shows, cheap ones first and costly
//! ones while the budget of declared costs lasts and they can still pay. Each series then gets a weighted mean of its
//! few best candidates, its own errors drawn towards those of the whole panel, because few windows of one series say
//! little (Montero-Manso, Athanasopoulos, Hyndman and Talagala 2020 weigh so by features; here the panel itself is the
//! evidence). Quantiles are averaged level by level (Lichtendahl, Grushka-Cockayne and Winkler 2013), stretched by what
//! series of their length usually need and by what the same windows show, and bounded by the largest errors seen there.
//!
//! Nothing here reads a clock: the same data, settings and seed give the same choice on any machine.

mod budget;
mod candidates;
mod choice;
mod demand;
mod evaluation;
mod forecaster;
mod intervals;
mod join;
mod periods;
mod prior;
mod stretch;
mod weights;

pub(crate) use forecaster::construct;

#[cfg(test)]
mod tests;
