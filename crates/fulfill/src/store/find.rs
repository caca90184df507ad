//! Orders found by what a person has in hand: an id, a mail address, a license key, a name, an amount, a
//! tracking number. Ids and keys are found by how they begin, too, and keys by any of their later blocks.

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
/// Fewer signs are the beginning of too much.
const BEGINNING_CHARS_MIN: usize = 4;
/// So many that begin alike are many: among the newest orders some are found soon.
const MANY: i64 = 1_000;

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

/// First which, by an index or by narrow rows; then all that is known of those.
fn page(
    tx: &mut Tx,
    query: OrdersQuery,
    livemode: bool,
) -> BoxFuture<'_, Result<OrdersPage, StoreError>> {
    Box::pin(async move {
        let limit = query.limit.clamp(1, PAGE_MAX);
        let mut asked = Asked { wheres: Vec::new(), values: vals![livemode, limit + 1] };
        let (mut from, mut order) = ("orders o", "{row}.session");
        let filtered = asked.filter(&query);
        if let Some(q) = query.q.as_deref().map(str::trim).filter(|q| !q.is_empty()) {
            let q: String = q.chars().take(Q_CHARS_MAX).collect();
            match exact(tx, &q, livemode).await? {
                Some(way) => {
                    asked.exactly(way, q);
                    // By its index, then sorted: not through all orders in their order until it matches.
                    order = "{row}.session + 0";
                }
                None if q.starts_with("cs_") => {
                    let begins = IDS.of(tx, &q, livemode).await?;
                    let begins = begins.map_or("FALSE".to_owned(), |begins| asked.begins(&begins));
                    asked.wheres.push(begins);
                }
                None => {
                    let key = KEYS.of(tx, &q, livemode).await?;
                    asked.search(&q, key.as_ref());
                    // The wide rows are read for filters only.
                    from = if filtered {
                        "digest d JOIN orders o ON o.session = d.session"
                    } else {
                        "digest d"
                    };
                }
            }
        }
        let narrow = if from.starts_with("digest") { "d" } else { "o" };
        let wheres: String = asked.wheres.iter().map(|w| format!(" AND {w}")).collect();
        let sql = format!(
            "SELECT {{row}}.session FROM {from} WHERE {{row}}.livemode = $1{wheres} \
             ORDER BY {order} DESC LIMIT $2"
        );
        let sql = sql.replace("{row}", narrow);
        let found: Vec<(i64,)> = tx.fetch(&sql, asked.values).await?;
        let mut seqs: Vec<i64> = found.into_iter().map(|(seq,)| seq).collect();
        let many = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = seqs.len() > many;
        seqs.truncate(many);
        Ok(OrdersPage { orders: orders_by_number(tx, seqs).await?, has_more })
    })
}

/// The ways that have an index: a condition on `orders`, and how the question is written for it.
const EXACT: [(&str, bool); 4] = [
    ("o.email = {q}", true),
    ("o.customer = {q}", false),
    ("o.client_reference_id = {q}", false),
    (
        "o.session IN (SELECT session FROM license_key WHERE license_key = {q} AND session IS NOT NULL \
         AND livemode = $1 AND account = '')",
        false,
    ),
];

/// A way that finds something at once.
async fn exact(
    tx: &mut Tx,
    q: &str,
    livemode: bool,
) -> Result<Option<(&'static str, bool)>, StoreError> {
    if q.starts_with("cs_") {
        return Ok(None);
    }
    for (way, lower) in EXACT {
        let sql = format!(
            "SELECT o.session FROM orders o WHERE o.livemode = $1 AND {} LIMIT 1",
            way.replace("{q}", "$2")
        );
        let q = if lower { q.to_lowercase() } else { q.to_owned() };
        if tx.first::<(i64,)>(&sql, vals![livemode, q]).await?.is_some() {
            return Ok(Some((way, lower)));
        }
    }
    Ok(None)
}

/// A column with an index, of which the beginning may be typed.
struct Column {
    /// Those that begin so: between `{q}` and `{end}`.
    rows: &'static str,
    /// The orders of those, found by going through them, where they are few.
    few: &'static str,
    /// The same, found by asking each order, the newest first, where they are many.
    many: &'static str,
}

