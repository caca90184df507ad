//! What a buyer may see of an order (case 42), and what may be said about it (case 43).

use askama::Template;
use axum::http::StatusCode;
use fulfill_rules::{
    MINUTE, Millis, SECOND,
    delivery::DeliveryStatus,
    fact::{Line, Sale},
    id::SessionKey,
    money,
    order::Status,
    place::{Effect, EffectKind, EffectStatus, web_address},
};

use super::{
    page::CSS,
    words::{Say, Words},
};
use crate::store::{OrderView, SessionView};

/// The sign above the heading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Done,
    Wait,
    Stop,
}

/// How much of the order is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Show {
    Nothing,
    /// What was ordered.
    Lines,
    /// And what came of it.
    Goods,
}

/// What the page says.
#[derive(Debug)]
pub(super) struct Standing {
    /// The answer's.
    pub(super) code: StatusCode,
    status: &'static str,
    say: &'static Say,
    mark: Mark,
    refresh: Option<u32>,
    show: Show,
}

impl Standing {
    /// Says what is known of a session. Nothing follows from a look that is not over.
    pub(super) fn of(view: Option<&SessionView>, w: &'static Words, now: Millis) -> Self {
        let order = view.and_then(|view| view.order.as_ref());
        let (say, mark, show) = match (view, order) {
            (Some(_), Some(order)) => of_order(order, w),
            (Some(view), None) if view.missing => (&w.missing, Mark::Stop, Show::Nothing),
            (Some(view), None) if view.seen >= view.rung && view.trouble.is_none() => {
                (&w.unpaid, Mark::Wait, Show::Nothing)
            }
            (Some(_), None) => (&w.looking, Mark::Wait, Show::Nothing),
            (None, None | Some(_)) => (&w.missing, Mark::Stop, Show::Nothing),
        };
        let refresh = (mark == Mark::Wait).then(|| match (order, view) {
            (Some(order), _) => pause(now - order.first_seen_at),
            (None, Some(view)) => pause(view.tries * 10 * SECOND),
            (None, None) => pause(0),
        });
        let unknown = order.is_none() && mark == Mark::Stop;
        Self {
            code: if unknown { StatusCode::NOT_FOUND } else { StatusCode::OK },
            status: order.map_or("unknown", |order| order.status.as_str()),
            say,
            mark,
            refresh,
            show,
        }
    }
}

fn of_order(order: &OrderView, w: &'static Words) -> (&'static Say, Mark, Show) {
    let expired = order.sale.session_status.as_deref() == Some("expired");
    match order.status {
        Status::Fulfilled => (&w.ready, Mark::Done, Show::Goods),
        Status::Preparing => (&w.preparing, Mark::Wait, Show::Goods),
        Status::NeedsAttention if order.placed => (&w.partly, Mark::Wait, Show::Goods),
        Status::NeedsAttention => (&w.checking, Mark::Wait, Show::Nothing),
        Status::AwaitingPayment => (&w.awaiting, Mark::Wait, Show::Lines),
        Status::PaymentFailed => (&w.failed, Mark::Stop, Show::Lines),
        Status::NotFulfillable if expired => (&w.expired, Mark::Stop, Show::Nothing),
        Status::NotFulfillable => (&w.nothing, Mark::Done, Show::Nothing),
    }
}

/// Seconds until the page comes again: soon at first, later the longer it has waited.
fn pause(age: Millis) -> u32 {
    match age {
        ..15_000 => 3,
        _ if age < 2 * MINUTE => 5,
        _ if age < 30 * MINUTE => 15,
        _ => 60,
    }
}

/// The page.
#[derive(Template)]
#[template(path = "landing.html")]
pub(super) struct Landing<'a> {
    w: &'static Words,
    css: &'static str,
    status: &'static str,
    say: &'static Say,
    mark: Mark,
    refresh: Option<u32>,
    test: bool,
    mailed: bool,
    lines: Vec<LineShown<'a>>,
    total: Option<String>,
    paid: Option<String>,
    reference: &'a str,
}

impl<'a> Landing<'a> {
    /// A page about no order in particular.
    pub(super) fn notice(
        w: &'static Words,
        say: &'static Say,
        mark: Mark,
        refresh: Option<u32>,
    ) -> Self {
        Self {
            w,
            css: CSS,
            status: "unknown",
            say,
            mark,
            refresh,
            test: false,
            mailed: false,
            lines: Vec::new(),
            total: None,
            paid: None,
            reference: "",
        }
    }

