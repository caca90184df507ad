//! Stock and license keys as people see and correct them.

use std::{collections::BTreeMap, sync::Arc};

use fulfill_rules::{Millis, id::SessionKey, supply::Demand};

use super::{
    Store, StoreError,
    db::{Lane, Tx, rows, vals},
    supply::{Movement, begin_release, load, note_movements},
};

/// Most shelves or pools in one answer: beyond that nobody reads on.
const MAX: i64 = 1_000;
/// Most movements in one answer.
const MOVEMENTS_MAX: i64 = 200;

/// How a person changes a shelf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StockChange {
    /// So many arrive, or are taken away. Never below nothing.
    By(i64),
    /// So many were counted.
    To(i64),
}

impl StockChange {
    /// On hand and owed after it: what comes in is owed first.
    fn of(self, (on_hand, backordered): (i64, i64)) -> (i64, i64) {
        match self {
            Self::By(amount) => {
                let paid = backordered.min(amount).max(0);
                let rest = amount.saturating_sub(paid);
                (on_hand.saturating_add(rest).max(0), backordered - paid)
            }
            Self::To(count) => {
                let paid = backordered.min(count).max(0);
                (count.saturating_sub(paid).max(0), backordered - paid)
            }
        }
    }
}

/// One shelf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShelfView {
    /// Stock keeping unit.
    pub sku: String,
    /// Units there.
    pub on_hand: i64,
    /// Units sold and still to come.
    pub backordered: i64,
    /// Lines that wait for it.
    pub waiting: i64,
}

/// One pool of license keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolView {
    /// Its name.
    pub pool: String,
    /// Keys nobody has.
    pub free: i64,
    /// Keys that were drawn.
    pub drawn: i64,
    /// Keys that orders wait for.
    pub waiting: i64,
}

/// One change of a shelf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovementView {
    /// Its number; the page behind it begins there.
    pub seq: i64,
    /// When.
    pub at: Millis,
    /// Which shelf.
    pub sku: String,
    /// Units that came (or went, below zero).
    pub change: i64,
    /// Units there afterwards.
    pub on_hand: i64,
    /// Units owed afterwards.
    pub backordered: i64,
    /// Sold by this session.
    pub session_id: Option<String>,
    /// The person who did it.
    pub who: Option<String>,
    /// What was said about it.
    pub why: Option<String>,
}

rows! {
    pub(super) struct MovementRow {
        seq: i64,
        at: i64,
        sku: String,
        change: i64,
        on_hand: i64,
        backordered: i64,
        id: Option<String>,
        who: Option<String>,
        why: Option<String>,
    }
}

impl From<MovementRow> for MovementView {
    fn from(row: MovementRow) -> Self {
        Self {
            seq: row.seq,
            at: row.at,
            sku: row.sku,
            change: row.change,
            on_hand: row.on_hand,
            backordered: row.backordered,
            session_id: row.id,
            who: row.who,
            why: row.why,
        }
    }
}

