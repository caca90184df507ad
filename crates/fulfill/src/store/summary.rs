//! A day in numbers, and the promise that it is told once: one row a day, claimed like any other
//! outside work.

use std::sync::Arc;

use fulfill_rules::{DAY, Millis, SECOND, delivery::Next, plan::Catalog};

use super::{
    Store, StoreError,
    db::{Lane, Tx, rows, vals},
    orders::word,
    todo::FEW_KEYS,
};

/// How long an attempt may take before another one begins.
const LEASE: Millis = 60 * SECOND;
/// Pools and shelves that are named; more would not be read.
const NAMED_MAX: i64 = 20;
/// Days that are shown at once.
const STUCK_MAX: i64 = 31;
/// A shelf with so few units is low.
const UNITS_LOW: i64 = 5;
/// What no product in the catalog names may belong to one that says itself at Stripe what it owes: it is
/// told of while orders take from it, and for so long afterwards.
const USED_FOR: Millis = 30 * DAY;

/// Whether a day is to be told now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SummaryClaim {
    /// Now, by us.
    Ours {
        /// Which day: another one that is not over may come first.
        day: String,
        /// Counts from 1.
        attempt: i64,
        /// An earlier attempt ended without a word.
        unheard_of: bool,
    },
    /// Not before this, or somebody else is at it until then.
    Later(Millis),
    /// All days have been told, or given up.
    Over,
}

rows! {
    /// A day that could not be told.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct StuckSummary {
        /// As 2027-03-07.
        pub day: String,
        /// How often it was tried.
        pub attempt: i64,
        /// Why it is stuck.
        pub said: Option<String>,
    }
}

/// A day in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DaySummary {
    /// Orders that were placed, by currency.
    pub sold: Vec<Sold>,
    /// Orders that need a person.
    pub need_attention: i64,
    /// Orders whose payment is on its way.
    pub awaiting_payment: i64,
    /// Orders with a parcel to pack.
    pub to_ship: i64,
    /// Outside work that a person has to look at.
    pub stuck: i64,
    /// Pools with few keys or none.
    pub pools: Vec<LowPool>,
    /// Shelves with little left, or owing.
    pub shelves: Vec<LowShelf>,
}

rows! {
    /// What was sold in one currency.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Sold {
        /// In lower case; none where Stripe named none.
        pub currency: Option<String>,
        /// Orders.
        pub orders: i64,
        /// What they came to, in minor units.
        pub amount: i64,
    }
}

rows! {
    /// A pool that is nearly dry.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct LowPool {
        /// Its name.
        pub pool: String,
        /// Keys that nobody has drawn.
        pub free: i64,
    }
}

rows! {
    /// A shelf that is nearly empty.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct LowShelf {
        /// What lies on it.
        pub sku: String,
        /// Units on the shelf.
        pub on_hand: i64,
        /// Units that are owed to buyers.
        pub backordered: i64,
    }
}

impl DaySummary {
    /// Nothing was sold, and nothing waits: there is nothing to tell. Shelves and pools that are low
    /// were so the day before.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let waits = self.need_attention + self.awaiting_payment + self.to_ship + self.stuck;
        self.sold.is_empty() && waits == 0
    }
}

