//! The one door: whoever wants a session fulfilled rings it here and may wait for the look.

use std::time::Duration;

use fulfill_rules::{MINUTE, Millis, SECOND, id::SessionKey, order::Status};
use tokio::sync::broadcast;

use crate::{
    clock::Clock,
    store::{Bell, Ringer, SessionView, Store, StoreError},
    wake::Wake,
};

/// Another replica may do the work: the database is asked this often.
const POLL: Duration = Duration::from_millis(100);
/// A visitor who comes back this soon is shown what the last look showed.
const FRESH: Millis = 2 * SECOND;
/// A session that Stripe did not know is not asked about again for visitors this soon.
const MISSING: Millis = MINUTE;

/// Rings sessions and waits for their looks. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Door {
    store: Store,
    wake: Wake,
    clock: Clock,
}

impl Door {
    pub(crate) fn new(store: Store, wake: Wake, clock: Clock) -> Self {
        Self { store, wake, clock }
    }

    /// Fulfills a Checkout Session, or finds that it is fulfilled; safe to call any number of times,
    /// from anywhere, at once. Returns what is known when the look is over or `patience` is.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn fulfill_checkout(
        &self,
        key: &SessionKey,
        ringer: Ringer,
        patience: Duration,
    ) -> Result<Option<SessionView>, StoreError> {
        if key.livemode != self.store.livemode() {
            return Ok(None);
        }
        let known = self.store.session_view(key).await?;
        if ringer == Ringer::Visitor && known.as_ref().is_some_and(|view| self.is_settled(view)) {
            return Ok(known);
        }
        let looks = self.wake.listen();
        let bell = self.store.ring(key, ringer).await?;
        self.wake.work();
        self.wait(bell, looks, patience).await?;
        self.store.session_view(key).await
    }

    /// Nothing to be gained from another look now.
    pub(crate) fn is_settled(&self, view: &SessionView) -> bool {
        let age = view.looked_at.map_or(Millis::MAX, |at| self.clock.now() - at);
        match &view.order {
            Some(order) if order.placed || order.status == Status::NotFulfillable => true,
            _ if view.missing => age < MISSING,
            _ => view.seen >= view.rung && age < FRESH,
        }
    }

    async fn wait(
        &self,
        bell: Bell,
        mut looks: broadcast::Receiver<i64>,
        patience: Duration,
    ) -> Result<(), StoreError> {
        let patience = i64::try_from(patience.as_millis()).unwrap_or(i64::MAX);
        let deadline = self.clock.now().saturating_add(patience);
        while self.clock.now() < deadline {
            if self.store.seen(bell.session).await?.is_none_or(|seen| seen >= bell.rung) {
                return Ok(());
            }
            tokio::select! {
                () = heard(&mut looks, bell.session) => {}
                () = self.clock.sleep(POLL) => {}
            }
        }
        Ok(())
    }
}

async fn heard(looks: &mut broadcast::Receiver<i64>, session: i64) {
    loop {
        match looks.recv().await {
            Ok(looked) if looked != session => {}
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
            Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => return,
        }
    }
}
