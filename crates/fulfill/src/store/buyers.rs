//! Buyers who look for their orders: by mail address, and only through a link that goes there.

use fulfill_rules::{
    HOUR, MINUTE, Millis,
    id::SessionKey,
    notice::{self, LINK},
    order::{Decision, NewDelivery, after_delivery},
};

use super::{
    OrderView, Store, StoreError, acts,
    db::{Lane, Tx, vals},
    orders,
    record::rework,
    views,
};

/// Links that one address is sent in an hour.
const LINKS_PER_HOUR: i64 = 3;
/// Times an hour that a buyer may have the mails of one order sent again.
const AGAIN_PER_HOUR: i64 = 3;
/// What the timeline says then.
const AGAIN: &str = "the mails are sent again, asked for by the buyer";
/// What a buyer may have sent again.
pub(crate) const MAILS_AGAIN: [&str; 3] = [notice::RECEIPT, notice::ACCESS, notice::SHIPPED];
/// Orders on a buyer's page.
const ORDERS_MAX: i64 = 50;

/// What became of a buyer's wish to have an order's mails again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailsAgain {
    /// They go out.
    Due,
    /// There is none that could be sent again now: none was sent yet, or it is on its way.
    NoneSent,
    /// They were asked for too often; again in so long.
    Later(Millis),
}

impl Store {
    /// Queues a mail with a link to all orders of an address, to that address. Nothing happens where
    /// no order has it, or where links are on their way already. True when a mail was queued.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn ask_for_link(&self, email: &str) -> Result<bool, StoreError> {
        let (now, livemode) = (self.now(), self.livemode);
        let email = email.trim().to_lowercase();
        self.db
            .write("ask_for_link", Lane::Others, move |tx| {
                let email = email.clone();
                Box::pin(async move {
                    let Some(session) = newest(tx, &email, livemode).await? else {
                        return Ok(false);
                    };
                    if !may_ask(tx, session, now).await? {
                        return Ok(false);
                    }
                    let moved = rework(tx, vec![session], now, None, Some("the buyer"), |r, _| {
                        let mut decision = after_delivery(&r.order);
                        decision.deliveries.push(NewDelivery {
                            kind: LINK.to_owned(),
                            line: number(now),
                            owed: false,
                            input: std::collections::BTreeMap::new(),
                        });
                        decision.timeline.push(
                            "a link to the orders was asked for, to be sent to the buyer"
                                .to_owned(),
                        );
                        decision
                    })
                    .await?;
                    Ok(!moved.is_empty())
                })
            })
            .await
    }

    /// Makes the mails that an order's buyer had due again.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn mails_again(&self, key: &SessionKey) -> Result<MailsAgain, StoreError> {
        let (now, key) = (self.now(), key.clone());
        self.db
            .write("mails_again", Lane::Others, move |tx| {
                let key = key.clone();
                Box::pin(async move {
                    let Some(session) = Self::order_number(tx, &key).await? else {
                        return Ok(MailsAgain::NoneSent);
                    };
                    orders::lock(tx, vec![session]).await?;
                    let sql = "SELECT at FROM timeline WHERE session = $1 AND what = $2 AND at > $3 \
                               ORDER BY at DESC LIMIT $4";
                    let asked: Vec<(i64,)> =
                        tx.fetch(sql, vals![session, AGAIN, now - HOUR, AGAIN_PER_HOUR]).await?;
                    if i64::try_from(asked.len()).unwrap_or(i64::MAX) >= AGAIN_PER_HOUR
                        && let Some((first,)) = asked.last()
                    {
                        return Ok(MailsAgain::Later(first + HOUR - now));
                    }
                    let mut due = 0;
                    for mail in MAILS_AGAIN {
                        due += acts::make_due(tx, session, mail, now).await?;
                    }
                    if due > 0 {
                        rework(tx, vec![session], now, None, Some("the buyer"), |_, _| Decision {
                            timeline: vec![AGAIN.to_owned()],
                            ..Decision::default()
                        })
                        .await?;
                    }
                    Ok(if due > 0 { MailsAgain::Due } else { MailsAgain::NoneSent })
                })
            })
            .await
    }

    /// All orders with the same address as this session's, the newest first and not more than a page
    /// holds. Empty where it has none.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn orders_of_buyer(&self, session: i64) -> Result<Vec<OrderView>, StoreError> {
        let livemode = self.livemode;
        self.db
            .read(move |tx| {
                Box::pin(async move {
                    // `+ 0`: found by the address, then sorted.
                    let filter = "o.livemode = $1 AND o.email = (SELECT email FROM orders \
                                  WHERE session = $2 AND livemode = $1) ORDER BY o.session + 0 DESC LIMIT $3";
                    views::orders_where(tx, filter, vals![livemode, session, ORDERS_MAX]).await
                })
            })
            .await
    }
}

/// Names one request; later ones sort behind it.
fn number(at: Millis) -> String {
    format!("{at:015}")
}

async fn newest(tx: &mut Tx, email: &str, livemode: bool) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT session FROM orders WHERE email = $1 AND livemode = $2 ORDER BY session + 0 DESC LIMIT 1";
    Ok(tx.first::<(i64,)>(sql, vals![email, livemode]).await?.map(|(session,)| session))
}

async fn may_ask(tx: &mut Tx, session: i64, now: Millis) -> Result<bool, StoreError> {
    let since = |ago: Millis| vals![session, LINK, number(now - ago)];
    let sql = "SELECT COUNT(*) FROM delivery WHERE session = $1 AND kind = $2 AND line > $3";
    let hour: Option<(i64,)> = tx.first(sql, since(HOUR)).await?;
    let minute: Option<(i64,)> = tx.first(sql, since(MINUTE)).await?;
    Ok(hour.is_none_or(|(n,)| n < LINKS_PER_HOUR) && minute.is_none_or(|(n,)| n == 0))
}
