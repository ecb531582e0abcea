//! The language-model reasoner against servers on the loopback address that answer well, badly, slowly, with rubbish,
//! and not at all.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

mod support;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use atsre_actors::completion::{Conversation, ConverseError, LanguageModel, LanguageModelConfig, Provider, RigModel};
use atsre_domain::plan::Plan;
use serde_json::{Value, json};
use support::language_model_server::{Reply, Server};
use support::recorder::{Down, Memory, Record};
use support::situation::Situation;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const KEY: &str = "sk-very-secret-0123456789";
/// Long enough for an answer from this machine however busy it is.
const PATIENT: Duration = Duration::from_secs(40);
/// For servers that never answer, so that the length decides nothing.
const SHORT: Duration = Duration::from_millis(100);

fn config(provider: Provider, base_url: String, timeout: Duration) -> LanguageModelConfig {
    LanguageModelConfig {
        base_url: Some(base_url),
        timeout,
        key_variable: Some("TEST_KEY".to_owned()),
        ..LanguageModelConfig::new(provider, "planner-1")
    }
}

fn model(config: &LanguageModelConfig) -> RigModel {
    RigModel::with_environment(config, &|name| (name == "TEST_KEY").then(|| KEY.to_owned())).unwrap()
}

type Outcome = Result<Plan, ConverseError<Down>>;

/// Holds the dialogue with a clock that goes on by `tick` at each look.
async fn hold(model: &dyn LanguageModel, memory: &Memory, tick: Duration) -> Outcome {
    let (start, looks) = (Instant::now(), AtomicU64::new(0));
    let clock = || start + tick.saturating_mul(u32::try_from(looks.fetch_add(1, Ordering::Relaxed)).unwrap());
    let situation = Situation::new();
    Conversation::new(model, &situation.context(), &clock).hold(memory).await.map(|agreed| agreed.plan)
}

/// The same against a server that speaks OpenAI's protocol.
async fn ask(server: &Server, timeout: Duration) -> (Outcome, Memory) {
    let memory = Memory::default();
    let config = config(Provider::Openai, format!("{}/v1", server.address), timeout);
    let outcome = hold(&model(&config), &memory, Duration::from_millis(100)).await;
    (outcome, memory)
}

fn problems(outcome: Outcome) -> String {
    match outcome {
        Err(ConverseError::GaveUp { problems }) => problems.join("; "),
        other => panic!("it should have given up: {other:?}"),
    }
}

fn good() -> Value {
    json!({
        "hypothesis": "rentals follow the day and the temperature",
        "reasoning": [{ "observation": "temp drives rentals", "inference": "a model with covariates gains", "decision": "ridge" }],
        "trials": [
            { "model": "ridge", "hyperparameters": { "seasonal_periods": [24, 168] }, "covariates": ["temp"], "reason": "takes the driver" },
            { "model": "theta", "reason": "light" }
        ],
        "ensemble_strategy": "weighted_avg"
    })
}

fn spoken(answer: &Value) -> Reply {
    Reply::Text(format!("Considering first the size of the data, …\nTherefore:\n```json\n{answer}\n```"))
}

fn with(pointer: &str, value: Value) -> Reply {
    let mut answer = good();
    *answer.pointer_mut(pointer).unwrap() = value;
    spoken(&answer)
}

fn models(plan: &Plan) -> Vec<&str> {
    plan.trials.iter().map(|t| t.spec.model.as_str()).collect()
}

/// A server of one connection after another that reads a whole request, writes `bytes`, and then closes or stays silent.
async fn raw_server(bytes: &'static [u8], closes: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            read_request(&mut stream).await;
            let _ = stream.write_all(bytes).await;
            if !closes {
                kept.push(stream);
            }
        }
    });
    format!("http://{address}")
}

