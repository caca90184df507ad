//! What waits for a person, the oldest first.

use std::sync::Arc;

use fulfill_rules::{Millis, fact::Sale, id::SessionKey, metadata};

use super::{
    Store, StoreError,
    db::{Tx, rows, vals},
    orders::from_json,
    shelves::{self, PoolView, ShelfView},
    summary::{self, StuckSummary},
    views::{OrderView, orders_by_number},
};

/// Most orders in one list; the next ones come when these are done.
const ORDERS_MAX: i64 = 100;
/// Most events in one list.
const EVENTS_MAX: i64 = 100;
/// Most sessions in one list.
const SESSIONS_MAX: i64 = 100;
/// A pool with fewer free keys than this should be filled.
pub const FEW_KEYS: i64 = 10;
/// Of so many keys of a pool, from each end of its index, it is looked up what drew them.
const ASKED_KEYS: i64 = 3;

/// All that waits for a person.
#[derive(Debug, Clone, Default)]
pub struct ToDo {
    /// Orders with held lines, a payment nobody understands, stuck deliveries or parcels to pack.
    pub orders: Vec<OrderView>,
    /// There are more of them.
    pub more: bool,
    /// Pools that orders wait for; and those with fewer than [`FEW_KEYS`] free keys from which something
    /// draws: an entry of the catalog, or a product by its own metadata (`fulfilld_key`). The latter are
    /// known from what was sold: some of a pool's keys are taken, and the lines that drew them say so. A
    /// pool that the catalog drew from once, and nothing does now, is not listed.
    pub pools: Vec<PoolView>,
    /// Shelves that orders wait for, or that owe units sold on backorder.
    pub shelves: Vec<ShelfView>,
    /// Deliveries of Stripe's that were verified and could not be read.
    pub quarantined: Vec<Quarantined>,
    /// Sessions that cannot be looked at, the oldest first.
    pub troubled: Vec<Troubled>,
    /// Days that could not be told.
    pub summaries: Vec<StuckSummary>,
}

/// A session that Stripe told of and could not be asked about, or does not know when it is asked, so that
/// there is no order. What only a visitor named, or a person typed, is not listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Troubled {
    /// Which session.
    pub key: SessionKey,
    /// When it was first heard of.
    pub first_rung_at: Millis,
    /// Looks in a row that failed.
    pub tries: i64,
    /// Why the last one did.
    pub why: String,
    /// When it is tried again.
    pub again_at: Millis,
    /// Asked with our key, Stripe knows no such session. Otherwise there will be an order that needs
    /// attention after about an hour.
    pub unknown: bool,
    /// The event that told of it first: its id and its type.
    pub event: Option<(String, String)>,
}

/// An event that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// Its number.
    pub seq: i64,
    /// Its id, or a digest of its body.
    pub id: String,
    /// Its type, where that could be read.
    pub kind: String,
    /// When it came.
    pub received_at: Millis,
}

/// How much waits, for a badge.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ToDoCounts {
    /// Orders that wait for a person, each once.
    pub orders: i64,
    /// Orders that need attention.
    pub attention: i64,
    /// Orders with parcels to pack.
    pub parcels: i64,
    /// Orders with stuck deliveries.
    pub stuck: i64,
    /// Events that could not be read.
    pub quarantined: i64,
    /// Sessions that cannot be looked at.
    pub sessions: i64,
    /// Days that could not be told.
    pub summaries: i64,
    /// Pools that orders wait for, or that run dry and are drawn from ([`ToDo::pools`]).
    pub pools: i64,
    /// Shelves that orders wait for, or that owe units.
    pub shelves: i64,
}

impl ToDoCounts {
    /// All of it.
    #[must_use]
    pub fn sum(&self) -> i64 {
        let told = self.quarantined + self.sessions + self.summaries;
        self.orders + told + self.pools + self.shelves
    }
}

/// The orders that wait for a person.
macro_rules! waiting {
    () => {
        "SELECT session FROM orders WHERE livemode = $1 AND status = 'needs_attention' AND status <> 'fulfilled' \
         UNION SELECT e.session FROM effect e JOIN orders o ON o.session = e.session \
           WHERE e.status = 'to_ship' AND o.livemode = $1 \
         UNION SELECT d.session FROM delivery d JOIN orders o ON o.session = d.session \
           WHERE d.livemode = $1 AND d.status = 'stuck'"
    };
}

/// The sessions that cannot be looked at, and those of events that Stripe does not know. Looks fail now
/// and then, and the next one finds the order: people hear of it after some seconds.
macro_rules! troubled {
    () => {
        "FROM session s WHERE s.livemode = $1 AND s.visitor IN (TRUE, FALSE) AND s.due_at IS NOT NULL \
         AND NOT s.guess AND (s.tries >= 5 \
           OR s.missing AND EXISTS (SELECT 1 FROM heard h WHERE h.session = s.seq)) \
         AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.session = s.seq)"
    };
}

rows! {
    struct TroubledRow {
        id: String,
        account: String,
        first_rung_at: i64,
        tries: i64,
        trouble: Option<String>,
        due_at: i64,
        missing: bool,
        event: Option<String>,
        kind: Option<String>,
    }
}

