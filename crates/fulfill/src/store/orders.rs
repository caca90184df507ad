//! Orders as rows: loaded for a decision, and a decision written.

use std::collections::{BTreeMap, HashMap};

use fulfill_rules::{
    Millis,
    delivery::DeliveryStatus,
    fact::Sale,
    id::SessionKey,
    order::{Decision, NewDelivery, Order, Owed, Status, names},
    place::{Effect, EffectKind, EffectStatus},
};
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};

use super::{
    StoreError,
    db::{Tx, Value, rows, vals},
    digest,
};

/// A session's row under its lock.
#[derive(Debug, Clone)]
pub(super) struct Locked {
    pub(super) key: SessionKey,
    pub(super) rung: i64,
    pub(super) seen: i64,
    pub(super) fence: i64,
    pub(super) tries: i64,
    pub(super) visitor: bool,
    pub(super) trouble: Option<String>,
    pub(super) first_rung_at: Millis,
    /// Timeline entries so far.
    pub(super) told: i64,
}

rows! {
    struct LockedRow {
        seq: i64,
        account: String,
        livemode: bool,
        id: String,
        rung: i64,
        seen: i64,
        fence: i64,
        tries: i64,
        visitor: bool,
        trouble: Option<String>,
        first_rung_at: i64,
        told: i64,
    }
}

/// Locks sessions, always in the order of their ids: so two transactions never wait in a circle.
pub(super) async fn lock(tx: &mut Tx, seqs: Vec<i64>) -> Result<BTreeMap<i64, Locked>, StoreError> {
    let rows: Vec<LockedRow> = tx
        .fetch(
            "SELECT seq, account, livemode, id, rung, seen, fence, tries, visitor, trouble, first_rung_at, told \
             FROM session WHERE seq {in $1} ORDER BY id {lock}",
            vals![seqs],
        )
        .await?;
    let locked = rows.into_iter().map(|row| {
        let key = SessionKey { account: row.account, livemode: row.livemode, id: row.id };
        let locked = Locked {
            key,
            rung: row.rung,
            seen: row.seen,
            fence: row.fence,
            tries: row.tries,
            visitor: row.visitor,
            trouble: row.trouble,
            first_rung_at: row.first_rung_at,
            told: row.told,
        };
        (row.seq, locked)
    });
    Ok(locked.collect())
}

/// An order and what was sold.
#[derive(Debug, Clone)]
pub(super) struct Remembered {
    pub(super) order: Order,
    pub(super) sale: Sale,
}

rows! {
    struct OrderRow {
        session: i64,
        status: String,
        reason: Option<String>,
        placed: bool,
        first_seen_at: i64,
        sale: String,
    }
}

rows! {
    #[derive(Deserialize)]
    pub(super) struct EffectRow {
        session: i64,
        line: String,
        kind: String,
        unit: i64,
        quantity: i64,
        status: String,
        subject: String,
        value: Option<String>,
        url: Option<String>,
        days: Option<i64>,
        expires_at: Option<i64>,
        held: Option<String>,
        #[serde(deserialize_with = "truth")]
        backorder: bool,
        note: Option<String>,
    }
}

/// The columns of [`EffectRow`].
pub(super) const EFFECT: &str = "session, line, kind, unit, quantity, status, subject, value, url, days, expires_at, \
    held, backorder, note";

impl EffectRow {
    pub(super) fn effect(self) -> Result<Effect, StoreError> {
        Ok(Effect {
            line: self.line,
            kind: from_word::<EffectKind>(&self.kind)?,
            unit: self.unit,
            quantity: self.quantity,
            status: from_word::<EffectStatus>(&self.status)?,
            subject: self.subject,
            value: self.value,
            url: self.url,
            days: self.days,
            expires_at: self.expires_at,
            held: self.held.as_deref().map(from_word).transpose()?,
            backorder: self.backorder,
            note: self.note,
        })
    }
}

/// A truth value inside JSON that a database wrote: SQLite's are numbers.
pub(super) fn truth<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    let value = serde_json::Value::deserialize(from)?;
    Ok(value == true || value == 1)
}

rows! {
    struct OwedRow {
        session: i64,
        kind: String,
        owed: bool,
        status: String,
    }
}

