//! One order: everything that is known of it, why it is not fulfilled, and what can be done.

use askama::Template;
use axum::{Extension, extract::Path, http::StatusCode, response::Response};
use fulfill_rules::{
    Millis, SECOND,
    delivery::DeliveryStatus,
    fact::Line,
    id::SessionKey,
    order::Status,
    place::{EffectKind, EffectStatus, Held, web_address},
};

use super::{
    Desk, In, State,
    form::Form,
    frame::{Frame, Visit, page},
    orders::amount,
    words::{self, Mood, Why},
};
use crate::{
    address_rows,
    store::{DeliveryView, MAILS, OrderView, SessionView, StoreError},
};

/// Raw sessions are shown up to this; a longer one is cut.
const RAW_BYTES_MAX: usize = 200 << 10;

#[derive(Template)]
#[template(path = "dashboard/order.html")]
struct Page {
    f: Frame,
    id: String,
    said: Option<&'static str>,
    wrong: Option<String>,
    whys: Vec<Why>,
    mood: Option<Mood>,
    look_again_at: Option<Millis>,
    order: Option<Order>,
    /// Without an order: what was heard of the session.
    looked_at: Option<Millis>,
    raw: Option<String>,
    /// What a refused form said: it stays in the form.
    typed: Form,
}

struct Order {
    title: String,
    first_seen_at: Millis,
    fulfilled_at: Option<Millis>,
    took: Option<String>,
    amount: String,
    paid_in: Option<String>,
    facts: Vec<(&'static str, String)>,
    address: Vec<String>,
    /// Of custom fields: what was asked, and what was answered.
    answers: Vec<(String, String)>,
    lines: Vec<LineRow>,
    parcels: Vec<Parcel>,
    deliveries: Vec<DeliveryRow>,
    history: Vec<Entry>,
    /// Something is stuck.
    stuck: bool,
    /// Doing it again may change something.
    open: bool,
}

/// What a form about parcels shows.
struct ParcelForm<'a> {
    /// What it means: `ship` is about parcels that wait, `correct` about those that have left.
    means: &'static str,
    parcels: Vec<&'a Parcel>,
    /// Carrier, tracking and address that all of them have.
    way: (&'a str, &'a str, &'a str),
    /// A refused form said this.
    typed: Form,
}

impl ParcelForm<'_> {
    fn is_open(&self) -> bool {
        self.means == "ship" || !self.typed.get("means").is_empty()
    }
}

impl Order {
    /// A form for the parcels that wait and one for those that have left, each where there are some. What
    /// was typed stays in its form, or in the other one when that is the only one left.
    fn forms(&self, typed: &Form) -> Vec<ParcelForm<'_>> {
        let form = |means, waits| {
            let parcels: Vec<&Parcel> = self.parcels.iter().filter(|p| p.waits == waits).collect();
            let way = |p: &'_ &Parcel| (p.carrier.clone(), p.tracking.clone(), p.url.clone());
            let first = *parcels.first()?;
            let one_way = parcels.iter().all(|parcel| way(parcel) == way(&first));
            let known = (first.carrier.as_str(), first.tracking.as_str(), first.url.as_str());
            let way = if waits || !one_way { ("", "", "") } else { known };
            Some(ParcelForm { means, parcels, way, typed: Form::default() })
        };
        let mut forms: Vec<_> =
            [form("ship", true), form("correct", false)].into_iter().flatten().collect();
        let meant = forms.iter().position(|form| form.means == typed.get("means"));
        if !typed.get("means").is_empty()
            && let Some(form) = forms.get_mut(meant.unwrap_or(0))
        {
            form.typed = typed.clone();
        }
        forms
    }
}

struct LineRow {
    id: String,
    name: String,
    quantity: i64,
    amount: String,
    effects: Vec<EffectRow>,
    held: bool,
}

struct EffectRow {
    what: String,
    mood: Mood,
    value: Option<String>,
    url: Option<String>,
    until: Option<Millis>,
    note: Option<String>,
    why: Option<Why>,
}

struct Parcel {
    line: String,
    name: String,
    quantity: i64,
    waits: bool,
    carrier: String,
    tracking: String,
    url: String,
}

struct DeliveryRow {
    kind: String,
    what: String,
    mood: Mood,
    attempts: i64,
    due_at: Option<Millis>,
    said: Option<String>,
    can_resend: bool,
}

struct Entry {
    at: Millis,
    what: String,
    who: Option<String>,
    event: Option<String>,
}

/// What was done, by the word in the address.
fn done(word: &str) -> Option<&'static str> {
    Some(match word {
        "again" => "Looked at it again.",
        "nothing" => "Nothing is open here, so Stripe was not asked.",
        "aside" => "Put aside.",
        "settled" => "Settled.",
        "note" => "The note is written down.",
        "resent" => "The mail goes out again.",
        "shipped" => "Marked as shipped.",
        _ => return None,
    })
}

