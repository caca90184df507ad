//! What leaves the house: handed out under a lease, finished by whoever holds the newest attempt.

use std::collections::BTreeMap;

use fulfill_rules::{
    Millis, SECOND,
    delivery::{DeliveryStatus, Next},
    fact::Sale,
    id::SessionKey,
    notice,
    order::{Order, Status, after_delivery},
};

use super::{
    Store, StoreError,
    db::{Lane, rows, vals},
    orders::{self, from_json},
    record::{Recorded, rework},
};

/// How long an attempt may take before another one begins.
pub(super) const LEASE: Millis = 60 * SECOND;

/// Names one delivery, the same on every try.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobKey {
    /// The session's number.
    pub session: i64,
    /// The action's kind.
    pub kind: String,
    /// The line it belongs to; empty for the whole order.
    pub line: String,
}

/// One attempt at outside work.
#[derive(Debug, Clone)]
pub struct Job {
    /// Which delivery.
    pub id: JobKey,
    /// The order's session.
    pub key: SessionKey,
    /// Counts from 1 and only up; only the newest may finish.
    pub attempt: i64,
    /// Attempts before a person said to try again: they do not count against it.
    pub forgiven: i64,
    /// How often a person asked for it again: what leaves then is another one.
    pub resent: i64,
    /// An earlier attempt ended without a word: nobody knows how far it came.
    pub unheard_of: bool,
    /// What the catalog says.
    pub input: BTreeMap<String, String>,
    /// What was sold.
    pub sale: Sale,
}

rows! {
    struct JobRow {
        session: i64,
        kind: String,
        line: String,
        attempt: i64,
        forgiven: i64,
        resent: i64,
        input: String,
        said: Option<String>,
    }
}

rows! {
    struct SaleRow {
        session: i64,
        id: String,
        account: String,
        sale: String,
    }
}

const CLAIM: &str = "WITH due AS MATERIALIZED ( \
      SELECT session, kind, line FROM delivery WHERE livemode = $1 AND kind = $2 AND due_at <= $3 \
      ORDER BY due_at LIMIT $4 {skip}) \
    UPDATE delivery SET status = 'running', attempt = attempt + 1, due_at = $5, \
      said = CASE WHEN status = 'running' THEN 'the attempt before ended without a word' END \
    WHERE (session, kind, line) IN (SELECT session, kind, line FROM due) \
    RETURNING session, kind, line, attempt, forgiven, resent, input, said";

impl Store {
    /// Claims due deliveries of these kinds.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn claim_deliveries(
        &self,
        kinds: &[&str],
        count: usize,
    ) -> Result<Vec<Job>, StoreError> {
        let (now, livemode) = (self.now(), self.livemode);
        let kinds: Vec<String> = kinds.iter().map(|k| (*k).to_owned()).collect();
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        if kinds.is_empty() {
            return Ok(Vec::new());
        }
        self.db
            .write("claim_deliveries", Lane::Others, move |tx| {
                let kinds = kinds.clone();
                Box::pin(async move {
                    let mut found: Vec<JobRow> = Vec::new();
                    for kind in &kinds {
                        let left = count - i64::try_from(found.len()).unwrap_or(count);
                        if left > 0 {
                            let values = vals![livemode, kind, now, left, now + LEASE];
                            found.extend(tx.fetch::<JobRow>(CLAIM, values).await?);
                        }
                    }
                    jobs(tx, found, livemode).await
                })
            })
            .await
    }

    /// When the next delivery of these kinds is due.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn next_delivery_due(&self, kinds: &[&str]) -> Result<Option<Millis>, StoreError> {
        let livemode = self.livemode;
        let kinds: Vec<String> = kinds.iter().map(|k| (*k).to_owned()).collect();
        self.db
            .read(move |tx| {
                Box::pin(async move {
                    let mut next = None;
                    for kind in &kinds {
                        let found: Option<(i64,)> = tx
                            .first(
                                "SELECT due_at FROM delivery WHERE livemode = $1 AND kind = $2 \
                                 AND due_at IS NOT NULL ORDER BY due_at LIMIT 1",
                                vals![livemode, kind],
                            )
                            .await?;
                        next = [next, found.map(|(at,)| at)].into_iter().flatten().min();
                    }
                    Ok(next)
                })
            })
            .await
    }

    /// Writes how an attempt ended and where the order stands now. `None`: a newer attempt is under
    /// way, or it is finished already; nothing was written.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn finish_delivery(
        &self,
        id: &JobKey,
        attempt: i64,
        next: &Next,
    ) -> Result<Option<Recorded>, StoreError> {
        let now = self.now();
        let (id, next) = (id.clone(), next.clone());
        self.db
            .write("finish_delivery", Lane::Others, move |tx| {
                let (id, next) = (id.clone(), next.clone());
                Box::pin(async move {
                    orders::lock(tx, vec![id.session]).await?;
                    let status = orders::word(&next.status)?;
                    let written = tx
                        .execute(
                            "UPDATE delivery SET status = $1, due_at = $2, said = $3 \
                             WHERE session = $4 AND kind = $5 AND line = $6 AND attempt = $7 AND status = 'running'",
                            vals![status, next.due_at, &next.said, id.session, &id.kind, &id.line, attempt],
                        )
                        .await?;
                    if written == 0 {
                        return Ok(None);
                    }
                    let told = sentence(&id, attempt, &next);
                    let moved = rework(tx, vec![id.session], now, None, None, |r, _| {
                        let mut decision = after_delivery(&r.order);
                        decision.timeline.splice(0..0, told.clone());
                        decision
                    })
                    .await?;
                    Ok(moved.into_iter().next())
                })
            })
            .await
    }

    /// A person looks at an order again: its stuck deliveries are due. How many there were.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn unstick(&self, session: i64, who: &str) -> Result<u64, StoreError> {
        let (now, who) = (self.now(), who.to_owned());
        self.db
            .write("unstick", Lane::Others, move |tx| {
                let who = who.clone();
                Box::pin(async move {
                    orders::lock(tx, vec![session]).await?;
                    let sql = "UPDATE delivery SET status = 'due', due_at = $1, forgiven = attempt \
                               WHERE session = $2 AND status = 'stuck'";
                    let freed = tx.execute(sql, vals![now, session]).await?;
                    let what = match freed {
                        0 => "looked at again".to_owned(),
                        1 => "what was stuck is tried again".to_owned(),
                        _ => format!("{freed} stuck deliveries are tried again"),
                    };
                    // An order that waits for nobody may be asked for all day, by a shop for instance.
                    moved(tx, session, now, &who, |order| {
                        let told = freed > 0 || order.status == Status::NeedsAttention;
                        Vec::from_iter(told.then(|| what.clone()))
                    })
                    .await?;
                    Ok(freed)
                })
            })
            .await
    }

    /// Nobody waits for the stuck deliveries of an order any more. How many there were.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn put_aside(&self, session: i64, who: &str) -> Result<usize, StoreError> {
        let (now, who) = (self.now(), who.to_owned());
        self.db
            .write("put_aside", Lane::Others, move |tx| {
                let who = who.clone();
                Box::pin(async move {
                    orders::lock(tx, vec![session]).await?;
                    let sql = "UPDATE delivery SET status = 'dismissed', due_at = NULL \
                               WHERE session = $1 AND status = 'stuck' RETURNING kind";
                    let mut kinds: Vec<(String,)> = tx.fetch(sql, vals![session]).await?;
                    kinds.sort();
                    let told: Vec<String> =
                        kinds.iter().map(|(kind,)| format!("{kind} is put aside")).collect();
                    if !told.is_empty() {
                        moved(tx, session, now, &who, |_| told.clone()).await?;
                    }
                    Ok(kinds.len())
                })
            })
            .await
    }
}

