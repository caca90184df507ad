//! The queue of sessions to look at. Everybody who wants a session looked at rings it; the engine
//! claims what is due under a lease, and a fence number keeps a late worker from writing.

use fulfill_rules::{Millis, SECOND, fact::Rung, id::SessionKey};

use super::{
    Store, StoreError,
    db::{Lane, Tx, rows, vals},
};

/// How long a claim is valid without being renewed.
pub(super) const LEASE: Millis = 10 * SECOND;

/// Rings sessions: makes the row where there is none; while somebody is looking only the counter
/// moves, and the look is not the last one.
pub(super) const RUNG: &str = "session \
    (account, livemode, id, first_rung_at, due_at, visitor, guess, told_succeeded, told_failed, rung)";
/// What follows where the row is there.
pub(super) const RING: &str = "ON CONFLICT (id, livemode, account) DO UPDATE SET \
      rung = session.rung + excluded.rung, \
      visitor = session.visitor OR excluded.visitor, \
      guess = session.guess AND excluded.guess, \
      told_succeeded = session.told_succeeded OR excluded.told_succeeded, \
      told_failed = session.told_failed OR excluded.told_failed, \
      due_at = CASE WHEN session.lease_until > excluded.due_at THEN session.due_at \
                    WHEN session.due_at < excluded.due_at THEN session.due_at \
                    ELSE excluded.due_at END";

/// Who rings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ringer {
    /// Somebody on the landing page: the URL proves nothing, and they wait.
    Visitor,
    /// The merchant, by API or command line: they wait, too.
    Operator,
    /// The list of complete sessions.
    Reconciler,
}

/// A rung session: the look that answers it is over when [`SessionView::seen`](super::SessionView)
/// has reached `rung`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bell {
    /// The session's number.
    pub session: i64,
    /// This ring's number.
    pub rung: i64,
}

/// A session to look at, for as long as the lease lasts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The session's number.
    pub session: i64,
    /// Which session.
    pub key: SessionKey,
    /// Rings so far: later ones want another look.
    pub rung: i64,
    /// Claims since somebody last finished in order: above 1, somebody was lost on the way.
    pub attempt: i64,
    /// Looks in a row that failed.
    pub tries: i64,
    /// Only the owner of the newest number may write.
    pub fence: i64,
    /// What events said, where no payment intent can be read.
    pub told: Rung,
    /// Nobody but landing-page visitors has ever asked for it.
    pub guess: bool,
    /// A visitor waits for it.
    pub visitor: bool,
    /// Its order is placed and nothing of it is held: Stripe need not be asked.
    pub settled: bool,
    /// When it was first heard of.
    pub first_rung_at: Millis,
}

rows! {
    struct Claimed {
        session: i64,
        id: String,
        rung: i64,
        attempt: i64,
        tries: i64,
        fence: i64,
        told_succeeded: bool,
        told_failed: bool,
        guess: bool,
        visitor: bool,
        first_rung_at: i64,
    }
}

const CLAIM: &str = "WITH due AS MATERIALIZED ( \
      SELECT seq FROM session WHERE livemode = $1 AND visitor = $2 AND due_at <= $3 \
      ORDER BY due_at LIMIT $4 {skip}) \
    UPDATE session SET lease_until = $5, due_at = $5, attempt = attempt + 1, fence = fence + 1 \
    WHERE seq IN (SELECT seq FROM due) \
    RETURNING seq, id, rung, attempt, tries, fence, told_succeeded, told_failed, guess, visitor, first_rung_at";

