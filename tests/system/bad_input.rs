//! Bad input: each is refused with its place and a remedy, with exit code 1 or 2, with nothing on standard output, and
//! with the store as it was.

use std::collections::BTreeSet;
use std::path::Path;

use chrono::{Days, NaiveDate};

use crate::support::{Home, seasonal_csv, succeeded};

/// A file and why it is refused.
struct Case {
    file: &'static str,
    content: Vec<u8>,
    flags: &'static [&'static str],
    code: i32,
    says: &'static [&'static str],
}

fn case(
    file: &'static str,
    content: impl Into<Vec<u8>>,
    flags: &'static [&'static str],
    code: i32,
    says: &'static [&'static str],
) -> Case {
    Case { file, content: content.into(), flags, code, says }
}

/// Every case is refused by the experiment and by an engine alone, in the same words, and leaves the home as it was:
/// no database is even started.
fn all_refused(cases: Vec<Case>) {
    let home = Home::new();
    for case in &cases {
        home.write(case.file, &case.content);
    }
    let before = entries(home.path());
    for case in cases {
        let says: Vec<&str> = [case.file].into_iter().chain(case.says.iter().copied()).collect();
        for command in ["run", "forecast"] {
            refused(&home, &[&[command, case.file, "--json"], case.flags].concat(), case.code, &says);
        }
    }
    assert_eq!(entries(home.path()), before, "a refused file leaves nothing behind");
}

/// Each of `says` stands in the message once: nothing is left out, nothing is told twice.
fn refused(home: &Home, arguments: &[&str], code: i32, says: &[&str]) {
    let output = home.run(arguments);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {told}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{arguments:?} prints on standard output");
    assert!(told.starts_with("error: "), "{arguments:?}: {told}");
    for word in says {
        assert_eq!(told.matches(word).count(), 1, "{arguments:?} should say {word:?} once: {told}");
    }
}

fn entries(folder: &Path) -> BTreeSet<String> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn day(index: u64) -> NaiveDate {
    NaiveDate::from_ymd_opt(2021, 1, 1).unwrap() + Days::new(index)
}

/// `date,y` and then a row for each day, with what `row` makes of it.
fn daily(rows: u64, row: impl Fn(u64, NaiveDate) -> String) -> String {
    let rows: String = (0..rows).map(|index| row(index, day(index)) + "\n").collect();
    format!("date,y\n{rows}")
}

/// A good file, but for one text in it.
fn spoilt(good: &str, bad: &str) -> String {
    let text = daily(60, |index, date| format!("{date},{}", 10 + index % 7));
    assert_eq!(text.matches(good).count(), 1);
    text.replace(good, bad)
}

const TARGET: &[&str] = &["--target", "y"];

