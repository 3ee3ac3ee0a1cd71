//! The life of a process, counted in calls to its stores: it may end at any of them, or stand still there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use aws_sdk_s3::config::{HttpClient, RuntimeComponents};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use tokio::sync::Notify;

/// Where in its calls something happens to a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// Before this call reaches the store.
    Before(usize),
    /// After it did, before the process hears of it.
    After(usize),
}

/// Every moment of a process that makes so many calls.
pub(super) fn moments(calls: usize) -> impl Iterator<Item = Moment> {
    (0..calls).flat_map(|call| [Moment::Before(call), Moment::After(call)])
}

/// What happens then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// The process ends.
    End,
    /// It stands still until it is told to go on.
    Pause,
}

/// A process's calls. Clones are of one process.
#[derive(Debug, Clone, Default)]
pub(super) struct Life(Arc<State>);

#[derive(Debug, Default)]
struct State {
    plan: Option<(Moment, Fate)>,
    calls: AtomicUsize,
    has_ended: AtomicBool,
    reached: Notify,
    go_on: Notify,
}

impl Life {
    /// A process to which nothing happens.
    pub(super) fn long() -> Self {
        Self::default()
    }

    pub(super) fn with(moment: Moment, fate: Fate) -> Self {
        Self(Arc::new(State { plan: Some((moment, fate)), ..State::default() }))
    }

    /// How many calls it has made.
    pub(super) fn calls(&self) -> usize {
        self.0.calls.load(Ordering::SeqCst)
    }

    /// Waits until what is planned happens.
    pub(super) async fn reached(&self) {
        self.0.reached.notified().await;
    }

    /// Runs one after the other: `slow`, which is of this life, up to what is planned, then `quick`, then the rest of
    /// `slow`. Should `slow` be over before that, as it is when it had fewer heartbeats than the one whose calls were counted,
    /// `quick` comes after it.
    pub(super) fn between<S, Q>(
        &self,
        slow: impl Future<Output = S>,
        quick: impl Future<Output = Q>,
    ) -> impl Future<Output = (S, Q)> {
        let slow = async {
            let outcome = slow.await;
            self.0.reached.notify_one();
            outcome
        };
        let quick = async {
            self.reached().await;
            let outcome = quick.await;
            self.0.go_on.notify_one();
            outcome
        };
        // Too much for a stack.
        Box::pin(async { tokio::join!(slow, quick) })
    }

    /// Makes a call, if the process still lives.
    pub(super) async fn call<T>(&self, call: impl Future<Output = T>) -> T {
        let number = self.0.calls.fetch_add(1, Ordering::SeqCst);
        self.meet(Moment::Before(number)).await;
        let answer = call.await;
        self.meet(Moment::After(number)).await;
        answer
    }

    async fn meet(&self, moment: Moment) {
        match self.0.plan {
            Some((planned, fate)) if planned == moment => {
                self.0.has_ended.store(fate == Fate::End, Ordering::SeqCst);
                self.0.reached.notify_one();
                if fate == Fate::Pause {
                    self.0.go_on.notified().await;
                }
            }
            _ => {}
        }
        if self.0.has_ended.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
    }
}

/// An HTTP client of one process.
#[derive(Debug)]
pub(super) struct Mortal<C> {
    pub(super) inner: C,
    pub(super) life: Life,
}

impl<C: HttpClient> HttpClient for Mortal<C> {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Mortal { inner, life: self.life.clone() })
    }
}

impl HttpConnector for Mortal<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (inner, life) = (self.inner.clone(), self.life.clone());
        // What was sent goes on at the server, though nobody waits for it any more.
        let sent = async move { tokio::spawn(inner.call(request)).await.unwrap() };
        HttpConnectorFuture::new(async move { life.call(sent).await })
    }
}
