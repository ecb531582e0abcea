//! The root of the supervision tree.
//!
//! actix's own `Supervisor` does not survive a panic and keeps the old state on a restart, so the guardian builds
//! each child anew, with exponential back-off and jitter, inside a restart budget. Past the budget it escalates:
//! the whole node drains and stops with an error. Every crash, restart and escalation is an event on the node.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use actix::prelude::*;
use atsre_domain::node;
use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use tokio::sync::{mpsc, watch};

/// What a child does until it is told to stop. An error counts as a crash.
pub type ChildFuture = LocalBoxFuture<'static, Result<(), String>>;

/// How often a child may be built anew, and how long is waited before.
#[derive(Clone, Copy, Debug)]
pub struct RestartPolicy {
    /// Restarts inside the window before the guardian escalates.
    pub restarts: u32,
    /// The window.
    pub window: Duration,
    /// The wait before the first restart; doubled for each further one inside the window.
    pub backoff: Duration,
    /// The longest wait.
    pub backoff_limit: Duration,
}

impl Default for RestartPolicy {
    fn default() -> Self {
        Self {
            restarts: 5,
            window: Duration::from_secs(60),
            backoff: Duration::from_millis(100),
            backoff_limit: Duration::from_secs(10),
        }
    }
}

/// A child of the tree: a name, a policy, and how to build it from nothing.
pub struct ChildSpec {
    /// The name in the tree and in events.
    pub name: &'static str,
    /// How often it may be built anew.
    pub policy: RestartPolicy,
    /// Builds the child; it ends soon after the stop signal turns true.
    pub build: Box<dyn Fn(watch::Receiver<bool>) -> ChildFuture>,
}

impl std::fmt::Debug for ChildSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChildSpec").field("name", &self.name).field("policy", &self.policy).finish_non_exhaustive()
    }
}

/// One child as an actor: it runs the child's future and holds the guard that tells of its end.
struct Child {
    future: Option<ChildFuture>,
    guard: ExitGuard,
}

/// Tells the guardian that a child is gone, however it went: a panic drops it, too.
struct ExitGuard {
    name: &'static str,
    guardian: Addr<Guardian>,
    exit: Option<Exit>,
}

/// How a child ended.
#[derive(Clone, Debug)]
struct Exit {
    panicked: bool,
    /// Nothing for an orderly end.
    reason: Option<String>,
}

impl Drop for ExitGuard {
    fn drop(&mut self) {
        let lost = || Exit { panicked: std::thread::panicking(), reason: Some("its actor was dropped".to_owned()) };
        let exit = self.exit.take().unwrap_or_else(lost);
        // Losing this message is harmless only when the guardian itself is gone, and then nobody is left to act on it.
        self.guardian.do_send(ChildExited { name: self.name, exit });
    }
}

impl Actor for Child {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let Some(future) = self.future.take() else { return ctx.stop() };
        let caught = std::panic::AssertUnwindSafe(future).catch_unwind();
        ctx.spawn(caught.into_actor(self).map(|outcome, actor, ctx| {
            actor.guard.exit = Some(match outcome {
                Ok(Ok(())) => Exit { panicked: false, reason: None },
                Ok(Err(reason)) => Exit { panicked: false, reason: Some(reason) },
                Err(payload) => Exit { panicked: true, reason: Some(panic_message(payload.as_ref())) },
            });
            ctx.stop();
        }));
    }
}

/// What a panic said.
#[must_use]
pub fn panic_message(payload: &(dyn std::any::Any + Send)) -> String {
    payload
        .downcast_ref::<&str>()
        .map(|s| (*s).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}

struct Supervised {
    spec: ChildSpec,
    restarts: u32,
    recent: VecDeque<Instant>,
    running: bool,
}

/// How a tree ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TreeEnd {
    /// It was told to stop, and every child has ended.
    Stopped,
    /// A child passed its restart budget.
    Escalated {
        /// The child.
        agent: String,
    },
}

/// The root of the tree.
pub struct Guardian {
    children: Vec<Supervised>,
    facts: mpsc::UnboundedSender<node::Event>,
    stop: watch::Sender<bool>,
    end: Option<tokio::sync::oneshot::Sender<TreeEnd>>,
    escalated: Option<String>,
    jitter: fn(Duration) -> Duration,
}

impl std::fmt::Debug for Guardian {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guardian").field("children", &self.children.len()).finish_non_exhaustive()
    }
}

/// A running tree.
#[derive(Debug)]
pub struct Tree {
    /// Tells the tree to stop.
    pub guardian: TreeHandle,
    /// Resolves when the tree has ended.
    pub end: tokio::sync::oneshot::Receiver<TreeEnd>,
}

/// The handle of a running tree.
#[derive(Clone, Debug)]
pub struct TreeHandle(Addr<Guardian>);

impl TreeHandle {
    /// Tells every child to stop; [`Tree::end`] resolves when they have.
    pub fn stop_all(&self) {
        // A second stop is harmless, and so is one to a guardian that is gone.
        self.0.do_send(StopAll);
    }
}

