//! What may be said to a buyer about an order (case 43), and whether this is the buyer at all.

use askama::Template;
use axum::http::StatusCode;
use fulfill_rules::{
    DAY, MINUTE, Millis, SECOND, delivery::DeliveryStatus, id::SessionKey, order::Status,
};

use super::{
    bought::{Bought, Show, hint},
    page::Look,
    words::{Say, Words},
};
use crate::store::{OrderView, SessionView};

/// So long whoever has a session's id is taken for the browser that came from Checkout. Later its
/// address may lie in a history, a log or a chat: then it takes the cookie from that time.
const FRESH: Millis = DAY;

/// The sign above the heading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Done,
    Wait,
    Stop,
    Search,
    Mail,
}

impl Mark {
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Wait => "wait",
            Self::Stop => "stop",
            Self::Search | Self::Mail => "calm",
        }
    }

    pub(super) fn sign(self) -> &'static str {
        match self {
            Self::Done => "✓",
            Self::Wait => "…",
            Self::Stop => "–",
            Self::Search => "?",
            Self::Mail => "@",
        }
    }
}

/// What the page says.
#[derive(Debug)]
pub(super) struct Standing {
    /// The answer's.
    pub(super) code: StatusCode,
    pub(super) status: &'static str,
    say: &'static Say,
    mark: Mark,
    /// Seconds until the page comes again; none when nothing will change.
    pub(super) refresh: Option<u32>,
    show: Show,
}

/// Whether a session's id is enough to see keys and links.
pub(super) fn is_fresh(order: &OrderView, now: Millis) -> bool {
    !order.placed || now - order.first_seen_at < FRESH
}

impl Standing {
    /// Says what is known of a session. Nothing follows from a look that is not over. `open`: keys and
    /// links may be shown.
    pub(super) fn of(
        view: Option<&SessionView>,
        w: &'static Words,
        now: Millis,
        open: bool,
    ) -> Self {
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
        let show = if show == Show::Goods && !open { Show::Masked } else { show };
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

pub(super) fn of_order(order: &OrderView, w: &'static Words) -> (&'static Say, Mark, Show) {
    let expired = order.sale.session_status.as_deref() == Some("expired");
    let free = order.sale.payment_status.as_deref() == Some("no_payment_required");
    match order.status {
        Status::Fulfilled if free => (&w.ready_free, Mark::Done, Show::Goods),
        Status::Preparing if free => (&w.preparing_free, Mark::Wait, Show::Goods),
        Status::NeedsAttention if free && order.placed => (&w.partly_free, Mark::Wait, Show::Goods),
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
    look: &'a Look,
    w: &'static Words,
    base: &'static str,
    /// Buyers can have a link sent to them.
    finding: bool,
    status: &'static str,
    say: &'static Say,
    mark: Mark,
    refresh: Option<u32>,
    /// Where changes are told, for browsers with script.
    live: Option<String>,
    takes: Option<&'static str>,
    hint: Option<String>,
    mailed: bool,
    order: Option<Bought<'a>>,
}

impl<'a> Landing<'a> {
    /// A page about no order in particular.
    pub(super) fn notice(
        look: &'a Look,
        w: &'static Words,
        say: &'static Say,
        mark: Mark,
        refresh: Option<u32>,
    ) -> Self {
        Self {
            look,
            w,
            base: "",
            finding: false,
            status: "unknown",
            say,
            mark,
            refresh,
            live: None,
            takes: None,
            hint: None,
            mailed: false,
            order: None,
        }
    }

    pub(super) fn new(
        look: &'a Look,
        w: &'static Words,
        key: &SessionKey,
        view: Option<&'a SessionView>,
        standing: &Standing,
    ) -> Self {
        let mut page = Self::notice(look, w, standing.say, standing.mark, standing.refresh);
        page.live = standing.refresh.map(|_| format!("success/live?session_id={}", key.id));
        let Some(order) = view.and_then(|view| view.order.as_ref()) else { return page };
        let waits = order.status == Status::AwaitingPayment;
        page.status = standing.status;
        page.takes = waits.then(|| w.takes.by(&order.sale.payment_methods));
        page.hint = order.sale.customer.email.as_deref().and_then(hint);
        page.mailed = standing.show == Show::Goods && was_mailed(order);
        page.order = Some(Bought::of(order, w, standing.show));
        page
    }

    /// Says where buyers find their orders again.
    pub(super) fn finding(mut self, yes: bool) -> Self {
        self.finding = yes;
        self
    }
}

/// A mail about the whole order has left; one that waits is not promised.
fn was_mailed(order: &OrderView) -> bool {
    order.deliveries.iter().any(|d| d.kind == "mail.receipt" && d.status == DeliveryStatus::Done)
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
