//! Answers to questions: one session, lists of orders, who may use what, how much waits.

use std::collections::HashMap;

use fulfill_rules::{
    Millis, delivery::DeliveryStatus, fact::Sale, id::SessionKey, order::Status, place::Effect,
};

use super::{
    Store, StoreError,
    db::{Tx, Value, rows, vals},
    orders::{self, from_json, from_word},
    unpack,
};

/// Most orders on one page.
pub(super) const PAGE_MAX: i64 = 100;
/// Most grants in one answer.
const GRANTS_MAX: i64 = 1_000;

/// A session that was heard of, whether or not there is an order.
#[derive(Debug, Clone)]
pub struct SessionView {
    /// Which session.
    pub key: SessionKey,
    /// Its number.
    pub session: i64,
    /// Rings so far.
    pub rung: i64,
    /// The newest ring whose look is over.
    pub seen: i64,
    /// When the newest look was over.
    pub looked_at: Option<Millis>,
    /// Looks in a row that failed.
    pub tries: i64,
    /// Stripe does not know it.
    pub missing: bool,
    /// Nobody but landing-page visitors ever asked for it.
    pub guess: bool,
    /// What went wrong at the last look.
    pub trouble: Option<String>,
    /// When it is looked at again.
    pub look_again_at: Option<Millis>,
    /// Its order.
    pub order: Option<OrderView>,
}

/// An order with all that belongs to it.
#[derive(Debug, Clone)]
pub struct OrderView {
    /// Its session.
    pub key: SessionKey,
    /// Its session's number.
    pub session: i64,
    /// Where it stands.
    pub status: Status,
    /// Why, for people.
    pub reason: Option<String>,
    /// Paid, and its effects recorded.
    pub placed: bool,
    /// When it was first heard of.
    pub first_seen_at: Millis,
    /// When it was fulfilled.
    pub fulfilled_at: Option<Millis>,
    /// When it is looked at again.
    pub look_again_at: Option<Millis>,
    /// What was sold.
    pub sale: Sale,
    /// What is or will be true.
    pub effects: Vec<Effect>,
    /// Outside work.
    pub deliveries: Vec<DeliveryView>,
    /// What happened, oldest first.
    pub timeline: Vec<Told>,
    /// The events that rang it.
    pub events: Vec<EventView>,
}

/// One piece of outside work.
#[derive(Debug, Clone)]
pub struct DeliveryView {
    /// The action's kind.
    pub kind: String,
    /// The line; empty for the whole order.
    pub line: String,
    /// The order waits for it.
    pub owed: bool,
    /// How far it is.
    pub status: DeliveryStatus,
    /// Attempts so far.
    pub attempts: i64,
    /// When it is tried next.
    pub due_at: Option<Millis>,
    /// Receipt or error.
    pub said: Option<String>,
}

/// One entry of a timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// When.
    pub at: Millis,
    /// What.
    pub what: String,
    /// The person who did it, where it was one.
    pub who: Option<String>,
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventView {
    /// `evt_…`.
    pub id: String,
    /// Its type.
    pub kind: String,
    /// When it arrived.
    pub received_at: Millis,
}

/// Which orders.
#[derive(Debug, Clone, Default)]
pub struct OrdersQuery {
    /// Only these.
    pub status: Option<Status>,
    /// At most so many, 1 to 100.
    pub limit: i64,
    /// The page behind this session.
    pub after: Option<String>,
    /// What a person has in hand: an id, a mail address, a license key, an amount, parts of a name.
    pub q: Option<String>,
    /// First seen at this time or later.
    pub from: Option<Millis>,
    /// First seen before this time.
    pub until: Option<Millis>,
    /// Only those with a parcel on the packing list.
    pub to_ship: bool,
}

/// One page of orders, the newest first.
#[derive(Debug, Clone)]
pub struct OrdersPage {
    /// The orders.
    pub orders: Vec<OrderView>,
    /// There are more.
    pub has_more: bool,
}

