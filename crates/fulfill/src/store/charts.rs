//! What is counted for pictures, from the narrow rows.

use std::collections::BTreeMap;

use fulfill_rules::{DAY, HOUR, MINUTE, Millis, SECOND};
use jiff::{Span, civil::Date};

use super::{Store, StoreError, db::vals};
use crate::zone::Zone;

/// Longest span, in days.
const DAYS_MAX: i64 = 366;
/// Nowhere on Earth does a day begin between quarters of an hour: they are counted, and put into days here,
/// as databases do not know each zone's.
const BETWEEN_MIDNIGHTS: Millis = 15 * MINUTE;
/// Upper ends of the spans that are told apart; what took longer is the last one.
pub const SPANS: [Millis; 6] = [SECOND, 10 * SECOND, MINUTE, HOUR, DAY, 7 * DAY];

/// When an order's payment was first known to have arrived: for those that were waited for, when an event
/// told so, or when a look found it; for all others when the session was first heard of. Who was placed within the
/// shortest span needs no looking up.
const PAID_AT: &str = "COALESCE(CASE WHEN d.placed_at - o.first_seen_at >= $3 THEN ( \
      SELECT COALESCE((SELECT MIN(e.received_at) FROM heard h CROSS JOIN event e \
        WHERE e.seq = h.event AND h.session = w.session AND e.received_at <= d.placed_at \
        AND (e.type = 'checkout.session.async_payment_succeeded' \
          OR e.type = 'checkout.session.completed' AND e.received_at > w.at)), d.placed_at) \
      FROM timeline w WHERE w.session = d.session AND w.what LIKE 'awaiting_payment%' \
      ORDER BY w.n LIMIT 1) END, o.first_seen_at)";

/// One day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DayView {
    /// When it begins.
    pub begins_at: Millis,
    /// Orders that were placed.
    pub orders: i64,
    /// What was paid, in minor units by currency.
    pub revenue: BTreeMap<String, i64>,
}

/// How long orders took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spans {
    /// Orders that took less than each of [`SPANS`], and those that took longer.
    pub counts: [i64; 7],
}

impl Store {
    /// Orders and revenue of the last `days` days of that time zone, each of them there, the oldest first.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn days(&self, days: i64, zone: &Zone) -> Result<Vec<DayView>, StoreError> {
        let livemode = self.livemode;
        let today = zone.date(self.now());
        let back = |n| today.and_then(|today| today.checked_sub(Span::new().days(n)).ok());
        let dates: Vec<Date> = (0..days.clamp(1, DAYS_MAX)).rev().filter_map(back).collect();
        let begins = |date: &Date| zone.midnight(*date).map(|begins_at| (*date, begins_at));
        let begins: Vec<(Date, Millis)> = dates.iter().filter_map(begins).collect();
        let first = begins.first().map_or(Millis::MAX, |(_, begins_at)| *begins_at);
        let rows: Vec<(i64, Option<String>, i64, i64)> = self
            .db
            .read(move |tx| {
                Box::pin(async move {
                    tx.fetch(
                        "SELECT placed_at / $2, currency, COUNT(*), \
                           CAST(SUM(COALESCE(amount, 0)) AS BIGINT) FROM digest \
                         WHERE livemode = $1 AND placed_at IS NOT NULL AND placed_at >= $3 GROUP BY 1, 2",
                        vals![livemode, BETWEEN_MIDNIGHTS, first],
                    )
                    .await
                })
            })
            .await?;
        let mut found: BTreeMap<Date, DayView> = begins
            .into_iter()
            .map(|(date, begins_at)| (date, DayView { begins_at, ..DayView::default() }))
            .collect();
        for (part, currency, orders, amount) in rows {
            let date = zone.date(part.saturating_mul(BETWEEN_MIDNIGHTS));
            // A clock that was set back does not make days of the future.
            let Some(day) = date.and_then(|date| found.get_mut(&date)) else { continue };
            day.orders += orders;
            if let Some(currency) = currency {
                *day.revenue.entry(currency).or_default() += amount;
            }
        }
        Ok(found.into_values().collect())
    }

    /// How long orders of the last `days` days took from their payment to fulfilled. A payment that was on its
    /// way for days is counted from its arrival.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn spans(&self, days: i64) -> Result<Spans, StoreError> {
        let livemode = self.livemode;
        let since = self.now() - days.clamp(1, DAYS_MAX) * DAY;
        let spans: Vec<String> = SPANS
            .iter()
            .enumerate()
            .map(|(at, end)| format!("WHEN took < {end} THEN {at}"))
            .collect();
        // `MATERIALIZED`: SQLite would look up again for each of the spans.
        let sql = format!(
            "WITH fulfilled AS MATERIALIZED ( \
               SELECT d.fulfilled_at - {PAID_AT} AS took FROM digest d JOIN orders o ON o.session = d.session \
               WHERE d.livemode = $1 AND d.placed_at IS NOT NULL AND d.placed_at >= $2 \
               AND d.fulfilled_at IS NOT NULL) \
             SELECT CAST(CASE {} ELSE {} END AS BIGINT), COUNT(*) FROM fulfilled GROUP BY 1",
            spans.join(" "),
            SPANS.len()
        );
        let rows: Vec<(i64, i64)> = self
            .db
            .read(move |tx| {
                Box::pin(async move { tx.fetch(&sql, vals![livemode, since, SPANS[0]]).await })
            })
            .await?;
        let mut spans = Spans::default();
        for (span, count) in rows {
            if let Some(place) = usize::try_from(span).ok().and_then(|at| spans.counts.get_mut(at))
            {
                *place = count;
            }
        }
        Ok(spans)
    }
}