impl Store {
    /// Claims the telling of a day, so that of all replicas one tells it: of the days that are due, this
    /// one among them, the oldest.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn claim_summary(&self, day: &str) -> Result<SummaryClaim, StoreError> {
        let (now, livemode, day) = (self.now(), self.livemode, day.to_owned());
        self.db
            .write("claim_summary", Lane::Others, move |tx| {
                let day = day.clone();
                Box::pin(async move {
                    tx.execute(
                        "INSERT INTO summary (livemode, day, status, due_at, attempt) \
                         VALUES ($1, $2, 'due', $3, 0) ON CONFLICT (livemode, day) DO NOTHING",
                        vals![livemode, &day, now],
                    )
                    .await?;
                    let ours: Option<(String, i64, Option<String>)> = tx
                        .first(
                            "UPDATE summary SET status = 'running', attempt = attempt + 1, due_at = $1, \
                             said = CASE WHEN status = 'running' THEN 'it ended without a word' END \
                             WHERE livemode = $2 AND due_at <= $3 AND day = (SELECT MIN(day) FROM summary \
                             WHERE livemode = $2 AND due_at <= $3) RETURNING day, attempt, said",
                            vals![now + LEASE, livemode, now],
                        )
                        .await?;
                    if let Some((day, attempt, said)) = ours {
                        return Ok(SummaryClaim::Ours { day, attempt, unheard_of: said.is_some() });
                    }
                    let sql = "SELECT MIN(due_at) FROM summary WHERE livemode = $1";
                    let row: Option<(Option<i64>,)> = tx.first(sql, vals![livemode]).await?;
                    let due = row.and_then(|(due_at,)| due_at);
                    Ok(due.map_or(SummaryClaim::Over, SummaryClaim::Later))
                })
            })
            .await
    }

    /// Writes how an attempt ended. False: a later one has begun, nothing was written.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn finish_summary(
        &self,
        day: &str,
        attempt: i64,
        next: &Next,
    ) -> Result<bool, StoreError> {
        let (livemode, day, next) = (self.livemode, day.to_owned(), next.clone());
        self.db
            .write("finish_summary", Lane::Others, move |tx| {
                let (day, next) = (day.clone(), next.clone());
                Box::pin(async move {
                    let written = tx
                        .execute(
                            "UPDATE summary SET status = $1, due_at = $2, said = $3 \
                             WHERE livemode = $4 AND day = $5 AND attempt = $6 AND status = 'running'",
                            vals![word(&next.status)?, next.due_at, &next.said, livemode, &day, attempt],
                        )
                        .await?;
                    Ok(written > 0)
                })
            })
            .await
    }

    /// A person wants a stuck day told after all. False: it is not stuck, or not any more.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn retry_summary(&self, day: &str) -> Result<bool, StoreError> {
        let now = self.now();
        self.unstick_summary(day, "due", Some(now)).await
    }

    /// A person has seen that a day was not told, and does not want it told any more.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn dismiss_summary(&self, day: &str) -> Result<bool, StoreError> {
        self.unstick_summary(day, "dismissed", None).await
    }

    /// Attempts are counted anew: a person has removed the cause.
    async fn unstick_summary(
        &self,
        day: &str,
        status: &'static str,
        due_at: Option<Millis>,
    ) -> Result<bool, StoreError> {
        let (livemode, day) = (self.livemode, day.to_owned());
        self.db
            .write("unstick_summary", Lane::Others, move |tx| {
                let day = day.clone();
                Box::pin(async move {
                    let sql = "UPDATE summary SET status = $1, due_at = $2, attempt = 0 \
                               WHERE livemode = $3 AND day = $4 AND status = 'stuck'";
                    Ok(tx.execute(sql, vals![status, due_at, livemode, &day]).await? > 0)
                })
            })
            .await
    }

    /// What was sold from a moment on up to another, and what waits now. Pools and shelves are told of
    /// when the catalog names them, an order waits for them, or one took from them lately.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn day_summary(
        &self,
        from: Millis,
        until: Millis,
        catalog: &Catalog,
    ) -> Result<DaySummary, StoreError> {
        let livemode = self.livemode;
        let named = Arc::new(Named::of(catalog));
        self.db
            .read(move |tx| {
                Box::pin(async move {
                    let supply = low(tx, livemode, &named, until.saturating_sub(USED_FOR)).await?;
                    day(tx, livemode, (from, until), supply).await
                })
            })
            .await
    }
}

/// Days that could not be told, the oldest first.
pub(super) async fn stuck(tx: &mut Tx, livemode: bool) -> Result<Vec<StuckSummary>, StoreError> {
    let sql = "SELECT day, attempt, said FROM summary WHERE livemode = $1 AND status = 'stuck' \
               ORDER BY day LIMIT $2";
    tx.fetch(sql, vals![livemode, STUCK_MAX]).await
}

/// What the catalog takes from.
struct Named {
    pools: Vec<String>,
    skus: Vec<String>,
}

impl Named {
    fn of(catalog: &Catalog) -> Self {
        let products = catalog.products();
        let pools = products.iter().filter_map(|p| p.key.as_ref()).map(|key| key.pool.clone());
        let skus = products.iter().filter_map(|p| p.stock.as_ref()).map(|stock| stock.sku.clone());
        Self { pools: pools.collect(), skus: skus.collect() }
    }
}

