//! Forecasting beside statsforecast, on the same series.
//!
//! Start reading at [`group`], the series; [`pair`] says which model answers to which; [`ours`] and [`peer`] run them;
//! [`speed`] and [`accuracy`] make the tables, [`etth1`] that of the linear family.

pub mod accuracy;
pub mod etth1;
pub mod group;
pub mod ours;
pub mod pair;
pub mod peer;
pub mod speed;