/// Reads to the end of the body: closing before that would reset the connection and take the reply with it.
async fn read_request(stream: &mut TcpStream) {
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(count) => seen.extend_from_slice(&buffer[..count]),
        }
        let text = String::from_utf8_lossy(&seen).to_lowercase();
        let Some((head, _)) = text.split_once("\r\n\r\n") else { continue };
        let length =
            head.lines().find_map(|l| l.strip_prefix("content-length:")).map_or(0, |v| v.trim().parse().unwrap());
        if seen.len() >= head.len() + 4 + length {
            return;
        }
    }
}

#[tokio::test]
async fn a_good_answer_becomes_a_plan_and_every_step_is_recorded() {
    let server = Server::start([spoken(&good())]);
    let (outcome, memory) = ask(&server, PATIENT).await;
    assert_eq!(models(&outcome.unwrap()), ["theta", "ridge"]);

    let asked = server.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].path, "/v1/chat/completions");
    assert_eq!(asked[0].credential.as_deref(), Some(format!("Bearer {KEY}").as_str()));
    assert_eq!(asked[0].body["model"], "planner-1");

    let [Record::Requested { provider, model, prompt, attempt: 1 }, received] = &memory.records()[..] else {
        panic!("one request and its outcome: {:?}", memory.records())
    };
    assert_eq!((provider.as_str(), model.as_str()), ("openai", "planner-1"));
    assert!(prompt.contains("Planner Agent") && asked[0].body["messages"].to_string().contains("Planner Agent"));
    assert_eq!(*received, Record::Received { tokens: (Some(900), Some(300)), latency_ms: 100, problems: Vec::new() });
}

