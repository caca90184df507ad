//! What looks at sessions have shown, written: one transaction for the batch, locks always in the
//! order sessions, shelves, pools.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use fulfill_rules::{
    DAY, Millis,
    fact::{Fact, Sale},
    id::SessionKey,
    notice,
    order::{Decision, Order, Policy, Standing, Status, decide, demand, summary},
    supply::Demand,
};

use super::{
    Store, StoreError,
    db::{Lane, Tx, Value, vals},
    orders::{self, Change, Locked, Remembered, json},
    pack, supply,
    work::Claim,
};

/// A session that an event told of and that Stripe does not know is asked for again every day for so long:
/// the key may be of another account and be put right.
const UNKNOWN_FOR: Millis = 7 * DAY;

/// One look at a claimed session.
#[derive(Debug, Clone)]
pub struct Look {
    /// By whose claim.
    pub claim: Claim,
    /// What it showed.
    pub looked: Looked,
}

/// What a look showed.
#[derive(Debug, Clone)]
pub enum Looked {
    /// Stripe answered.
    Found {
        /// What is known of the payment.
        fact: Fact,
        /// What was sold.
        sale: Box<Sale>,
        /// The session as Stripe sent it.
        raw: Vec<u8>,
        /// Told to people (permissions that are missing).
        notes: Vec<String>,
    },
    /// The order is placed and nothing of it is held: nobody was asked.
    Settled,
    /// Stripe does not know it.
    Missing {
        /// Shown to people.
        why: String,
    },
    /// It could not be looked at.
    Trouble {
        /// Shown to people.
        why: String,
        /// When it is tried again.
        again_at: Millis,
        /// It has gone on for so long that a person is asked.
        ask_a_person: bool,
    },
}

/// What was written about one session.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Which session.
    pub key: SessionKey,
    /// Its number.
    pub session: i64,
    /// Where the order stands; nothing when there is no order.
    pub status: Option<Status>,
    /// It reached `fulfilled` just now.
    pub fulfilled: bool,
    /// It was placed just now: what it was fulfilled with, for the log.
    pub placed: Option<String>,
    /// Seconds since 1970 at which the session was made.
    pub created: Option<i64>,
    /// When the session was first heard of.
    pub first_rung_at: Millis,
    /// There is outside work to do.
    pub deliveries: bool,
    /// It was rung while it was looked at, and is due again.
    pub again: bool,
    /// What was told to the timeline.
    pub told: Vec<String>,
}

/// A look made ready outside the transaction.
struct Ready {
    claim: Claim,
    kind: Kind,
    notes: Vec<String>,
}

enum Kind {
    Found { fact: Fact, sale: Box<Sale>, json: String, raw: bytes::Bytes },
    Settled,
    Missing { why: String },
    Trouble { why: String, again_at: Millis, ask_a_person: bool },
}

impl Ready {
    fn new(look: Look) -> Result<Self, StoreError> {
        let (kind, notes) = match look.looked {
            Looked::Found { fact, sale, raw, notes } => {
                let json = json(&*sale)?;
                (Kind::Found { fact, sale, json, raw: pack(&raw).into() }, notes)
            }
            Looked::Settled => (Kind::Settled, Vec::new()),
            Looked::Missing { why } => (Kind::Missing { why }, Vec::new()),
            Looked::Trouble { why, again_at, ask_a_person } => {
                (Kind::Trouble { why, again_at, ask_a_person }, Vec::new())
            }
        };
        Ok(Self { claim: look.claim, kind, notes })
    }
}