/// Whose grants; at least one must be given.
#[derive(Debug, Clone, Default)]
pub struct GrantsOf {
    /// Mail address, in any case.
    pub email: Option<String>,
    /// Stripe's customer.
    pub customer: Option<String>,
    /// One's own reference.
    pub client_reference_id: Option<String>,
}

/// Something a customer may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantView {
    /// By which sale.
    pub session_id: String,
    /// What for.
    pub access: String,
    /// Where.
    pub url: Option<String>,
    /// Until when; without it, for ever.
    pub expires_at: Option<Millis>,
    /// Units bought.
    pub quantity: i64,
}

/// How much there is of what.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    /// Orders that are not fulfilled, by status.
    pub open_orders: Vec<(String, i64)>,
    /// Events to sort in and sessions to look at now.
    pub work_due: i64,
    /// Sessions to look at later.
    pub work_later: i64,
    /// Deliveries that are not done, by kind and status.
    pub deliveries: Vec<(String, String, i64)>,
    /// Events that wait for a person.
    pub quarantined: i64,
}

rows! {
    struct SessionRow {
        seq: i64,
        rung: i64,
        seen: i64,
        looked_at: Option<i64>,
        tries: i64,
        missing: bool,
        guess: bool,
        trouble: Option<String>,
        due_at: Option<i64>,
    }
}

rows! {
    struct ViewRow {
        session: i64,
        id: String,
        account: String,
        livemode: bool,
        due_at: Option<i64>,
        status: String,
        reason: Option<String>,
        placed: bool,
        first_seen_at: i64,
        fulfilled_at: Option<i64>,
        sale: String,
    }
}

const VIEW: &str = "SELECT o.session, s.id, s.account, s.livemode, s.due_at, o.status, o.reason, o.placed, \
    o.first_seen_at, o.fulfilled_at, o.sale FROM orders o JOIN session s ON s.seq = o.session";

rows! {
    struct DeliveryRow {
        session: i64,
        kind: String,
        line: String,
        owed: bool,
        status: String,
        attempt: i64,
        due_at: Option<i64>,
        said: Option<String>,
    }
}

rows! {
    struct GrantRow {
        id: String,
        access: String,
        url: Option<String>,
        expires_at: Option<i64>,
        quantity: i64,
    }
}

impl Store {
    /// What is known of a session.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn session_view(&self, key: &SessionKey) -> Result<Option<SessionView>, StoreError> {
        let key = key.clone();
        self.db.read(move |tx| Box::pin(async move { session_view(tx, key).await })).await
    }

    /// How far looks at a session are: rung, seen. Cheap enough to ask ten times a second.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn seen(&self, session: i64) -> Result<Option<i64>, StoreError> {
        self.db
            .read(move |tx| {
                Box::pin(async move {
                    let sql = "SELECT seen FROM session WHERE seq = $1";
                    Ok(tx.first::<(i64,)>(sql, vals![session]).await?.map(|(seen,)| seen))
                })
            })
            .await
    }

    /// The session as Stripe sent it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn raw_session(&self, key: &SessionKey) -> Result<Option<Vec<u8>>, StoreError> {
        let key = key.clone();
        let packed: Option<(Option<Vec<u8>>,)> = self
            .db
            .read(move |tx| {
                Box::pin(async move {
                    tx.first(
                        "SELECT o.raw FROM orders o JOIN session s ON s.seq = o.session \
                         WHERE s.id = $1 AND s.livemode = $2 AND s.account = $3",
                        vals![&key.id, key.livemode, &key.account],
                    )
                    .await
                })
            })
            .await?;
        packed.and_then(|(raw,)| raw).map(|raw| unpack(&raw)).transpose()
    }

    /// What a customer was granted, the newest first. Waived and held grants are not granted.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn grants(&self, of: GrantsOf) -> Result<Vec<GrantView>, StoreError> {
        let livemode = self.livemode;
        self.db
            .read(move |tx| {
                Box::pin(async move {
                    let (mut wheres, mut values) = (Vec::new(), vals![livemode, GRANTS_MAX]);
                    for (column, value) in [
                        ("email", of.email.map(|e| e.trim().to_lowercase())),
                        ("customer", of.customer),
                        ("client_reference_id", of.client_reference_id),
                    ] {
                        if let Some(value) = value {
                            values.push(Value::from(value));
                            wheres.push(format!("o.{column} = ${}", values.len()));
                        }
                    }
                    if wheres.is_empty() {
                        return Ok(Vec::new());
                    }
                    let sql = format!(
                        "SELECT s.id, e.value, e.url, e.expires_at, e.quantity FROM orders o \
                         JOIN session s ON s.seq = o.session JOIN effect e ON e.session = o.session \
                         WHERE o.livemode = $1 AND e.kind = 'grant' AND e.status = 'done' \
                         AND e.value IS NOT NULL AND {} ORDER BY o.session DESC, e.line LIMIT $2",
                        wheres.join(" AND ")
                    );
                    let rows: Vec<GrantRow> = tx.fetch(&sql, values).await?;
                    let grants = rows.into_iter().map(|row| GrantView {
                        session_id: row.id,
                        access: row.access,
                        url: row.url,
                        expires_at: row.expires_at,
                        quantity: row.quantity,
                    });
                    Ok(grants.collect())
                })
            })
            .await
    }

    /// How much there is of what.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn counts(&self) -> Result<Counts, StoreError> {
        let (now, livemode) = (self.now(), self.livemode);
        self.db.read(move |tx| Box::pin(async move { counts(tx, livemode, now).await })).await
    }
}

