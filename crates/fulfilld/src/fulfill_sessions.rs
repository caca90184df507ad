//! `fulfill <cs_id>…`: rings sessions and waits. Where no service is at work, it does the work itself.

use std::{path::Path, process::ExitCode, time::Duration};

use fulfill::{
    rules::{
        id::SessionKey,
        order::{Status, summary},
    },
    store::{OrderView, Ringer, SessionView, StoreError},
};
use futures_util::{StreamExt as _, stream};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::{at_work, cli::FulfillArgs, installation::Installation, orders::WHO, stdout::say};

/// Sessions rung at once.
const AT_ONCE: usize = 16;
/// Waiting for the engine of this process.
const STOPPING: Duration = Duration::from_secs(10);

/// How a session ended.
struct Outcome {
    fulfilled: bool,
    said: String,
}

impl Outcome {
    /// What is tried again is not tried by this command, which ends.
    fn waiting(mut self, view: &SessionView, alone: bool) -> Self {
        let settled = view.order.as_ref().is_some_and(OrderView::is_settled);
        if alone && !settled && view.trouble.is_some() && !view.missing {
            self.said.push_str(" (once `fulfilld serve` runs)");
        }
        self
    }
}

/// Fulfills each; success when all are.
pub(crate) async fn run(config: Option<&Path>, args: FulfillArgs) -> anyhow::Result<ExitCode> {
    let here = Installation::open(config).await?;
    let stop = CancellationToken::new();
    // On PostgreSQL one more engine is one more replica; leases keep them apart.
    let engine = (!at_work::somebody_is(&here.settings.database))
        .then(|| tokio::spawn(here.fulfill.engine().run(stop.clone())));
    let (alone, patience) = (engine.is_some(), Duration::from_secs(args.wait));
    let outcomes =
        stream::iter(&args.ids).map(|id| one(&here, id, patience, alone)).buffered(AT_ONCE);
    let mut outcomes = std::pin::pin!(outcomes.zip(stream::iter(&args.ids)));
    let mut all = true;
    while let Some((outcome, id)) = outcomes.next().await {
        all &= outcome.fulfilled;
        if args.json {
            say(as_json(&here, id, &outcome).await?);
        } else {
            say(outcome.said);
        }
    }
    stop.cancel();
    if let Some(engine) = engine {
        tokio::time::timeout(STOPPING, engine).await.ok();
    }
    here.close().await;
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn one(here: &Installation, id: &str, patience: Duration, alone: bool) -> Outcome {
    let key = match here.key(id) {
        Ok(key) => key,
        Err(mistake) => return Outcome { fulfilled: false, said: mistake.to_string() },
    };
    match look(here, &key, patience).await {
        Ok(Some(view)) => told(id, &view).waiting(&view, alone),
        Ok(None) => Outcome { fulfilled: false, said: format!("{id}: nothing is known of it") },
        Err(error) => {
            let said = format!("{id}: the database does not answer ({error}); try again");
            Outcome { fulfilled: false, said }
        }
    }
}

/// Stuck deliveries are tried again, too.
async fn look(
    here: &Installation,
    key: &SessionKey,
    patience: Duration,
) -> Result<Option<SessionView>, StoreError> {
    let store = here.fulfill.store();
    if let Some(view) = store.session_view(key).await?
        && view.order.is_some()
    {
        store.unstick(view.session, WHO).await?;
    }
    here.fulfill.door().fulfill_checkout(key, Ringer::Operator, patience).await
}

fn told(id: &str, view: &SessionView) -> Outcome {
    let said = match &view.order {
        Some(order) => return of_order(id, order, view),
        None if view.missing => {
            "Stripe does not know it: is the id right, and the key of the same account?".to_owned()
        }
        None => match &view.trouble {
            Some(trouble) => trouble.clone(),
            None if view.seen < view.rung => {
                "nobody has looked at it yet; it stays in the queue (--wait waits longer)"
                    .to_owned()
            }
            None => "it is still open: nothing was paid yet".to_owned(),
        },
    };
    Outcome { fulfilled: false, said: about(id, &said) }
}

fn of_order(id: &str, order: &OrderView, view: &SessionView) -> Outcome {
    let fulfilled = order.status == Status::Fulfilled;
    let mut said = format!("{id}: {}", order.status.as_str());
    if fulfilled {
        said = format!("{said}: {}", summary(&order.effects));
    } else if let Some(reason) = &order.reason {
        said = format!("{said}: {reason}");
    }
    if let (false, Some(trouble)) = (order.is_settled(), &view.trouble) {
        said = format!("{said}; the last look failed: {}", trouble.replace(id, "the session"));
    }
    if order.status == Status::NeedsAttention {
        said = format!("{said}; see `fulfilld orders show {id}`");
    }
    Outcome { fulfilled, said }
}

/// Names the id once.
fn about(id: &str, said: &str) -> String {
    if said.contains(id) { said.to_owned() } else { format!("{id}: {said}") }
}

async fn as_json(here: &Installation, id: &str, outcome: &Outcome) -> anyhow::Result<String> {
    if here.key(id).is_ok() {
        let (status, body) = here.api(&format!("/api/orders/{id}")).await?;
        if status.is_success() {
            return Ok(body);
        }
    }
    Ok(json!({ "id": id, "status": null, "error": outcome.said }).to_string())
}
