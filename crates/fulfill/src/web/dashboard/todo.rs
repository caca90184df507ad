//! What waits for a person, to be worked to empty.

use askama::Template;
use axum::{Extension, http::StatusCode, response::Response};
use fulfill_rules::{
    Millis,
    delivery::DeliveryStatus,
    fact::Line,
    id::SessionKey,
    order::Status,
    place::{Effect, EffectKind, EffectStatus, Held},
};

use super::{
    Desk, In, State,
    form::Form,
    frame::{Frame, Visit, page},
    order::{address, answers, line_name},
    orders::amount,
    words::{self, Why},
};
use crate::store::{
    OrderView, PoolView, Quarantined, ShelfView, StoreError, StuckSummary, ToDo, Troubled,
};

#[derive(Template)]
#[template(path = "dashboard/todo.html")]
struct Page {
    f: Frame,
    said: Option<&'static str>,
    wrong: Option<&'static str>,
    attention: Vec<Attention>,
    troubled: Vec<Troubled>,
    /// Of these Stripe told, and says that there are none.
    unknown: Vec<Troubled>,
    stuck: Vec<Stuck>,
    summaries: Vec<StuckSummary>,
    parcels: Vec<Parcel>,
    pools: Vec<PoolView>,
    shelves: Vec<ShelfView>,
    quarantined: Vec<Quarantined>,
    /// There are more orders than are shown.
    more: bool,
    empty: bool,
}

struct Head {
    id: String,
    who: String,
    amount: String,
    at: Millis,
    /// What the buyer filled in: whoever makes or packs it needs it.
    answers: Vec<(String, String)>,
}

struct Attention {
    head: Head,
    reason: String,
    lines: Vec<HeldLine>,
    stuck: Vec<String>,
    /// Looking at Stripe again may help.
    again: bool,
}

struct HeldLine {
    id: String,
    name: String,
    quantity: i64,
    why: Why,
    /// Of what there is too little, and where it is provided.
    supply: Option<Supply>,
}

struct Supply {
    /// The SKU or the pool.
    of: String,
    /// An address below ours, where it stands in its form.
    at: String,
}

impl Supply {
    fn of(effect: &Effect) -> Option<Self> {
        let (field, form) = match effect.kind {
            EffectKind::Stock => ("sku", "units"),
            EffectKind::Key => ("pool", "keys"),
            _ => return None,
        };
        let of = effect.subject.clone();
        let named: String = form_urlencoded::byte_serialize(of.as_bytes()).collect();
        Some(Self { at: format!("stock?{field}={named}#{form}"), of })
    }
}

struct Stuck {
    head: Head,
    what: Vec<String>,
}

struct Parcel {
    head: Head,
    items: Vec<String>,
    lines: Vec<String>,
    address: Vec<String>,
}

fn done(word: &str) -> Option<&'static str> {
    Some(match word {
        "again" => "Tried again.",
        "nothing" => "Nothing is open there any more.",
        "aside" => "Put aside.",
        "settled" => "Settled.",
        "shipped" => "Shipped.",
        "resent" => "The mail goes out again.",
        "stocked" => "It is on the shelf.",
        "told" => "It is told again, in a moment.",
        "seen" => "Put aside.",
        "dismissed" => "Put aside. Its body is kept for a while.",
        _ => return None,
    })
}

/// `GET /dashboard/todo`.
pub(super) async fn show(axum::extract::State(desk): State, Extension(visit): In) -> Response {
    shown(&desk, &visit, StatusCode::OK, None).await
}

async fn shown(
    desk: &Desk,
    visit: &Visit,
    status: StatusCode,
    wrong: Option<&'static str>,
) -> Response {
    match desk.web.store.to_do(&desk.pools()).await {
        Ok(list) => page(status, &Page { wrong, ..Page::of(visit, list) }),
        Err(error) => desk.trouble(visit, &error),
    }
}

