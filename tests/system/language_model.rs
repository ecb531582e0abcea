//! A language model that plans, through the whole program: a server on the loopback address speaks its protocol.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;

use serde_json::{Value, json};

use crate::support::{Home, seasonal_csv, succeeded};

/// A server that gives these answers, one a request, in the protocol of OpenAI, and hands back what it was asked.
fn server(answers: Vec<String>) -> (String, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/v1", listener.local_addr().unwrap());
    let serving = std::thread::spawn(move || answers.into_iter().map(|answer| serve(&listener, &answer)).collect());
    (address, serving)
}

fn serve(listener: &TcpListener, answer: &str) -> String {
    let (stream, _) = listener.accept().unwrap();
    let mut reader = BufReader::new(stream);
    let (mut length, mut line) = (0, String::new());
    while reader.read_line(&mut line).unwrap() > 2 {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        line.clear();
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let reply = json!({
        "id": "1", "object": "chat.completion", "created": 1_700_000_000, "model": "planner-1",
        "choices": [{ "index": 0, "message": { "role": "assistant", "content": answer }, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 900, "completion_tokens": 120, "total_tokens": 1020 },
    })
    .to_string();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        reply.len()
    );
    reader.get_mut().write_all((head + &reply).as_bytes()).unwrap();
    String::from_utf8(body).unwrap()
}

fn plan(model: &str) -> String {
    let plan = json!({
        "hypothesis": "demand follows the week",
        "reasoning": [{ "observation": "a strong week", "inference": "it repeats", "decision": "two light models" }],
        "trials": [{ "model": model, "reason": "light" }, { "model": "drift", "reason": "a rival" }],
        "ensemble_strategy": "weighted_avg",
    });
    format!("First the length, then the season.\n```json\n{plan}\n```")
}

fn payloads(home: &Home, event_type: &str) -> Vec<Value> {
    let events = home.json(&["events", "--type", event_type, "--limit", "1000"]);
    events.as_array().unwrap().iter().map(|event| event["payload"].clone()).collect()
}

#[test]
fn a_plan_of_the_language_model_is_sent_back_with_its_errors_then_checked_and_run() {
    let home = Home::new();
    let file = home.write("demand.csv", seasonal_csv(200));
    let (address, serving) = server(vec![plan("prophet"), plan("theta")]);
    let file = file.to_str().unwrap();

    let output = home
        .command(&[
            "run",
            file,
            "--target",
            "demand",
            "--horizon",
            "7",
            "--budget",
            "90s",
            "--reasoner",
            "llm",
            "--json",
        ])
        .envs([
            ("ATSRE_LLM_PROVIDER", "openai"),
            ("ATSRE_LLM_MODEL", "planner-1"),
            ("ATSRE_LLM_BASE_URL", &address),
            ("ATSRE_LLM_KEY", "secret-of-mine"),
        ])
        .output()
        .unwrap();

    succeeded(&output);
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["status"], "COMPLETED", "{result:#}");
    assert_eq!(result["fallbacks"], json!([]));
    let asked = serving.join().unwrap();
    assert!(asked[0].contains("demand") && asked[0].contains("temperature"), "the prompt names data and drivers");
    assert!(asked[1].contains("prophet"), "the errors are sent back");
    let proposed = &payloads(&home, "PlanProposed")[0];
    assert_eq!(proposed["reasoner"], "llm");
    assert_eq!(proposed["plan"]["hypothesis"], "demand follows the week");
    let received = payloads(&home, "CompletionReceived");
    assert_eq!(received.len(), 2);
    assert!(received.iter().any(|answer| answer["problems"].to_string().contains("prophet")), "{received:#?}");
    assert!(received.iter().all(|answer| answer["input_tokens"] == 900));
    let models: Vec<&Value> = result["leaderboard"].as_array().unwrap().iter().map(|row| &row["model"]).collect();
    assert!(models.contains(&&json!("theta")) && models.contains(&&json!("drift")), "{models:?}");
    assert_eq!(home.json(&["verify"])["ok"], true);
}
