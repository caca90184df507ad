//! The replicas that are alive, and small facts about the installation.

use fulfill_rules::{DAY, Millis, SECOND};

use super::{
    Store, StoreError,
    db::{Lane, vals},
};

/// A replica that was not heard of for so long does not count.
const FRESH: Millis = 30 * SECOND;
/// Event bodies looked at in one transaction of the clean-up.
const FORGET_BATCH: i64 = 500;

/// The replicas on this database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nodes {
    /// How many share the work, this one included.
    pub fresh: u32,
    /// How far this machine's time is from the database's, in milliseconds; 0 on SQLite.
    pub off_by: Millis,
}

impl Store {
    /// Tells the others that this replica is alive, takes over the database's time, and counts them.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn heartbeat(&self, node: &str) -> Result<Nodes, StoreError> {
        let off_by = match self.db.now().await? {
            Some(theirs) => self.clock.agree_with(theirs),
            None => 0,
        };
        let (now, node) = (self.now(), node.to_owned());
        let fresh = self
            .db
            .write("heartbeat", Lane::Others, move |tx| {
                let node = node.clone();
                Box::pin(async move {
                    tx.execute(
                        "INSERT INTO node (id, seen_at) VALUES ($1, $2) \
                         ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at",
                        vals![&node, now],
                    )
                    .await?;
                    tx.execute("DELETE FROM node WHERE seen_at < $1", vals![now - DAY]).await?;
                    let fresh: Option<(i64,)> = tx
                        .first("SELECT COUNT(*) FROM node WHERE seen_at >= $1", vals![now - FRESH])
                        .await?;
                    Ok(fresh.map_or(1, |(n,)| n))
                })
            })
            .await?;
        Ok(Nodes { fresh: u32::try_from(fresh).unwrap_or(u32::MAX).max(1), off_by })
    }

    /// This replica is gone: the others need not wait to notice.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn leave(&self, node: &str) -> Result<(), StoreError> {
        let node = node.to_owned();
        self.db
            .write("leave", Lane::Others, move |tx| {
                let node = node.clone();
                Box::pin(async move {
                    tx.execute("DELETE FROM node WHERE id = $1", vals![&node]).await?;
                    Ok(())
                })
            })
            .await
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.fact("installed_at").await.map(|_| ())
    }

    /// When this installation was made: older sales are nobody's business here.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn installed_at(&self) -> Result<Millis, StoreError> {
        Ok(self.fact(&self.of_mode("installed_at")).await?.unwrap_or_else(|| self.now()))
    }

    /// When the list of complete sessions was last read to its end.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn listed_at(&self) -> Result<Option<Millis>, StoreError> {
        self.fact(&self.of_mode("listed_at")).await
    }

    /// Remembers that the list of complete sessions was read to its end at `at`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn note_listed(&self, at: Millis) -> Result<(), StoreError> {
        self.note(self.of_mode("listed_at"), at, true).await
    }

    pub(super) async fn note_installation(&self) -> Result<(), StoreError> {
        let name = self.of_mode("installed_at");
        if self.fact(&name).await?.is_some() {
            return Ok(());
        }
        self.note(name, self.now(), false).await
    }

    fn of_mode(&self, name: &str) -> String {
        format!("{name}_{}", if self.livemode { "live" } else { "test" })
    }

    async fn fact(&self, name: &str) -> Result<Option<i64>, StoreError> {
        let name = name.to_owned();
        self.db
            .read(move |tx| {
                Box::pin(async move {
                    let sql = "SELECT value FROM fact WHERE name = $1";
                    Ok(tx.first::<(i64,)>(sql, vals![&name]).await?.map(|(value,)| value))
                })
            })
            .await
    }

    async fn note(&self, name: String, value: i64, over: bool) -> Result<(), StoreError> {
        self.db
            .write("note", Lane::Others, move |tx| {
                let name = name.clone();
                Box::pin(async move {
                    let again =
                        if over { "DO UPDATE SET value = excluded.value" } else { "DO NOTHING" };
                    let sql = format!(
                        "INSERT INTO fact (name, value) VALUES ($1, $2) ON CONFLICT (name) {again}"
                    );
                    tx.execute(&sql, vals![&name, value]).await?;
                    Ok(())
                })
            })
            .await
    }

    /// Forgets the bodies of events received before `before`; their ids stay for ever. Returns
    /// whether there may be more.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn forget_bodies(&self, before: Millis) -> Result<bool, StoreError> {
        self.db
            .write("forget_bodies", Lane::Others, move |tx| {
                Box::pin(async move {
                    let upto = "SELECT value FROM fact WHERE name = 'forgotten_upto'";
                    let from = tx.first::<(i64,)>(upto, vals![]).await?.map_or(0, |(n,)| n);
                    let old: Vec<(i64, i64)> = tx
                        .fetch(
                            "SELECT seq, received_at FROM event WHERE seq > $1 ORDER BY seq LIMIT $2",
                            vals![from, FORGET_BATCH],
                        )
                        .await?;
                    let Some(last) =
                        old.iter().take_while(|(_, at)| *at < before).map(|(seq, _)| *seq).last()
                    else {
                        return Ok(false);
                    };
                    tx.execute(
                        "UPDATE event SET body = NULL WHERE seq > $1 AND seq <= $2 AND disposition <> 'quarantined'",
                        vals![from, last],
                    )
                    .await?;
                    tx.execute(
                        "INSERT INTO fact (name, value) VALUES ('forgotten_upto', $1) \
                         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                        vals![last],
                    )
                    .await?;
                    Ok(true)
                })
            })
            .await
    }
}
