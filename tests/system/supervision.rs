//! Agents that panic, language models that do not answer, and a service with an inbox.

use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Home, seasonal_csv, succeeded};

fn run(home: &Home, extra: &[&str], variables: &[(&str, &str)]) -> Value {
    let file = home.write("demand.csv", seasonal_csv(200));
    let arguments = [
        "run",
        file.to_str().unwrap(),
        "--target",
        "demand",
        "--horizon",
        "7",
        "--budget",
        "90s",
        "--seed",
        "2",
        "--json",
    ];
    let output = home.command(&[&arguments[..], extra].concat()).envs(variables.iter().copied()).output().unwrap();
    succeeded(&output);
    serde_json::from_slice(&output.stdout).unwrap()
}

fn payloads(home: &Home, event_type: &str) -> Vec<Value> {
    let events = home.json(&["events", "--type", event_type, "--limit", "1000"]);
    events.as_array().unwrap().iter().map(|event| event["payload"].clone()).collect()
}

#[test]
fn an_agent_that_panics_is_built_anew_and_the_experiment_still_ends() {
    for agent in ["curator", "forecaster", "orchestrator"] {
        let home = Home::new();
        let marker = home.path().join("panicked");
        let fault = format!("{}:{agent}", marker.display());

        let result = run(&home, &[], &[("ATSRE_AGENT_FAULT", &fault)]);

        assert!(marker.exists(), "{agent} did not panic");
        assert_eq!(result["status"], "COMPLETED", "{agent}: {result:#}");
        let crashes = payloads(&home, "AgentCrashed");
        assert_eq!(crashes.len(), 1, "{agent}: {crashes:#?}");
        assert_eq!(crashes[0]["agent"], agent);
        assert_eq!(crashes[0]["panicked"], true);
        assert!(crashes[0]["reason"].as_str().unwrap().contains("asked for a panic"));
        assert_eq!(payloads(&home, "AgentRestarted")[0]["agent"], agent);
        assert_eq!(home.json(&["verify"])["ok"], true, "{agent}");
    }
}

#[test]
fn without_an_answer_from_the_language_model_the_rules_plan() {
    let home = Home::new();
    // A port that nobody listens on: bound once and let go.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = format!("http://127.0.0.1:{port}/v1");
    let model = [
        ("ATSRE_LLM_PROVIDER", "openai"),
        ("ATSRE_LLM_MODEL", "test"),
        ("ATSRE_LLM_BASE_URL", &address),
        ("ATSRE_LLM_KEY", "secret-of-mine"),
    ];

    let result = run(&home, &["--reasoner", "llm"], &model);

    assert_eq!(result["status"], "COMPLETED", "{result:#}");
    let fallback = &result["fallbacks"][0];
    assert_eq!((&fallback["from"], &fallback["to"]), (&"language model".into(), &"rules".into()));
    assert_eq!(payloads(&home, "CompletionRequested").len(), 1);
    assert_eq!(payloads(&home, "CompletionFailed")[0]["kind"], "unreachable");
    let events = home.run(&["events", "--json", "--limit", "100000"]);
    assert!(!String::from_utf8_lossy(&events.stdout).contains("secret-of-mine"), "the key is in an event");
}

#[test]
fn a_file_laid_in_the_inbox_becomes_an_experiment_and_a_bad_one_is_refused_with_its_reason() {
    let home = Home::new();
    let inbox = home.path().join("inbox");
    std::fs::create_dir(&inbox).unwrap();
    std::fs::write(inbox.join("demand.csv"), seasonal_csv(150)).unwrap();
    std::fs::write(inbox.join("demand.json"), r#"{"target": "demand", "horizon": 7, "budget_s": 60}"#).unwrap();
    std::fs::write(inbox.join("words.csv"), "a,b\nx,y\nz,w\n").unwrap();
    let mut service = home.command(&["serve"]).stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    let began = Instant::now();
    let settled = || inbox.join("taken/demand.csv").exists() && inbox.join("refused/words.reason.txt").exists();
    while !settled() && began.elapsed() < Duration::from_secs(120) {
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(settled(), "the inbox was not emptied");
    succeeded(&std::process::Command::new("kill").args(["-TERM", &service.id().to_string()]).output().unwrap());
    assert!(service.wait().unwrap().success(), "the service did not stop in order");

    // Whatever the service had not finished goes on from where it stopped.
    succeeded(&home.run(&["resume"]));
    let experiments = home.json(&["experiments"]);
    assert_eq!(experiments.as_array().unwrap().len(), 1);
    assert_eq!(experiments[0]["status"], "COMPLETED", "{experiments:#}");
    let reason = std::fs::read_to_string(inbox.join("refused/words.reason.txt")).unwrap();
    assert!(reason.contains("words.csv"), "{reason}");
    assert_eq!(payloads(&home, "NodeStopped").len(), 2);
}
