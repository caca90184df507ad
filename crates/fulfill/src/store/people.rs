//! What people do by hand: settle held lines, import keys.

use std::collections::BTreeSet;

use fulfill_rules::{
    id::SessionKey,
    order::{ByHand, by_hand},
};

use super::{
    Store, StoreError,
    db::{Lane, vals},
    record::{Recorded, rework},
    work::{RING, RUNG},
};

/// Keys in one transaction of an import.
const IMPORT_BATCH: usize = 500;

/// How an import went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Imported {
    /// Keys that are new.
    pub new: u64,
    /// Keys the pool had already.
    pub known: u64,
    /// Keys that stood in the list before, each time.
    pub repeated: u64,
    /// Keys nobody has drawn yet, all of the pool's.
    pub free: i64,
}

impl Store {
    /// Settles held effects by hand: those of `lines`, or all of them when it is empty. An order that
    /// is not paid stays where it is. `None`: there is no such order.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn by_hand(
        &self,
        key: &SessionKey,
        act: ByHand,
        lines: Vec<String>,
        who: &str,
    ) -> Result<Option<Recorded>, StoreError> {
        let (now, who, key) = (self.now(), who.to_owned(), key.clone());
        self.db
            .write("by_hand", Lane::Others, move |tx| {
                let (who, key, lines) = (who.clone(), key.clone(), lines.clone());
                Box::pin(async move {
                    let Some(session) = Self::order_number(tx, &key).await? else {
                        return Ok(None);
                    };
                    let moved = rework(tx, vec![session], now, None, Some(&who), |r, _| {
                        by_hand(&r.order, act, &lines, &who, now)
                    })
                    .await?;
                    // The engine, which knows the shop's wishes, looks whether mails follow from it.
                    let ring = vals![
                        &key.account,
                        key.livemode,
                        &key.id,
                        now,
                        now,
                        false,
                        false,
                        false,
                        false,
                        1
                    ];
                    tx.insert(RUNG, vec![ring], RING).await?;
                    Ok(moved.into_iter().next())
                })
            })
            .await
    }

    /// Imports license keys into a pool, in their order; keys the pool has already stay as they are.
    /// Orders that wait are served by the next [`Store::release`].
    ///
    /// # Errors
    /// When it cannot be written; what was imported before stays, and the same import may be run again.
    pub async fn import_keys(
        &self,
        pool: &str,
        keys: &[impl AsRef<str> + Sync],
    ) -> Result<Imported, StoreError> {
        let mut seen = BTreeSet::new();
        let all = keys.len() as u64;
        let keys: Vec<&str> =
            keys.iter().map(AsRef::as_ref).filter(|key| seen.insert(*key)).collect();
        drop(seen);
        let mut sum = Imported { repeated: all - keys.len() as u64, ..Imported::default() };
        for chunk in keys.chunks(IMPORT_BATCH) {
            let chunk: Vec<String> = chunk.iter().map(|key| (*key).to_owned()).collect();
            let part = self.import_some(pool, chunk).await?;
            sum.new += part.new;
            sum.known += part.known;
        }
        sum.free = self.free_keys(pool).await?;
        Ok(sum)
    }

    /// Keys of a pool that nobody has drawn yet.
    async fn free_keys(&self, pool: &str) -> Result<i64, StoreError> {
        let (livemode, pool) = (self.livemode, pool.to_owned());
        self.db
            .read(move |tx| {
                Box::pin(async move {
                    let sql = "SELECT COUNT(*) FROM license_key WHERE account = '' AND livemode = $1 \
                               AND pool = $2 AND session IS NULL";
                    Ok(tx.first::<(i64,)>(sql, vals![livemode, &pool]).await?.map_or(0, |(n,)| n))
                })
            })
            .await
    }

    async fn import_some(&self, pool: &str, keys: Vec<String>) -> Result<Imported, StoreError> {
        let (livemode, pool) = (self.livemode, pool.to_owned());
        self.db
            .write("import_keys", Lane::Others, move |tx| {
                let (pool, keys) = (pool.clone(), keys.clone());
                Box::pin(async move {
                    // The pool's row is the lock: two imports take their positions in turn.
                    tx.execute(
                        "INSERT INTO key_pool (account, livemode, pool) VALUES ('', $1, $2) \
                         ON CONFLICT (account, livemode, pool) DO UPDATE SET pool = excluded.pool",
                        vals![livemode, &pool],
                    )
                    .await?;
                    // Where nobody waits, newcomers are served at once.
                    tx.execute(
                        "UPDATE key_pool SET releasing = TRUE WHERE account = '' AND livemode = $1 AND pool = $2 \
                         AND EXISTS (SELECT 1 FROM effect e JOIN orders o ON o.session = e.session \
                         WHERE e.status = 'held' AND e.kind = 'key' AND e.subject = $2 AND o.livemode = $1)",
                        vals![livemode, &pool],
                    )
                    .await?;
                    let count = i64::try_from(keys.len()).unwrap_or(0);
                    let last: Option<(i64,)> = tx
                        .first(
                            "UPDATE key_pool SET last_position = last_position + $1 \
                             WHERE account = '' AND livemode = $2 AND pool = $3 RETURNING last_position",
                            vals![count, livemode, &pool],
                        )
                        .await?;
                    let first = last.map_or(0, |(n,)| n) - count + 1;
                    let rows = (first..)
                        .zip(&keys)
                        .map(|(position, key)| vals!["", livemode, &pool, key, position])
                        .collect();
                    let new: Vec<(i64,)> = tx
                        .for_rows(
                            "INSERT INTO license_key (account, livemode, pool, license_key, position) {rows} \
                             ON CONFLICT (account, livemode, pool, license_key) DO NOTHING RETURNING position",
                            rows,
                        )
                        .await?;
                    let new = new.len() as u64;
                    Ok(Imported { new, known: keys.len() as u64 - new, ..Imported::default() })
                })
            })
            .await
    }
}
