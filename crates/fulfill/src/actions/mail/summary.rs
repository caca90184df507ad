//! The daily summary: at a time of day that the merchant chose, the day before is told in one mail.

use std::sync::Arc;

use fulfill_rules::{Millis, delivery::UNKNOWN, plan::Catalog};
use jiff::{
    civil::{Date, Time},
    tz::TimeZone,
};
use serde::Serialize;

use super::{
    OnAmbiguous, Post,
    letter::{Letter, Shop, amount},
    templates::TemplateMistake,
    words::Words,
};
use crate::{
    actions::{Fault, Receipt},
    store::DaySummary,
    zone::Zone,
};

/// Its kind, as other mails have theirs.
pub(super) const KIND: &str = "mail.summary";

/// A time of day, where the merchant is.
#[derive(Debug, Clone)]
pub(super) struct At {
    time: Time,
    /// The shop's, where none was said.
    zone: Option<Zone>,
}

/// A day that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Day {
    /// As 2027-03-07.
    pub(crate) name: String,
    date: Date,
    from: Millis,
    /// The midnight that ends it.
    pub(crate) until: Millis,
    /// When the day after it is told.
    pub(crate) next_at: Millis,
}

impl At {
    /// `08:00`, `08:00 +02:00`, `08:00 Europe/Vienna`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (time, zone) = match text.trim().split_once(' ') {
            Some((time, zone)) => (time, Some(Zone::parse(zone.trim())?)),
            None => (text.trim(), None),
        };
        let (hour, minute) = time.split_once(':')?;
        let number = |text: &str| match text.len() {
            1 | 2 if text.chars().all(|c| c.is_ascii_digit()) => text.parse::<i8>().ok(),
            _ => None,
        };
        let time = Time::new(number(hour)?, number(minute)?, 0, 0).ok()?;
        Some(Self { time, zone })
    }

    /// Where it was said to be.
    pub(super) fn zone(&self) -> Option<&Zone> {
        self.zone.as_ref()
    }
}

/// A time of day in the time zone that counts.
#[derive(Debug, Clone)]
struct Hour {
    time: Time,
    zone: Zone,
}

impl Hour {
    fn of(at: At, shops: &Zone) -> Self {
        Self { time: at.time, zone: at.zone.unwrap_or_else(|| shops.clone()) }
    }

    /// The day that is told now; it was over at the last time of telling.
    fn day(&self, now: Millis) -> Option<Day> {
        let today = self.zone.date(now)?;
        let told_on = match self.zone.moment(today, self.time)? <= now {
            true => today,
            false => today.yesterday().ok()?,
        };
        self.calendar(told_on.yesterday().ok()?)
    }

    /// A day of the calendar, from its midnight to the next.
    fn calendar(&self, date: Date) -> Option<Day> {
        let told_on = date.tomorrow().ok()?;
        Some(Day {
            name: date.to_string(),
            date,
            from: self.zone.midnight(date)?,
            until: self.zone.midnight(told_on)?,
            next_at: self.zone.moment(told_on.tomorrow().ok()?, self.time)?,
        })
    }
}

/// What the template is given.
#[derive(Serialize)]
pub(super) struct Shown {
    day: String,
    sold: Vec<SoldShown>,
    waits: Vec<Waits>,
    pools: Vec<Low>,
    shelves: Vec<Low>,
    dashboard_url: Option<String>,
}

#[derive(Serialize)]
struct SoldShown {
    orders: i64,
    amount: String,
}

#[derive(Serialize)]
struct Waits {
    what: &'static str,
    count: i64,
}

#[derive(Serialize)]
struct Low {
    name: String,
    left: i64,
    owed: i64,
}

/// A moment of that day wherever dates are written in UTC.
fn noon(date: Date) -> Millis {
    let noon = date.at(12, 0, 0, 0).to_zoned(TimeZone::UTC);
    noon.map_or(0, |noon| noon.timestamp().as_millisecond())
}

/// How numbers are written to the merchant.
pub(super) fn shown(of: &DaySummary, date: Date, words: &Words, shop: &Shop) -> Shown {
    let sold = of.sold.iter().map(|sold| SoldShown {
        orders: sold.orders,
        amount: amount(Some(sold.amount), sold.currency.as_deref(), words).unwrap_or_default(),
    });
    let waits = [
        (words.waits_attention, of.need_attention),
        (words.waits_stuck, of.stuck),
        (words.waits_parcels, of.to_ship),
        (words.waits_payment, of.awaiting_payment),
    ];
    let waits = waits.into_iter().filter(|(_, count)| *count > 0);
    let pools = of.pools.iter().map(|low| Low { name: low.pool.clone(), left: low.free, owed: 0 });
    let shelves = of.shelves.iter().map(|low| Low {
        name: low.sku.clone(),
        left: low.on_hand,
        owed: low.backordered,
    });
    Shown {
        day: words.language.day(noon(date)),
        sold: sold.collect(),
        waits: waits.map(|(what, count)| Waits { what, count }).collect(),
        pools: pools.collect(),
        shelves: shelves.collect(),
        dashboard_url: shop.public_url.as_ref().map(|base| format!("{base}/dashboard")),
    }
}