impl Store {
    /// Rings a session.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn ring(&self, key: &SessionKey, ringer: Ringer) -> Result<Bell, StoreError> {
        let bells = self.ring_all(std::slice::from_ref(key), ringer).await?;
        bells.into_iter().next().ok_or_else(|| StoreError::Corrupt(format!("{key} was not rung")))
    }

    /// Rings many sessions of this store's mode; others are left alone.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn ring_all(
        &self,
        keys: &[SessionKey],
        ringer: Ringer,
    ) -> Result<Vec<Bell>, StoreError> {
        let (now, livemode) = (self.now(), self.livemode);
        let mut keys: Vec<SessionKey> =
            keys.iter().filter(|k| k.livemode == livemode).cloned().collect();
        keys.sort();
        keys.dedup();
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let waits = ringer != Ringer::Reconciler;
        let guess = ringer == Ringer::Visitor;
        self.db
            .write("ring", Lane::Others, move |tx| {
                let rows = keys
                    .iter()
                    .map(|k| {
                        vals![
                            &k.account, k.livemode, &k.id, now, now, waits, guess, false, false, 1
                        ]
                    })
                    .collect();
                Box::pin(async move {
                    let rung: Vec<(i64, i64)> = tx
                        .for_rows(
                            &format!("INSERT INTO {RUNG} {{rows}} {RING} RETURNING seq, rung"),
                            rows,
                        )
                        .await?;
                    Ok(rung.into_iter().map(|(session, rung)| Bell { session, rung }).collect())
                })
            })
            .await
    }

    /// Claims up to `count` due sessions, visitors first but at most `visitors` of them.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn claim(&self, count: usize, visitors: usize) -> Result<Vec<Claim>, StoreError> {
        let (now, livemode) = (self.now(), self.livemode);
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let visitors = i64::try_from(visitors).unwrap_or(i64::MAX).min(count);
        self.db
            .write("claim", Lane::Others, move |tx| {
                Box::pin(async move {
                    let until = now + LEASE;
                    let mut claimed: Vec<Claimed> = Vec::new();
                    for (visitor, share) in [(true, visitors), (false, count)] {
                        let left = share.min(count - i64::try_from(claimed.len()).unwrap_or(count));
                        if left > 0 {
                            let values = vals![livemode, visitor, now, left, until];
                            claimed.extend(tx.fetch::<Claimed>(CLAIM, values).await?);
                        }
                    }
                    with_settled(tx, claimed, livemode).await
                })
            })
            .await
    }

    /// Keeps claims alive. Returns those that are still one's own.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn renew(&self, claims: Vec<(i64, i64)>) -> Result<u64, StoreError> {
        let until = self.now() + LEASE;
        self.db
            .write("renew", Lane::Others, move |tx| {
                let claims = claims.clone();
                Box::pin(async move {
                    let mut kept = 0;
                    for (session, fence) in claims {
                        kept += tx
                            .execute(
                                "UPDATE session SET lease_until = $1, due_at = $1 \
                                 WHERE seq = $2 AND fence = $3 AND lease_until IS NOT NULL",
                                vals![until, session, fence],
                            )
                            .await?;
                    }
                    Ok(kept)
                })
            })
            .await
    }

    /// Gives claims back untouched, as if they had not been made.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn give_back(&self, claims: Vec<(i64, i64)>) -> Result<(), StoreError> {
        let now = self.now();
        self.db
            .write("give_back", Lane::Others, move |tx| {
                let claims = claims.clone();
                Box::pin(async move {
                    for (session, fence) in claims {
                        tx.execute(
                            "UPDATE session SET lease_until = NULL, due_at = $1, attempt = 0 \
                             WHERE seq = $2 AND fence = $3",
                            vals![now, session, fence],
                        )
                        .await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    /// On SQLite nobody else holds a lease when the service starts: what was claimed is due.
    /// On PostgreSQL other replicas may be at work, and leases run out by themselves.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn void_leases(&self) -> Result<(), StoreError> {
        if self.db.dialect() == super::db::Dialect::Postgres {
            return Ok(());
        }
        let (now, livemode) = (self.now(), self.livemode);
        self.db
            .write("void_leases", Lane::Others, move |tx| {
                Box::pin(async move {
                    for visitor in [false, true] {
                        tx.execute(
                            "UPDATE session SET lease_until = NULL, due_at = $1 \
                             WHERE livemode = $2 AND visitor = $3 AND due_at > $1 AND due_at <= $4 \
                             AND lease_until IS NOT NULL",
                            vals![now, livemode, visitor, now + LEASE],
                        )
                        .await?;
                    }
                    tx.execute(
                        "UPDATE delivery SET due_at = $1 \
                         WHERE livemode = $2 AND due_at IS NOT NULL AND status = 'running'",
                        vals![now, livemode],
                    )
                    .await?;
                    Ok(())
                })
            })
            .await
    }

    /// Which of these complete sessions want a look: unknown ones, and paid ones whose order is not
    /// placed. The others have been looked at, or have a time to be looked at again.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn unheard(
        &self,
        listed: Vec<(SessionKey, bool)>,
    ) -> Result<Vec<SessionKey>, StoreError> {
        let livemode = self.livemode;
        let ids: Vec<String> = listed.iter().map(|(key, _)| key.id.clone()).collect();
        let known: Vec<(String, bool)> = self
            .db
            .read(move |tx| {
                Box::pin(async move {
                    tx.fetch(
                        "SELECT s.id, o.placed FROM session s JOIN orders o ON o.session = s.seq \
                         WHERE s.id {in $1} AND s.livemode = $2 AND s.account = ''",
                        vals![ids, livemode],
                    )
                    .await
                })
            })
            .await?;
        let known: std::collections::HashMap<String, bool> = known.into_iter().collect();
        let wanted = listed.into_iter().filter(|(key, paid)| match known.get(&key.id) {
            None => true,
            Some(placed) => *paid && !placed,
        });
        Ok(wanted.map(|(key, _)| key).collect())
    }

    /// When the next session is due, where there is one.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn next_due(&self) -> Result<Option<Millis>, StoreError> {
        let livemode = self.livemode;
        self.db
            .read(move |tx| {
                Box::pin(async move {
                    let mut next = None;
                    for visitor in [false, true] {
                        let found: Option<(i64,)> = tx
                            .first(
                                "SELECT due_at FROM session WHERE livemode = $1 AND visitor = $2 \
                                 AND due_at IS NOT NULL ORDER BY due_at LIMIT 1",
                                vals![livemode, visitor],
                            )
                            .await?;
                        next = [next, found.map(|(at,)| at)].into_iter().flatten().min();
                    }
                    Ok(next)
                })
            })
            .await
    }
}

async fn with_settled(
    tx: &mut Tx,
    claimed: Vec<Claimed>,
    livemode: bool,
) -> Result<Vec<Claim>, StoreError> {
    let seqs: Vec<i64> = claimed.iter().map(|c| c.session).collect();
    let settled: Vec<(i64,)> = if seqs.is_empty() {
        Vec::new()
    } else {
        let sql = "SELECT session FROM orders \
                   WHERE session {in $1} AND placed AND status <> 'needs_attention'";
        tx.fetch(sql, vals![seqs]).await?
    };
    let settled: std::collections::HashSet<i64> = settled.into_iter().map(|(seq,)| seq).collect();
    let claims = claimed.into_iter().map(|c| Claim {
        session: c.session,
        key: SessionKey { account: String::new(), livemode, id: c.id },
        rung: c.rung,
        attempt: c.attempt,
        tries: c.tries,
        fence: c.fence,
        told: Rung { succeeded: c.told_succeeded, failed: c.told_failed },
        guess: c.guess,
        visitor: c.visitor,
        settled: settled.contains(&c.session),
        first_rung_at: c.first_rung_at,
    });
    Ok(claims.collect())
}