async fn session_view(tx: &mut Tx, key: SessionKey) -> Result<Option<SessionView>, StoreError> {
    let row: Option<SessionRow> = tx
        .first(
            "SELECT seq, rung, seen, looked_at, tries, missing, guess, trouble, due_at FROM session \
             WHERE id = $1 AND livemode = $2 AND account = $3",
            vals![&key.id, key.livemode, &key.account],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let orders: Vec<ViewRow> =
        tx.fetch(&format!("{VIEW} WHERE o.session = $1"), vals![row.seq]).await?;
    let order = with_parts(tx, orders).await?.into_iter().next();
    Ok(Some(SessionView {
        key,
        session: row.seq,
        rung: row.rung,
        seen: row.seen,
        looked_at: row.looked_at,
        tries: row.tries,
        missing: row.missing,
        guess: row.guess,
        trouble: row.trouble,
        look_again_at: row.due_at,
        order,
    }))
}

/// Orders by the numbers of their sessions, in that order.
pub(super) async fn orders_by_number(
    tx: &mut Tx,
    seqs: Vec<i64>,
) -> Result<Vec<OrderView>, StoreError> {
    let rows: Vec<ViewRow> =
        tx.fetch(&format!("{VIEW} WHERE o.session {{in $1}}"), vals![seqs.clone()]).await?;
    let mut views = with_parts(tx, rows).await?;
    let place: HashMap<i64, usize> = seqs.into_iter().zip(0..).collect();
    views.sort_by_key(|view| place.get(&view.session).copied());
    Ok(views)
}

/// Orders that a condition finds; it may name `o` (orders) and `s` (their sessions).
pub(super) async fn orders_where(
    tx: &mut Tx,
    filter: &str,
    values: Vec<Value>,
) -> Result<Vec<OrderView>, StoreError> {
    let rows = tx.fetch(&format!("{VIEW} WHERE {filter}"), values).await?;
    with_parts(tx, rows).await
}

async fn with_parts(tx: &mut Tx, rows: Vec<ViewRow>) -> Result<Vec<OrderView>, StoreError> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let seqs: Vec<i64> = rows.iter().map(|row| row.session).collect();
    let mut effects = orders::effects(tx, seqs.clone()).await?;
    let mut deliveries: HashMap<i64, Vec<DeliveryView>> = HashMap::new();
    let found: Vec<DeliveryRow> = tx
        .fetch(
            "SELECT session, kind, line, owed, status, attempt, due_at, said FROM delivery \
             WHERE session {in $1} ORDER BY session, kind, line",
            vals![seqs.clone()],
        )
        .await?;
    for row in found {
        deliveries.entry(row.session).or_default().push(DeliveryView {
            status: from_word(&row.status)?,
            kind: row.kind,
            line: row.line,
            owed: row.owed,
            attempts: row.attempt,
            due_at: row.due_at,
            said: row.said,
        });
    }
    let mut timeline: HashMap<i64, Vec<Told>> = HashMap::new();
    let sql =
        "SELECT session, at, what, who FROM timeline WHERE session {in $1} ORDER BY session, n";
    for (session, at, what, who) in
        tx.fetch::<(i64, i64, String, Option<String>)>(sql, vals![seqs.clone()]).await?
    {
        timeline.entry(session).or_default().push(Told { at, what, who });
    }
    let mut events: HashMap<i64, Vec<EventView>> = HashMap::new();
    let sql = "SELECT h.session, h.id, e.type, e.received_at FROM heard h JOIN event e ON e.seq = h.event \
               WHERE h.session {in $1} ORDER BY h.session, h.event";
    for (session, id, kind, received_at) in
        tx.fetch::<(i64, String, String, i64)>(sql, vals![seqs]).await?
    {
        events.entry(session).or_default().push(EventView { id, kind, received_at });
    }
    let mut views = Vec::with_capacity(rows.len());
    for row in rows {
        views.push(OrderView {
            key: SessionKey { account: row.account, livemode: row.livemode, id: row.id },
            session: row.session,
            status: orders::status(&row.status)?,
            reason: row.reason,
            placed: row.placed,
            first_seen_at: row.first_seen_at,
            fulfilled_at: row.fulfilled_at,
            look_again_at: row.due_at,
            sale: from_json(&row.sale)?,
            effects: effects.remove(&row.session).unwrap_or_default(),
            deliveries: deliveries.remove(&row.session).unwrap_or_default(),
            timeline: timeline.remove(&row.session).unwrap_or_default(),
            events: events.remove(&row.session).unwrap_or_default(),
        });
    }
    Ok(views)
}

