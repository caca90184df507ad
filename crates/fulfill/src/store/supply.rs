//! Shelves and key pools: locked and loaded for a decision, written after it, filled by people.

use std::collections::{BTreeMap, HashSet};

use fulfill_rules::{
    fact::{Fact, Sale},
    id::SessionKey,
    order::{Order, Policy, decide, demand},
    place::{EffectKind, EffectStatus},
    supply::{Demand, Pool, Shelf, Supply},
};

use super::{
    Store, StoreError,
    db::{Lane, Tx, vals},
    orders::Change,
    record::{Recorded, rework},
};

/// Orders tried in one transaction when something arrives.
const RELEASE_BATCH: i64 = 20;

/// What a placed order could still take, lines that the catalog has learned of since included.
pub(super) fn still_wanted(order: &Order, sale: &Sale, policy: &Policy) -> Demand {
    let mut wanted = demand(Some(order), &Fact::Paid, sale, &policy.catalog);
    if order.effects.iter().any(|e| e.is_held()) {
        wanted.add(&demand(None, &Fact::Paid, sale, &policy.catalog));
    }
    wanted
}

/// Locks and loads what is wanted: shelves, then pools, each in the order of their names; rows that
/// are missing are made first, so that there is something to lock.
pub(super) async fn load(
    tx: &mut Tx,
    wanted: &Demand,
    key: Option<&SessionKey>,
) -> Result<Supply, StoreError> {
    let mut supply = Supply::default();
    let Some(key) = key.filter(|_| !wanted.is_empty()) else { return Ok(supply) };
    if !wanted.skus.is_empty() {
        let skus: Vec<String> = wanted.skus.iter().cloned().collect();
        let mut shelves = lock_shelves(tx, key, skus.clone()).await?;
        if shelves.len() < skus.len() {
            let missing = skus.iter().filter(|sku| !shelves.contains_key(*sku));
            let rows = missing.map(|sku| vals![&key.account, key.livemode, sku]).collect();
            tx.insert("shelf (account, livemode, sku)", rows, "ON CONFLICT DO NOTHING").await?;
            shelves = lock_shelves(tx, key, skus).await?;
        }
        supply.shelves = shelves;
    }
    if !wanted.keys.is_empty() {
        let pools: Vec<String> = wanted.keys.keys().cloned().collect();
        let mut locked = lock_pools(tx, key, pools.clone()).await?;
        if locked.len() < pools.len() {
            let missing = pools.iter().filter(|pool| !locked.contains_key(*pool));
            let rows = missing.map(|pool| vals![&key.account, key.livemode, pool]).collect();
            tx.insert("key_pool (account, livemode, pool)", rows, "ON CONFLICT DO NOTHING").await?;
            locked = lock_pools(tx, key, pools).await?;
        }
        for (pool, releasing) in locked {
            let count = wanted.keys.get(&pool).copied().unwrap_or(0);
            let free: Vec<(String,)> = tx
                .fetch(
                    "SELECT license_key FROM license_key WHERE account = $1 AND livemode = $2 AND pool = $3 \
                     AND session IS NULL ORDER BY position LIMIT $4",
                    vals![&key.account, key.livemode, &pool, count],
                )
                .await?;
            let free = free.into_iter().map(|(k,)| k).collect();
            supply.pools.insert(pool, Pool { free, releasing });
        }
    }
    Ok(supply)
}

async fn lock_shelves(
    tx: &mut Tx,
    key: &SessionKey,
    skus: Vec<String>,
) -> Result<BTreeMap<String, Shelf>, StoreError> {
    let rows: Vec<(String, i64, i64, bool)> = tx
        .fetch(
            "SELECT sku, on_hand, backordered, releasing FROM shelf \
             WHERE account = $1 AND livemode = $2 AND sku {in $3} ORDER BY sku {lock}",
            vals![&key.account, key.livemode, skus],
        )
        .await?;
    let shelves = rows.into_iter().map(|(sku, on_hand, backordered, releasing)| {
        (sku, Shelf { on_hand, backordered, releasing, changed: false })
    });
    Ok(shelves.collect())
}

async fn lock_pools(
    tx: &mut Tx,
    key: &SessionKey,
    pools: Vec<String>,
) -> Result<BTreeMap<String, bool>, StoreError> {
    let rows: Vec<(String, bool)> = tx
        .fetch(
            "SELECT pool, releasing FROM key_pool \
             WHERE account = $1 AND livemode = $2 AND pool {in $3} ORDER BY pool {lock}",
            vals![&key.account, key.livemode, pools],
        )
        .await?;
    Ok(rows.into_iter().collect())
}