/// Loads the orders that sessions have.
pub(super) async fn load(
    tx: &mut Tx,
    sessions: &BTreeMap<i64, Locked>,
) -> Result<BTreeMap<i64, Remembered>, StoreError> {
    let seqs: Vec<i64> = sessions.keys().copied().collect();
    let rows: Vec<OrderRow> = tx
        .fetch(
            "SELECT session, status, reason, placed, first_seen_at, sale FROM orders WHERE session {in $1}",
            vals![seqs],
        )
        .await?;
    if rows.is_empty() {
        return Ok(BTreeMap::new());
    }
    let seqs: Vec<i64> = rows.iter().map(|row| row.session).collect();
    let mut effects = effects(tx, seqs.clone()).await?;
    let mut deliveries: HashMap<i64, Vec<Owed>> = HashMap::new();
    let owed: Vec<OwedRow> = tx
        .fetch(
            "SELECT session, kind, owed, status FROM delivery WHERE session {in $1} ORDER BY session, kind, line",
            vals![seqs],
        )
        .await?;
    for row in owed {
        let status = from_word::<DeliveryStatus>(&row.status)?;
        deliveries.entry(row.session).or_default().push(Owed {
            kind: row.kind,
            owed: row.owed,
            status,
        });
    }
    let mut found = BTreeMap::new();
    for row in rows {
        let Some(locked) = sessions.get(&row.session) else { continue };
        let sale: Sale = from_json(&row.sale)?;
        let order = Order {
            key: locked.key.clone(),
            status: status(&row.status)?,
            reason: row.reason,
            first_seen_at: row.first_seen_at,
            placed: row.placed,
            has_address: sale.shipping.is_some(),
            effects: effects.remove(&row.session).unwrap_or_default(),
            deliveries: deliveries.remove(&row.session).unwrap_or_default(),
            names: names(&sale),
        };
        found.insert(row.session, Remembered { order, sale });
    }
    Ok(found)
}

/// The effects of orders, in their key's order.
pub(super) async fn effects(
    tx: &mut Tx,
    seqs: Vec<i64>,
) -> Result<HashMap<i64, Vec<Effect>>, StoreError> {
    let sql = format!(
        "SELECT {EFFECT} FROM effect WHERE session {{in $1}} ORDER BY session, line, kind, unit"
    );
    let rows: Vec<EffectRow> = tx.fetch(&sql, vals![seqs]).await?;
    let mut found: HashMap<i64, Vec<Effect>> = HashMap::new();
    for row in rows {
        found.entry(row.session).or_default().push(row.effect()?);
    }
    Ok(found)
}

/// A decision and the session it is about.
#[derive(Debug)]
pub(super) struct Change<'a> {
    pub(super) session: i64,
    /// The order as it was.
    pub(super) before: Option<&'a Order>,
    pub(super) decision: &'a Decision,
    /// What was sold, as it is remembered from now on; as JSON, too.
    pub(super) sale: Option<(&'a Sale, &'a str)>,
    /// The raw session, packed.
    pub(super) raw: Option<&'a bytes::Bytes>,
    /// The person who did it.
    pub(super) who: Option<&'a str>,
}

const ORDER_COLUMNS: &str = "orders (session, livemode, status, reason, placed, first_seen_at, \
    fulfilled_at, email, name, customer, client_reference_id, sale, raw)";
const ORDER_AGAIN: &str = "ON CONFLICT (session) DO UPDATE SET status = excluded.status, \
    reason = excluded.reason, placed = excluded.placed, \
    fulfilled_at = COALESCE(orders.fulfilled_at, excluded.fulfilled_at), email = excluded.email, \
    name = excluded.name, customer = excluded.customer, \
    client_reference_id = excluded.client_reference_id, sale = excluded.sale, raw = excluded.raw";

