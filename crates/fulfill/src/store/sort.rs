//! What was stored is sorted in: each event behind its session, whose row is rung. What came twice
//! leaves the inbox.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::atomic::Ordering,
};

use fulfill_rules::id::SessionKey;

use super::{
    Store, StoreError,
    db::{Lane, Tx, Value, rows, vals},
    work::{RING, RUNG},
};

/// What was sorted in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sorted {
    /// Events, those that came before among them.
    pub events: usize,
    /// Events that came before: nothing was rung for them.
    pub duplicates: usize,
}

rows! {
    struct Waiting {
        event: i64,
        id: String,
        livemode: bool,
        kind: String,
        object_id: Option<String>,
        disposition: String,
    }
}

// `CROSS JOIN`: the few that are due, then their events; never all events.
const WAITING: &str = "WITH due AS MATERIALIZED ( \
      SELECT event FROM doorbell ORDER BY event LIMIT $1 {skip}) \
    SELECT event.seq, event.id, event.livemode, event.type, event.object_id, event.disposition \
    FROM due CROSS JOIN event WHERE event.seq = due.event ORDER BY event.seq";

/// How many of the newest events are looked through: some milliseconds' reading.
const ANNOUNCED_MAX: i64 = 1_000;
const ANNOUNCED: &str = "WITH newest AS MATERIALIZED ( \
      SELECT event FROM doorbell ORDER BY event DESC LIMIT $1) \
    SELECT event.seq FROM newest CROSS JOIN event WHERE event.seq = newest.event \
    AND event.object_id = $2 AND event.livemode = $3 AND event.disposition = 'rang' LIMIT 1";

/// Stands for "about no session of ours".
const NONE: i64 = 0;

impl Store {
    /// Whether this process stored something since it was asked last.
    #[must_use]
    pub fn stored_more(&self) -> bool {
        self.inbox.stored.swap(false, Ordering::Relaxed)
    }

    /// Whether one of the newest events that are not sorted in yet is about this session.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn is_announced(&self, key: &SessionKey) -> Result<bool, StoreError> {
        let key = key.clone();
        let named = self.db.read(move |tx| {
            Box::pin(async move {
                tx.first::<(i64,)>(ANNOUNCED, vals![ANNOUNCED_MAX, key.id, key.livemode]).await
            })
        });
        Ok(named.await?.is_some())
    }

    /// Sorts in what was received, oldest first, at most so many events: rings their sessions, once per
    /// event id. Several may do so at once.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn sort_in(&self, most: usize) -> Result<Sorted, StoreError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let now = self.now();
        self.db.write("sort_in", Lane::Others, move |tx| Box::pin(sort_in(tx, most, now))).await
    }
}

async fn sort_in(tx: &mut Tx, most: i64, now: i64) -> Result<Sorted, StoreError> {
    let waiting: Vec<Waiting> = tx.fetch(WAITING, vals![most]).await?;
    if waiting.is_empty() {
        return Ok(Sorted::default());
    }
    let mut numbers = HashMap::new();
    for livemode in [false, true] {
        register(tx, &waiting, livemode, now, &mut numbers).await?;
    }
    let mut rows: Vec<(i64, &str, i64)> = waiting
        .iter()
        .map(|event| {
            (
                numbers.get(&event.session()).map_or(NONE, |known| known.seq),
                event.id.as_str(),
                event.event,
            )
        })
        .collect();
    // In the order of their names: unsorted batches of two replicas wait for each other in a circle.
    rows.sort_unstable();
    let rows = rows.into_iter().map(|(session, id, event)| vals![session, id, event]).collect();
    let new = tx.insert_new("heard", &["session", "id", "event"], rows).await?;
    let new: HashSet<i64> = new.into_iter().collect();
    for livemode in [false, true] {
        let mut bells = Bells::default();
        for event in &waiting {
            if let Some((mode, id)) = event.session()
                && mode == livemode
                && new.contains(&event.event)
                && numbers.get(&event.session()).is_some_and(|known| !known.rung)
            {
                bells.entry(id).or_default().add(&event.kind);
            }
        }
        tx.insert(RUNG, rung(&bells, livemode, now), RING).await?;
    }
    let all: Vec<i64> = waiting.iter().map(|event| event.event).collect();
    let twice: Vec<i64> = all.iter().copied().filter(|event| !new.contains(event)).collect();
    let sorted = Sorted { events: all.len(), duplicates: twice.len() };
    if !twice.is_empty() {
        tx.execute("DELETE FROM event WHERE seq {in $1}", vals![twice]).await?;
    }
    tx.execute("DELETE FROM doorbell WHERE event {in $1}", vals![all]).await?;
    Ok(sorted)
}

impl Waiting {
    /// The session to ring: mode and id.
    fn session(&self) -> Option<(bool, &str)> {
        let id = self.object_id.as_deref().filter(|_| self.disposition == "rang")?;
        Some((self.livemode, id))
    }
}

/// A session that events are about.
struct Known {
    seq: i64,
    /// It is new, and was rung when its row was made.
    rung: bool,
}

/// Adds the numbers of the sessions that are rung; those not heard of before are registered, and rung
/// by that: all that is about a new session is new.
async fn register<'e>(
    tx: &mut Tx,
    events: &'e [Waiting],
    livemode: bool,
    now: i64,
    numbers: &mut HashMap<Option<(bool, &'e str)>, Known>,
) -> Result<(), StoreError> {
    let mut bells = Bells::default();
    let mut seen = HashSet::new();
    for event in events {
        if let Some((mode, id)) = event.session()
            && mode == livemode
            && seen.insert((id, event.id.as_str()))
        {
            bells.entry(id).or_default().add(&event.kind);
        }
    }
    if bells.is_empty() {
        return Ok(());
    }
    let names: HashMap<&str, &'e str> = bells.keys().map(|id| (*id, *id)).collect();
    let ids: Vec<String> = bells.keys().map(|id| (*id).to_owned()).collect();
    let found: Vec<(i64, String)> = tx
        .fetch(
            "SELECT seq, id FROM session WHERE id {in $1} AND livemode = $2 AND account = ''",
            vals![ids, livemode],
        )
        .await?;
    let mut note = |seq: i64, id: &str, rung: bool| {
        if let Some(id) = names.get(id) {
            numbers.insert(Some((livemode, *id)), Known { seq, rung });
        }
    };
    for (seq, id) in found {
        bells.remove(id.as_str());
        note(seq, &id, false);
    }
    for (seq, id) in tx.insert_named(RUNG, rung(&bells, livemode, now), RING, 2).await? {
        note(seq, &id, true);
    }
    Ok(())
}

/// By session, in the order of their ids: two replicas never wait for each other in a circle.
type Bells<'e> = BTreeMap<&'e str, Bell>;

/// The events that ring one session.
#[derive(Default)]
struct Bell {
    count: i64,
    succeeded: bool,
    failed: bool,
}

impl Bell {
    fn add(&mut self, kind: &str) {
        self.count += 1;
        self.succeeded |= kind == "checkout.session.async_payment_succeeded";
        self.failed |= kind == "checkout.session.async_payment_failed";
    }
}

/// The sessions' rows, rung.
fn rung(bells: &Bells<'_>, livemode: bool, now: i64) -> Vec<Vec<Value>> {
    let rows = bells.iter().map(|(id, bell)| {
        vals!["", livemode, *id, now, now, false, false, bell.succeeded, bell.failed, bell.count]
    });
    rows.collect()
}