impl Store {
    /// Puts `amount` more on a shelf; what is owed on backorder comes off first. Orders that wait are
    /// served by the next [`Store::release`]. Returns what is on the shelf now.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn add_stock(&self, sku: &str, amount: i64) -> Result<i64, StoreError> {
        self.change_stock(sku, StockChange::By(amount), None, None).await
    }

    /// The same for any change, with who did it and why. Where fewer are there than are taken away,
    /// nothing is left.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn change_stock(
        &self,
        sku: &str,
        change: StockChange,
        who: Option<&str>,
        why: Option<&str>,
    ) -> Result<i64, StoreError> {
        let changed = self.stock_changed(sku, change, who, why, false).await?;
        Ok(changed.unwrap_or_else(|there| there))
    }

    /// The same, but nothing is changed where fewer are there than are taken away: then the answer is
    /// how many there are.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn correct_stock(
        &self,
        sku: &str,
        change: StockChange,
        who: Option<&str>,
        why: Option<&str>,
    ) -> Result<Result<i64, i64>, StoreError> {
        self.stock_changed(sku, change, who, why, true).await
    }

    async fn stock_changed(
        &self,
        sku: &str,
        change: StockChange,
        who: Option<&str>,
        why: Option<&str>,
        strict: bool,
    ) -> Result<Result<i64, i64>, StoreError> {
        let (now, livemode, sku) = (self.now(), self.livemode, sku.to_owned());
        let said: Arc<(Option<String>, Option<String>)> =
            Arc::new((who.map(str::to_owned), why.map(str::to_owned)));
        self.db
            .write("change_stock", Lane::Others, move |tx| {
                let (sku, said) = (sku.clone(), Arc::clone(&said));
                Box::pin(async move {
                    if strict && let StockChange::By(amount) = change {
                        let there = on_shelf(tx, livemode, &sku).await?;
                        if there.saturating_add(amount) < 0 {
                            return Ok(Err(there));
                        }
                    }
                    let key = SessionKey { account: String::new(), livemode, id: String::new() };
                    let wanted = Demand { skus: [sku.clone()].into(), ..Demand::default() };
                    let supply = load(tx, &wanted, Some(&key)).await?;
                    let shelf = supply.shelves.get(&sku).cloned().unwrap_or_default();
                    let before = (shelf.on_hand, shelf.backordered);
                    let (on_hand, backordered) = change.of(before);
                    tx.execute(
                        "UPDATE shelf SET on_hand = $1, backordered = $2, opened = TRUE \
                         WHERE account = '' AND livemode = $3 AND sku = $4",
                        vals![on_hand, backordered, livemode, &sku],
                    )
                    .await?;
                    let moved = Movement {
                        sku: &sku,
                        change: (on_hand - backordered) - (before.0 - before.1),
                        on_hand,
                        backordered,
                        session: None,
                        who: said.0.as_deref(),
                        why: said.1.as_deref(),
                    };
                    if (on_hand, backordered) != before {
                        note_movements(tx, livemode, now, vec![moved]).await?;
                    }
                    begin_release(tx, livemode, vec![sku]).await?;
                    Ok(Ok(on_hand))
                })
            })
            .await
    }

    /// All shelves, by name.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn shelves(&self) -> Result<Vec<ShelfView>, StoreError> {
        let livemode = self.livemode;
        self.db
            .read(move |tx| {
                Box::pin(async move {
                    let waiting = waiting(tx, livemode, "stock").await?;
                    let rows: Vec<(String, i64, i64)> = tx
                        .fetch(
                            "SELECT sku, on_hand, backordered FROM shelf \
                             WHERE account = '' AND livemode = $1 ORDER BY sku LIMIT $2",
                            vals![livemode, MAX],
                        )
                        .await?;
                    let shelves = rows.into_iter().map(|(sku, on_hand, backordered)| ShelfView {
                        waiting: waiting.get(&sku).copied().unwrap_or(0),
                        sku,
                        on_hand,
                        backordered,
                    });
                    Ok(shelves.collect())
                })
            })
            .await
    }

    /// All key pools, by name.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn pools(&self) -> Result<Vec<PoolView>, StoreError> {
        let livemode = self.livemode;
        self.db
            .read(move |tx| {
                Box::pin(async move {
                    let mut waiting = waiting(tx, livemode, "key").await?;
                    let rows: Vec<(String, i64, i64)> = tx
                        .fetch(
                            "SELECT p.pool, COUNT(k.license_key), COUNT(k.session) FROM key_pool p \
                             LEFT JOIN license_key k ON k.account = p.account AND k.livemode = p.livemode \
                               AND k.pool = p.pool \
                             WHERE p.account = '' AND p.livemode = $1 GROUP BY p.pool ORDER BY p.pool LIMIT $2",
                            vals![livemode, MAX],
                        )
                        .await?;
                    let pools = rows.into_iter().map(|(pool, all, drawn)| PoolView {
                        waiting: waiting.remove(&pool).unwrap_or(0),
                        pool,
                        free: all - drawn,
                        drawn,
                    });
                    Ok(pools.collect())
                })
            })
            .await
    }

    /// Changes of one shelf, or of all, the newest first; those before `before`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn movements(
        &self,
        sku: Option<&str>,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<MovementView>, StoreError> {
        let (livemode, sku) = (self.livemode, sku.map(str::to_owned));
        self.db
            .read(move |tx| {
                Box::pin(async move {
                    let limit = limit.clamp(1, MOVEMENTS_MAX);
                    let mut values = vals![livemode, before.unwrap_or(i64::MAX), limit];
                    let of = sku.map_or("", |sku| {
                        values.push(sku.into());
                        "AND m.sku = $4"
                    });
                    let sql = format!(
                        "SELECT m.seq, m.at, m.sku, m.change, m.on_hand, m.backordered, s.id, m.who, m.why \
                         FROM stock_movement m LEFT JOIN session s ON s.seq = m.session \
                         WHERE m.livemode = $1 AND m.seq < $2 {of} ORDER BY m.seq DESC LIMIT $3"
                    );
                    let rows: Vec<MovementRow> = tx.fetch(&sql, values).await?;
                    Ok(rows.into_iter().map(MovementView::from).collect())
                })
            })
            .await
    }
}

/// Units on a shelf, locked; it need not be there.
async fn on_shelf(tx: &mut Tx, livemode: bool, sku: &str) -> Result<i64, StoreError> {
    let sql = "SELECT on_hand FROM shelf WHERE account = '' AND livemode = $1 AND sku = $2 {lock}";
    Ok(tx.first::<(i64,)>(sql, vals![livemode, sku]).await?.map_or(0, |(n,)| n))
}

/// How many effects wait for what, by name.
pub(super) async fn waiting(
    tx: &mut Tx,
    livemode: bool,
    kind: &str,
) -> Result<BTreeMap<String, i64>, StoreError> {
    let rows: Vec<(String, i64)> = tx
        .fetch(
            "SELECT e.subject, COUNT(*) FROM effect e JOIN orders o ON o.session = e.session \
             WHERE e.status = 'held' AND e.kind = $1 AND o.livemode = $2 GROUP BY e.subject",
            vals![kind, livemode],
        )
        .await?;
    Ok(rows.into_iter().collect())
}