impl Page {
    fn of(visit: &Visit, list: ToDo) -> Self {
        let needs = |order: &&OrderView| order.status == Status::NeedsAttention;
        let of = list.orders.iter();
        let stuck = of.clone().filter(|order| !needs(order)).map(Stuck::of);
        let (unknown, troubled) = list.troubled.into_iter().partition(|one| one.unknown);
        let parcels: Vec<Parcel> = of.clone().map(Parcel::of).collect();
        let mut made = Self {
            f: visit.frame("To do", "todo"),
            said: done(visit.query.get("done")),
            wrong: None,
            attention: of.filter(needs).map(Attention::of).collect(),
            stuck: stuck.filter(|item| !item.what.is_empty()).collect(),
            parcels: parcels.into_iter().filter(|item| !item.lines.is_empty()).collect(),
            pools: list.pools,
            shelves: list.shelves,
            quarantined: list.quarantined,
            troubled,
            unknown,
            summaries: list.summaries,
            more: list.more,
            empty: false,
        };
        made.empty = made.attention.is_empty()
            && made.troubled.is_empty()
            && made.unknown.is_empty()
            && made.stuck.is_empty()
            && made.summaries.is_empty()
            && made.parcels.is_empty()
            && made.pools.is_empty()
            && made.shelves.is_empty()
            && made.quarantined.is_empty();
        made
    }
}

impl Head {
    fn of(order: &OrderView) -> Self {
        let customer = &order.sale.customer;
        let who = customer.name.clone().or_else(|| customer.email.clone());
        Self {
            id: order.key.id.clone(),
            who: who.unwrap_or_else(|| "An order".to_owned()),
            amount: amount(order.sale.amount_total, order.sale.currency.as_deref()),
            at: order.first_seen_at,
            answers: answers(order),
        }
    }
}

/// What is stuck, with what was said.
fn stuck(order: &OrderView) -> Vec<String> {
    let stuck = order.deliveries.iter().filter(|d| d.status == DeliveryStatus::Stuck);
    stuck
        .map(|delivery| match &delivery.said {
            Some(said) => format!("{}: {said}", words::delivery(&delivery.kind)),
            None => words::delivery(&delivery.kind),
        })
        .collect()
}

impl Attention {
    fn of(order: &OrderView) -> Self {
        let mut lines: Vec<HeldLine> = Vec::new();
        for effect in order.effects.iter().filter(|effect| words::is_cause(effect, order)) {
            let line = words::line_of(effect, order);
            let why = words::held(effect, line);
            // One entry a line: several keys of one line wait for one thing.
            if lines.iter().any(|known| known.id == effect.line && known.why == why) {
                continue;
            }
            lines.push(HeldLine {
                id: effect.line.clone(),
                name: line.map_or_else(|| "The whole order".to_owned(), line_name),
                quantity: line.map_or(1, |line| line.quantity),
                supply: Supply::of(effect),
                why,
            });
        }
        // The reason is told by held lines and by owed work that is stuck, where there are such; a mail that
        // is stuck is another matter.
        let mut deliveries = order.deliveries.iter();
        let owed = deliveries.any(|one| one.owed && one.status == DeliveryStatus::Stuck);
        let reason = match &order.reason {
            Some(reason) if lines.is_empty() && !owed => reason.clone(),
            _ => String::new(),
        };
        let stuck = stuck(order);
        let unmatched = order.effects.iter().any(|e| e.held == Some(Held::Unmatched));
        let again = unmatched || !stuck.is_empty() || lines.is_empty();
        Self { head: Head::of(order), reason, lines, stuck, again }
    }
}

impl Stuck {
    fn of(order: &OrderView) -> Self {
        Self { head: Head::of(order), what: stuck(order) }
    }
}

