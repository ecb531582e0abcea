//! A language model's server on the loopback address, which answers from a script and remembers what it was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tiny_http::{Header, Request, Response};

/// One scripted reply.
#[derive(Clone, Debug)]
pub enum Reply {
    /// The text of an answer, in the protocol of the path that was asked.
    Text(String),
    /// A status, a content type's essence and a body, as they are.
    Raw(u16, &'static str, String),
    /// A status with a `Retry-After` in seconds.
    Later(u16, u64),
    /// Nothing, for ever.
    Silence,
}

/// What the server was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The path.
    pub path: String,
    /// The `Authorization` or `x-api-key` header.
    pub credential: Option<String>,
    /// The body.
    pub body: Value,
}

#[derive(Debug, Default)]
struct Script {
    replies: VecDeque<Reply>,
    asked: Vec<Asked>,
}

/// The server; it stops when it is dropped.
pub struct Server {
    /// `http://127.0.0.1:PORT`.
    pub address: String,
    script: Arc<Mutex<Script>>,
    listening: Arc<tiny_http::Server>,
}

impl Server {
    /// Starts one that gives these replies, one a request, and status 410 afterwards.
    pub fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let script = Arc::new(Mutex::new(Script { replies: replies.into_iter().collect(), asked: Vec::new() }));
        let listening = Arc::new(tiny_http::Server::http("127.0.0.1:0").expect("a free port on loopback"));
        let address = format!("http://{}", listening.server_addr());
        std::thread::spawn({
            let (listening, script) = (Arc::clone(&listening), Arc::clone(&script));
            move || {
                let mut unanswered = Vec::new();
                for request in listening.incoming_requests() {
                    unanswered.extend(answer(request, &script));
                }
            }
        });
        Self { address, script, listening }
    }

    /// What it was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.script.lock().expect("no test panics while it holds the script").asked.clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.listening.unblock();
    }
}

/// Answers a request, or gives it back where the script is silent.
fn answer(mut request: Request, script: &Mutex<Script>) -> Option<Request> {
    let mut body = String::new();
    // A client may be gone before it has said everything.
    request.as_reader().read_to_string(&mut body).ok()?;
    let header = |name: &'static str| {
        let found = request.headers().iter().find(|header| header.field.equiv(name));
        found.map(|header| header.value.to_string())
    };
    let asked = Asked {
        path: request.url().to_owned(),
        credential: header("authorization").or_else(|| header("x-api-key")),
        body: serde_json::from_str(&body).unwrap_or(Value::Null),
    };
    let reply = {
        let mut script = script.lock().expect("no test panics while it holds the script");
        script.asked.push(asked.clone());
        script.replies.pop_front()
    };
    let (status, content_type, body, later) = match reply {
        Some(Reply::Text(text)) => (200, "application/json", spoken(&asked, &text).to_string(), None),
        Some(Reply::Raw(status, content_type, body)) => (status, content_type, body, None),
        Some(Reply::Later(status, seconds)) => {
            let body = json!({ "error": { "message": "slow down", "type": "rate_limit" } });
            (status, "application/json", body.to_string(), Some(seconds))
        }
        Some(Reply::Silence) => return Some(request),
        None => (410, "text/plain", "the script is over".to_owned(), None),
    };
    let header = |name: &str, value: &str| Header::from_bytes(name, value).expect("a header in the script");
    let mut response =
        Response::from_string(body).with_status_code(status).with_header(header("content-type", content_type));
    if let Some(seconds) = later {
        response.add_header(header("retry-after", &seconds.to_string()));
    }
    // One that did not wait for its answer is no fault of the server.
    let _ = request.respond(response);
    None
}

/// The reply of a good server, in the protocol that the path belongs to.
fn spoken(asked: &Asked, text: &str) -> Value {
    let model = asked.body["model"].clone();
    match asked.path.as_str() {
        "/v1/messages" => json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": model,
            "content": [{ "type": "text", "text": text }],
            "stop_reason": "end_turn", "stop_sequence": null,
            "usage": { "input_tokens": 900, "output_tokens": 300 }
        }),
        "/api/chat" => json!({
            "model": model, "created_at": "2026-01-01T00:00:00Z",
            "message": { "role": "assistant", "content": text },
            "done_reason": "stop", "done": true, "total_duration": 1, "load_duration": 1,
            "prompt_eval_count": 900, "prompt_eval_duration": 1, "eval_count": 300, "eval_duration": 1
        }),
        _ => json!({
            "id": "chatcmpl-1", "object": "chat.completion", "created": 1_767_225_600, "model": model,
            "choices": [{ "index": 0, "message": { "role": "assistant", "content": text }, "finish_reason": "stop" }],
            "usage": { "prompt_tokens": 900, "completion_tokens": 300, "total_tokens": 1_200 }
        }),
    }
}
