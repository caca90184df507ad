//! The list of orders: found by what a person has in hand.

use askama::Template;
use axum::{Extension, http::StatusCode, response::Response};
use fulfill_rules::{Millis, order::Status};
use jiff::civil::Date;

use super::{
    Desk, In, State,
    frame::{Frame, Visit, money, page},
    words::{self, Mood},
};
use crate::store::{OrderView, OrdersPage, OrdersQuery, StoreError};

/// Orders on a page.
const PAGE: i64 = 30;
/// Longest question.
const Q_CHARS_MAX: usize = 200;

#[derive(Template)]
#[template(path = "dashboard/orders.html")]
struct Orders {
    f: Frame,
    q: String,
    status: Option<Status>,
    to_ship: bool,
    from: String,
    until: String,
    rows: Vec<Row>,
    /// Something narrows the list.
    narrowed: bool,
    /// The list does not begin with the newest.
    later: bool,
    /// The address of the newest ones, and of those before these.
    newest: String,
    older: Option<String>,
    /// A filter that was not understood: then nothing is shown, rather than what nobody asked for.
    wrong: Option<String>,
}

/// An order in a list.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) at: Millis,
    pub(super) who: String,
    pub(super) mail: String,
    pub(super) what: String,
    pub(super) more: usize,
    pub(super) amount: String,
    pub(super) mood: Mood,
    pub(super) reason: String,
}

impl Row {
    pub(super) fn of(order: &OrderView) -> Self {
        let sale = &order.sale;
        let customer = &sale.customer;
        let first = sale.lines.first();
        let what = first.map(|line| {
            let name = line.description.clone().or_else(|| line.product.clone());
            let name = name.unwrap_or_else(|| line.id.clone());
            if line.quantity > 1 { format!("{} × {name}", line.quantity) } else { name }
        });
        Self {
            id: order.key.id.clone(),
            at: order.first_seen_at,
            who: customer.name.clone().unwrap_or_default(),
            mail: customer.email.clone().unwrap_or_default(),
            what: what.unwrap_or_default(),
            more: sale.lines.len().saturating_sub(1),
            amount: amount(sale.amount_total, sale.currency.as_deref()),
            mood: words::status(order.status),
            reason: match order.status {
                Status::Fulfilled => String::new(),
                _ => order.reason.clone().unwrap_or_default(),
            },
        }
    }
}

pub(super) fn amount(minor: Option<i64>, currency: Option<&str>) -> String {
    match (minor, currency) {
        (Some(minor), Some(currency)) => money(minor, currency),
        _ => String::new(),
    }
}

/// `GET /dashboard/orders`.
pub(super) async fn list(axum::extract::State(desk): State, Extension(visit): In) -> Response {
    match found(&desk, &visit).await {
        Ok(list) => page(StatusCode::OK, &list),
        Err(error) => desk.trouble(&visit, &error),
    }
}

async fn found(desk: &Desk, visit: &Visit) -> Result<Orders, StoreError> {
    let asked = &visit.query;
    let q: String = asked.get("q").chars().take(Q_CHARS_MAX).collect();
    let word = asked.get("status");
    let (status, to_ship) = (Status::parse(word), word == "to_ship");
    let (from, until) = (asked.get("from").to_owned(), asked.get("until").to_owned());
    let zone = desk.web.brand.zone();
    let day = |text: &str| text.parse::<Date>().ok();
    let first = day(&from).and_then(|day| zone.midnight(day));
    // The day that is named belongs to the period.
    let last = day(&until).and_then(|day| zone.midnight(day.tomorrow().ok()?));
    let wrong = [
        (!word.is_empty() && status.is_none() && !to_ship)
            .then(|| format!("There is no status “{}”.", short(word))),
        not_a_day(&from, first),
        not_a_day(&until, last),
    ];
    let wrong: Vec<String> = wrong.into_iter().flatten().collect();
    let wrong = (!wrong.is_empty()).then(|| wrong.join(" "));
    let after = Some(asked.get("after").to_owned()).filter(|id| !id.is_empty());
    let later = after.is_some();
    let query = OrdersQuery {
        status,
        limit: PAGE,
        after,
        q: Some(q.clone()).filter(|q| !q.is_empty()),
        to_ship,
        from: first,
        until: last,
    };
    let found = match wrong {
        None => desk.web.store.orders(query).await?,
        Some(_) => OrdersPage { orders: Vec::new(), has_more: false },
    };
    let rows: Vec<Row> = found.orders.iter().map(Row::of).collect();
    let mut address = form_urlencoded::Serializer::new(String::new());
    for (name, value) in [("q", q.as_str()), ("status", word), ("from", &from), ("until", &until)] {
        if !value.is_empty() {
            address.append_pair(name, value);
        }
    }
    let address = address.finish();
    let narrowed = !address.is_empty();
    let older = rows.last().filter(|_| found.has_more).map(|row| {
        let join = if address.is_empty() { "" } else { "&" };
        format!("orders?{address}{join}after={}", row.id)
    });
    Ok(Orders {
        f: visit.frame("Orders", "orders"),
        q,
        status,
        to_ship,
        from,
        until,
        rows,
        narrowed,
        later,
        newest: if narrowed { format!("orders?{address}") } else { "orders".to_owned() },
        older,
        wrong,
    })
}

fn not_a_day(typed: &str, read: Option<Millis>) -> Option<String> {
    let odd = !typed.is_empty() && read.is_none();
    odd.then(|| format!("“{}” is no date: write it as 2026-11-28.", short(typed)))
}

/// As much of what was typed as fits into a sentence.
fn short(typed: &str) -> String {
    typed.chars().take(40).collect()
}