async fn counts(tx: &mut Tx, livemode: bool, now: Millis) -> Result<Counts, StoreError> {
    let open_orders = tx
        .fetch(
            "SELECT status, COUNT(*) FROM orders WHERE livemode = $1 AND status <> 'fulfilled' \
             GROUP BY status ORDER BY status",
            vals![livemode],
        )
        .await?;
    let count = "SELECT COUNT(*) FROM session WHERE livemode = $1 AND visitor IN (TRUE, FALSE) \
                 AND due_at IS NOT NULL";
    let due: Option<(i64,)> =
        tx.first(&format!("{count} AND due_at <= $2"), vals![livemode, now]).await?;
    let later: Option<(i64,)> =
        tx.first(&format!("{count} AND due_at > $2"), vals![livemode, now]).await?;
    let deliveries: Vec<(String, String, i64)> = tx
        .fetch(
            "SELECT kind, status, COUNT(*) FROM delivery WHERE livemode = $1 AND due_at IS NOT NULL \
             GROUP BY kind, status ORDER BY kind, status",
            vals![livemode],
        )
        .await?;
    let stuck: Vec<(String, i64)> = tx
        .fetch(
            "SELECT kind, COUNT(*) FROM delivery WHERE livemode = $1 AND status = 'stuck' \
             GROUP BY kind ORDER BY kind",
            vals![livemode],
        )
        .await?;
    let unsorted: Option<(i64,)> = tx.first("SELECT COUNT(*) FROM doorbell", vals![]).await?;
    let quarantined: Option<(i64,)> =
        tx.first("SELECT COUNT(*) FROM event WHERE disposition = 'quarantined'", vals![]).await?;
    let n = |found: Option<(i64,)>| found.map_or(0, |(n,)| n);
    let stuck = stuck.into_iter().map(|(kind, n)| (kind, "stuck".to_owned(), n));
    Ok(Counts {
        open_orders,
        work_due: n(due) + n(unsorted),
        work_later: n(later),
        deliveries: deliveries.into_iter().chain(stuck).collect(),
        quarantined: n(quarantined),
    })
}
