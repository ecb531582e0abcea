//! Series as they are, for comparison with the reference implementations, which prepare nothing.

use atsre_domain::panel::Panel;

use crate::discover::DiscoverError;
use crate::lagged::Prepared;
use crate::lagged::columns::Frame;

/// The columns of the only series, none missing, none left out.
pub(super) fn frame(panel: &Panel) -> Result<Prepared, DiscoverError> {
    let mut frame = Frame::of_panel(panel);
    let units = frame.tame();
    if frame.series.len() != 1 {
        let what = format!("the reference works on one series, and here are {}", frame.series.len());
        return Err(DiscoverError::Gaps { what });
    }
    for (name, values) in frame.names.iter().zip(&frame.series[0]) {
        if let Some(row) = values.iter().position(|v| !v.is_finite()) {
            return Err(DiscoverError::Gaps { what: format!("row {} of column {name:?} is missing", row + 1) });
        }
        let first = values.first().copied().unwrap_or(0.0);
        if values.iter().all(|v| v.total_cmp(&first).is_eq()) {
            return Err(DiscoverError::Target { target: name.clone(), why: "it is constant".to_owned() });
        }
    }
    let mut deviations = frame.deviations();
    for (name, unit) in units {
        deviations.entry(name).and_modify(|deviation| *deviation *= unit);
    }
    let reasons = vec!["columns are taken as they are: no season, trend or repetition is removed".to_owned()];
    Ok(Prepared { frame, reasons, deviations })
}