/// Writes what decisions took: one update a shelf, and the keys with whom they belong to now.
pub(super) async fn save(
    tx: &mut Tx,
    supply: &Supply,
    changes: &[Change<'_>],
    key: Option<&SessionKey>,
) -> Result<(), StoreError> {
    let Some(key) = key else { return Ok(()) };
    let shelves = supply.shelves.iter().filter(|(_, shelf)| shelf.changed);
    let rows = shelves
        .map(|(sku, s)| vals![&key.account, key.livemode, sku, s.on_hand, s.backordered])
        .collect();
    let by = ["account", "livemode", "sku"];
    tx.update("shelf", &by, &["on_hand", "backordered"], rows).await?;
    let mut drawn = Vec::new();
    for change in changes {
        for effect in &change.decision.effects {
            if effect.kind == EffectKind::Key
                && effect.status == EffectStatus::Done
                && let Some(value) = &effect.value
            {
                drawn.push(vals![
                    &key.account,
                    key.livemode,
                    &effect.subject,
                    value,
                    change.session,
                    &effect.line,
                    effect.unit
                ]);
            }
        }
    }
    let by = ["account", "livemode", "pool", "license_key"];
    tx.update("license_key", &by, &["session", "line", "unit"], drawn).await
}

/// Something that was filled and for which older orders are served first.
#[derive(Debug, Clone)]
struct Filled {
    kind: &'static str,
    subject: String,
}

impl Store {
    /// Serves the orders that wait for what has arrived, the oldest first; newcomers wait meanwhile.
    /// Returns what moved.
    ///
    /// # Errors
    /// When it cannot be written; what was released before stays released.
    pub async fn release(
        &self,
        policy: &std::sync::Arc<Policy>,
    ) -> Result<Vec<Recorded>, StoreError> {
        let livemode = self.livemode;
        let filled: Vec<Filled> = self
            .db
            .read(move |tx| {
                Box::pin(async move {
                    let mut filled = Vec::new();
                    for (kind, sql) in [
                        ("stock", "SELECT sku FROM shelf WHERE account = '' AND livemode = $1 AND releasing ORDER BY sku"),
                        ("key", "SELECT pool FROM key_pool WHERE account = '' AND livemode = $1 AND releasing ORDER BY pool"),
                    ] {
                        let names: Vec<(String,)> = tx.fetch(sql, vals![livemode]).await?;
                        filled.extend(names.into_iter().map(|(subject,)| Filled { kind, subject }));
                    }
                    Ok(filled)
                })
            })
            .await?;
        let mut moved = Vec::new();
        for filled in filled {
            let mut tried = HashSet::new();
            while let Some(some) = self.release_some(&filled, &mut tried, policy).await? {
                moved.extend(some);
            }
        }
        Ok(moved)
    }

    /// Tries a few of the orders that wait and were not tried yet. Without any, the release is over.
    async fn release_some(
        &self,
        filled: &Filled,
        tried: &mut HashSet<i64>,
        policy: &std::sync::Arc<Policy>,
    ) -> Result<Option<Vec<Recorded>>, StoreError> {
        let (now, livemode) = (self.now(), self.livemode);
        let (what, policy) = (filled.clone(), std::sync::Arc::clone(policy));
        let known = std::sync::Arc::new(tried.clone());
        let (seqs, moved) = self
            .db
            .write("release", Lane::Others, move |tx| {
                let (what, policy) = (what.clone(), std::sync::Arc::clone(&policy));
                let known = std::sync::Arc::clone(&known);
                Box::pin(async move {
                    let seqs = waiting(tx, &what, livemode, &known).await?;
                    if seqs.is_empty() {
                        // Under the lock nobody can be held behind our back: then it is over.
                        let key =
                            SessionKey { account: String::new(), livemode, id: String::new() };
                        let mut lock = Demand::default();
                        if what.kind == "stock" {
                            lock.skus.insert(what.subject.clone());
                        } else {
                            lock.keys.insert(what.subject.clone(), 0);
                        }
                        load(tx, &lock, Some(&key)).await?;
                        let over = waiting(tx, &what, livemode, &known).await?.is_empty();
                        if over {
                            end_release(tx, &what, livemode).await?;
                        }
                        return Ok((Vec::new(), (!over).then(Vec::new)));
                    }
                    let moved =
                        rework(tx, seqs.clone(), now, Some((&policy, true)), None, |r, supply| {
                            decide(Some(&r.order), &Fact::Paid, &r.sale, supply, &policy, now)
                        })
                        .await?;
                    Ok((seqs, Some(moved)))
                })
            })
            .await?;
        tried.extend(seqs);
        Ok(moved)
    }

    /// Puts the opening stock on shelves that were never opened; each is opened once for ever.
    /// All of it is one transaction.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn open_stock(&self, opening: &BTreeMap<String, i64>) -> Result<(), StoreError> {
        let livemode = self.livemode;
        let opening: Vec<(String, i64)> = opening.iter().map(|(k, v)| (k.clone(), *v)).collect();
        let opened: Vec<(String,)> = self
            .db
            .read(move |tx| {
                Box::pin(async move {
                    let sql =
                        "SELECT sku FROM shelf WHERE account = '' AND livemode = $1 AND opened";
                    tx.fetch(sql, vals![livemode]).await
                })
            })
            .await?;
        let opened: HashSet<String> = opened.into_iter().map(|(sku,)| sku).collect();
        let new: Vec<(String, i64)> =
            opening.into_iter().filter(|(sku, _)| !opened.contains(sku)).collect();
        if new.is_empty() {
            return Ok(());
        }
        self.db
            .write("open_stock", Lane::Others, move |tx| {
                let rows = new
                    .iter()
                    .map(|(sku, amount)| vals!["", livemode, sku, *amount, true])
                    .collect();
                let skus = new.iter().map(|(sku, _)| sku.clone()).collect();
                Box::pin(async move {
                    tx.insert(
                        "shelf (account, livemode, sku, on_hand, opened)",
                        rows,
                        "ON CONFLICT (account, livemode, sku) DO UPDATE SET \
                         on_hand = shelf.on_hand + CASE WHEN excluded.on_hand > shelf.backordered \
                           THEN excluded.on_hand - shelf.backordered ELSE 0 END, \
                         backordered = CASE WHEN shelf.backordered > excluded.on_hand \
                           THEN shelf.backordered - excluded.on_hand ELSE 0 END, opened = TRUE \
                         WHERE NOT shelf.opened",
                    )
                    .await?;
                    begin_release(tx, livemode, skus).await
                })
            })
            .await
    }

    /// Puts `amount` more on a shelf; what is owed on backorder comes off first. Orders that wait are
    /// served by the next [`Store::release`]. Returns what is on the shelf now.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn add_stock(&self, sku: &str, amount: i64) -> Result<i64, StoreError> {
        let (livemode, sku) = (self.livemode, sku.to_owned());
        self.db
            .write("add_stock", Lane::Others, move |tx| {
                let sku = sku.clone();
                Box::pin(async move {
                    let key = SessionKey { account: String::new(), livemode, id: String::new() };
                    let wanted = Demand { skus: [sku.clone()].into(), ..Demand::default() };
                    let supply = load(tx, &wanted, Some(&key)).await?;
                    let shelf = supply.shelves.get(&sku).cloned().unwrap_or_default();
                    let owed = shelf.backordered.min(amount).max(0);
                    let on_hand = shelf.on_hand.saturating_add(amount - owed).max(0);
                    tx.execute(
                        "UPDATE shelf SET on_hand = $1, backordered = $2, opened = TRUE \
                         WHERE account = '' AND livemode = $3 AND sku = $4",
                        vals![on_hand, shelf.backordered - owed, livemode, &sku],
                    )
                    .await?;
                    begin_release(tx, livemode, vec![sku]).await?;
                    Ok(on_hand)
                })
            })
            .await
    }
}

