//! What people do to an order beside settling its lines: ship it, note something, have a mail sent
//! again. Each act is told in the timeline, with who did it.

use fulfill_rules::{
    Millis,
    id::SessionKey,
    notice,
    order::Decision,
    shipment::{NotShipped, Shipment, ship},
};

use super::{
    Store, StoreError,
    db::{Lane, Tx, vals},
    digest, orders,
    record::{Recorded, rework},
};

/// Mails that a person may have sent again.
pub const MAILS: [&str; 5] = [
    notice::RECEIPT,
    notice::ACCESS,
    notice::PAYMENT_PENDING,
    notice::PAYMENT_FAILED,
    notice::SHIPPED,
];

/// Why a mail is not sent again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotResent {
    /// Nobody knows that mail.
    #[error("there is no mail '{0}' to a buyer")]
    Unknown(String),
    /// The order never had one.
    #[error("this order has no {0}; only a mail that was queued once can be sent again")]
    Never(String),
    /// It is on its way.
    #[error("the mail {0} is being sent right now; look again in a minute")]
    Running(String),
}

/// Longest note, in characters.
const NOTE_CHARS_MAX: usize = 2_000;

/// A note that cannot be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a note has 1 to {NOTE_CHARS_MAX} characters")]
pub struct NotNoted;

/// An act that the rules may refuse.
pub type Act<T, E> = Result<Option<Result<T, E>>, StoreError>;

impl Store {
    /// The number of an order's session.
    pub(super) async fn order_number(
        tx: &mut Tx,
        key: &SessionKey,
    ) -> Result<Option<i64>, StoreError> {
        let found: Option<(i64,)> = tx
            .first(
                "SELECT o.session FROM orders o JOIN session s ON s.seq = o.session \
                 WHERE s.id = $1 AND s.livemode = $2 AND s.account = $3",
                vals![&key.id, key.livemode, &key.account],
            )
            .await?;
        Ok(found.map(|(session,)| session))
    }

    /// Parcels leave: those of `lines`, or all that wait when it is empty; with `mail` the buyer is
    /// told. `None`: there is no such order.
    ///
    /// # Errors
    /// When it cannot be written. Inside: when there is nothing to send.
    pub async fn ship(
        &self,
        key: &SessionKey,
        lines: Vec<String>,
        shipment: Shipment,
        mail: bool,
        who: &str,
    ) -> Act<Recorded, NotShipped> {
        let (now, who, key) = (self.now(), who.to_owned(), key.clone());
        self.db
            .write("ship", Lane::Others, move |tx| {
                let (who, key, lines) = (who.clone(), key.clone(), lines.clone());
                let shipment = shipment.clone();
                Box::pin(async move {
                    let Some(session) = Self::order_number(tx, &key).await? else {
                        return Ok(None);
                    };
                    let mut refused = None;
                    let moved = rework(tx, vec![session], now, None, Some(&who), |r, _| {
                        let mail = mail && r.sale.customer.email.is_some();
                        ship(&r.order, &lines, &shipment, mail, &who).unwrap_or_else(|why| {
                            refused = Some(why);
                            Decision::default()
                        })
                    })
                    .await?;
                    if let Some(why) = refused {
                        return Ok(Some(Err(why)));
                    }
                    let moved = moved.into_iter().next();
                    if moved.as_ref().is_none_or(|moved| moved.told.is_empty()) {
                        // The same shipment once more.
                        return Ok(moved.map(Ok));
                    }
                    let way = shipment.input();
                    let word = |name: &str| way.get(name).map(String::as_str);
                    let found_by = digest::shipped(word("carrier"), word("tracking"));
                    if !found_by.is_empty() {
                        digest::add(tx, session, found_by).await?;
                    }
                    Ok(moved.map(Ok))
                })
            })
            .await
    }

    /// Writes something into an order's timeline. `None`: there is no such order.
    ///
    /// # Errors
    /// When it cannot be written. Inside: when it is empty or too long.
    pub async fn add_note(&self, key: &SessionKey, text: &str, who: &str) -> Act<(), NotNoted> {
        let text = text.trim();
        if text.is_empty() || text.chars().count() > NOTE_CHARS_MAX {
            return Ok(Some(Err(NotNoted)));
        }
        let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let (now, key, who) = (self.now(), key.clone(), who.to_owned());
        let what = format!("note by {who}: {text}");
        self.db
            .write("add_note", Lane::Others, move |tx| {
                let (key, who, what) = (key.clone(), who.clone(), what.clone());
                Box::pin(async move {
                    let Some(session) = Self::order_number(tx, &key).await? else {
                        return Ok(None);
                    };
                    rework(tx, vec![session], now, None, Some(&who), |_, _| Decision {
                        timeline: vec![what.clone()],
                        ..Decision::default()
                    })
                    .await?;
                    Ok(Some(Ok(())))
                })
            })
            .await
    }

    /// Makes a mail to the buyer (all of that kind) due again, under another key than before, so that
    /// it is really sent. `None`: there is no such order.
    ///
    /// # Errors
    /// When it cannot be written. Inside: why it is not sent again.
    pub async fn resend(&self, key: &SessionKey, mail: &str, who: &str) -> Act<(), NotResent> {
        let (now, key, who, mail) = (self.now(), key.clone(), who.to_owned(), mail.to_owned());
        if !MAILS.contains(&mail.as_str()) {
            return Ok(Some(Err(NotResent::Unknown(mail))));
        }
        self.db
            .write("resend", Lane::Others, move |tx| {
                let (key, who, mail) = (key.clone(), who.clone(), mail.clone());
                Box::pin(async move {
                    let Some(session) = Self::order_number(tx, &key).await? else {
                        return Ok(None);
                    };
                    orders::lock(tx, vec![session]).await?;
                    let sql = "SELECT status FROM delivery WHERE session = $1 AND kind = $2";
                    let known: Vec<(String,)> = tx.fetch(sql, vals![session, &mail]).await?;
                    if known.is_empty() {
                        return Ok(Some(Err(NotResent::Never(mail))));
                    }
                    if known.iter().any(|(status,)| status == "running") {
                        return Ok(Some(Err(NotResent::Running(mail))));
                    }
                    make_due(tx, session, &mail, now).await?;
                    let what = format!("{mail} is sent again");
                    rework(tx, vec![session], now, None, Some(&who), |_, _| Decision {
                        timeline: vec![what.clone()],
                        ..Decision::default()
                    })
                    .await?;
                    Ok(Some(Ok(())))
                })
            })
            .await
    }
}

/// Mails of that kind are sent once more, but for one that is being sent right now. How many.
pub(super) async fn make_due(
    tx: &mut Tx,
    session: i64,
    mail: &str,
    now: Millis,
) -> Result<u64, StoreError> {
    tx.execute(
        "UPDATE delivery SET status = 'due', due_at = $1, forgiven = attempt, resent = resent + 1, said = NULL \
         WHERE session = $2 AND kind = $3 AND status <> 'running'",
        vals![now, session, mail],
    )
    .await
}