/// Writes decisions: orders, effects, deliveries, timeline. The sessions are locked; their `told`
/// moves on and is written by the caller with whatever else changes in their rows.
pub(super) async fn save(
    tx: &mut Tx,
    changes: &[Change<'_>],
    sessions: &mut BTreeMap<i64, Locked>,
    now: Millis,
) -> Result<(), StoreError> {
    let mut orders = Rows::default();
    let (mut effects, mut deliveries) = (Vec::new(), Vec::new());
    let mut told = Vec::new();
    for change in changes {
        let Some(locked) = sessions.get_mut(&change.session) else { continue };
        let livemode = locked.key.livemode;
        orders.add(change, &locked.key, locked.first_rung_at, now)?;
        for effect in &change.decision.effects {
            effects.push(effect_row(change.session, effect)?);
        }
        for delivery in &change.decision.deliveries {
            deliveries.push(delivery_row(change.session, livemode, delivery, now)?);
        }
        for what in &change.decision.timeline {
            told.push(vals![change.session, locked.told, now, what, change.who]);
            locked.told += 1;
        }
    }
    tx.insert(ORDER_COLUMNS, orders.whole, ORDER_AGAIN).await?;
    tx.insert(digest::COLUMNS, orders.digests, digest::AGAIN).await?;
    tx.update("orders", &["session"], &["status", "reason", "fulfilled_at"], orders.standing)
        .await?;
    tx.update("digest", &["session"], &["fulfilled_at"], orders.fulfilled).await?;
    for (session, words) in orders.found_by {
        digest::add(tx, session, words).await?;
    }
    tx.insert(
        "effect (session, line, kind, unit, quantity, status, subject, value, url, days, expires_at, held, backorder, note)",
        effects,
        "ON CONFLICT (session, line, kind, unit) DO UPDATE SET quantity = excluded.quantity, \
         status = excluded.status, subject = excluded.subject, value = excluded.value, \
         url = excluded.url, expires_at = excluded.expires_at, held = excluded.held, note = excluded.note",
    )
    .await?;
    tx.insert(
        "delivery (session, kind, line, livemode, owed, status, due_at, input)",
        deliveries,
        "ON CONFLICT (session, kind, line) DO NOTHING",
    )
    .await?;
    tx.insert("timeline (session, n, at, what, who)", told, "").await
}

/// Rows of orders, by how much of them is written.
#[derive(Debug, Default)]
struct Rows {
    whole: Vec<Vec<Value>>,
    digests: Vec<Vec<Value>>,
    standing: Vec<Vec<Value>>,
    fulfilled: Vec<Vec<Value>>,
    /// What orders are found by in addition.
    found_by: Vec<(i64, String)>,
}

impl Rows {
    fn add(
        &mut self,
        change: &Change<'_>,
        key: &SessionKey,
        first_seen_at: Millis,
        now: Millis,
    ) -> Result<(), StoreError> {
        let Some(next) = &change.decision.standing else { return Ok(()) };
        let fulfilled_at = (next.status == Status::Fulfilled).then_some(now);
        match change.sale {
            Some((sale, json)) if change.before.is_none() || change.decision.take_sale => {
                let placed = change.decision.placed || change.before.is_some_and(|o| o.placed);
                let placed_at = placed.then_some(now);
                let drawn = &change.decision.effects;
                let row = digest::row(change.session, key, sale, drawn, placed_at, fulfilled_at);
                self.digests.push(row);
                self.whole.push(vals![
                    change.session,
                    key.livemode,
                    next.status.as_str(),
                    &next.reason,
                    placed,
                    first_seen_at,
                    fulfilled_at,
                    // Kept in lower case for searching; neither database knows every letter's.
                    sale.customer.email.as_ref().map(|e| e.to_lowercase()),
                    sale.customer.name.as_ref().map(|n| n.to_lowercase()),
                    &sale.customer.id,
                    &sale.client_reference_id,
                    json,
                    change.raw.cloned()
                ]);
            }
            _ => {
                let Some(before) = change.before else {
                    return Err(StoreError::Corrupt("an order without a sale".into()));
                };
                let keys = digest::keys(&change.decision.effects);
                if !keys.is_empty() {
                    self.found_by.push((change.session, keys));
                }
                if before.status != next.status || before.reason != next.reason {
                    let status = next.status.as_str();
                    self.standing.push(vals![change.session, status, &next.reason, fulfilled_at]);
                }
                if next.status == Status::Fulfilled && before.status != Status::Fulfilled {
                    self.fulfilled.push(vals![change.session, now]);
                }
            }
        }
        Ok(())
    }
}

fn effect_row(session: i64, effect: &Effect) -> Result<Vec<Value>, StoreError> {
    Ok(vals![
        session,
        &effect.line,
        word(&effect.kind)?,
        effect.unit,
        effect.quantity,
        word(&effect.status)?,
        &effect.subject,
        &effect.value,
        &effect.url,
        effect.days,
        effect.expires_at,
        effect.held.as_ref().map(word).transpose()?,
        effect.backorder,
        &effect.note
    ])
}

fn delivery_row(
    session: i64,
    livemode: bool,
    delivery: &NewDelivery,
    now: Millis,
) -> Result<Vec<Value>, StoreError> {
    let input = json(&delivery.input)?;
    Ok(vals![session, &delivery.kind, &delivery.line, livemode, delivery.owed, "due", now, input])
}

/// Writes the timeline counters of sessions whose rows change in nothing else.
pub(super) async fn save_told(
    tx: &mut Tx,
    sessions: &BTreeMap<i64, Locked>,
) -> Result<(), StoreError> {
    let rows = sessions.iter().map(|(seq, locked)| vals![*seq, locked.told]).collect();
    tx.update("session", &["seq"], &["told"], rows).await
}

pub(super) fn status(word: &str) -> Result<Status, StoreError> {
    Status::parse(word)
        .ok_or_else(|| StoreError::Corrupt(format!("'{word}' is not an order's status")))
}

/// The word an enum of the rules is kept as: the one the contract shows.
pub(super) fn word<T: Serialize>(value: &T) -> Result<String, StoreError> {
    let json = json(value)?;
    Ok(json.trim_matches('"').to_owned())
}

pub(super) fn from_word<T: DeserializeOwned>(word: &str) -> Result<T, StoreError> {
    from_json(&format!("\"{word}\""))
}

pub(super) fn json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|e| StoreError::Corrupt(e.to_string()))
}

pub(super) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|e| StoreError::Corrupt(format!("{e} in {text:.80}")))
}
