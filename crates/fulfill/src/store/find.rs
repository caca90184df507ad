//! Orders found by what a person has in hand: an id, a mail address, a license key, a name, an amount.

use fulfill_rules::order::Status;
use futures_util::future::BoxFuture;

use super::{
    Store, StoreError,
    db::{Tx, Value, vals},
    digest,
    views::{OrdersPage, OrdersQuery, PAGE_MAX, orders_by_number},
};

/// Longest question, in characters, and most words of it.
const Q_CHARS_MAX: usize = 200;
const WORDS_MAX: usize = 8;

impl Store {
    /// A page of orders, the newest first.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn orders(&self, query: OrdersQuery) -> Result<OrdersPage, StoreError> {
        let livemode = self.livemode;
        self.db.read(move |tx| Box::pin(async move { page(tx, query, livemode).await })).await
    }
}

/// First which, by narrow rows; then all that is known of those.
fn page(
    tx: &mut Tx,
    query: OrdersQuery,
    livemode: bool,
) -> BoxFuture<'_, Result<OrdersPage, StoreError>> {
    Box::pin(async move {
        let limit = query.limit.clamp(1, PAGE_MAX);
        let mut asked = Asked { wheres: Vec::new(), values: vals![livemode, limit + 1] };
        asked.narrow(&query);
        if let Some(q) = query.q.as_deref().map(str::trim).filter(|q| !q.is_empty()) {
            asked.search(q);
        }
        let sql = format!(
            "SELECT o.session FROM orders o {} WHERE o.livemode = $1 {} ORDER BY o.session DESC LIMIT $2",
            if asked.reads_digest() { "JOIN digest d ON d.session = o.session" } else { "" },
            asked.wheres.iter().map(|w| format!("AND {w}")).collect::<Vec<_>>().join(" ")
        );
        let found: Vec<(i64,)> = tx.fetch(&sql, asked.values).await?;
        let mut seqs: Vec<i64> = found.into_iter().map(|(seq,)| seq).collect();
        let many = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = seqs.len() > many;
        seqs.truncate(many);
        Ok(OrdersPage { orders: orders_by_number(tx, seqs).await?, has_more })
    })
}

struct Asked {
    wheres: Vec<String>,
    values: Vec<Value>,
}

impl Asked {
    fn bind(&mut self, value: impl Into<Value>) -> usize {
        self.values.push(value.into());
        self.values.len()
    }

    fn reads_digest(&self) -> bool {
        self.wheres.iter().any(|w| w.contains("d.haystack"))
    }

    fn narrow(&mut self, query: &OrdersQuery) {
        if let Some(status) = query.status {
            let at = self.bind(status.as_str());
            self.wheres.push(format!("o.status = ${at}"));
            if status != Status::Fulfilled {
                // Says what the partial index says, so that it is used.
                self.wheres.push("o.status <> 'fulfilled'".to_owned());
            }
        }
        if query.to_ship {
            self.wheres.push(
                "o.session IN (SELECT session FROM effect WHERE status = 'to_ship')".to_owned(),
            );
        }
        for (sign, at) in [(">=", query.from), ("<", query.until)] {
            if let Some(at) = at {
                let at = self.bind(at);
                self.wheres.push(format!("o.first_seen_at {sign} ${at}"));
            }
        }
        if let Some(after) = &query.after {
            let at = self.bind(after.as_str());
            self.wheres.push(format!(
                "o.session < (SELECT seq FROM session WHERE id = ${at} AND livemode = $1 AND account = '')"
            ));
        }
    }

    fn search(&mut self, q: &str) {
        let q: String = q.chars().take(Q_CHARS_MAX).collect();
        if q.starts_with("cs_") {
            let at = self.bind(q);
            let of = format!("SELECT seq FROM session WHERE id = ${at} AND livemode = $1");
            self.wheres.push(format!("o.session IN ({of} AND account = '')"));
            return;
        }
        let words = digest::needles(&q).into_iter().take(WORDS_MAX);
        let mut all = Vec::new();
        for any in words {
            let any: Vec<String> = any
                .into_iter()
                .map(|pattern| format!("d.haystack LIKE ${} ESCAPE '\\'", self.bind(pattern)))
                .collect();
            all.push(format!("({})", any.join(" OR ")));
        }
        let key = self.bind(q);
        self.wheres.push(format!(
            "(({}) OR o.session IN (SELECT session FROM license_key WHERE license_key = ${key} \
             AND session IS NOT NULL AND livemode = $1 AND account = ''))",
            all.join(" AND ")
        ));
    }
}