impl Store {
    /// Writes what a batch of looks showed, in one transaction; when that fails, each look in one of
    /// its own. A look whose claim was lost writes nothing and is missing in the answer.
    ///
    /// # Errors
    /// For each look that could not be written, by its session.
    pub async fn record(
        &self,
        looks: Vec<Look>,
        policy: &Arc<Policy>,
    ) -> Vec<Result<Recorded, (Claim, StoreError)>> {
        let mut ready = Vec::with_capacity(looks.len());
        let mut done = Vec::with_capacity(looks.len());
        for look in looks {
            let claim = look.claim.clone();
            match Ready::new(look) {
                Ok(look) => ready.push(look),
                Err(error) => done.push(Err((claim, error))),
            }
        }
        let ready = Arc::new(ready);
        match self.record_some(&ready, 0..ready.len(), policy).await {
            Ok(recorded) => done.extend(recorded.into_iter().map(Ok)),
            Err(error) if ready.len() == 1 => {
                done.extend(ready.iter().map(|r| r.claim.clone()).zip([error]).map(Err));
            }
            Err(error) => {
                tracing::warn!(%error, looks = ready.len(), "a batch could not be written: one by one");
                for (at, look) in ready.iter().enumerate() {
                    match self.record_some(&ready, at..at + 1, policy).await {
                        Ok(recorded) => done.extend(recorded.into_iter().map(Ok)),
                        Err(error) => done.push(Err((look.claim.clone(), error))),
                    }
                }
            }
        }
        done
    }

    async fn record_some(
        &self,
        ready: &Arc<Vec<Ready>>,
        range: std::ops::Range<usize>,
        policy: &Arc<Policy>,
    ) -> Result<Vec<Recorded>, StoreError> {
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let (ready, policy, now) = (Arc::clone(ready), Arc::clone(policy), self.now());
        self.db
            .write("record", Lane::Others, move |tx| {
                let (ready, policy) = (Arc::clone(&ready), Arc::clone(&policy));
                let range = range.clone();
                Box::pin(
                    async move { write(tx, ready.get(range).unwrap_or(&[]), &policy, now).await },
                )
            })
            .await
    }
}

async fn write(
    tx: &mut Tx,
    looks: &[Ready],
    policy: &Policy,
    now: Millis,
) -> Result<Vec<Recorded>, StoreError> {
    let mut sessions = orders::lock(tx, looks.iter().map(|l| l.claim.session).collect()).await?;
    let mut looks: Vec<&Ready> = looks
        .iter()
        .filter(|l| sessions.get(&l.claim.session).is_some_and(|s| s.fence == l.claim.fence))
        .collect();
    // The older sale is served first.
    looks.sort_by_key(|l| l.claim.session);
    let before = orders::load(tx, &sessions).await?;
    let mut wanted = Demand::default();
    for look in &looks {
        wanted.add(&could_take(look, before.get(&look.claim.session), policy));
    }
    let mut stock = supply::load(tx, &wanted, looks.first().map(|l| &l.claim.key)).await?;
    let mut decisions = Vec::with_capacity(looks.len());
    for look in &looks {
        let remembered = before.get(&look.claim.session);
        let locked = sessions.get(&look.claim.session);
        decisions.push(decision(look, remembered, locked, &mut stock, policy, now));
    }
    ask_again(tx, &looks, &mut decisions, now).await?;
    let sale_of_none = (Sale::default(), json(&Sale::default())?);
    let changes: Vec<Change<'_>> = looks
        .iter()
        .zip(&decisions)
        .map(|(look, decision)| {
            let remembered = before.get(&look.claim.session);
            let (sale, raw) = match &look.kind {
                Kind::Found { sale, json, raw, .. } => (Some((&**sale, json.as_str())), Some(raw)),
                _ if remembered.is_none() => {
                    (Some((&sale_of_none.0, sale_of_none.1.as_str())), None)
                }
                _ => (None, None),
            };
            Change {
                session: look.claim.session,
                before: remembered.map(|r| &r.order),
                decision,
                sale,
                raw,
                who: None,
            }
        })
        .collect();
    orders::save(tx, &changes, &mut sessions, now).await?;
    supply::save(tx, &stock, &changes, looks.first().map(|l| &l.claim.key), now).await?;
    let closed = looks.iter().zip(&decisions).filter_map(|(look, decision)| {
        sessions.get(&look.claim.session).map(|locked| close(look, decision, locked, now))
    });
    let columns = [
        "seen",
        "looked_at",
        "due_at",
        "lease_until",
        "visitor",
        "attempt",
        "tries",
        "missing",
        "trouble",
        "told",
    ];
    tx.update("session", &["seq"], &columns, closed.collect()).await?;
    let done = changes.iter().zip(&looks).map(|(change, look)| {
        let again = sessions.get(&change.session).is_some_and(|s| s.rung > look.claim.rung);
        recorded(change, look, again)
    });
    Ok(done.collect())
}