/// Tells the days.
#[derive(Clone)]
pub(crate) struct Daily {
    post: Arc<Post>,
    at: Hour,
}

impl Daily {
    /// `shops` counts where the merchant said none for it.
    pub(super) fn new(post: Arc<Post>, at: At, shops: &Zone) -> Self {
        Self { post, at: Hour::of(at, shops) }
    }

    /// The day that is told now.
    pub(crate) fn day(&self, now: Millis) -> Option<Day> {
        self.at.day(now)
    }

    /// The day of this name.
    pub(crate) fn named(&self, name: &str) -> Option<Day> {
        self.at.calendar(name.parse().ok()?)
    }

    /// Writes and sends it. The same Message-ID on every try.
    pub(crate) async fn send(
        &self,
        day: &Day,
        catalog: &Catalog,
        attempt: i64,
        unheard_of: bool,
    ) -> Result<Receipt, Fault> {
        let Some(to) = self.post.mail.merchant.clone() else { return Ok(Receipt::default()) };
        if unheard_of && self.post.mail.on_ambiguous == OnAmbiguous::Ask {
            let why = "the attempt before ended without a word: it may have arrived or not";
            return Err(Fault::refuse(UNKNOWN, why));
        }
        let of = self.post.store.day_summary(day.from, day.until, catalog).await;
        let of = of.map_err(|error| {
            tracing::error!(day = day.name, %error, "a day cannot be summed up");
            Fault::retry("the day could not be read")
        })?;
        if of.is_empty() {
            return Ok(Receipt::said("not sent: nothing was sold and nothing waits"));
        }
        let livemode = self.post.store.livemode();
        let letter: Result<Letter, TemplateMistake> =
            Letter::summary(&of, day.date, livemode, &self.post.mail.shop);
        let letter = letter
            .map_err(|mistake| Fault::retry(format!("the mail could not be written: {mistake}")))?;
        let key = format!("{livemode}.{}.{KIND}", day.name);
        self.post.hand_over(&key, letter, to, true, attempt).await
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn hour(text: &str) -> Hour {
        Hour::of(At::parse(text).unwrap(), &Zone::parse("America/New_York").unwrap())
    }

    fn ms(text: &str) -> Millis {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    #[test]
    fn times_are_read() {
        for good in
            ["08:00", "8:00", "23:59 UTC", "08:00 +02:00", "08:00 -03:30", "08:00 Europe/Vienna"]
        {
            assert!(At::parse(good).is_some(), "{good}");
        }
        for bad in
            ["", "8", "24:00", "08:60", "08:00 Mars/Base", "08:00 +25:00", "-8:00", "08:00 +2"]
        {
            assert!(At::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_day_is_told_from_its_morning_after_until_the_next() {
        let at = hour("08:00 +02:00");
        for now in ["2027-03-08T06:00:00Z", "2027-03-09T05:59:59Z"] {
            let day = at.day(ms(now)).unwrap();
            assert_eq!(day.name, "2027-03-07", "{now}");
            assert_eq!(day.from, ms("2027-03-06T22:00:00Z"));
            assert_eq!(day.until, ms("2027-03-07T22:00:00Z"));
            assert_eq!(day.next_at, ms("2027-03-09T06:00:00Z"));
        }
        assert_eq!(at.day(ms("2027-03-08T05:59:59Z")).unwrap().name, "2027-03-06");
    }

    #[test]
    fn a_time_without_a_place_is_the_shops() {
        let day = hour("08:00").day(ms("2027-03-08T13:00:00Z")).unwrap();
        assert_eq!((day.name.as_str(), day.from), ("2027-03-07", ms("2027-03-07T05:00:00Z")));
        assert_eq!(hour("08:00").day(ms("2027-03-08T12:59:59Z")).unwrap().name, "2027-03-06");
    }

    #[test]
    fn days_fit_together_where_clocks_are_turned() {
        // Turned on 28 March and on 31 October 2027; half past two is left out, or there twice.
        let at = hour("02:30 Europe/Vienna");
        let mut now = ms("2027-01-01T12:00:00Z");
        let mut last = at.day(now).unwrap();
        let (mut shortest, mut longest) = (i64::MAX, 0);
        for _ in 0..365 {
            now = last.next_at;
            let day = at.day(now).unwrap();
            assert_eq!(day.from, last.until, "{}", day.name);
            shortest = shortest.min(day.until - day.from);
            longest = longest.max(day.until - day.from);
            last = day;
        }
        assert_eq!((shortest, longest), (23 * 3_600_000, 25 * 3_600_000));
        assert_eq!(last.name, "2027-12-31");
    }
}