#[test]
fn what_is_no_table_is_refused() {
    let binary: Vec<u8> = (0..4000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    all_refused(vec![
        case(
            "binary.csv",
            [b"\x89PNG\r\n\x1a\n\0\0".as_slice(), &binary].concat(),
            TARGET,
            1,
            &["not a CSV file", "zero bytes"],
        ),
        case("book.csv", b"PK\x03\x04rest".as_slice(), TARGET, 1, &["not a CSV file", "Excel"]),
        case("packed.csv", b"\x1f\x8b\x08rest".as_slice(), TARGET, 1, &["not a CSV file", "gzip"]),
        case("page.csv", "<!doctype html>\n<p>not found</p>\n", TARGET, 1, &["not a CSV file", "HTML"]),
        case("rows.csv", "[{\"date\": \"2021-01-01\", \"y\": 1}]\n", TARGET, 1, &["not a CSV file", "JSON"]),
        case("empty.csv", "", TARGET, 1, &["is empty", "header line and rows"]),
        case("blank.csv", "\n  \n\n", TARGET, 1, &["is empty"]),
        case("header.csv", "date,y\n", TARGET, 1, &["a header and no rows"]),
        case(
            "bare.csv",
            "2021-01-01,1\n2021-01-02,2\n2021-01-03,4\n",
            &[],
            1,
            &["row 1", "looks like data", "names the columns"],
        ),
        case("single.csv", "date,y\n2021-01-01,3\n", TARGET, 1, &["fewer than two different times"]),
        case(
            "letter.csv",
            "Dear reader\nthis, is, a letter\nno table\n",
            &[],
            1,
            &["no column holds numbers", "`Dear reader`"],
        ),
    ]);
}

#[test]
fn what_is_not_there_is_refused() {
    let home = Home::new();
    std::fs::create_dir(home.path().join("folder.csv")).unwrap();
    let before = entries(home.path());
    for command in ["run", "forecast", "profile", "causal"] {
        refused(
            &home,
            &[command, "missing.csv", "--json"],
            1,
            &["missing.csv", "cannot be read", "check that the file exists"],
        );
        refused(&home, &[command, "folder.csv", "--json"], 1, &["folder.csv", "cannot be read"]);
        refused(&home, &[command, "..", "--json"], 1, &["error: ..: the file cannot be read"]);
    }
    assert_eq!(entries(home.path()), before);
}

#[test]
fn a_file_beyond_the_limit_is_refused_before_it_is_read() {
    let home = Home::new();
    let sparse = std::fs::File::create(home.path().join("sparse.csv")).unwrap();
    sparse.set_len(2 << 30).unwrap();
    home.write("small.csv", seasonal_csv(60));
    let before = entries(home.path());
    for command in ["run", "forecast"] {
        refused(
            &home,
            &[command, "sparse.csv", "--json"],
            1,
            &["sparse.csv", "2147483648 bytes", "1073741824", "--max-bytes"],
        );
        let limited = [command, "small.csv", "--target", "demand", "--max-bytes", "100", "--json"];
        refused(&home, &limited, 1, &["small.csv", "the limit is 100"]);
    }
    assert_eq!(entries(home.path()), before);
}

#[test]
fn a_fault_in_a_row_is_refused_with_row_and_column() {
    all_refused(vec![
        case(
            "long_row.csv",
            spoilt("2021-01-20,", "2021-01-20,7,8,"),
            TARGET,
            1,
            &["row 21", "4 fields, the header has 2"],
        ),
        case(
            "short_row.csv",
            spoilt("2021-01-20,15", "2021-01-20"),
            TARGET,
            1,
            &["row 21", "1 fields, the header has 2"],
        ),
        case("open_quote.csv", spoilt("2021-01-20,", "2021-01-20,\""), TARGET, 1, &["row 21", "never ends"]),
        case(
            "word.csv",
            spoilt("2021-01-20,15", "2021-01-20,some"),
            TARGET,
            1,
            &["row 21", "column `y`", "`some` is not a number"],
        ),
        case(
            "infinite.csv",
            spoilt("2021-01-20,15", "2021-01-20,inf"),
            TARGET,
            1,
            &["row 21", "column `y`", "`inf` is not a finite number"],
        ),
        case("minus.csv", spoilt("2021-01-20,15", "2021-01-20,-Infinity"), TARGET, 1, &["row 21", "`-Infinity`"]),
        case(
            "overflow.csv",
            spoilt("2021-01-20,15", "2021-01-20,1e999"),
            TARGET,
            1,
            &["row 21", "column `y`", "`1e999`"],
        ),
        case("no_time.csv", spoilt("2021-01-20,", ","), TARGET, 1, &["row 21", "column `date`", "the time is missing"]),
        case(
            "no_day.csv",
            spoilt("2021-01-20,", "2021-01-32,"),
            TARGET,
            1,
            &["row 21", "column `date`", "`2021-01-32` is not a time"],
        ),
        case(
            "no_date.csv",
            spoilt("2021-01-20,", "soon,"),
            TARGET,
            1,
            &["row 21", "column `date`", "`soon` is not a time"],
        ),
        case("zero.csv", spoilt("2021-01-20,", "2021-01-20\0,"), TARGET, 1, &["row 21", "zero bytes"]),
        case("escape.csv", spoilt("date,y", "date,\u{1b}[31my"), TARGET, 1, &["row 1", "U+001B"]),
        case("no_item.csv", long_with_gap(), &[], 1, &["row 3", "column `item_id`", "the item is missing"]),
    ]);
}

/// Three series, one row of which does not say of which it is.
fn long_with_gap() -> String {
    let rows =
        (0..30).flat_map(|index| ["a", "b", "c"].map(|item| format!("{item},{},{}\n", day(index), 10 + index % 7)));
    let text: String = rows.collect();
    format!("item_id,timestamp,target\n{}", text.replacen("\nb,", "\n,", 1))
}

#[test]
fn columns_that_do_not_do_are_refused_by_name() {
    let two = seasonal_csv(60);
    let words = daily(30, |index, date| format!("{date},{}", ["red", "blue"][index as usize % 2]));
    let blank = format!("date,y,z\n{}", (0..30).map(|i| format!("{},,{i}\n", day(i))).collect::<String>());
    let many: String = (0..10_000).map(|column| format!(",c{column}")).collect();
    let zeros = ",0".repeat(10_000);
    let wide = format!("date{many}\n{}{zeros}\n{}{zeros}\n", day(0), day(1));
    all_refused(vec![
        case("words.csv", words.clone(), &[], 1, &["no column holds numbers", "needs a column of numbers"]),
        case("word_target.csv", words, TARGET, 2, &["column `y`", "holds no numbers"]),
        case("blank_target.csv", blank, TARGET, 2, &["column `y`", "every cell is empty"]),
        case(
            "constant.csv",
            daily(30, |_, date| format!("{date},5")),
            TARGET,
            1,
            &["column `y`", "is 5 in every row", "--target"],
        ),
        case("many.csv", wide, &["--target", "c1"], 1, &["row 1", "10001 columns", "the limit is 2000"]),
        case(
            "twice.csv",
            two.replace("temperature", "demand"),
            &["--target", "demand"],
            1,
            &["row 1", "column `demand`", "columns 2 and 3"],
        ),
        case("choice.csv", two.clone(), &[], 2, &["demand, temperature", "--target"]),
        case("misspelt.csv", two.clone(), &["--target", "demnad"], 2, &["`demnad`", "did you mean `demand`?"]),
        case(
            "unknown.csv",
            two.clone(),
            &["--target", "sales"],
            2,
            &["`sales`", "the columns are `date`, `demand`, `temperature`"],
        ),
        case(
            "known.csv",
            two.clone(),
            &["--target", "demand", "--known", "temprature"],
            2,
            &["--known", "did you mean `temperature`?"],
        ),
        case("time.csv", two.clone(), &["--target", "demand", "--time", "dat"], 2, &["--time", "did you mean `date`?"]),
        case("item.csv", two.clone(), &["--target", "demand", "--item", "shop"], 2, &["--item", "`shop`"]),
        case(
            "roles.csv",
            two,
            &["--target", "demand", "--item", "demand"],
            2,
            &["--target and --item name the same column"],
        ),
    ]);
}

#[test]
fn dates_that_can_be_misread_are_refused() {
    let mixed = daily(60, |index, date| match index {
        0..30 => format!("{date},{}", index % 7),
        _ => format!("{},{}", date.format("%d/%m/%Y"), index % 7),
    });
    let orders = daily(60, |index, date| match index {
        0..30 => format!("{},{}", date.format("%d/%m/%Y"), index % 7),
        _ => format!("{},{}", date.format("%m/%d/%Y"), index % 7),
    });
    let ambiguous = daily(12, |index, _| format!("0{}/0{}/2021,{}", 1 + index / 4, 1 + index % 4, index % 5));
    let irregular: String = (1..60_i64).map(|i| format!("{},{}\n", 1_600_000_000 + i * i * i * 7919, i % 7)).collect();
    all_refused(vec![
        case("mixed.csv", mixed, TARGET, 1, &["row 32", "column `date`", "`31/01/2021` is not a time", "in one form"]),
        case(
            "orders.csv",
            orders,
            TARGET,
            1,
            &["column `date`", "has its month first", "has its day first", "2024-12-31"],
        ),
        case("either.csv", ambiguous.clone(), TARGET, 2, &["row 2", "`01/01/2021`", "'%d/%m/%Y'", "'%m/%d/%Y'"]),
        case("format.csv", ambiguous, &["--time-format", "nonsense"], 2, &["`nonsense` is not a time format"]),
        case("uneven.csv", format!("time,y\n{irregular}"), TARGET, 1, &["column `time`", "irregular", "--frequency"]),
    ]);
}

#[test]
fn encodings_are_recognised_or_refused() {
    let text = seasonal_csv(60).replace("temperature", "température");
    let latin: Vec<u8> = text.chars().map(|character| character as u8).collect();
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let home = Home::new();
    for (name, bytes) in [
        ("latin.csv", latin.clone()),
        ("marked.csv", [b"\xff\xfe".as_slice(), &utf16].concat()),
        ("utf8.csv", [b"\xef\xbb\xbf".as_slice(), text.as_bytes()].concat()),
    ] {
        home.write(name, bytes);
        let profile = home.run(&["profile", name, "--target", "demand"]);
        succeeded(&profile);
        assert!(String::from_utf8(profile.stdout).unwrap().contains("`température`"), "{name}");
    }
    const DEMAND: &[&str] = &["--target", "demand"];
    all_refused(vec![
        case("wide.csv", utf16, DEMAND, 1, &["row 1", "UTF-16LE", "--encoding"]),
        case("not_utf8.csv", latin, &["--target", "demand", "--encoding", "utf-8"], 1, &["row 1", "not UTF-8"]),
        case(
            "label.csv",
            text,
            &["--target", "demand", "--encoding", "nonsense"],
            2,
            &["`nonsense` is not the name of an encoding"],
        ),
    ]);
}

#[test]
fn a_nan_is_a_missing_value_and_the_profile_says_so() {
    let home = Home::new();
    home.write("gaps.csv", spoilt("2021-01-20,15", "2021-01-20,NaN"));
    let profile = home.json(&["profile", "gaps.csv"]);
    assert_eq!(profile["series"][0]["gaps"]["missing"], 1, "{profile:#}");
}

#[test]
fn a_horizon_longer_than_the_data_is_refused() {
    let long = format!("{}d,2021-01-01,4\n", long_with_gap().replace("\n,", "\nb,"));
    all_refused(vec![
        case(
            "years.csv",
            seasonal_csv(60),
            &["--target", "demand", "--horizon", "400"],
            2,
            &["400 steps is too long", "60 observations", "--horizon 30 or less"],
        ),
        case(
            "series.csv",
            long.clone(),
            &["--horizon", "2"],
            1,
            &["the shortest series has 1 of the at least 2 observations"],
        ),
        case("any.csv", long, &[], 1, &["remove the series that are too short"]),
    ]);
    let home = Home::new();
    home.write("held.csv", seasonal_csv(60));
    let held = ["run", "held.csv", "--target", "demand", "--horizon", "25", "--holdout", "--json"];
    refused(&home, &held, 2, &["held.csv", "--horizon 20 or less"]);
}

#[test]
fn flags_that_make_no_sense_are_wrong_usage() {
    let home = Home::new();
    home.write("good.csv", seasonal_csv(60));
    home.write("knowledge.json", "[1, 2]");
    home.write("unknown.json", r#"{"tiers": [["rain"], ["demand"]]}"#);
    let before = entries(home.path());
    let refuse = |command: &str, flags: &[&str], says: &[&str]| {
        refused(&home, &[&[command, "good.csv", "--target", "demand", "--json"], flags].concat(), 2, says);
    };
    for command in ["run", "forecast"] {
        refuse(command, &["--horizon", "0"], &["at least 1 step"]);
        refuse(command, &["--horizon", "soon"], &["soon"]);
        refuse(command, &["--frequency", "often"], &["\"often\" is not a frequency", "15min"]);
        refuse(command, &["--delimiter", "é"], &["delimiter"]);
        for levels in ["0.9,0.1", "0.5,0.5", "0,0.5", "0.5,1.5", "NaN"] {
            refuse(command, &["--quantiles", levels], &["must ascend between 0 and 1"]);
        }
        refuse(command, &["--quantiles", "half"], &["half"]);
    }
    refuse("run", &["--objective", "anomaly_detection"], &["anomaly_detection is not available yet"]);
    refuse("run", &["--objective", "imputation"], &["imputation is not available yet"]);
    refuse("run", &["--objective", "world_peace"], &["invalid value 'world_peace'"]);
    refuse("run", &["--budget", "soon"], &["invalid value 'soon'", "90s, 5m or 1h"]);
    refuse("run", &["--budget", "0s"], &["invalid value '0s'"]);
    refuse("run", &["--trial-memory", "much"], &["512MiB or 2GiB"]);
    refuse("forecast", &["--model", "magic"], &["unknown model `magic`", "seasonal-naive"]);
    refuse("forecast", &["--set", "nonsense"], &["NAME=VALUE"]);
    refuse("forecast", &["--set", "nonsense=1"], &["`nonsense` is unknown", "season_length"]);
    refuse("forecast", &["--csv"], &["cannot be used with"]);
    refuse("causal", &["--alpha", "7"], &["level 7 is not between 0 and 1"]);
    refuse("causal", &["--algorithm", "magic"], &["invalid value 'magic'"]);
    refuse("causal", &["--knowledge", "knowledge.json"], &["knowledge.json is not background knowledge", "tiers"]);
    refuse("causal", &["--knowledge", "unknown.json"], &["good.csv", "\"rain\""]);
    assert_eq!(entries(home.path()), before);
}

/// Names from outside are shown and stored, and never become a path or a statement.
#[test]
fn hostile_names_stay_names_and_refusals_leave_the_store_as_it_was() {
    const NAME: &str = "../../x; DROP TABLE events";
    let home = Home::new();
    let outside = home.path().parent().unwrap().parent().unwrap();
    let header = format!("item_id,timestamp,{NAME}\n");
    let items = ["../../x; DROP TABLE events;--", "'); DELETE FROM trials;--", "<script>alert(1)</script>"];
    let rows = (0..40).flat_map(|i| items.map(|item| format!("{item},{},{}\n", day(i), 10 + i % 7 + i / 9)));
    let text = header + &rows.collect::<String>();
    home.write("x; DROP TABLE.csv", text);

    let run = ["run", "x; DROP TABLE.csv", "--target", NAME, "--name", NAME, "--budget", "20s", "--seed", "1"];
    let result = home.json(&run);
    assert_eq!(result["status"], "COMPLETED", "{result:#}");
    assert_eq!(home.sql("SELECT count(DISTINCT item_id) FROM forecasts"), "3");
    let report = Path::new(result["report"].as_str().unwrap());
    assert!(report.starts_with(home.path()) && !report.to_str().unwrap().contains(".."), "{report:?}");
    assert!(!std::fs::read_to_string(report).unwrap().contains("<script>alert(1)"));
    assert!(!entries(outside).iter().any(|name| name.starts_with("x; DROP")));

    let count = "SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM artifacts), (SELECT count(*) FROM trials)";
    let before = home.sql(count);
    home.write("constant.csv", daily(30, |_, date| format!("{date},5")));
    refused(&home, &["run", "constant.csv", "--target", "y", "--json"], 1, &["constant.csv"]);
    refused(
        &home,
        &["run", "x; DROP TABLE.csv", "--target", NAME, "--horizon", "99", "--json"],
        2,
        &["99 steps is too long"],
    );
    for command in
        [&["history", "nope"][..], &["verify", "nope"], &["resume", "nope"], &["trials", "--experiment", "nope"]]
    {
        refused(&home, command, 2, &["there is no experiment \"nope\"", "atsre experiments"]);
    }
    refused(&home, &["history", "99999"], 2, &["99999"]);
    assert_eq!(home.sql(count), before);
}