const IDS: Column = Column {
    rows: "session WHERE id >= {q} AND id < {end} AND livemode = $1 AND account = ''",
    few: "{row}.session IN (SELECT seq FROM {rows})",
    many: "EXISTS (SELECT 1 FROM session s WHERE s.seq = {row}.session AND s.id >= {q} AND s.id < {end})",
};
// Written so that only the index by key can serve: the table's own begins with account and mode.
const KEYS: Column = Column {
    rows: "license_key WHERE license_key >= {q} AND license_key < {end} AND session IS NOT NULL \
           AND (livemode = $1) = TRUE AND COALESCE(account, '') = ''",
    few: "{row}.session IN (SELECT session FROM {rows})",
    many: "EXISTS (SELECT 1 FROM license_key k WHERE k.session = {row}.session \
           AND k.license_key >= {q} AND k.license_key < {end})",
};

/// What somebody typed is the beginning of something.
struct Begins {
    sql: String,
    q: String,
}

/// Behind all that begins so.
fn end(q: &str) -> String {
    format!("{q}{}", char::MAX)
}

impl Column {
    /// Whether something begins as it was typed, or in capitals; nothing where too little was typed.
    async fn of(&self, tx: &mut Tx, q: &str, livemode: bool) -> Result<Option<Begins>, StoreError> {
        if q.chars().count() < BEGINNING_CHARS_MIN {
            return Ok(None);
        }
        let rows = self.rows.replace("{q}", "$2").replace("{end}", "$3");
        let sql = format!("SELECT COUNT(*) FROM (SELECT 1 FROM {rows} LIMIT $4) AS begin_so");
        for q in [q.to_owned(), q.to_uppercase()] {
            let values = vals![livemode, &q, end(&q), MANY];
            match tx.first::<(i64,)>(&sql, values).await?.map_or(0, |(count,)| count) {
                0 => {}
                MANY => return Ok(Some(Begins { sql: self.many.to_owned(), q })),
                _ => return Ok(Some(Begins { sql: self.few.replace("{rows}", self.rows), q })),
            }
        }
        Ok(None)
    }
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

    /// Whether anything is asked of the order itself.
    fn filter(&mut self, query: &OrdersQuery) -> bool {
        if let Some(status) = query.status {
            let at = self.bind(status.as_str());
            self.wheres.push(format!("o.status = ${at}"));
            if status != Status::Fulfilled {
                // Says what the partial index says, so that it is used.
                self.wheres.push("o.status <> 'fulfilled'".to_owned());
            }
        }
        for (sign, at) in [(">=", query.from), ("<", query.until)] {
            if let Some(at) = at {
                let at = self.bind(at);
                self.wheres.push(format!("o.first_seen_at {sign} ${at}"));
            }
        }
        let filtered = !self.wheres.is_empty();
        if query.to_ship {
            let to_ship = "{row}.session IN (SELECT session FROM effect WHERE status = 'to_ship')";
            self.wheres.push(to_ship.to_owned());
        }
        if let Some(after) = &query.after {
            let at = self.bind(after.as_str());
            self.wheres.push(format!(
                "{{row}}.session < (SELECT seq FROM session WHERE id = ${at} AND livemode = $1 AND account = '')"
            ));
        }
        filtered
    }

    fn exactly(&mut self, (way, lower): (&str, bool), q: String) {
        let at = self.bind(if lower { q.to_lowercase() } else { q });
        self.wheres.push(way.replace("{q}", &format!("${at}")));
    }

    /// All words are in the row; or a key begins like this.
    fn search(&mut self, q: &str, key: Option<&Begins>) {
        let others = std::mem::take(&mut self.wheres);
        self.words(q);
        let words = std::mem::replace(&mut self.wheres, others).join(" AND ");
        let found = match key {
            None => words,
            Some(key) => format!("({words} OR {})", self.begins(key)),
        };
        self.wheres.push(found);
    }

    fn begins(&mut self, begins: &Begins) -> String {
        let (from, until) = (self.bind(begins.q.as_str()), self.bind(end(&begins.q)));
        begins.sql.replace("{q}", &format!("${from}")).replace("{end}", &format!("${until}"))
    }

    fn words(&mut self, q: &str) {
        for any in digest::needles(q).into_iter().take(WORDS_MAX) {
            // Nearly all rows end at what the ways to write it begin with.
            if any.len() > 1 {
                let begin = digest::common(&any);
                let has = self.has(begin);
                self.wheres.push(has);
            }
            let any: Vec<String> = any.into_iter().map(|needle| self.has(needle)).collect();
            self.wheres.push(format!("({})", any.join(" OR ")));
        }
    }

    fn has(&mut self, needle: String) -> String {
        format!("{{place of}}(d.haystack, ${}) > 0", self.bind(needle))
    }
}