/// Pools and shelves with little left, of those that are used.
async fn low(
    tx: &mut Tx,
    livemode: bool,
    named: &Named,
    since: Millis,
) -> Result<(Vec<LowPool>, Vec<LowShelf>), StoreError> {
    let pools = tx
        .fetch(
            "SELECT pool, free FROM (SELECT p.pool, (SELECT COUNT(*) FROM (SELECT 1 FROM license_key k \
             WHERE k.account = p.account AND k.livemode = p.livemode AND k.pool = p.pool \
             AND k.session IS NULL LIMIT $2) AS undrawn) AS free \
             FROM key_pool p WHERE p.account = '' AND p.livemode = $1) AS pools \
             WHERE free < $2 AND (pool {in $4} \
             OR EXISTS (SELECT 1 FROM effect e JOIN orders o ON o.session = e.session \
               WHERE e.status = 'held' AND e.kind = 'key' AND e.subject = pools.pool AND o.livemode = $1) \
             OR EXISTS (SELECT 1 FROM license_key d JOIN orders o ON o.session = d.session \
               WHERE d.account = '' AND d.livemode = $1 AND d.pool = pools.pool \
               AND d.session IS NOT NULL AND o.first_seen_at >= $5)) \
             ORDER BY free, pool LIMIT $3",
            vals![livemode, FEW_KEYS, NAMED_MAX, named.pools.clone(), since],
        )
        .await?;
    let shelves = tx
        .fetch(
            "SELECT sku, on_hand, backordered FROM shelf WHERE account = '' AND livemode = $1 \
             AND (backordered > 0 OR on_hand <= $2 AND (sku {in $4} \
             OR EXISTS (SELECT 1 FROM effect e JOIN orders o ON o.session = e.session \
               WHERE e.status = 'held' AND e.kind = 'stock' AND e.subject = shelf.sku AND o.livemode = $1) \
             OR EXISTS (SELECT 1 FROM stock_movement m WHERE m.livemode = $1 AND m.sku = shelf.sku \
               AND m.session IS NOT NULL AND m.at >= $5))) \
             ORDER BY on_hand, sku LIMIT $3",
            vals![livemode, UNITS_LOW, NAMED_MAX, named.skus.clone(), since],
        )
        .await?;
    Ok((pools, shelves))
}

async fn day(
    tx: &mut Tx,
    livemode: bool,
    (from, until): (Millis, Millis),
    (pools, shelves): (Vec<LowPool>, Vec<LowShelf>),
) -> Result<DaySummary, StoreError> {
    let sold = tx
        .fetch(
            "SELECT currency, COUNT(*) AS orders, CAST(COALESCE(SUM(amount), 0) AS BIGINT) AS amount \
             FROM digest WHERE livemode = $1 AND placed_at >= $2 AND placed_at < $3 \
             GROUP BY currency ORDER BY currency",
            vals![livemode, from, until],
        )
        .await?;
    let waiting =
        "SELECT COUNT(*) FROM orders WHERE livemode = $1 AND status = $2 AND status <> 'fulfilled'";
    Ok(DaySummary {
        sold,
        need_attention: count(tx, waiting, vals![livemode, "needs_attention"]).await?,
        awaiting_payment: count(tx, waiting, vals![livemode, "awaiting_payment"]).await?,
        to_ship: count(
            tx,
            "SELECT COUNT(DISTINCT e.session) FROM effect e JOIN orders o ON o.session = e.session \
             WHERE e.status = 'to_ship' AND o.livemode = $1",
            vals![livemode],
        )
        .await?,
        stuck: count(
            tx,
            "SELECT COUNT(*) FROM delivery WHERE livemode = $1 AND status = 'stuck'",
            vals![livemode],
        )
        .await?,
        pools,
        shelves,
    })
}

async fn count(tx: &mut Tx, sql: &str, values: Vec<super::db::Value>) -> Result<i64, StoreError> {
    Ok(tx.first::<(i64,)>(sql, values).await?.map_or(0, |(n,)| n))
}
