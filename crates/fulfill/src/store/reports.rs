//! What reports are made of: orders and stock movements in the order of their numbers, part by part.
//! A part costs the same whatever was asked for, and nothing stays open between two of them.

use fulfill_rules::{Millis, fact::Sale, id::SessionKey, order::Status, place::Effect};

use super::{
    Store, StoreError,
    db::{Tx, rows, vals},
    orders::{self, from_json},
    shelves::{MovementRow, MovementView},
};

/// Numbers looked through for one part: a few megabytes at most, even if each order has a hundred lines.
const PART: i64 = 500;

/// Which numbers and which time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartQuery {
    /// Only what comes behind this number.
    pub after: i64,
    /// Nothing behind this number: what comes in while a report is written is not in it.
    pub last: i64,
    /// Not before this moment.
    pub from: Option<Millis>,
    /// Before this moment.
    pub until: Option<Millis>,
}

/// Some of what was asked for; a part may be empty and others follow.
#[derive(Debug, Clone)]
pub struct Part<T> {
    /// In the order of their numbers.
    pub rows: Vec<T>,
    /// Where the next part begins; `None` after the last.
    pub next: Option<i64>,
}

/// An order as reports need it.
#[derive(Debug, Clone)]
pub struct ReportedOrder {
    /// Its session.
    pub key: SessionKey,
    /// Where it stands.
    pub status: Status,
    /// Why, for people.
    pub reason: Option<String>,
    /// When it was first heard of: the moment that puts it into a report's time.
    pub first_seen_at: Millis,
    /// When it was fulfilled.
    pub fulfilled_at: Option<Millis>,
    /// What was sold.
    pub sale: Sale,
    /// What is or will be true.
    pub effects: Vec<Effect>,
}

rows! {
    struct OrderRow {
        session: i64,
        account: String,
        livemode: bool,
        id: String,
        status: String,
        reason: Option<String>,
        first_seen_at: i64,
        fulfilled_at: Option<i64>,
        sale: String,
    }
}

impl Store {
    /// The number of the newest order; 0 where there is none.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn last_order(&self) -> Result<i64, StoreError> {
        self.last("SELECT session FROM orders ORDER BY session DESC LIMIT 1").await
    }

    /// The number of the newest stock movement; 0 where there is none.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn last_movement(&self) -> Result<i64, StoreError> {
        self.last("SELECT seq FROM stock_movement ORDER BY seq DESC LIMIT 1").await
    }

    async fn last(&self, sql: &'static str) -> Result<i64, StoreError> {
        self.db
            .read(move |tx| {
                Box::pin(async move {
                    Ok(tx.first::<(i64,)>(sql, vals![]).await?.map_or(0, |(number,)| number))
                })
            })
            .await
    }

    /// Some orders, the oldest first, with their effects.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn orders_part(&self, query: PartQuery) -> Result<Part<ReportedOrder>, StoreError> {
        let livemode = self.livemode;
        self.db
            .read(move |tx| Box::pin(async move { orders_part(tx, query, livemode).await }))
            .await
    }

    /// Some changes of shelves, the oldest first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn movements_part(&self, query: PartQuery) -> Result<Part<MovementView>, StoreError> {
        let livemode = self.livemode;
        self.db
            .read(move |tx| Box::pin(async move { movements_part(tx, query, livemode).await }))
            .await
    }
}

/// The numbers of a part and whether they belong to the report, by a narrow look that costs the same
/// for a day long ago as for all time.
async fn numbers(
    tx: &mut Tx,
    sql: &str,
    query: PartQuery,
    livemode: bool,
) -> Result<Part<i64>, StoreError> {
    let found: Vec<(i64, bool, i64)> = tx.fetch(sql, vals![query.after, query.last, PART]).await?;
    let full = usize::try_from(PART).is_ok_and(|part| found.len() == part);
    let next = found.last().filter(|_| full).map(|(number, ..)| *number);
    let inside = |at: Millis| {
        query.from.is_none_or(|from| at >= from) && query.until.is_none_or(|until| at < until)
    };
    let rows = found.into_iter().filter(|(_, live, at)| *live == livemode && inside(*at));
    Ok(Part { rows: rows.map(|(number, ..)| number).collect(), next })
}

async fn orders_part(
    tx: &mut Tx,
    query: PartQuery,
    livemode: bool,
) -> Result<Part<ReportedOrder>, StoreError> {
    let sql = "SELECT session, livemode, first_seen_at FROM orders \
               WHERE session > $1 AND session <= $2 ORDER BY session LIMIT $3";
    let Part { rows: seqs, next } = numbers(tx, sql, query, livemode).await?;
    if seqs.is_empty() {
        return Ok(Part { rows: Vec::new(), next });
    }
    let mut effects = orders::effects(tx, seqs.clone()).await?;
    let found: Vec<OrderRow> = tx
        .fetch(
            "SELECT o.session, s.account, s.livemode, s.id, o.status, o.reason, o.first_seen_at, \
             o.fulfilled_at, o.sale FROM orders o JOIN session s ON s.seq = o.session \
             WHERE o.session {in $1} ORDER BY o.session",
            vals![seqs],
        )
        .await?;
    let mut reported = Vec::with_capacity(found.len());
    for row in found {
        reported.push(ReportedOrder {
            key: SessionKey { account: row.account, livemode: row.livemode, id: row.id },
            status: orders::status(&row.status)?,
            reason: row.reason,
            first_seen_at: row.first_seen_at,
            fulfilled_at: row.fulfilled_at,
            sale: from_json(&row.sale)?,
            effects: effects.remove(&row.session).unwrap_or_default(),
        });
    }
    Ok(Part { rows: reported, next })
}

async fn movements_part(
    tx: &mut Tx,
    query: PartQuery,
    livemode: bool,
) -> Result<Part<MovementView>, StoreError> {
    let sql = "SELECT seq, livemode, at FROM stock_movement \
               WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3";
    let Part { rows: seqs, next } = numbers(tx, sql, query, livemode).await?;
    if seqs.is_empty() {
        return Ok(Part { rows: Vec::new(), next });
    }
    let rows: Vec<MovementRow> = tx
        .fetch(
            "SELECT m.seq, m.at, m.sku, m.change, m.on_hand, m.backordered, s.id, m.who, m.why \
             FROM stock_movement m LEFT JOIN session s ON s.seq = m.session \
             WHERE m.seq {in $1} ORDER BY m.seq",
            vals![seqs],
        )
        .await?;
    Ok(Part { rows: rows.into_iter().map(MovementView::from).collect(), next })
}
