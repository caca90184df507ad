//! Shelves and key pools: locked and loaded for a decision, written after it, filled by people.

use std::collections::{BTreeMap, HashSet};

use fulfill_rules::{
    Millis,
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
    now: Millis,
) -> Result<(), StoreError> {
    let Some(key) = key else { return Ok(()) };
    note_movements(tx, key.livemode, now, sold(supply, changes)).await?;
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

/// One change of a shelf, and what is there after it.
#[derive(Debug)]
pub(super) struct Movement<'a> {
    pub(super) sku: &'a str,
    pub(super) change: i64,
    pub(super) on_hand: i64,
    pub(super) backordered: i64,
    pub(super) session: Option<i64>,
    pub(super) who: Option<&'a str>,
    pub(super) why: Option<&'a str>,
}

/// What decisions took, one movement for each line. The shelves show how it ended; going back from
/// there says what was there after each of them.
fn sold<'a>(supply: &Supply, changes: &'a [Change<'_>]) -> Vec<Movement<'a>> {
    let mut after: BTreeMap<&str, i64> = BTreeMap::new();
    let shelves = supply.shelves.iter().filter(|(_, shelf)| shelf.changed);
    after.extend(shelves.map(|(sku, s)| (sku.as_str(), s.on_hand.saturating_sub(s.backordered))));
    let taken = changes.iter().flat_map(|change| {
        let effects = change.decision.effects.iter();
        let taken =
            effects.filter(|e| e.kind == EffectKind::Stock && e.status == EffectStatus::Done);
        taken.map(move |effect| (change, effect))
    });
    let taken: Vec<_> = taken.collect();
    let mut moved = Vec::with_capacity(taken.len());
    for (change, effect) in taken.into_iter().rev() {
        let Some(left) = after.get_mut(effect.subject.as_str()) else { continue };
        moved.push(Movement {
            sku: &effect.subject,
            change: -effect.quantity,
            on_hand: (*left).max(0),
            backordered: left.saturating_neg().max(0),
            session: Some(change.session),
            who: change.who,
            why: None,
        });
        *left = left.saturating_add(effect.quantity);
    }
    moved.reverse();
    moved
}

/// Writes movements, at the end of their table.
pub(super) async fn note_movements(
    tx: &mut Tx,
    livemode: bool,
    now: Millis,
    moved: Vec<Movement<'_>>,
) -> Result<(), StoreError> {
    let rows = moved.into_iter().map(|m| {
        vals![livemode, m.sku, now, m.change, m.on_hand, m.backordered, m.session, m.who, m.why]
    });
    let columns =
        "stock_movement (livemode, sku, at, change, on_hand, backordered, session, who, why)";
    tx.insert(columns, rows.collect(), "").await
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
        let (now, livemode) = (self.now(), self.livemode);
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
                let amounts = new.clone();
                Box::pin(async move {
                    let opened: Vec<(String, i64, i64)> = tx
                        .for_rows(
                            "INSERT INTO shelf (account, livemode, sku, on_hand, opened) {rows} \
                         ON CONFLICT (account, livemode, sku) DO UPDATE SET \
                         on_hand = shelf.on_hand + CASE WHEN excluded.on_hand > shelf.backordered \
                           THEN excluded.on_hand - shelf.backordered ELSE 0 END, \
                         backordered = CASE WHEN shelf.backordered > excluded.on_hand \
                           THEN shelf.backordered - excluded.on_hand ELSE 0 END, opened = TRUE \
                         WHERE NOT shelf.opened RETURNING sku, on_hand, backordered",
                            rows,
                        )
                        .await?;
                    let moved = opened.iter().filter_map(|(sku, on_hand, backordered)| {
                        let (_, amount) = amounts.iter().find(|(name, _)| name == sku)?;
                        Some(Movement {
                            sku,
                            change: *amount,
                            on_hand: *on_hand,
                            backordered: *backordered,
                            session: None,
                            who: None,
                            why: Some("opening stock"),
                        })
                    });
                    note_movements(tx, livemode, now, moved.collect()).await?;
                    begin_release(tx, livemode, skus).await
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
pub(super) async fn begin_release(
    tx: &mut Tx,
    livemode: bool,
    skus: Vec<String>,
) -> Result<(), StoreError> {
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