/// The oldest orders that wait for it and were not tried yet.
async fn waiting(
    tx: &mut Tx,
    what: &Filled,
    livemode: bool,
    tried: &HashSet<i64>,
) -> Result<Vec<i64>, StoreError> {
    let limit = RELEASE_BATCH + i64::try_from(tried.len()).unwrap_or(i64::MAX / 2);
    let held: Vec<(i64,)> = tx
        .fetch(
            "SELECT DISTINCT e.session FROM effect e JOIN orders o ON o.session = e.session \
             WHERE e.status = 'held' AND e.kind = $1 AND e.subject = $2 AND o.livemode = $3 \
             ORDER BY e.session LIMIT $4",
            vals![what.kind, &what.subject, livemode, limit],
        )
        .await?;
    let new = held.into_iter().map(|(seq,)| seq).filter(|seq| !tried.contains(seq));
    Ok(new.take(usize::try_from(RELEASE_BATCH).unwrap_or(1)).collect())
}

/// Shelves that were filled, and locked by that, serve those who wait for them first. Where nobody
/// waits, newcomers are served at once.
async fn begin_release(tx: &mut Tx, livemode: bool, skus: Vec<String>) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE shelf SET releasing = TRUE WHERE account = '' AND livemode = $1 AND sku {in $2} \
         AND EXISTS (SELECT 1 FROM effect e JOIN orders o ON o.session = e.session \
         WHERE e.status = 'held' AND e.kind = 'stock' AND e.subject = shelf.sku AND o.livemode = $1)",
        vals![livemode, skus],
    )
    .await?;
    Ok(())
}

async fn end_release(tx: &mut Tx, filled: &Filled, livemode: bool) -> Result<(), StoreError> {
    let sql = if filled.kind == "stock" {
        "UPDATE shelf SET releasing = FALSE WHERE account = '' AND livemode = $1 AND sku = $2"
    } else {
        "UPDATE key_pool SET releasing = FALSE WHERE account = '' AND livemode = $1 AND pool = $2"
    };
    tx.execute(sql, vals![livemode, &filled.subject]).await?;
    Ok(())
}