#[tokio::test]
async fn a_bad_answer_is_sent_back_with_its_errors_and_the_corrected_one_taken() {
    let server = Server::start([with("/trials/0/model", json!("prophet")), spoken(&good())]);
    let (outcome, memory) = ask(&server, PATIENT).await;
    assert_eq!(models(&outcome.unwrap()), ["theta", "ridge"]);
    assert_eq!(memory.course(), ["requested", "rejected", "requested", "received"]);

    let messages = server.asked()[1].body["messages"].clone();
    let roles: Vec<&str> = messages.as_array().unwrap().iter().map(|m| m["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["user", "assistant", "user"]);
    assert!(messages[2].to_string().contains("there is no model"), "{messages}");
    let Record::Requested { prompt, attempt: 2, .. } = &memory.records()[2] else { panic!("a second request") };
    assert!(prompt.contains("=== assistant ===") && prompt.contains("there is no model \"prophet\""), "{prompt}");
}

#[tokio::test]
async fn after_two_corrections_it_gives_up() {
    let server = Server::start((0..5).map(|_| with("/trials/0/covariates", json!(["humidity"]))));
    let (outcome, memory) = ask(&server, PATIENT).await;
    assert!(problems(outcome).contains("there is no covariate \"humidity\""));
    assert_eq!(server.asked().len(), 3);
    assert_eq!(memory.course(), ["requested", "rejected", "requested", "rejected", "requested", "rejected"]);
}

#[tokio::test]
async fn each_check_says_what_is_wrong() {
    let cases = [
        (Reply::Text("I would simply use Theta.".to_owned()), "there is no JSON object in the answer"),
        (Reply::Text(good().to_string().replace("\"light\"", "\"light\",")), "trailing comma"),
        (with("/trials/0/covariates", json!("temp")), "/trials/0/covariates: \"temp\" is not of type \"array\""),
        (with("/ensemble_strategy", json!("vote")), "/ensemble_strategy: \"vote\" is not one of"),
        (
            with("/trials/1", json!({ "model": "theta", "reason": "x", "device": "gpu" })),
            "/trials/1: Additional properties",
        ),
        (with("/trials/0/hyperparameters", json!({ "penalty": -1 })), "penalty is -1 but must lie between 0"),
        (
            with(
                "/trials/1",
                json!({ "model": "theta", "hyperparameters": { "decomposition": "loud" }, "reason": "x" }),
            ),
            "must be one of auto, multiplicative, additive, none",
        ),
    ];
    for (reply, expected) in cases {
        let server = Server::start([reply, spoken(&good())]);
        let (outcome, memory) = ask(&server, PATIENT).await;
        assert!(outcome.is_ok());
        let Record::Received { problems, .. } = &memory.records()[1] else { panic!("an outcome") };
        assert!(problems.join("; ").contains(expected), "{expected}: {problems:?}");
    }
}

#[tokio::test]
async fn an_answer_cut_at_the_limit_is_told_so() {
    let text = good().to_string();
    let body = json!({
        "id": "1", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{ "index": 0, "message": { "role": "assistant", "content": text[..80] }, "finish_reason": "length" }],
    });
    let server = Server::start([Reply::Raw(200, "application/json", body.to_string()), spoken(&good())]);
    let (outcome, memory) = ask(&server, PATIENT).await;
    assert!(outcome.is_ok());
    let Record::Received { problems, tokens: (None, None), .. } = &memory.records()[1] else {
        panic!("{:?}", memory.records())
    };
    assert!(problems[0].contains("cut off"), "{problems:?}");
}

#[tokio::test]
async fn a_server_that_never_answers_times_out_once() {
    let server = Server::start([Reply::Silence]);
    let (outcome, memory) = ask(&server, SHORT).await;
    assert_eq!(problems(outcome), "timeout: no whole answer within 0.1 s");
    assert_eq!(memory.course(), ["requested", "timeout"]);
}

#[tokio::test]
async fn a_server_that_stops_in_the_middle_of_its_answer_times_out() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{\"id\": ";
    let address = raw_server(head, false).await;
    let memory = Memory::default();
    let outcome = hold(&model(&config(Provider::Openai, address, SHORT)), &memory, Duration::ZERO).await;
    assert!(problems(outcome).starts_with("timeout"));
    assert_eq!(memory.course(), ["requested", "timeout"]);
}

#[tokio::test]
async fn rubbish_is_asked_again_and_a_good_answer_after_it_is_taken() {
    let html = "<!doctype html><html><body>It works!</body></html>";
    let rubbish = [
        Reply::Raw(200, "text/html", html.to_owned()),
        Reply::Raw(200, "application/json", "{\"id\": 3".to_owned()),
        Reply::Raw(200, "application/json", "[]".to_owned()),
        Reply::Raw(200, "application/json", String::new()),
        Reply::Raw(500, "text/html", html.to_owned()),
        Reply::Raw(502, "text/plain", "bad gateway".to_owned()),
        Reply::Text("  ".to_owned()),
    ];
    for reply in rubbish {
        let server = Server::start([reply.clone(), spoken(&good())]);
        let (outcome, memory) = ask(&server, PATIENT).await;
        assert!(outcome.is_ok(), "{reply:?}: {outcome:?}");
        assert_eq!(
            memory.course(),
            ["requested", "rubbish", "requested", "received"],
            "{reply:?}: {:?}",
            memory.records()
        );
        let messages = server.asked()[1].body["messages"].clone();
        assert_eq!(messages.as_array().unwrap().len(), 1, "rubbish is no part of the dialogue: {messages}");
    }
}

#[tokio::test]
async fn nothing_but_rubbish_ends_after_three_attempts() {
    let address =
        raw_server(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{\"id\": ", true)
            .await;
    let memory = Memory::default();
    let outcome = hold(&model(&config(Provider::Openai, address, PATIENT)), &memory, Duration::ZERO).await;
    assert!(problems(outcome).starts_with("rubbish: error decoding response body"));
    assert_eq!(memory.course(), ["requested", "rubbish", "requested", "rubbish", "requested", "rubbish"]);
}

#[tokio::test]
async fn a_refusal_is_final_and_does_not_give_the_key_away() {
    let body = format!("{{\"error\": {{\"message\": \"Incorrect API key provided: {KEY}\"}}}}");
    let server = Server::start([Reply::Raw(401, "application/json", body)]);
    let (outcome, memory) = ask(&server, PATIENT).await;
    let problems = problems(outcome);
    assert!(problems.starts_with("refused: status 401: ") && problems.contains("provided: [key]"), "{problems}");
    assert_eq!(memory.course(), ["requested", "refused"]);
    assert!(!format!("{:?}", memory.records()).contains(KEY));
    let model = model(&config(Provider::Openai, server.address.clone(), PATIENT));
    assert!(!format!("{model:?}").contains(KEY));
}

#[tokio::test]
async fn a_provider_that_says_when_to_come_back_is_asked_again_if_that_is_soon() {
    let server = Server::start([Reply::Later(429, 0), spoken(&good())]);
    let (outcome, memory) = ask(&server, PATIENT).await;
    assert!(outcome.is_ok());
    assert_eq!(memory.course(), ["requested", "refused", "requested", "received"]);

    let server = Server::start([Reply::Later(503, 3_600)]);
    let (outcome, memory) = ask(&server, PATIENT).await;
    assert!(problems(outcome).starts_with("refused: status 503"));
    assert_eq!(memory.course(), ["requested", "refused"]);
}

#[tokio::test]
async fn where_nobody_listens_it_gives_up_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let refused = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let closed = raw_server(b"", true).await;
    for address in [refused, closed] {
        let memory = Memory::default();
        let outcome = hold(&model(&config(Provider::Openai, address.clone(), PATIENT)), &memory, Duration::ZERO).await;
        assert!(
            problems(outcome).starts_with("unreachable: error sending request"),
            "{address}: {:?}",
            memory.records()
        );
        assert_eq!(memory.course(), ["requested", "unreachable"]);
    }
}

#[tokio::test]
async fn a_request_that_cannot_be_recorded_is_not_made() {
    let server = Server::start([spoken(&good())]);
    let memory = Memory::out_of_order();
    let config = config(Provider::Openai, server.address.clone(), PATIENT);
    let outcome = hold(&model(&config), &memory, Duration::ZERO).await;
    assert!(matches!(outcome, Err(ConverseError::Recorder(Down))), "{outcome:?}");
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn planning_stops_asking_when_its_share_of_the_time_is_spent() {
    // A quarter of 170 s; the clock goes on by 20 s at each look, of which an attempt takes five.
    let server = Server::start([Reply::Text("no".to_owned()), spoken(&good())]);
    let memory = Memory::default();
    let config = config(Provider::Openai, format!("{}/v1", server.address), PATIENT);
    let outcome = hold(&model(&config), &memory, Duration::from_secs(20)).await;
    assert!(problems(outcome).ends_with("the 42 s that planning may take are spent"));
    assert_eq!(memory.course(), ["requested", "rejected"]);
}

#[tokio::test]
async fn ollama_and_anthropic_answer_in_their_own_protocols() {
    for (provider, path, credential) in [
        (Provider::Ollama, "/api/chat", format!("Bearer {KEY}")),
        (Provider::Anthropic, "/v1/messages", KEY.to_owned()),
    ] {
        let server = Server::start([with("/trials/0/model", json!("prophet")), spoken(&good())]);
        let memory = Memory::default();
        let model = model(&config(provider, server.address.clone(), PATIENT));
        let outcome = hold(&model, &memory, Duration::from_millis(100)).await;
        assert_eq!(models(&outcome.unwrap()), ["theta", "ridge"]);
        assert_eq!(memory.course(), ["requested", "rejected", "requested", "received"]);
        let Record::Received { tokens, .. } = &memory.records()[3] else { panic!("an outcome") };
        assert_eq!(*tokens, (Some(900), Some(300)), "{}", provider.name());
        let asked = &server.asked()[1];
        assert_eq!((asked.path.as_str(), asked.credential.as_deref()), (path, Some(credential.as_str())));
        assert_eq!(asked.body["messages"].as_array().unwrap().len(), 3);
        match provider {
            Provider::Ollama => assert_eq!(asked.body["options"]["num_ctx"], 16_384),
            Provider::Anthropic => assert_eq!(asked.body["max_tokens"], 8_192),
            Provider::Openai => unreachable!("not among the cases"),
        }
    }
}