/// `GET /dashboard/orders/{id}`.
pub(super) async fn show(
    axum::extract::State(desk): State,
    Extension(visit): In,
    Path(id): Path<String>,
) -> Response {
    let said = done(visit.query.get("done"));
    shown(&desk, &visit, &id, StatusCode::OK, |made| Page { said, ..made }).await
}

/// The page after an act that was refused, with what was typed still in its form.
pub(super) async fn refused(
    desk: &Desk,
    visit: &Visit,
    id: &str,
    why: String,
    typed: Form,
) -> Response {
    let wrong = Some(why);
    shown(desk, visit, id, StatusCode::CONFLICT, |made| Page { wrong, typed, ..made }).await
}

async fn shown(
    desk: &Desk,
    visit: &Visit,
    id: &str,
    status: StatusCode,
    with: impl FnOnce(Page) -> Page,
) -> Response {
    let unknown = || {
        visit.sentence(
            StatusCode::NOT_FOUND,
            "Nothing is known of that",
            "Neither Stripe nor anybody else has named this session here.",
        )
    };
    let Ok(key) = SessionKey::parse(id) else { return unknown() };
    match read(desk, visit, &key).await {
        Ok(None) => unknown(),
        Ok(Some(made)) => page(status, &with(made)),
        Err(error) => desk.trouble(visit, &error),
    }
}

async fn read(desk: &Desk, visit: &Visit, key: &SessionKey) -> Result<Option<Page>, StoreError> {
    let Some(view) = desk.web.store.session_view(key).await? else { return Ok(None) };
    let raw = desk.web.store.raw_session(key).await?;
    let order = view.order.as_ref().map(Order::of);
    let title = order.as_ref().map_or_else(|| key.id.clone(), |order| order.title.clone());
    Ok(Some(Page {
        f: visit.frame(&title, "orders"),
        id: key.id.clone(),
        said: None,
        wrong: None,
        whys: words::not_fulfilled(&view),
        mood: view.order.as_ref().map(|order| words::status(order.status)),
        look_again_at: look_again_at(&view),
        order,
        looked_at: view.looked_at,
        raw: raw.map(pretty),
        typed: Form::default(),
    }))
}

fn look_again_at(view: &SessionView) -> Option<Millis> {
    view.look_again_at.filter(|_| view.order.as_ref().is_none_or(|order| !order.placed))
}

/// JSON as people read it.
fn pretty(raw: Vec<u8>) -> String {
    let indented = serde_json::from_slice::<serde_json::Value>(&raw)
        .and_then(|value| serde_json::to_string_pretty(&value));
    let text = indented.unwrap_or_else(|_| String::from_utf8_lossy(&raw).into_owned());
    match text.char_indices().nth(RAW_BYTES_MAX) {
        Some((end, _)) => format!("{}\n… cut here", &text[..end]),
        None => text,
    }
}

impl Order {
    fn of(order: &OrderView) -> Self {
        let (sale, customer) = (&order.sale, &order.sale.customer);
        let name = customer.name.clone().or_else(|| customer.email.clone());
        let optional = |name, value: &Option<String>| Some((name, value.clone()?));
        let facts = [
            optional("Name", &customer.name),
            optional("Mail", &customer.email),
            optional("Phone", &customer.phone),
            optional("Customer", &customer.id),
            optional("Your reference", &sale.client_reference_id),
            optional("Payment", &sale.payment_intent),
            optional("Payment Link", &sale.payment_link),
            optional("Language", &sale.locale),
        ];
        let stuck = order.deliveries.iter().any(|one| one.status == DeliveryStatus::Stuck);
        Self {
            title: name.unwrap_or_else(|| "An order".to_owned()),
            first_seen_at: order.first_seen_at,
            fulfilled_at: order.fulfilled_at,
            took: order.fulfilled_at.map(|at| took(at - order.first_seen_at)),
            amount: amount(sale.amount_total, sale.currency.as_deref()),
            paid_in: sale.presentment.as_ref().map(|p| amount(Some(p.amount), Some(&p.currency))),
            facts: facts.into_iter().flatten().collect(),
            open: stuck || order.status != Status::Fulfilled,
            stuck,
            address: address(order),
            answers: answers(order),
            lines: lines(order),
            parcels: parcels(order),
            deliveries: order.deliveries.iter().map(DeliveryRow::of).collect(),
            history: history(order),
        }
    }
}

fn took(ms: Millis) -> String {
    if ms < SECOND { "at once".to_owned() } else { format!("after {}", words::span(ms)) }
}

