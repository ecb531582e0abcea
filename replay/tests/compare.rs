//! Experiments side by side: where they part, who is better and whether the windows can tell, what it cost.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

#[path = "comparison/story.rs"]
mod story;

use atsre_domain::StreamId;
use atsre_domain::experiment::Command;
use atsre_forecast::significance::{Loss, Verdict};
use atsre_replay::compare::{self, Comparison, Versus, compare, page, text};
use atsre_replay::forks::forks;
use atsre_store::Error as StoreError;
use atsre_store::Store;
use atsre_store::testing::TestDatabase;
use story::{Story, spec};

const ITEMS: [&str; 2] = ["north", "<script>alert(1)</script>"];

/// A parent whose best, theta, errs by about 2; at sequence 6, after the baseline, it is forked: `better` halves the error of
/// n-hits in every window; `alike` differs in a coin's toss only.
async fn family(store: &Store) -> [StreamId; 3] {
    let parent = Story::open(store, "parent", &ITEMS, 1).await;
    parent.baseline(&|_, _, _| 3.0).await;
    let at = parent.sequence().await;
    assert_eq!(at, 6);
    parent
        .plan("the season explains most", vec![spec("theta", &[("season", 4)]), spec("n-hits", &[("width", 8)])])
        .await;
    parent.trial(2, 2_000, &|w, _, h| if h % 2 == 0 { 2.0 + 0.1 * w as f64 } else { -2.0 }).await;
    parent.trial(3, 5_000, &|w, _, _| 2.6 - 0.05 * w as f64).await;
    parent.ensemble(4, [2, 3], &|_, _, _| 2.5).await;
    parent.complete(2).await;

    let better = parent.fork("better", at, "a wider net <i>may</i> see more", &[("n-hits.width", "64")]).await;
    better.plan("width is what lacks", vec![spec("n-hits", &[("width", 64)])]).await;
    better.fail(2, 4_000, "n-hits").await;
    better.attempt(2, 2, 9_000, &|w, i, _| 1.0 + 0.05 * w as f64 + 0.1 * i as f64).await;
    better.complete(2).await;

    let alike = parent.fork("alike", at, "another seed", &[("seed", "2")]).await;
    alike.plan("the season explains most", vec![spec("theta", &[("season", 4)])]).await;
    let toss = [0.4, -0.5, 0.3, -0.4, 0.1];
    alike.trial(2, 1_500, &|w, _, h| if h % 2 == 0 { 2.0 + 0.1 * w as f64 + toss[w as usize % 5] } else { -2.0 }).await;
    ["parent", "better", "alike"].map(|name| StreamId(name.into()))
}