/// Sessions that Stripe does not know are looked at again where an event told of them, and are a person's
/// task meanwhile. Others were only guessed or mistyped.
async fn ask_again(
    tx: &mut Tx,
    looks: &[&Ready],
    decisions: &mut [Decision],
    now: Millis,
) -> Result<(), StoreError> {
    let unknown = |look: &Ready| matches!(look.kind, Kind::Missing { .. }) && !look.claim.guess;
    let seqs: Vec<i64> =
        looks.iter().filter(|look| unknown(look)).map(|look| look.claim.session).collect();
    if seqs.is_empty() {
        return Ok(());
    }
    let sql = "SELECT session FROM heard WHERE session {in $1}";
    let heard: Vec<(i64,)> = tx.fetch(sql, vals![seqs]).await?;
    let heard: HashSet<i64> = heard.into_iter().map(|(session,)| session).collect();
    for (look, decision) in looks.iter().zip(decisions) {
        let young = now < look.claim.first_rung_at.saturating_add(UNKNOWN_FOR);
        if unknown(look) && young && heard.contains(&look.claim.session) {
            decision.look_again_at = decision.look_again_at.or(Some(now + DAY));
        }
    }
    Ok(())
}

/// What a look could make its order take.
fn could_take(look: &Ready, remembered: Option<&Remembered>, policy: &Policy) -> Demand {
    let order = remembered.map(|r| &r.order);
    match (&look.kind, remembered) {
        (Kind::Found { sale, .. }, Some(r)) if r.order.placed => {
            supply::still_wanted(&r.order, sale, policy)
        }
        (Kind::Found { fact, sale, .. }, _) => demand(order, fact, sale, &policy.catalog),
        // What is kept of it is enough to try again what is held, whatever Stripe answered.
        (_, Some(r)) if r.order.placed => supply::still_wanted(&r.order, &r.sale, policy),
        _ => Demand::default(),
    }
}

fn decision(
    look: &Ready,
    remembered: Option<&Remembered>,
    locked: Option<&Locked>,
    stock: &mut fulfill_rules::supply::Supply,
    policy: &Policy,
    now: Millis,
) -> Decision {
    let order = remembered.map(|r| &r.order);
    let known_trouble = locked.and_then(|l| l.trouble.as_deref());
    // What is held of an order that is placed is tried again, whatever Stripe answered.
    let mut still = || match remembered {
        Some(r) if r.order.placed => decide(order, &Fact::Paid, &r.sale, stock, policy, now),
        _ => Decision::default(),
    };
    let mut decision = match (&look.kind, remembered) {
        (Kind::Found { fact, sale, .. }, _) => decide(order, fact, sale, stock, policy, now),
        (Kind::Settled, _) => still(),
        (Kind::Missing { why }, _) => {
            let waits = order.is_some_and(|o| o.status == Status::AwaitingPayment);
            let mut decision = Decision { look_again_at: waits.then_some(now + DAY), ..still() };
            if known_trouble != Some(why.as_str()) {
                decision.timeline.push(why.clone());
            }
            decision
        }
        (Kind::Trouble { why, again_at, ask_a_person }, _) => {
            let mut decision = Decision { look_again_at: Some(*again_at), ..still() };
            if known_trouble != Some(why.as_str()) {
                decision.timeline.push(why.clone());
            }
            if *ask_a_person && order.is_none_or(|o| o.status == Status::AwaitingPayment) {
                decision.standing =
                    Some(Standing { status: Status::NeedsAttention, reason: Some(why.clone()) });
                decision.timeline.push(format!("needs_attention: {why}"));
                let nothing = Sale::default();
                let sale = remembered.map_or(&nothing, |r| &r.sale);
                notice::add(&mut decision, order, &Fact::Unknown(why.clone()), policy, sale);
            }
            decision
        }
    };
    let first_time = look.claim.rung == 1 || order.is_none();
    if first_time && decision.standing.is_some() {
        decision.timeline.splice(0..0, look.notes.iter().cloned());
    }
    decision
}