rows! {
    struct EventRow {
        seq: i64,
        id: String,
        kind: String,
        received_at: i64,
    }
}

impl Store {
    /// What waits for a person. `drawn` are the pools that the catalog draws from: others may run dry
    /// where no product draws from them by its own metadata ([`ToDo::pools`]).
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn to_do(&self, drawn: &[String]) -> Result<ToDo, StoreError> {
        let livemode = self.livemode;
        let mut list = self
            .db
            .read(move |tx| {
                Box::pin(async move {
                    let (orders, more) = orders(tx, livemode).await?;
                    let quarantined = quarantined(tx, livemode).await?;
                    let troubled = troubled(tx, livemode).await?;
                    let summaries = summary::stuck(tx, livemode).await?;
                    Ok(ToDo { orders, more, quarantined, troubled, summaries, ..ToDo::default() })
                })
            })
            .await?;
        list.pools = self.pools().await?;
        list.pools.retain(|pool| pool.waiting > 0 || pool.free < FEW_KEYS);
        let unnamed = list.pools.iter().filter(|p| p.waiting == 0 && !drawn.contains(&p.pool));
        let unnamed: Arc<Vec<String>> = Arc::new(unnamed.map(|p| p.pool.clone()).collect());
        let idle = self
            .db
            .read(move |tx| {
                let unnamed = Arc::clone(&unnamed);
                Box::pin(async move {
                    let mut idle = Vec::new();
                    for pool in unnamed.iter() {
                        if !drawn_by_metadata(tx, livemode, pool).await? {
                            idle.push(pool.clone());
                        }
                    }
                    Ok(idle)
                })
            })
            .await?;
        list.pools.retain(|pool| !idle.contains(&pool.pool));
        list.shelves = self.shelves().await?;
        list.shelves.retain(|shelf| shelf.waiting > 0 || shelf.backordered > 0);
        Ok(list)
    }

    /// How much waits for a person: what [`Store::to_do`] lists.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn to_do_counts(&self, drawn: &[String]) -> Result<ToDoCounts, StoreError> {
        let (livemode, drawn) = (self.livemode, Arc::new(drawn.to_vec()));
        self.db
            .read(move |tx| {
                let drawn = Arc::clone(&drawn);
                Box::pin(async move {
                    let mut counts = [0; 8];
                    for (count, sql) in counts.iter_mut().zip([
                        concat!("SELECT COUNT(*) FROM (", waiting!(), ") waiting"),
                        "SELECT COUNT(*) FROM orders WHERE livemode = $1 AND status = 'needs_attention' \
                         AND status <> 'fulfilled'",
                        "SELECT COUNT(DISTINCT e.session) FROM effect e JOIN orders o ON o.session = e.session \
                         WHERE e.status = 'to_ship' AND o.livemode = $1",
                        "SELECT COUNT(DISTINCT session) FROM delivery WHERE livemode = $1 AND status = 'stuck'",
                        "SELECT COUNT(*) FROM event WHERE disposition = 'quarantined' AND livemode = $1",
                        concat!("SELECT COUNT(*) ", troubled!()),
                        "SELECT COUNT(*) FROM summary WHERE livemode = $1 AND status = 'stuck'",
                        "SELECT COUNT(*) FROM shelf WHERE account = '' AND livemode = $1 \
                         AND (backordered > 0 OR sku IN (SELECT e.subject FROM effect e \
                           JOIN orders o ON o.session = e.session \
                           WHERE e.status = 'held' AND e.kind = 'stock' AND o.livemode = $1))",
                    ]) {
                        let found: Option<(i64,)> = tx.first(sql, vals![livemode]).await?;
                        *count = found.map_or(0, |(n,)| n);
                    }
                    let [
                        orders,
                        attention,
                        parcels,
                        stuck,
                        quarantined,
                        sessions,
                        summaries,
                        shelves,
                    ] = counts;
                    let pools = pools_low(tx, livemode, &drawn).await?;
                    Ok(ToDoCounts {
                        orders,
                        attention,
                        parcels,
                        stuck,
                        quarantined,
                        sessions,
                        summaries,
                        pools,
                        shelves,
                    })
                })
            })
            .await
    }

    /// A person has seen that Stripe does not know a session: it is not asked for again until somebody
    /// rings it. False: it is not shown, or not any more.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn dismiss_session(&self, key: &SessionKey) -> Result<bool, StoreError> {
        let key = key.clone();
        self.db
            .write("dismiss_session", super::db::Lane::Others, move |tx| {
                let key = key.clone();
                Box::pin(async move {
                    let sql = "UPDATE session SET due_at = NULL WHERE id = $1 AND livemode = $2 \
                               AND account = $3 AND missing AND lease_until IS NULL AND due_at IS NOT NULL";
                    Ok(tx.execute(sql, vals![&key.id, key.livemode, &key.account]).await? > 0)
                })
            })
            .await
    }

    /// A person has seen an event that could not be read: it is kept, and not shown any more.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn dismiss_event(&self, seq: i64) -> Result<bool, StoreError> {
        let livemode = self.livemode;
        self.db
            .write("dismiss_event", super::db::Lane::Others, move |tx| {
                Box::pin(async move {
                    let sql = "UPDATE event SET disposition = 'dismissed' \
                               WHERE seq = $1 AND livemode = $2 AND disposition = 'quarantined'";
                    Ok(tx.execute(sql, vals![seq, livemode]).await? > 0)
                })
            })
            .await
    }
}

