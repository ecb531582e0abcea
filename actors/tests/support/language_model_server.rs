//! A language model's server on the loopback address, which answers from a script and remembers what it was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use actix_web::http::StatusCode;
use actix_web::http::header::ContentType;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, dev::ServerHandle, web};
use serde_json::{Value, json};

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
#[derive(Debug)]
pub struct Server {
    /// `http://127.0.0.1:PORT`.
    pub address: String,
    script: Arc<Mutex<Script>>,
    handle: ServerHandle,
}

impl Server {
    /// Starts one that gives these replies, one a request, and status 410 afterwards.
    pub fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let script = Arc::new(Mutex::new(Script { replies: replies.into_iter().collect(), asked: Vec::new() }));
        let shared = web::Data::from(Arc::clone(&script));
        let server = HttpServer::new(move || App::new().app_data(shared.clone()).default_service(web::to(answer)))
            .workers(1)
            .disable_signals()
            .bind(("127.0.0.1", 0))
            .expect("a free port on loopback");
        let address = format!("http://{}", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Self { address, script, handle }
    }

    /// What it was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.script.lock().expect("no test panics while it holds the script").asked.clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

async fn answer(request: HttpRequest, body: web::Bytes, script: web::Data<Mutex<Script>>) -> HttpResponse {
    let header = |name: &str| request.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
    let asked = Asked {
        path: request.path().to_owned(),
        credential: header("authorization").or_else(|| header("x-api-key")),
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
    };
    let reply = {
        let mut script = script.lock().expect("no test panics while it holds the script");
        script.asked.push(asked.clone());
        script.replies.pop_front()
    };
    match reply {
        Some(Reply::Text(text)) => HttpResponse::Ok().json(spoken(&asked, &text)),
        Some(Reply::Raw(status, content_type, body)) => {
            let status = StatusCode::from_u16(status).expect("a status in the script");
            HttpResponse::build(status).insert_header(("content-type", content_type)).body(body)
        }
        Some(Reply::Later(status, seconds)) => {
            let status = StatusCode::from_u16(status).expect("a status in the script");
            let body = json!({ "error": { "message": "slow down", "type": "rate_limit" } });
            HttpResponse::build(status).insert_header(("retry-after", seconds.to_string())).json(body)
        }
        Some(Reply::Silence) => std::future::pending().await,
        None => HttpResponse::Gone().insert_header(ContentType::plaintext()).body("the script is over"),
    }
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