/// A person acted on deliveries of this order: the timeline tells it, and the order stands anew.
async fn moved(
    tx: &mut super::db::Tx,
    session: i64,
    now: Millis,
    who: &str,
    told: impl Fn(&Order) -> Vec<String>,
) -> Result<(), StoreError> {
    rework(tx, vec![session], now, None, Some(who), |r, _| {
        let mut decision = after_delivery(&r.order);
        decision.timeline.splice(0..0, told(&r.order));
        decision
    })
    .await?;
    Ok(())
}

fn sentence(id: &JobKey, attempt: i64, next: &Next) -> Option<String> {
    let JobKey { kind, line, .. } = id;
    let of = match (kind.as_str(), line.as_str()) {
        (_, "") => String::new(),
        (notice::SHIPPED, shipment) => format!(" of {shipment}"),
        (notice::LINK, request) => format!(" of request {request}"),
        (_, line) => format!(" of line {line}"),
    };
    let said = next.said.as_deref().unwrap_or("");
    match next.status {
        DeliveryStatus::Done if said.is_empty() => Some(format!("{kind}{of} done")),
        DeliveryStatus::Done => Some(format!("{kind}{of} done: {said}")),
        DeliveryStatus::Stuck => Some(format!("{kind}{of} is stuck: {said}")),
        DeliveryStatus::Due if attempt <= 3 => {
            Some(format!("{kind}{of}: attempt {attempt} failed: {said}"))
        }
        DeliveryStatus::Due | DeliveryStatus::Running | DeliveryStatus::Dismissed => None,
    }
}

async fn jobs(
    tx: &mut super::db::Tx,
    found: Vec<JobRow>,
    livemode: bool,
) -> Result<Vec<Job>, StoreError> {
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let seqs: Vec<i64> = found.iter().map(|row| row.session).collect();
    let sales: Vec<SaleRow> = tx
        .fetch(
            "SELECT o.session, s.id, s.account, o.sale FROM orders o JOIN session s ON s.seq = o.session \
             WHERE o.session {in $1}",
            vals![seqs],
        )
        .await?;
    let sales: BTreeMap<i64, SaleRow> = sales.into_iter().map(|row| (row.session, row)).collect();
    let mut jobs = Vec::with_capacity(found.len());
    for row in found {
        let Some(of) = sales.get(&row.session) else { continue };
        let id = JobKey { session: row.session, kind: row.kind, line: row.line };
        match from_json(&of.sale).and_then(|sale| Ok((sale, from_json(&row.input)?))) {
            Ok((sale, input)) => jobs.push(Job {
                key: SessionKey { account: of.account.clone(), livemode, id: of.id.clone() },
                id,
                attempt: row.attempt,
                forgiven: row.forgiven,
                resent: row.resent,
                unheard_of: row.said.is_some(),
                input,
                sale,
            }),
            Err(error) => unreadable(tx, &id, &error).await?,
        }
    }
    Ok(jobs)
}

/// One row that cannot be read must not hold up the others: a person is asked.
async fn unreadable(
    tx: &mut super::db::Tx,
    id: &JobKey,
    error: &StoreError,
) -> Result<(), StoreError> {
    tracing::error!(session = id.session, kind = %id.kind, %error, "a delivery cannot be read");
    tx.execute(
        "UPDATE delivery SET status = 'stuck', due_at = NULL, said = 'it cannot be read from the database' \
         WHERE session = $1 AND kind = $2 AND line = $3",
        vals![id.session, &id.kind, &id.line],
    )
    .await?;
    Ok(())
}