impl Guardian {
    /// Builds the tree. What happens in it is sent to `facts`, to be recorded on the node's stream.
    /// Must be called inside an actix system.
    #[must_use]
    pub fn start_tree(children: Vec<ChildSpec>, facts: mpsc::UnboundedSender<node::Event>) -> Tree {
        let (sender, end) = tokio::sync::oneshot::channel();
        let children = children
            .into_iter()
            .map(|spec| Supervised { spec, restarts: 0, recent: VecDeque::new(), running: false })
            .collect();
        let guardian = Self {
            children,
            facts,
            stop: watch::Sender::new(false),
            end: Some(sender),
            escalated: None,
            jitter: |wait| wait.mul_f64(0.5 + rand::random::<f64>() / 2.0),
        };
        Tree { guardian: TreeHandle(guardian.start()), end }
    }

    fn record(&self, event: node::Event) {
        // The receiver is gone only when the node has stopped recording; the log then already ends with `NodeStopped`.
        if self.facts.send(event).is_err() {
            tracing::warn!("a node event came after the node stopped recording");
        }
    }

    fn launch(&mut self, index: usize, ctx: &Context<Self>) {
        let child = &mut self.children[index];
        child.running = true;
        let future = (child.spec.build)(self.stop.subscribe());
        let guard = ExitGuard { name: child.spec.name, guardian: ctx.address(), exit: None };
        Child { future: Some(future), guard }.start();
    }

    fn finish_if_all_ended(&mut self, ctx: &mut Context<Self>) {
        if *self.stop.borrow() && self.children.iter().all(|c| !c.running) {
            let end = self.escalated.take().map_or(TreeEnd::Stopped, |agent| TreeEnd::Escalated { agent });
            if let Some(sender) = self.end.take()
                && sender.send(end).is_err()
            {
                tracing::debug!("nobody waits for the end of the tree");
            }
            ctx.stop();
        }
    }
}

impl Actor for Guardian {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        for index in 0..self.children.len() {
            self.launch(index, ctx);
            let agent = self.children[index].spec.name.to_owned();
            self.record(node::Event::AgentStarted(node::AgentStarted { agent }));
        }
    }
}

#[derive(Message)]
#[rtype(result = "()")]
struct StopAll;

impl Handler<StopAll> for Guardian {
    type Result = ();

    fn handle(&mut self, _: StopAll, ctx: &mut Self::Context) {
        self.stop.send_replace(true);
        self.finish_if_all_ended(ctx);
    }
}

#[derive(Message)]
#[rtype(result = "()")]
struct ChildExited {
    name: &'static str,
    exit: Exit,
}

impl Handler<ChildExited> for Guardian {
    type Result = ();

    fn handle(&mut self, message: ChildExited, ctx: &mut Self::Context) {
        let Some(index) = self.children.iter().position(|c| c.spec.name == message.name) else { return };
        self.children[index].running = false;
        let stopping = *self.stop.borrow();
        if let Some(reason) = message.exit.reason {
            let (agent, panicked) = (message.name.to_owned(), message.exit.panicked);
            tracing::error!(agent, panicked, reason, "an agent crashed");
            self.record(node::Event::AgentCrashed(node::AgentCrashed { agent, panicked, reason }));
        } else if !stopping {
            // An orderly end without being asked: the child has nothing more to do.
            return self.finish_if_all_ended(ctx);
        }
        if stopping {
            return self.finish_if_all_ended(ctx);
        }
        self.restart(index, ctx);
    }
}

impl Guardian {
    fn restart(&mut self, index: usize, ctx: &mut Context<Self>) {
        let now = monotonic_now();
        let child = &mut self.children[index];
        let policy = child.spec.policy;
        while child.recent.front().is_some_and(|at| now.duration_since(*at) > policy.window) {
            child.recent.pop_front();
        }
        let recent = u32::try_from(child.recent.len()).unwrap_or(u32::MAX);
        if recent >= policy.restarts {
            let agent = child.spec.name.to_owned();
            let window_ms = u64::try_from(policy.window.as_millis()).unwrap_or(u64::MAX);
            tracing::error!(agent, recent, "the restart budget is spent; the node stops");
            self.record(node::Event::SupervisionEscalated(node::SupervisionEscalated {
                agent: agent.clone(),
                restarts: recent,
                window_ms,
            }));
            self.escalated = Some(agent);
            self.stop.send_replace(true);
            return self.finish_if_all_ended(ctx);
        }
        child.recent.push_back(now);
        child.restarts += 1;
        let restarts = child.restarts;
        let exponential = policy.backoff.saturating_mul(1 << recent.min(16)).min(policy.backoff_limit);
        let wait = (self.jitter)(exponential);
        ctx.run_later(wait, move |guardian, ctx| {
            if *guardian.stop.borrow() {
                return guardian.finish_if_all_ended(ctx);
            }
            guardian.launch(index, ctx);
            let agent = guardian.children[index].spec.name.to_owned();
            let backoff_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            guardian.record(node::Event::AgentRestarted(node::AgentRestarted { agent, restarts, backoff_ms }));
        });
    }
}

/// The monotonic clock that restart windows are measured on.
fn monotonic_now() -> Instant {
    Instant::now()
}
