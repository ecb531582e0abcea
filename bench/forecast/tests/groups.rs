//! Groups are read in both forms, and our models run over them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use std::path::Path;

use atsre_bench_forecast::group::Group;
use atsre_bench_forecast::ours;
use atsre_bench_forecast::pair::SPEED;

fn committed() -> Vec<Group> {
    Group::of_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../engines/forecast/tests/reference")).unwrap()
}

#[test]
fn recorded_groups_hold_the_peers_forecasts_of_their_series() {
    let groups = committed();
    let yearly = groups.iter().find(|g| g.name == "m3_yearly").unwrap();
    assert_eq!((yearly.season, yearly.horizon), (1, 6));
    for (id, split) in &yearly.series {
        assert_eq!(split.test.len(), yearly.horizon);
        assert_eq!(yearly.recorded["AutoETS"][id].point().unwrap().len(), yearly.horizon);
    }
    let sales = groups.iter().filter(|g| g.intermittent()).map(|g| g.name.as_str());
    assert_eq!(sales.collect::<Vec<_>>(), ["carparts"]);
}

#[test]
fn every_model_of_the_speed_table_forecasts_a_group_with_intervals() {
    let groups = committed();
    let quarterly = groups.iter().find(|g| g.name == "m3_quarterly").unwrap().sample(2);
    for pair in SPEED.iter().filter(|p| p.applies(quarterly.season)) {
        let found = ours::forecast(&quarterly, pair.ours, 1).unwrap();
        assert_eq!(found.seconds.len(), 1);
        for (id, forecast) in &found.forecasts {
            assert_eq!(forecast.point().unwrap().len(), quarterly.horizon, "{} on {id}", pair.ours);
            let (low, high) = (forecast.low_95.as_ref().unwrap(), forecast.high_95.as_ref().unwrap());
            assert!(low.iter().zip(high).all(|(l, h)| l <= h), "{} on {id}", pair.ours);
        }
    }
}

#[test]
fn long_tables_are_read_by_item_and_small_groups_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
    let rows = |steps: std::ops::Range<usize>, items: usize| {
        let lines =
            (0..items).flat_map(|i| steps.clone().map(move |t| format!("Y{i},{t},2000-01-01,{}\n", 10 * i + t)));
        format!("item_id,step,timestamp,target\n{}", lines.collect::<String>())
    };
    write("yearly_train.csv", rows(0..4, 6));
    write("yearly_test.csv", rows(4..6, 6));
    write("daily_train.csv", rows(0..4, 2));
    write("daily_test.csv", rows(4..6, 2));
    let groups = Group::of_folder(folder.path()).unwrap();
    assert_eq!(groups.iter().map(|g| g.name.as_str()).collect::<Vec<_>>(), ["m4_yearly"]);
    assert_eq!(groups[0].series["Y1"].train, [10.0, 11.0, 12.0, 13.0]);
    assert_eq!(groups[0].series["Y1"].test, [14.0, 15.0]);
}

#[test]
fn a_folder_without_groups_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let error = Group::of_folder(folder.path()).unwrap_err().to_string();
    assert!(error.contains("no group of series"), "{error}");
}
