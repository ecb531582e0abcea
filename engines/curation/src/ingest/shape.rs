//! Wide or long: whether one column, or two together, tell several series apart.

use atsre_domain::Frequency;

use super::cells::Values;
use super::error::Problem;
use super::table_draft::Draft;

/// Column names that mean an item and nothing else.
const SURE: [&str; 8] = ["item_id", "item", "series_id", "series", "unique_id", "ts_id", "item_code", "sku"];
/// Parts of column names that hint at an item.
const HINTS: [&str; 22] = [
    "id", "item", "series", "code", "store", "shop", "product", "sensor", "station", "site", "region", "state",
    "country", "city", "airport", "symbol", "ticker", "name", "group", "key", "dept", "family",
];
/// Below this share of repeated times, repeats are duplicates; above it, several series.
const REPEATED: f64 = 0.2;
/// The share of rows that may repeat item and time and still leave the item told apart.
const UNTIDY: f64 = 0.01;

/// How the series lie in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    Wide,
    /// One or more columns name the series.
    Long {
        columns: Vec<usize>,
        reason: String,
    },
}

/// Decides the shape. `times` has one entry a row and is absent without a time column;
/// `taken` tells the columns that have another role.
pub(super) fn infer(drafts: &[Draft], times: Option<&[i64]>, taken: &dyn Fn(&Draft) -> bool) -> Result<Shape, Problem> {
    let Some(times) = times else { return Ok(without_times(drafts)) };
    let rows = times.len();
    if let Some(sure) = drafts.iter().position(|d| sure(&d.name) && d.is_item_like(rows) && !taken(d)) {
        return Ok(Shape::Long { columns: vec![sure], reason: "its name".into() });
    }
    if times.is_sorted_by(|a, b| a < b) || times.is_sorted_by(|a, b| a > b) {
        return Ok(Shape::Wide);
    }
    let repeated = repeats(times, &[]);
    if repeated == 0 {
        return Ok(Shape::Wide);
    }
    among_repeats(drafts, times, repeated, taken)
}

/// Several rows share a time: which columns tell them apart.
fn among_repeats(
    drafts: &[Draft],
    times: &[i64],
    repeated: usize,
    taken: &dyn Fn(&Draft) -> bool,
) -> Result<Shape, Problem> {
    let rows = times.len();
    let distinct_times = rows - repeated;
    // One moment alone is no axis, whatever the columns are: the frequency will say so.
    if distinct_times < 2 {
        return Ok(Shape::Wide);
    }
    let mut candidates: Vec<usize> = (0..drafts.len())
        .filter(|i| !taken(&drafts[*i]) && may_name_series(&drafts[*i], rows, distinct_times))
        .collect();
    candidates.sort_by_key(|i| (!hinted(&drafts[*i].name), matches!(drafts[*i].values, Values::Numbers(_)), *i));
    let often = repeated as f64 > REPEATED * rows as f64;
    let told_apart = |columns: &[usize]| {
        let codes: Vec<Vec<u32>> = columns.iter().map(|i| drafts[*i].codes()).collect();
        let codes: Vec<&[u32]> = codes.iter().map(Vec::as_slice).collect();
        repeats(times, &codes) as f64 <= UNTIDY * rows as f64
    };
    let single = candidates.iter().find(|i| (often || hinted(&drafts[**i].name)) && told_apart(&[**i]));
    if let Some(index) = single {
        let reason =
            format!("{repeated} of {rows} rows repeat a time, and within one value of this column hardly any do");
        return Ok(Shape::Long { columns: vec![*index], reason });
    }
    if !often {
        return Ok(Shape::Wide);
    }
    let words: Vec<usize> =
        candidates.iter().copied().filter(|i| matches!(drafts[*i].values, Values::Words { .. })).take(8).collect();
    for (k, first) in words.iter().enumerate() {
        for second in &words[k + 1..] {
            if told_apart(&[*first, *second]) {
                let reason = format!(
                    "{repeated} of {rows} rows repeat a time, and these two columns together tell the rows apart"
                );
                return Ok(Shape::Long { columns: vec![*first.min(second), *first.max(second)], reason });
            }
        }
    }
    // A column that is called an item and has empty cells: taking it makes the refusal name the first of them.
    let gappy = |d: &Draft| sure(&d.name) && d.tally.missing > 0 && !d.is_blank() && !taken(d);
    if let Some(index) = drafts.iter().position(gappy) {
        return Ok(Shape::Long { columns: vec![index], reason: "its name".into() });
    }
    let names = candidates.iter().map(|i| drafts[*i].name.clone()).collect();
    Err(Problem::RepeatedTimes { repeated: repeated as u64, rows: rows as u64, candidates: names })
}

