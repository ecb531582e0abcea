//! Long files, some series at a time.

use std::fmt::Write as _;

use atsre_curation::cleaning::regularise;
use atsre_curation::ingest::{Blocks, IngestError, Problem, read};
use atsre_domain::panel::Series;

use super::options;

/// So many monthly series of so many rows, under quoted names with a comma.
fn long(series: usize, rows: usize) -> String {
    let mut text = "shop,month,sold\n".to_owned();
    for s in 0..series {
        for t in 0..rows {
            let (year, month) = (2010 + t / 12, t % 12 + 1);
            writeln!(text, "\"shop, {s}\",{year}-{month:02}-01,{}", (s * 7 + t * 3) % 11).unwrap();
        }
    }
    text
}

fn series_of(text: &str, most: usize) -> Result<Vec<Vec<Series>>, IngestError> {
    let blocks = Blocks::open(text.as_bytes(), &options(), most)?;
    blocks
        .map(|block| {
            let block = block?;
            let (table, _) = block.without_sentinels();
            let panel = regularise(&table, block.frequency, block.target().unwrap(), &[]).unwrap().panel;
            Ok(panel.series)
        })
        .collect()
}

#[test]
fn blocks_hold_the_same_series_as_the_whole_file() {
    // given more than the mebibyte that is looked at first
    let text = long(2_100, 30);
    assert!(text.len() > 1 << 20);
    // when it is read in blocks of 512 series, and at once
    let blocks = series_of(&text, 512).unwrap();
    let whole = read(text.as_bytes(), &options()).unwrap();
    let all = regularise(&whole.table, whole.frequency, "sold", &[]).unwrap().panel.series;
    // then the blocks are full but for the last, and together they are the file
    assert_eq!(blocks.iter().map(Vec::len).collect::<Vec<_>>(), [512, 512, 512, 512, 52]);
    let mut together: Vec<Series> = blocks.into_iter().flatten().collect();
    together.sort_by(|a, b| a.item_id.cmp(&b.item_id));
    let mut all = all;
    all.sort_by(|a, b| a.item_id.cmp(&b.item_id));
    assert_eq!(together, all);
}

#[test]
fn a_block_of_zeros_is_no_constant_target() {
    let mut text = long(4, 30);
    for s in 0..4 {
        for t in 0..30 {
            writeln!(text, "zero {s},{}-{:02}-01,0", 2010 + t / 12, t % 12 + 1).unwrap();
        }
    }
    let blocks = series_of(&text, 2).unwrap();
    assert_eq!(blocks.len(), 4);
    assert!(blocks[3].iter().all(|s| s.target.iter().all(|v| *v == 0.0)));
}

#[test]
fn a_series_that_begins_again_is_refused_with_its_line() {
    // given rows of the first shop after all others
    let text = long(5, 30) + "\"shop, 0\",2030-01-01,4\n";
    // when it is read
    let error = series_of(&text, 2).unwrap_err();
    // then the line and the item are named, and the remedy
    assert!(matches!(&*error.problem, Problem::ItemAgain { item } if item == "shop, 0"), "{error}");
    assert_eq!(error.row, Some(5 * 30 + 2));
    assert!(error.advice().contains("sort"));
}

#[test]
fn what_is_wrong_in_a_later_block_is_told_by_the_line_of_the_file() {
    // given a date that is none far behind the beginning
    let text = long(2_100, 30).replace("\"shop, 2050\",2010-02-01", "\"shop, 2050\",2010-33-01");
    let error = series_of(&text, 500).unwrap_err();
    assert_eq!(error.row, Some(2_050 * 30 + 3), "{error}");
}

#[test]
fn a_file_of_one_series_is_not_read_in_blocks() {
    let text: String = std::iter::once("month,sold\n".to_owned())
        .chain((0..40).map(|t| format!("{}-{:02}-01,{}\n", 2010 + t / 12, t % 12 + 1, t % 7)))
        .collect();
    let error = series_of(&text, 2).unwrap_err();
    assert!(matches!(&*error.problem, Problem::NotInBlocks { .. }), "{error}");
}