impl Parcel {
    fn of(order: &OrderView) -> Self {
        let waits = order.effects.iter().filter(|effect| {
            effect.kind == EffectKind::Parcel && effect.status == EffectStatus::ToShip
        });
        let lines: Vec<String> = waits.map(|effect| effect.line.clone()).collect();
        let items = order.sale.lines.iter().filter(|line| lines.contains(&line.id));
        // What was sold before it was there may not be there yet.
        let owed = |line: &Line| {
            let of_line = order.effects.iter().filter(|e| e.line == line.id && e.backorder);
            let notes =
                of_line.filter_map(|e| Some(format!(" ({} {})", e.subject, e.note.as_ref()?)));
            notes.collect::<String>()
        };
        Self {
            head: Head::of(order),
            items: items
                .map(|line| format!("{} × {}{}", line.quantity, line_name(line), owed(line)))
                .collect(),
            address: address(order),
            lines,
        }
    }
}

/// `POST /dashboard/todo/dismiss`: an event that could not be read, or about a session that Stripe does not
/// know, waits for nobody any more.
pub(super) async fn dismiss(
    axum::extract::State(desk): State,
    Extension(visit): In,
    Extension(form): Extension<Form>,
) -> Response {
    let (event, session) = (form.get("event"), form.get("session"));
    let store = &desk.web.store;
    let dismissed: Result<bool, StoreError> = match (event.parse(), SessionKey::parse(session)) {
        (Ok(seq), _) => store.dismiss_event(seq).await,
        (_, Ok(key)) => store.dismiss_session(&key).await,
        _ => Ok(false),
    };
    match dismissed {
        Ok(true) => {
            tracing::info!(who = visit.who(), event, session, "an event was put aside");
            visit.see_other(if session.is_empty() {
                "todo?done=dismissed"
            } else {
                "todo?done=seen"
            })
        }
        Ok(false) => {
            let wrong = Some("There is no such event, or no more.");
            shown(&desk, &visit, StatusCode::NOT_FOUND, wrong).await
        }
        Err(error) => desk.trouble(&visit, &error),
    }
}

/// `POST /dashboard/todo/summary`: a day that could not be told is told after all, or never.
pub(super) async fn summary(
    axum::extract::State(desk): State,
    Extension(visit): In,
    Extension(form): Extension<Form>,
) -> Response {
    let (day, store) = (form.get("day"), &desk.web.store);
    let again = form.get("act") == "again";
    let done =
        if again { store.retry_summary(day).await } else { store.dismiss_summary(day).await };
    match done {
        Ok(true) => {
            tracing::info!(who = visit.who(), day, again, "a stuck summary was acted on");
            desk.web.wake.summary();
            visit.see_other(if again { "todo?done=told" } else { "todo?done=seen" })
        }
        Ok(false) => {
            let wrong = Some("There is no such summary that is stuck, or no more.");
            shown(&desk, &visit, StatusCode::NOT_FOUND, wrong).await
        }
        Err(error) => desk.trouble(&visit, &error),
    }
}

#[cfg(test)]
mod tests {
    use fulfill_rules::{
        delivery::DeliveryStatus, fact::Sale, id::SessionKey, notice, order::Status,
    };

    use super::Attention;
    use crate::store::{DeliveryView, OrderView};

    #[test]
    fn a_mail_that_is_stuck_does_not_hide_why_the_order_needs_a_person() {
        const REASON: &str = "Stripe refuses the API key (401)";
        for (kind, owed, reason) in [(notice::NEW_ORDER, false, REASON), ("invite", true, "")] {
            let order = OrderView {
                key: SessionKey::parse("cs_test_a1").unwrap(),
                session: 1,
                status: Status::NeedsAttention,
                reason: Some(REASON.to_owned()),
                placed: false,
                first_seen_at: 0,
                fulfilled_at: None,
                look_again_at: None,
                sale: Sale::default(),
                effects: Vec::new(),
                deliveries: vec![DeliveryView {
                    kind: kind.to_owned(),
                    line: String::new(),
                    owed,
                    status: DeliveryStatus::Stuck,
                    attempts: 3,
                    due_at: None,
                    said: Some("refused (550)".to_owned()),
                }],
                timeline: Vec::new(),
                events: Vec::new(),
            };
            let shown = Attention::of(&order);
            assert_eq!(shown.reason, reason, "{kind}");
            assert!(shown.stuck[0].ends_with("refused (550)"), "{kind}: {:?}", shown.stuck);
        }
    }
}