/// The session's row once the look is over. Rung again meanwhile: due at once.
fn close(look: &Ready, decision: &Decision, locked: &Locked, now: Millis) -> Vec<Value> {
    let claim = &look.claim;
    let again = locked.rung > claim.rung;
    let (tries, missing, trouble) = match &look.kind {
        Kind::Trouble { why, .. } => (locked.tries + 1, false, Some(why.clone())),
        Kind::Missing { why } => (0, true, Some(why.clone())),
        _ => (0, false, None),
    };
    // A visitor's patience ends with the first look; trouble keeps the place in the row.
    let visitor = locked.visitor && (again || matches!(look.kind, Kind::Trouble { .. }));
    let due_at = if again { Some(now) } else { decision.look_again_at };
    let seen = if matches!(look.kind, Kind::Trouble { .. }) { locked.seen } else { claim.rung };
    vals![
        claim.session,
        seen,
        now,
        due_at,
        None::<i64>,
        visitor,
        0,
        tries,
        missing,
        trouble,
        locked.told
    ]
}

fn recorded(change: &Change<'_>, look: &Ready, again: bool) -> Recorded {
    let status = change.decision.standing.as_ref().map(|s| s.status);
    let was = change.before.map(|o| o.status);
    Recorded {
        key: look.claim.key.clone(),
        session: change.session,
        status: status.or(was),
        fulfilled: status == Some(Status::Fulfilled) && was != Some(Status::Fulfilled),
        placed: change.decision.placed.then(|| summary(&change.decision.effects)),
        created: change.sale.and_then(|(sale, _)| sale.created),
        first_rung_at: look.claim.first_rung_at,
        deliveries: !change.decision.deliveries.is_empty(),
        again,
        told: change.decision.timeline.clone(),
    }
}

/// Decides anew about orders that are known, for those whose supply, deliveries or lines were acted
/// on: locks, loads, asks `decide`, writes. Returns what was told, by session.
pub(super) async fn rework(
    tx: &mut Tx,
    seqs: Vec<i64>,
    now: Millis,
    stock: Option<(&Policy, bool)>,
    who: Option<&str>,
    mut decide: impl FnMut(&Remembered, &mut fulfill_rules::supply::Supply) -> Decision,
) -> Result<Vec<Recorded>, StoreError> {
    let mut sessions = orders::lock(tx, seqs).await?;
    let before = orders::load(tx, &sessions).await?;
    let key = sessions.values().next().map(|l| l.key.clone());
    let mut wanted = Demand::default();
    if let Some((policy, _)) = stock {
        for r in before.values() {
            wanted.add(&supply::still_wanted(&r.order, &r.sale, policy));
        }
    }
    let mut supplies = supply::load(tx, &wanted, key.as_ref()).await?;
    supplies.oldest_first = stock.is_some_and(|(_, oldest_first)| oldest_first);
    let decisions: BTreeMap<i64, Decision> =
        before.iter().map(|(seq, r)| (*seq, decide(r, &mut supplies))).collect();
    let changes: Vec<Change<'_>> = decisions
        .iter()
        .filter_map(|(seq, decision)| {
            let before: Option<&Order> = before.get(seq).map(|r| &r.order);
            before.is_some().then_some(Change {
                session: *seq,
                before,
                decision,
                sale: None,
                raw: None,
                who,
            })
        })
        .collect();
    orders::save(tx, &changes, &mut sessions, now).await?;
    supply::save(tx, &supplies, &changes, key.as_ref(), now).await?;
    orders::save_told(tx, &sessions).await?;
    let told = changes.iter().filter_map(|change| {
        let locked = sessions.get(&change.session)?;
        let status = change.decision.standing.as_ref().map(|s| s.status);
        let was = change.before.map(|o| o.status);
        Some(Recorded {
            key: locked.key.clone(),
            session: change.session,
            status: status.or(was),
            fulfilled: status == Some(Status::Fulfilled) && was != Some(Status::Fulfilled),
            placed: None,
            created: None,
            first_rung_at: locked.first_rung_at,
            deliveries: !change.decision.deliveries.is_empty(),
            again: false,
            told: change.decision.timeline.clone(),
        })
    });
    Ok(told.collect())
}