/// Without times, a column of words named like an item whose values come in blocks.
fn without_times(drafts: &[Draft]) -> Shape {
    let blocks = |draft: &Draft| match &draft.values {
        Values::Words { levels, codes } => {
            let changes = codes.windows(2).filter(|pair| pair[0] != pair[1]).count();
            levels.len() >= 2 && changes + 1 == levels.len() && codes.len() >= 2 * levels.len()
        }
        Values::None | Values::Numbers(_) | Values::Moments(_) => false,
    };
    match drafts.iter().position(|d| (sure(&d.name) || hinted(&d.name)) && blocks(d)) {
        Some(index) => Shape::Long { columns: vec![index], reason: "its name, and its values come in blocks".into() },
        None => Shape::Wide,
    }
}

fn sure(name: &str) -> bool {
    SURE.contains(&name.to_lowercase().replace([' ', '-'], "_").as_str())
}

/// Whether a name hints at an item.
pub(super) fn hinted(name: &str) -> bool {
    let lower = name.to_lowercase();
    lower.split(|c: char| !c.is_alphanumeric()).any(|part| HINTS.contains(&part.strip_suffix('s').unwrap_or(part)))
}

/// Words of few values; or whole numbers of few values that are named like an item, or of which there are
/// about as many as rows for each time, as in a balanced panel.
fn may_name_series(draft: &Draft, rows: usize, distinct_times: usize) -> bool {
    if draft.is_blank() {
        return false;
    }
    match &draft.values {
        Values::Words { levels, .. } => levels.len() >= 2 && levels.len() * 2 <= rows && draft.tally.missing == 0,
        Values::Numbers(values) => {
            let Some(distinct) = whole_values(values, (rows / 2).min(100_000)) else { return false };
            let series = rows as f64 / distinct_times.max(1) as f64;
            let balanced = (0.8..1.25).contains(&(distinct as f64 / series));
            distinct >= 2 && (hinted(&draft.name) || balanced)
        }
        Values::None | Values::Moments(_) => false,
    }
}

/// The number of distinct values, if all are whole and not negative and there are at most `most`.
fn whole_values(values: &[f64], most: usize) -> Option<usize> {
    let mut seen = std::collections::BTreeSet::new();
    let mut last = f64::NAN;
    for value in values {
        if *value == last {
            continue;
        }
        last = *value;
        if !(*value >= 0.0 && value.fract() == 0.0) {
            return None;
        }
        seen.insert(value.to_bits());
        if seen.len() > most {
            return None;
        }
    }
    Some(seen.len())
}

/// The rows whose time (and codes) an earlier row has.
pub(super) fn repeats(times: &[i64], codes: &[&[u32]]) -> usize {
    let key = |row: usize| {
        let code = |k: usize| codes.get(k).map_or(0, |c| c[row]);
        (code(0), code(1), times[row])
    };
    let rows = 0..times.len();
    if rows.clone().skip(1).all(|row| key(row - 1) < key(row)) {
        return 0;
    }
    let mut keys: Vec<_> = rows.map(key).collect();
    keys.sort_unstable();
    keys.windows(2).filter(|pair| pair[0] == pair[1]).count()
}

/// A step for each row: its number within its series.
pub(super) fn row_steps(rows: usize, codes: Option<&[u32]>) -> Vec<i64> {
    let Some(codes) = codes else { return (0..rows as i64).collect() };
    let mut next = vec![0_i64; codes.iter().max().map_or(0, |m| *m as usize + 1)];
    let step = |code: &u32| {
        let slot = &mut next[*code as usize];
        *slot += 1;
        *slot - 1
    };
    codes.iter().map(step).collect()
}

/// The steps' frequency.
pub(super) const fn every_step() -> Frequency {
    Frequency::every(atsre_domain::frequency::FrequencyUnit::Step)
}