    pub(super) fn new(
        w: &'static Words,
        key: &'a SessionKey,
        view: Option<&'a SessionView>,
        standing: &Standing,
    ) -> Self {
        let notice = Self::notice(w, standing.say, standing.mark, standing.refresh);
        let Some(order) = view.and_then(|view| view.order.as_ref()) else { return notice };
        let shown = standing.show != Show::Nothing;
        let sale = &order.sale;
        let mut page = Self {
            status: standing.status,
            test: !key.livemode,
            mailed: standing.show == Show::Goods && was_mailed(order),
            reference: &key.id,
            ..notice
        };
        if shown {
            page.lines = lines(order, w, standing.show == Show::Goods);
            page.total = amount(sale.amount_total, sale.currency.as_deref(), w);
            page.paid = presented(sale).filter(|_| order.placed);
        }
        page
    }
}

/// A mail about the whole order has left; one that waits is not promised.
fn was_mailed(order: &OrderView) -> bool {
    order.deliveries.iter().any(|d| d.kind == "mail.receipt" && d.status == DeliveryStatus::Done)
}

/// What the buyer paid, where that was another currency (case 26).
fn presented(sale: &Sale) -> Option<String> {
    let paid = sale.presentment.as_ref()?;
    let other = sale.currency.as_deref() != Some(paid.currency.as_str());
    other.then(|| money::plain(paid.amount, &paid.currency))
}

fn amount(minor: Option<i64>, currency: Option<&str>, w: &Words) -> Option<String> {
    match (minor?, currency?) {
        (0, _) => Some(w.free.to_owned()),
        (minor, currency) => Some(money::plain(minor, currency)),
    }
}

/// One line and what came of it.
struct LineShown<'a> {
    what: &'a str,
    quantity: i64,
    amount: Option<String>,
    grants: Vec<GrantShown<'a>>,
    keys: Vec<KeyShown<'a>>,
    parcel: Option<ParcelShown>,
    waits: bool,
}

struct GrantShown<'a> {
    access: &'a str,
    /// Only where a browser can go without harm.
    url: Option<&'a str>,
    until: Option<String>,
}

struct KeyShown<'a> {
    key: &'a str,
    seats: Option<i64>,
}

struct ParcelShown {
    word: &'static str,
    to: String,
}

/// Lines the buyer removed are not shown (case 30).
fn lines<'a>(order: &'a OrderView, w: &'static Words, goods: bool) -> Vec<LineShown<'a>> {
    let sold = order.sale.lines.iter().filter(|line| line.quantity > 0);
    sold.map(|line| line_shown(order, line, w, goods)).collect()
}

fn line_shown<'a>(
    order: &'a OrderView,
    line: &'a Line,
    w: &'static Words,
    goods: bool,
) -> LineShown<'a> {
    let currency = line.currency.as_deref().or(order.sale.currency.as_deref());
    let effects = || order.effects.iter().filter(|e| goods && e.line == line.id && !e.is_waived());
    let done = |kind| effects().filter(move |e| e.kind == kind && e.status == EffectStatus::Done);
    let seats = |e: &Effect| (e.quantity > 1).then_some(e.quantity);
    let undelivered = || {
        let of_line = order.deliveries.iter().filter(|d| d.owed && d.line == line.id);
        goods && of_line.into_iter().any(|d| d.status != DeliveryStatus::Done)
    };
    LineShown {
        what: line.description.as_deref().filter(|d| !d.trim().is_empty()).unwrap_or(w.item),
        quantity: line.quantity,
        amount: amount(line.amount_total, currency, w),
        grants: done(EffectKind::Grant)
            .filter_map(|e| {
                let until = e.expires_at.map(w.date);
                Some(GrantShown {
                    access: e.value.as_deref()?,
                    url: e.url.as_deref().and_then(web_address),
                    until,
                })
            })
            .collect(),
        keys: done(EffectKind::Key)
            .filter_map(|e| Some(KeyShown { key: e.value.as_deref()?, seats: seats(e) }))
            .collect(),
        parcel: effects().find_map(|e| parcel(e, &order.sale, w)),
        waits: effects().any(Effect::is_held) || undelivered(),
    }
}

/// Whoever waived it said so in the note; its value is nobody's.
/// Where a parcel goes, as far as the buyer has to recognize it: not the whole address.
fn parcel(effect: &Effect, sale: &Sale, w: &'static Words) -> Option<ParcelShown> {
    let word = match (effect.kind, effect.status) {
        (EffectKind::Parcel, EffectStatus::ToShip) => w.to_ship,
        (EffectKind::Parcel, EffectStatus::Shipped) => w.shipped,
        _ => return None,
    };
    let to = sale.shipping.as_ref()?;
    let parts = [&to.name, &to.address.city, &to.address.country];
    let parts: Vec<&str> = parts.into_iter().filter_map(|part| part.as_deref()).collect();
    Some(ParcelShown { word, to: parts.join(", ") })
}

#[cfg(test)]
mod tests {
    use super::pause;

    #[test]
    fn a_page_that_waits_longer_comes_again_less_often() {
        let pauses = [0, 20_000, 300_000, 86_400_000].map(pause);
        assert_eq!(pauses, [3, 5, 15, 60]);
    }
}
