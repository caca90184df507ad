//! Outside work: whatever leaves this process is an [`Action`]. The engine calls it with a job that
//! was stored first; *you may be called twice with one key; the world must look as if once.*

pub mod mail;

use std::{collections::BTreeMap, sync::Arc};

use fulfill_rules::{
    delivery::UNKNOWN,
    fact::{Line, Sale},
    id::SessionKey,
};
use futures_util::future::BoxFuture;
use serde::de::DeserializeOwned;

use crate::store;

/// One attempt at one piece of outside work.
#[derive(Debug, Clone)]
pub struct Job<Input> {
    /// The same on every try, and never another job's: hand it on as an idempotency key.
    pub key: String,
    /// The session that was paid.
    pub session: SessionKey,
    /// Counts from 1.
    pub attempt: i64,
    /// The line it is about; nothing when it is about the whole order.
    pub line: Option<Line>,
    /// What was sold, to whom.
    pub sale: Sale,
    /// What the catalog says.
    pub input: Input,
}

/// It is done. The text is shown in the order's timeline; keep secrets out of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Receipt(pub Option<String>);

impl Receipt {
    /// Done, and this is what to remember of it.
    pub fn said(what: impl Into<String>) -> Self {
        Self(Some(what.into()))
    }
}

/// It is not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It may work later.
    Retry {
        /// Not before this long, where the other side said so.
        after: Option<std::time::Duration>,
        /// Shown to people.
        why: String,
    },
    /// It will never work: a person is asked.
    Refuse {
        /// A short word for programs.
        code: String,
        /// Shown to people.
        why: String,
    },
}

impl Fault {
    /// It may work later.
    pub fn retry(why: impl Into<String>) -> Self {
        Self::Retry { after: None, why: why.into() }
    }

    /// It will never work.
    pub fn refuse(code: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Refuse { code: code.into(), why: why.into() }
    }
}

/// Something to do outside when a product was paid for: `action = { kind = "…" }` in the catalog.
pub trait Action: Send + Sync + 'static {
    /// The catalog's word for it.
    const KIND: &'static str;
    /// What the catalog has to say, from `action.input`.
    type Input: DeserializeOwned + Send;

    /// Does it. May be called twice with one [`Job::key`]: the world must look as if once.
    fn run(&self, job: Job<Self::Input>) -> impl Future<Output = Result<Receipt, Fault>> + Send;
}

type Run = Arc<dyn Fn(store::Job) -> BoxFuture<'static, Result<Receipt, Fault>> + Send + Sync>;

/// The actions there are, by kind.
#[derive(Clone, Default)]
pub(crate) struct Actions(BTreeMap<&'static str, Run>);

impl Actions {
    pub(crate) fn add<A: Action>(&mut self, action: A) {
        let action = Arc::new(action);
        self.put(A::KIND, move |job| {
            let action = Arc::clone(&action);
            Box::pin(async move {
                let input =
                    serde_json::to_value(&job.input).and_then(serde_json::from_value).map_err(
                        |e| Fault::refuse("input", format!("action.input does not fit: {e}")),
                    )?;
                action.run(typed(job, input)).await
            })
        });
    }

    fn put(
        &mut self,
        kind: &'static str,
        run: impl Fn(store::Job) -> BoxFuture<'static, Result<Receipt, Fault>> + Send + Sync + 'static,
    ) {
        self.0.insert(kind, Arc::new(run));
    }

    pub(crate) fn kinds(&self) -> Vec<&'static str> {
        self.0.keys().copied().collect()
    }

    pub(crate) fn run(&self, job: store::Job) -> BoxFuture<'static, Result<Receipt, Fault>> {
        match self.0.get(job.id.kind.as_str()) {
            Some(run) => run(job),
            None => Box::pin(async move {
                Err(Fault::refuse(UNKNOWN, format!("there is no action '{}'", job.id.kind)))
            }),
        }
    }
}

fn typed<Input>(job: store::Job, input: Input) -> Job<Input> {
    let line = job.sale.lines.iter().find(|line| line.id == job.id.line).cloned();
    let key = format!("{}.{}.{}", job.key.id, job.id.kind, job.id.line);
    Job {
        key: key.trim_end_matches('.').to_owned(),
        session: job.key,
        attempt: job.attempt,
        line,
        sale: job.sale,
        input,
    }
}