async fn orders(tx: &mut Tx, livemode: bool) -> Result<(Vec<OrderView>, bool), StoreError> {
    let found: Vec<(i64,)> = tx
        .fetch(concat!(waiting!(), " ORDER BY session LIMIT $2"), vals![livemode, ORDERS_MAX + 1])
        .await?;
    let mut seqs: Vec<i64> = found.into_iter().map(|(seq,)| seq).collect();
    let max = usize::try_from(ORDERS_MAX).unwrap_or(usize::MAX);
    let more = seqs.len() > max;
    seqs.truncate(max);
    Ok((orders_by_number(tx, seqs).await?, more))
}

/// How many pools [`ToDo::pools`] lists. Of a pool only as many keys are read as are few.
async fn pools_low(tx: &mut Tx, livemode: bool, drawn: &[String]) -> Result<i64, StoreError> {
    let waiting = shelves::waiting(tx, livemode, "key").await?;
    let rows: Vec<(String, i64)> = tx
        .fetch(
            "SELECT p.pool, (SELECT COUNT(*) FROM (SELECT 1 FROM license_key k WHERE k.account = p.account \
             AND k.livemode = p.livemode AND k.pool = p.pool AND k.session IS NULL LIMIT $2) AS undrawn) \
             FROM key_pool p WHERE p.account = '' AND p.livemode = $1",
            vals![livemode, FEW_KEYS],
        )
        .await?;
    let mut low = 0;
    for (pool, free) in rows {
        let waits = waiting.contains_key(&pool);
        let is_named = drawn.contains(&pool);
        let is_low = free < FEW_KEYS;
        if waits || is_low && (is_named || drawn_by_metadata(tx, livemode, &pool).await?) {
            low += 1;
        }
    }
    Ok(low)
}

/// Whether a product draws from a pool by its own metadata, as far as some of the pool's keys tell: those
/// that come first and last in its index, whoever drew them. Asked of pools with few free keys only: the
/// index is not gone through for long.
async fn drawn_by_metadata(tx: &mut Tx, livemode: bool, pool: &str) -> Result<bool, StoreError> {
    for order in ["ASC", "DESC"] {
        let sql = format!(
            "SELECT k.line, o.sale FROM (SELECT session, line FROM license_key WHERE account = '' \
             AND livemode = $1 AND pool = $2 AND session IS NOT NULL ORDER BY license_key {order} LIMIT $3) k \
             JOIN orders o ON o.session = k.session"
        );
        let sold: Vec<(String, String)> = tx.fetch(&sql, vals![livemode, pool, ASKED_KEYS]).await?;
        for (line, sale) in sold {
            let sale: Sale = from_json(&sale)?;
            let line = sale.lines.iter().find(|sold| sold.id == line);
            let says = line.and_then(|line| metadata::product(&line.metadata).ok().flatten());
            if says.and_then(|product| product.key).is_some_and(|key| key.pool == pool) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

async fn quarantined(tx: &mut Tx, livemode: bool) -> Result<Vec<Quarantined>, StoreError> {
    let rows: Vec<EventRow> = tx
        .fetch(
            "SELECT seq, id, type, received_at FROM event WHERE disposition = 'quarantined' AND livemode = $1 \
             ORDER BY seq LIMIT $2",
            vals![livemode, EVENTS_MAX],
        )
        .await?;
    let events = rows.into_iter().map(|row| Quarantined {
        seq: row.seq,
        id: row.id,
        kind: row.kind,
        received_at: row.received_at,
    });
    Ok(events.collect())
}

async fn troubled(tx: &mut Tx, livemode: bool) -> Result<Vec<Troubled>, StoreError> {
    let sql = concat!(
        "SELECT s.id, s.account, s.first_rung_at, s.tries, s.trouble, s.due_at, s.missing, \
         (SELECT h.id FROM heard h WHERE h.session = s.seq ORDER BY h.event LIMIT 1), \
         (SELECT e.type FROM heard h JOIN event e ON e.seq = h.event WHERE h.session = s.seq \
           ORDER BY h.event LIMIT 1) ",
        troubled!(),
        " ORDER BY s.seq LIMIT $2"
    );
    let rows: Vec<TroubledRow> = tx.fetch(sql, vals![livemode, SESSIONS_MAX]).await?;
    let sessions = rows.into_iter().map(|row| Troubled {
        key: SessionKey { account: row.account, livemode, id: row.id },
        first_rung_at: row.first_rung_at,
        tries: row.tries,
        why: row.trouble.unwrap_or_default(),
        again_at: row.due_at,
        unknown: row.missing,
        event: row.event.zip(row.kind),
    });
    Ok(sessions.collect())
}
