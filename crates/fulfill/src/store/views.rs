//! Answers to questions: one session, lists of orders, who may use what, how much waits.

use std::collections::HashMap;

use fulfill_rules::{
    Millis, delivery::DeliveryStatus, fact::Sale, id::SessionKey, order::Status, place::Effect,
};

use serde::{Deserialize, de::DeserializeOwned};

use super::{
    Store, StoreError,
    db::{Tx, Value, rows, vals},
    orders::{self, EffectRow, from_json},
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

impl OrderView {
    /// Placed, and nothing of it is held or stuck: another look at Stripe would change nothing.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.placed && self.status != Status::NeedsAttention
    }
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
    struct ViewRow {
        session: i64,
        account: String,
        livemode: bool,
        id: String,
        rung: i64,
        seen: i64,
        looked_at: Option<i64>,
        tries: i64,
        missing: bool,
        guess: bool,
        trouble: Option<String>,
        due_at: Option<i64>,
        status: Option<String>,
        reason: Option<String>,
        placed: Option<bool>,
        first_seen_at: Option<i64>,
        fulfilled_at: Option<i64>,
        sale: Option<String>,
        effects: Option<String>,
        deliveries: Option<String>,
        timeline: Option<String>,
        events: Option<String>,
    }
}

/// A session with its order and all that belongs to it, by one statement. What there may be many of comes as
/// a list in JSON.
fn view(from: &str) -> String {
    // The inner order is that of an index: an order inside the list would be sorted anew each time.
    let list = |columns: &str, from: &str| {
        format!(
            "(SELECT CAST({{list}}({{array}}({columns})) AS TEXT) FROM (SELECT {columns} FROM {from}) AS l)"
        )
    };
    let effects =
        list(orders::EFFECT, "effect WHERE session = o.session ORDER BY line, kind, unit");
    let deliveries = list(
        "kind, line, owed, status, attempt, due_at, said",
        "delivery WHERE session = o.session ORDER BY kind, line",
    );
    let timeline = list("at, what, who", "timeline WHERE session = o.session ORDER BY n");
    let events = list(
        "id, type, received_at",
        "(SELECT h.id, e.type, e.received_at FROM heard h JOIN event e ON e.seq = h.event \
          WHERE h.session = o.session ORDER BY h.event) AS h",
    );
    format!(
        "SELECT s.seq, s.account, s.livemode, s.id, s.rung, s.seen, s.looked_at, s.tries, s.missing, s.guess, \
         s.trouble, s.due_at, o.status, o.reason, o.placed, o.first_seen_at, o.fulfilled_at, o.sale, \
         {effects}, {deliveries}, {timeline}, {events} \
         FROM {from}"
    )
}

#[derive(Deserialize)]
struct DeliveryRow {
    kind: String,
    line: String,
    #[serde(deserialize_with = "orders::truth")]
    owed: bool,
    status: DeliveryStatus,
    attempt: i64,
    due_at: Option<i64>,
    said: Option<String>,
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
        let sql = view(
            "session s LEFT JOIN orders o ON o.session = s.seq \
             WHERE s.id = $1 AND s.livemode = $2 AND s.account = $3",
        );
        let row = self.db.first(sql, vals![&key.id, key.livemode, &key.account]).await?;
        row.map(ViewRow::session).transpose()
    }

    /// How far looks at a session are: rung, seen. Cheap enough to ask ten times a second.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn seen(&self, session: i64) -> Result<Option<i64>, StoreError> {
        let sql = "SELECT seen FROM session WHERE seq = $1";
        Ok(self.db.first::<(i64,)>(sql, vals![session]).await?.map(|(seen,)| seen))
    }

    /// The session as Stripe sent it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn raw_session(&self, key: &SessionKey) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT o.raw FROM orders o JOIN session s ON s.seq = o.session \
                   WHERE s.id = $1 AND s.livemode = $2 AND s.account = $3";
        let packed: Option<(Option<Vec<u8>>,)> =
            self.db.first(sql, vals![&key.id, key.livemode, &key.account]).await?;
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
                         AND e.value IS NOT NULL AND {} ORDER BY o.session + 0 DESC, e.line LIMIT $2",
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

/// Orders by the numbers of their sessions, in that order.
pub(super) async fn orders_by_number(
    tx: &mut Tx,
    seqs: Vec<i64>,
) -> Result<Vec<OrderView>, StoreError> {
    let mut views = orders_where(tx, "o.session {in $1}", vals![seqs.clone()]).await?;
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
    let from = format!("orders o JOIN session s ON s.seq = o.session WHERE {filter}");
    let rows: Vec<ViewRow> = tx.fetch(&view(&from), values).await?;
    rows.into_iter().filter_map(|row| row.order().transpose()).collect()
}

impl ViewRow {
    fn session(self) -> Result<SessionView, StoreError> {
        Ok(SessionView {
            key: self.key(),
            session: self.session,
            rung: self.rung,
            seen: self.seen,
            looked_at: self.looked_at,
            tries: self.tries,
            missing: self.missing,
            guess: self.guess,
            trouble: self.trouble.clone(),
            look_again_at: self.due_at,
            order: self.order()?,
        })
    }

    fn key(&self) -> SessionKey {
        SessionKey { account: self.account.clone(), livemode: self.livemode, id: self.id.clone() }
    }

    fn order(self) -> Result<Option<OrderView>, StoreError> {
        let (Some(status), Some(sale)) = (&self.status, &self.sale) else { return Ok(None) };
        let effects: Vec<EffectRow> = list(self.effects.as_deref())?;
        let mut deliveries: Vec<DeliveryRow> = list(self.deliveries.as_deref())?;
        // "shipment 2" before "shipment 10".
        let place = |row: &DeliveryRow| (row.line.len(), row.line.clone());
        deliveries.sort_by(|a, b| a.kind.cmp(&b.kind).then_with(|| place(a).cmp(&place(b))));
        let timeline: Vec<(Millis, String, Option<String>)> = list(self.timeline.as_deref())?;
        let events: Vec<(String, String, Millis)> = list(self.events.as_deref())?;
        let told = |(at, what, who)| Told { at, what, who };
        let event = |(id, kind, received_at)| EventView { id, kind, received_at };
        Ok(Some(OrderView {
            key: self.key(),
            session: self.session,
            status: orders::status(status)?,
            placed: self.placed.unwrap_or_default(),
            first_seen_at: self.first_seen_at.unwrap_or_default(),
            fulfilled_at: self.fulfilled_at,
            look_again_at: self.due_at,
            sale: from_json(sale)?,
            effects: effects.into_iter().map(EffectRow::effect).collect::<Result<_, _>>()?,
            deliveries: deliveries.into_iter().map(DeliveryRow::view).collect(),
            timeline: timeline.into_iter().map(told).collect(),
            events: events.into_iter().map(event).collect(),
            reason: self.reason,
        }))
    }
}

impl DeliveryRow {
    fn view(self) -> DeliveryView {
        DeliveryView {
            kind: self.kind,
            line: self.line,
            owed: self.owed,
            status: self.status,
            attempts: self.attempt,
            due_at: self.due_at,
            said: self.said,
        }
    }
}

/// A list that a database wrote; PostgreSQL's list of nothing is nothing.
fn list<T: DeserializeOwned>(json: Option<&str>) -> Result<Vec<T>, StoreError> {
    json.map_or(Ok(Vec::new()), from_json)
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