fn best(comparison: &Comparison, pair: usize) -> &Versus {
    comparison.pairs[pair].best.as_ref().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forks_are_compared_from_where_they_part() {
    // given a parent and two forks; when they are compared
    let database = TestDatabase::create().await;
    let streams = family(database.store()).await;
    let comparison = compare(database.store(), &streams).await.unwrap();
    // then they part after the baseline's result, whose trial they share
    let parting = &comparison.parting;
    assert_eq!((parting.sequence.unwrap().0, parting.event_type.as_deref()), (6, Some("TrialCompleted")));
    assert!(parting.same_data);
    let labels: Vec<&str> = comparison.branches.iter().map(|b| b.label.as_str()).collect();
    assert_eq!(labels, ["A", "B", "C"]);
    let [a, b, c] = comparison.branches.as_slice() else { panic!("three branches") };
    assert_eq!((a.status, b.status, c.status), ("COMPLETED", "COMPLETED", "RUNNING"));
    for branch in &comparison.branches {
        let baseline = branch.leaderboard.iter().find(|row| row.trial == 1).unwrap();
        assert!(baseline.shared && baseline.role == "baseline", "{baseline:?}");
        assert_eq!(branch.cost.shared_trial_seconds, 1.0);
        assert!(branch.decisions.iter().all(|d| d.sequence.0 > 6));
    }
    assert_eq!((b.best.as_ref().unwrap().trial, b.best.as_ref().unwrap().model.as_str()), (2, "n-hits"));
    // and the ensemble costs its members
    let ensemble = a.leaderboard.iter().find(|row| row.role == "ensemble").unwrap();
    assert_eq!((ensemble.seconds, ensemble.energy_j, ensemble.rank), (Some(7.0), Some(70.0), Some(3)));
    // and what was decided is told with its reasons
    let kinds: Vec<&str> = b.decisions.iter().map(|d| d.kind).collect();
    assert_eq!(kinds, ["forked", "planned", "approved", "failed", "retried", "completed", "ended"]);
    assert_eq!(b.decisions[0].details, ["n-hits.width = 64"]);
    assert_eq!(b.decisions[1].why, "width is what lacks");
    assert_eq!(b.decisions[1].details, ["n-hits (width = 64): it fits the season"]);
    assert_eq!(
        (b.decisions[4].why.as_str(), b.decisions[4].details[0].as_str()),
        ("it passed its memory limit", "batch halved")
    );
    let differs =
        |aspect: &str| comparison.contrasts.iter().find(|c| c.aspect == aspect).map(|c| (!c.same, c.values.clone()));
    assert!(!differs("horizon").unwrap().0);
    assert_eq!(differs("seed").unwrap().1, ["1", "2", "2"]);
    assert_eq!(differs("set: n-hits.width").unwrap().1, ["–", "64", "–"]);
    assert_eq!(differs("model theta").unwrap().1, ["season = 4", "–", "season = 4"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_test_tells_a_real_difference_from_chance_and_says_its_price() {
    let database = TestDatabase::create().await;
    let streams = family(database.store()).await;
    let comparison = compare(database.store(), &streams).await.unwrap();
    // A against B: about half the error, in every window
    let versus = best(&comparison, 0);
    let test = &versus.tests[0];
    assert_eq!((test.loss, test.windows, test.series, test.errors, test.left_out), (Loss::Absolute, 5, 2, 40, 0));
    assert_eq!(test.verdict, Verdict::SecondBetter);
    let dm = test.diebold_mariano.unwrap();
    assert!(dm.p_value < 0.001 && dm.mean > 0.0 && dm.degrees_of_freedom == 4, "{dm:?}");
    // The mean over windows of the scaled absolute error is the leaderboard's MASE: every window has both series.
    let mase = comparison.branches[1].best.as_ref().unwrap().value.unwrap();
    assert!((test.second - mase).abs() < 1e-12);
    assert!(
        versus.statement.starts_with("The absolute error of B's n-hits is smaller than that of A's theta by "),
        "{}",
        versus.statement
    );
    // B paid 4 + 9 + 1 seconds, A 2 + 5 + 1, at ten watts
    let price = comparison.pairs[0].search_price.as_ref().unwrap();
    assert_eq!((price.more_accurate.as_deref(), price.cheaper.as_deref()), (Some("B"), Some("A")));
    assert!((price.seconds - 6.0).abs() < 1e-9 && (price.energy_j - 60.0).abs() < 1e-9);
    assert!((price.saved_percent - 100.0 * (1.0 - test.second / test.first)).abs() < 1e-9);
    assert!((price.seconds_per_percent.unwrap() - 6.0 / price.saved_percent).abs() < 1e-9);
    assert!((price.joules_per_percent.unwrap() - 60.0 / price.saved_percent).abs() < 1e-9);
    let model = comparison.pairs[0].model_price.as_ref().unwrap();
    assert!((model.seconds - 7.0).abs() < 1e-9, "9 s against 2 s");
    // A's n-hits against B's: the one other model of which both have a result of their own
    let models: Vec<_> =
        comparison.pairs[0].models.iter().map(|v| (v.first.model.as_str(), v.first.trial, v.second.trial)).collect();
    assert_eq!(models, [("n-hits", 3, 2)]);
    assert_eq!(comparison.pairs[0].same_results, 1, "the baseline's");
    // A against C: a coin's toss
    let chance = best(&comparison, 1);
    assert_eq!(chance.tests[0].verdict, Verdict::NotApart);
    assert!(chance.statement.starts_with("5 windows do not tell "), "{}", chance.statement);
    let price = comparison.pairs[1].search_price.as_ref().unwrap();
    assert_eq!(price.cheaper.as_deref(), Some("C"));
    assert!(price.statement.contains("is not proven"), "{}", price.statement);
    // and the other way round the sides change and nothing else
    let back = compare(database.store(), &[streams[1].clone(), streams[0].clone()]).await.unwrap();
    let there = best(&back, 0);
    assert_eq!(there.tests[0].verdict, Verdict::FirstBetter);
    assert!((there.tests[0].diebold_mariano.unwrap().statistic + dm.statistic).abs() < 1e-12);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_share_no_past_and_what_cannot_be_tested_says_why() {
    let database = TestDatabase::create().await;
    let store = database.store();
    // given two experiments on the same data, one on another version, and one without a result
    let one = Story::open(store, "one", &ITEMS, 1).await;
    one.baseline(&|w, _, _| 1.0 + w as f64).await;
    let two = Story::open(store, "two", &ITEMS, 1).await;
    two.baseline(&|w, _, _| 1.0 + w as f64).await;
    let other = Story::open(store, "other", &["south"], 2).await;
    other.baseline(&|_, _, _| 1.0).await;
    let early = Story::open(store, "early", &ITEMS, 1).await;
    // when they are compared
    let all = [&one, &two, &other, &early].map(|story| story.stream.clone());
    let comparison = compare(store, &all).await.unwrap();
    // then they share no past
    assert_eq!((comparison.parting.sequence, comparison.parting.same_data), (None, false));
    assert_eq!(comparison.trees.len(), 4);
    // and the same bytes are one result, even of strangers
    assert!(best(&comparison, 0).same_result && best(&comparison, 0).tests.is_empty());
    assert!(comparison.pairs[0].parting.statement.contains("the same version of the same data set"));
    // and other series cannot be tested
    let foreign = best(&comparison, 1);
    assert_eq!(
        foreign.no_test.as_deref(),
        Some("no window of one has the series and the origin of a window of the other")
    );
    assert!(comparison.pairs[1].search_price.is_none(), "no price without a common measure");
    assert!(comparison.pairs[1].parting.statement.contains("do not work on the same version"));
    // and without a result there is nothing to compare
    assert!(comparison.pairs[2].best.is_none());
    assert!(text(&comparison).contains("One of them has no result yet."));
    assert!(page(&comparison).contains("One of them has no result yet."));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_result_that_is_gone_is_told_where_it_is_missed() {
    let database = TestDatabase::create().await;
    let store = database.store();
    let streams = family(store).await;
    let gone = compare(store, &streams[..2]).await.unwrap().branches[1].best_standing_digest();
    // given that the bytes of B's best were destroyed
    use sqlx::{Connection as _, Executor as _};
    let mut owner = sqlx::PgConnection::connect(&database.url()).await.unwrap();
    owner.execute("SET session_replication_role = replica").await.unwrap();
    owner.execute(format!("DELETE FROM atsre.artifacts WHERE encode(hash, 'hex') = '{gone}'").as_str()).await.unwrap();
    // when they are compared again
    let comparison = compare(store, &streams[..2]).await.unwrap();
    // then everything but the test is still there
    let versus = best(&comparison, 0);
    let reason = versus.no_test.as_deref().unwrap();
    assert!(reason.contains("the result of B's n-hits cannot be read") && reason.contains(&gone), "{reason}");
    assert_eq!(comparison.branches[1].leaderboard[0].model, "n-hits");
    let drawn: Vec<&str> = comparison.forecasts[0].forecasts.iter().map(|f| f.branch.as_str()).collect();
    assert_eq!(drawn, ["A"]);
}

trait BestDigest {
    fn best_standing_digest(&self) -> String;
}

impl BestDigest for compare::Branch {
    fn best_standing_digest(&self) -> String {
        let best = self.best.as_ref().unwrap().trial;
        self.leaderboard.iter().find(|row| row.trial == best).unwrap().result.clone().unwrap().0
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_questions_are_refused() {
    let database = TestDatabase::create().await;
    let store = database.store();
    let one = Story::open(store, "one", &ITEMS, 1).await.stream;
    let ask = async |streams: &[StreamId]| compare(store, streams).await.unwrap_err();
    assert!(matches!(ask(std::slice::from_ref(&one)).await, compare::Error::Count(1)));
    assert!(matches!(ask(&[one.clone(), one.clone()]).await, compare::Error::Twice(s) if s == one));
    let absent = StreamId("absent".into());
    let missing = ask(&[one, absent.clone()]).await;
    assert!(
        matches!(missing, compare::Error::Store(StoreError::NotFound(ref what)) if what.contains("absent")),
        "{missing}"
    );
    assert!(matches!(forks(store, &absent).await, Err(StoreError::NotFound(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_json_keeps_its_keys() {
    let database = TestDatabase::create().await;
    let streams = family(database.store()).await;
    let json = serde_json::to_value(compare(database.store(), &streams).await.unwrap()).unwrap();
    let keys = |at: &str| {
        let mut keys: Vec<&str> = json.pointer(at).unwrap().as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        keys.join(" ")
    };
    assert_eq!(keys(""), "branches contrasts criterion forecasts pairs parting trees");
    assert_eq!(
        keys("/branches/0"),
        "best cost dataset decisions experiment_id fork horizon label leaderboard name status stream"
    );
    assert_eq!(keys("/pairs/0"), "best first model_price models parting same_results search_price second statement");
    assert_eq!(
        keys("/pairs/0/best/tests/0"),
        "adjusted_p_value diebold_mariano differences errors first left_out loss scaled second series statement verdict windows"
    );
    assert_eq!(
        keys("/pairs/0/search_price"),
        "cheaper energy_j joules_per_percent more_accurate saved_percent seconds seconds_per_percent statement"
    );
    assert_eq!(json.pointer("/pairs/0/best/tests/0/loss").unwrap(), "absolute");
    assert_eq!(json.pointer("/pairs/0/best/tests/0/verdict").unwrap(), "second_better");
    assert_eq!(json.pointer("/branches/1/fork/overrides/0/key").unwrap(), "n-hits.width");
    // Forecasts carry moments that a reader can use, and what happened.
    let north = json["forecasts"].as_array().unwrap().iter().find(|f| f["item_id"] == "north").unwrap();
    assert_eq!(north["forecasts"][0]["mean"]["timestamps"].as_array().unwrap().len(), story::HORIZON as usize);
    assert_eq!(north["actual"]["values"].as_array().unwrap().len(), story::HORIZON as usize);
    assert_eq!(
        (north["history_estimated"].as_bool(), north["history"]["values"].as_array().unwrap().len()),
        (Some(false), 40)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_stands_alone_and_trusts_no_text() {
    let database = TestDatabase::create().await;
    let streams = family(database.store()).await;
    let comparison = compare(database.store(), &streams).await.unwrap();
    let html = page(&comparison);
    // then no foreign text became markup
    for foreign in ["<script", "<b>parent", "<i>may", "<refused>"] {
        assert!(!html.contains(foreign), "{foreign}");
    }
    assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && html.contains("&lt;i&gt;may&lt;/i&gt;"));
    // and nothing is fetched
    for fetched in ["http://", "https://", "src=", "@import", "url("] {
        assert!(!html.contains(fetched), "{fetched}");
    }
    assert!(!html.contains("NaN") && !html.contains(">inf"));
    // and it has the tree, the forecasts and the windows' differences
    assert_eq!(html.matches("class=\"knot").count(), 2, "two forks leave their parent");
    assert_eq!(html.matches("class=\"bar").count(), 3 * 5, "five windows of three pairs");
    assert!(html.contains("The forecasts of north") && html.contains("class=\"actual\""));
    // and drawing it again gives the same bytes
    assert_eq!(html, page(&compare(database.store(), &streams).await.unwrap()));
    // and the text says the same in short
    let told = text(&comparison);
    assert!(!told.contains('\u{1b}') && !html.contains('\u{1b}'), "an escape sequence reached the reader");
    for said in
        ["Where they part", "n-hits.width", "They share their past up to position", "All attempts counted: B errs"]
    {
        assert!(told.contains(said), "{said}\n{told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tree_holds_every_fork_of_a_fork() {
    let database = TestDatabase::create().await;
    let store = database.store();
    family(store).await;
    // given a fork of a fork, and one that has no event of its own yet
    let better = StreamId("better".into());
    let grandchild = StreamId("grandchild".into());
    store.fork("experiment", &better, atsre_domain::Sequence(9), &grandchild).await.unwrap();
    let envelope = atsre_store::Envelope {
        actor: "tester".into(),
        correlation: "c".into(),
        causation: None,
        build: "test".into(),
        occurred_at: atsre_domain::Timestamp(0),
    };
    let cancel = Command::Cancel { reason: "enough".into() };
    store.execute::<atsre_domain::experiment::Experiment>(&grandchild, cancel, &envelope).await.unwrap();
    store
        .fork("experiment", &StreamId("parent".into()), atsre_domain::Sequence(2), &StreamId("bare".into()))
        .await
        .unwrap();
    Story::open(store, "stranger", &ITEMS, 1).await;
    // when the tree is asked for from any of them
    let tree = forks(store, &grandchild).await.unwrap();
    // then it is whole, and the stranger is not in it
    let names: Vec<&str> = tree.nodes().iter().map(|node| node.stream.0.as_str()).collect();
    assert_eq!(names, ["parent", "bare", "better", "grandchild", "alike"]);
    let node = |name: &str| tree.nodes().into_iter().find(|n| n.stream.0 == name).unwrap().clone();
    assert!(node("grandchild").asked && !node("parent").asked);
    assert_eq!((node("grandchild").status, node("bare").experiment_id, node("bare").events), ("CANCELLED", None, 0));
    let fork = node("better").fork.unwrap();
    assert_eq!((fork.at_sequence.0, fork.reason.as_deref()), (6, Some("a wider net <i>may</i> see more")));
    assert_eq!(node("better").best.unwrap().model, "n-hits");
    assert_eq!(node("grandchild").best.unwrap().model, "seasonal-naive", "the shared baseline");
    assert_eq!(tree.root, {
        let mut same = forks(store, &better).await.unwrap().root;
        same.children[1].asked = false;
        same.children[1].children[0].asked = true;
        same
    });
    let text = tree.text();
    assert!(text.contains("├─ ") && text.contains("└─ ") && text.contains("another seed; set seed=2"), "{text}");
    // and a fork can be compared with what it was forked from, and with one that has nothing of its own
    let streams = ["better", "grandchild", "bare"].map(|name| StreamId(name.into()));
    let comparison = compare(store, &streams).await.unwrap();
    assert_eq!(comparison.parting.sequence.unwrap().0, 2);
    assert_eq!(comparison.pairs[0].parting.sequence.unwrap().0, 9);
    assert!(page(&comparison).contains("no result"));
}