/// Where the parcels go, as it stands on one.
pub(super) fn address(order: &OrderView) -> Vec<String> {
    order.sale.shipping.as_ref().map(address_rows).unwrap_or_default()
}

/// What the buyer was asked beside the usual, and answered.
pub(super) fn answers(order: &OrderView) -> Vec<(String, String)> {
    let fields = order.sale.custom_fields.iter();
    fields.map(|field| (field.label.clone(), field.answer().to_owned())).collect()
}

/// What a line is called.
pub(super) fn line_name(line: &Line) -> String {
    let name = line.description.clone().or_else(|| line.product.clone());
    name.unwrap_or_else(|| line.id.clone())
}

fn lines(order: &OrderView) -> Vec<LineRow> {
    let effects = |id: &str| {
        let own = order.effects.iter().filter(|effect| effect.line == id);
        own.map(|effect| EffectRow {
            what: words::effect(effect),
            mood: words::effect_status(effect),
            value: match effect.kind {
                EffectKind::Key => effect.value.clone(),
                _ => None,
            },
            url: match effect.kind {
                EffectKind::Grant => effect.url.as_deref().and_then(web_address).map(str::to_owned),
                _ => None,
            },
            until: effect.expires_at,
            // Why it is held says the same, and more.
            note: effect.note.clone().filter(|_| effect.held != Some(Held::Unmatched)),
            why: effect.is_held().then(|| words::held(effect, words::line_of(effect, order))),
        })
        .collect::<Vec<_>>()
    };
    let mut rows: Vec<LineRow> = order
        .sale
        .lines
        .iter()
        .map(|line| LineRow {
            id: line.id.clone(),
            name: line_name(line),
            quantity: line.quantity,
            amount: amount(
                line.amount_total,
                line.currency.as_deref().or(order.sale.currency.as_deref()),
            ),
            effects: effects(&line.id),
            held: false,
        })
        .collect();
    // An effect may belong to no line that Stripe lists: it is shown all the same.
    let known: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
    let mut others: Vec<&str> = order.effects.iter().map(|e| e.line.as_str()).collect();
    others.retain(|line| !known.iter().any(|id| id == line));
    others.dedup();
    rows.extend(others.into_iter().map(|line| LineRow {
        id: line.to_owned(),
        name: if line.is_empty() { "The whole order".to_owned() } else { line.to_owned() },
        quantity: 1,
        amount: String::new(),
        effects: effects(line),
        held: false,
    }));
    for row in &mut rows {
        row.held = row.effects.iter().any(|effect| effect.why.is_some());
    }
    rows
}

fn parcels(order: &OrderView) -> Vec<Parcel> {
    let parcels = order.effects.iter().filter(|effect| {
        effect.kind == EffectKind::Parcel
            && matches!(effect.status, EffectStatus::ToShip | EffectStatus::Shipped)
    });
    parcels
        .map(|effect| {
            let line = order.sale.lines.iter().find(|line| line.id == effect.line);
            Parcel {
                line: effect.line.clone(),
                name: line.map_or_else(|| effect.line.clone(), line_name),
                quantity: effect.quantity,
                waits: effect.status == EffectStatus::ToShip,
                carrier: effect.subject.clone(),
                tracking: effect.value.clone().unwrap_or_default(),
                url: effect.url.as_deref().and_then(web_address).unwrap_or_default().to_owned(),
            }
        })
        .collect()
}

impl DeliveryRow {
    fn of(delivery: &DeliveryView) -> Self {
        let settled = delivery.status.is_over() || delivery.status == DeliveryStatus::Stuck;
        Self {
            kind: delivery.kind.clone(),
            what: words::delivery(&delivery.kind),
            mood: words::delivery_status(delivery.status),
            attempts: delivery.attempts,
            due_at: delivery.due_at.filter(|_| delivery.status == DeliveryStatus::Due),
            said: delivery.said.clone(),
            can_resend: settled && MAILS.contains(&delivery.kind.as_str()),
        }
    }
}

/// Timeline and events as one, the newest first.
fn history(order: &OrderView) -> Vec<Entry> {
    let told = order.timeline.iter().map(|told| Entry {
        at: told.at,
        what: words::told(&told.what),
        who: told.who.clone(),
        event: None,
    });
    let events = order.events.iter().map(|event| Entry {
        at: event.received_at,
        what: format!("Stripe told: {}", event.kind),
        who: None,
        event: Some(event.id.clone()),
    });
    // Events come first where the moment is the same: they are what rang.
    let mut all: Vec<Entry> = events.chain(told).collect();
    all.sort_by_key(|entry| entry.at);
    all.reverse();
    all
}
