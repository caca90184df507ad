//! The start page: what waits, what came in, how fast it went out.

use std::collections::BTreeMap;

use askama::Template;
use axum::{Extension, http::StatusCode, response::Response};
use fulfill_rules::order::Status;

use super::{
    Desk, In, State,
    chart::{Chart, Steps},
    frame::{Frame, Visit, money, page},
    orders::Row,
    setting_up,
};
use crate::store::{DayView, OrdersQuery, StoreError, ToDoCounts};

/// Days in the pictures.
const DAYS: i64 = 30;
/// Currencies with a picture of their own: those that came to most orders.
const CURRENCIES_MAX: usize = 3;
/// Orders that are shown.
const NEWEST: i64 = 8;

#[derive(Template)]
#[template(path = "dashboard/home.html")]
struct Home {
    f: Frame,
    counts: ToDoCounts,
    awaiting: i64,
    preparing: i64,
    today: i64,
    today_paid: Vec<String>,
    charts: Vec<Chart>,
    steps: Steps,
    days: i64,
    rows: Vec<Row>,
    /// What is not set up yet.
    missing: usize,
}

pub(super) async fn show(axum::extract::State(desk): State, Extension(visit): In) -> Response {
    match read(&desk, &visit).await {
        Ok(home) => page(StatusCode::OK, &home),
        Err(error) => desk.trouble(&visit, &error),
    }
}

async fn read(desk: &Desk, visit: &Visit) -> Result<Home, StoreError> {
    let store = &desk.web.store;
    let f = visit.frame("Overview", "home");
    let counts = store.to_do_counts(&desk.pools()).await?;
    let open = store.counts().await?.open_orders;
    let of = |status: Status| {
        open.iter().find(|(known, _)| known == status.as_str()).map_or(0, |(_, n)| *n)
    };
    let days = store.days(DAYS, &desk.web.brand.zone()).await?;
    let query = OrdersQuery { limit: NEWEST, ..OrdersQuery::default() };
    let newest = store.orders(query).await?;
    let today = days.last().cloned().unwrap_or_default();
    Ok(Home {
        counts,
        awaiting: of(Status::AwaitingPayment),
        preparing: of(Status::Preparing),
        today: today.orders,
        today_paid: today.revenue.iter().map(|(currency, n)| money(*n, currency)).collect(),
        charts: charts(&f, &days),
        steps: Steps::of(&store.spans(DAYS).await?.counts),
        days: DAYS,
        rows: newest.orders.iter().map(Row::of).collect(),
        missing: setting_up::missing(desk).await?,
        f,
    })
}

fn charts(f: &Frame, days: &[DayView]) -> Vec<Chart> {
    let label = |day: &DayView| f.counted_day(day.begins_at);
    let orders: i64 = days.iter().map(|day| day.orders).sum();
    let values = days.iter().map(|day| (label(day), day.orders)).collect();
    let mut charts =
        vec![Chart::of("Orders per day", orders.to_string(), values, |n| n.to_string())];
    let mut sums: BTreeMap<&str, (usize, i64)> = BTreeMap::new();
    for (currency, amount) in days.iter().flat_map(|day| &day.revenue) {
        let sum = sums.entry(currency).or_default();
        *sum = (sum.0 + 1, sum.1.saturating_add(*amount));
    }
    let mut sums: Vec<_> = sums.into_iter().collect();
    sums.sort_by_key(|(_, (days, _))| std::cmp::Reverse(*days));
    charts.extend(sums.into_iter().take(CURRENCIES_MAX).map(|(currency, (_, sum))| {
        let on = |day: &DayView| day.revenue.get(currency).copied().unwrap_or(0);
        let values = days.iter().map(|day| (label(day), on(day))).collect();
        let title = format!("Revenue per day in {}", currency.to_uppercase());
        Chart::of(&title, money(sum, currency), values, |n| money(n, currency))
    }));
    charts
}
