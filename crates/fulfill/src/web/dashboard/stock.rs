//! Shelves and key pools: what is there, how it came, and corrections.

use std::sync::Arc;

use askama::Template;
use axum::{Extension, http::StatusCode, response::Response};

use super::{
    Desk, In, State,
    form::Form,
    frame::{Frame, Visit, page},
};
use crate::store::{
    FEW_KEYS, Imported, MovementView, PoolView, ShelfView, StockChange, StoreError,
};

/// Longest SKU, pool or key, in bytes.
const NAME_BYTES_MAX: usize = 500;
/// Longest reason, in signs.
const WHY_CHARS_MAX: usize = 200;
/// Movements that are shown.
const MOVEMENTS: i64 = 100;
/// Most units added or taken away at once.
const UNITS_MAX: i64 = 1_000_000_000;

#[derive(Template)]
#[template(path = "dashboard/stock.html")]
struct Page {
    f: Frame,
    shelves: Vec<ShelfView>,
    pools: Vec<PoolView>,
    /// The shelf whose movements are shown.
    sku: Option<String>,
    movements: Vec<MovementView>,
    /// The pool that the address names.
    chosen_pool: String,
    said: Option<String>,
    wrong: Option<String>,
    few: i64,
    /// What a refused form said: it stays in the form.
    typed: Form,
}

/// `GET /dashboard/stock`.
pub(super) async fn show(axum::extract::State(desk): State, Extension(visit): In) -> Response {
    let with = |made: Page| {
        let said = match visit.query.get("done") {
            "stock" => Some(corrected(&desk, visit.query.get("sku"))),
            "keys" => imported_into(&desk, &visit.query, &made.pools),
            _ => None,
        };
        Page { said, ..made }
    };
    shown(&desk, &visit, StatusCode::OK, with).await
}

/// What was done to a shelf; a slip in its name shows in that nothing is sold from it.
fn corrected(desk: &Desk, sku: &str) -> String {
    let mut shelves = desk.web.policy.catalog.products().iter().filter_map(|p| p.stock.as_ref());
    if shelves.any(|stock| stock.sku == sku) {
        return "The shelf is corrected.".to_owned();
    }
    format!("The shelf is corrected. No product in the catalog takes from {sku}.")
}

async fn shown(
    desk: &Desk,
    visit: &Visit,
    status: StatusCode,
    with: impl FnOnce(Page) -> Page,
) -> Response {
    match read(desk, visit).await {
        Ok(made) => page(status, &with(made)),
        Err(error) => desk.trouble(visit, &error),
    }
}

async fn read(desk: &Desk, visit: &Visit) -> Result<Page, StoreError> {
    let store = &desk.web.store;
    let (mut shelves, mut pools) = (store.shelves().await?, store.pools().await?);
    // What the catalog names is there, though nothing was ever brought in.
    for product in desk.web.policy.catalog.products() {
        if let Some(stock) = &product.stock
            && !shelves.iter().any(|shelf| shelf.sku == stock.sku)
        {
            let sku = stock.sku.clone();
            shelves.push(ShelfView { sku, on_hand: 0, backordered: 0, waiting: 0 });
        }
        if let Some(key) = &product.key
            && !pools.iter().any(|pool| pool.pool == key.pool)
        {
            pools.push(PoolView { pool: key.pool.clone(), free: 0, drawn: 0, waiting: 0 });
        }
    }
    let sku = Some(visit.query.get("sku").to_owned()).filter(|sku| is_plain(sku));
    // An order may wait for what its product's own metadata names, and nobody has brought in.
    if let Some(sku) = &sku
        && !shelves.iter().any(|shelf| shelf.sku == *sku)
    {
        let sku = sku.clone();
        shelves.push(ShelfView { sku, on_hand: 0, backordered: 0, waiting: 0 });
    }
    shelves.sort_by(|a, b| a.sku.cmp(&b.sku));
    pools.sort_by(|a, b| a.pool.cmp(&b.pool));
    let movements = match &sku {
        Some(sku) => store.movements(Some(sku), None, MOVEMENTS).await?,
        None => Vec::new(),
    };
    Ok(Page {
        f: visit.frame("Stock and keys", "stock"),
        shelves,
        pools,
        sku,
        movements,
        chosen_pool: visit.query.get("pool").to_owned(),
        said: None,
        wrong: None,
        few: FEW_KEYS,
        typed: Form::default(),
    })
}

fn is_plain(name: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&name.len()) && !name.chars().any(char::is_control)
}

async fn refused(desk: &Arc<Desk>, visit: &Visit, typed: Form, wrong: &str) -> Response {
    let wrong = Some(wrong.to_owned());
    shown(desk, visit, StatusCode::BAD_REQUEST, |made| Page { wrong, typed, ..made }).await
}

/// `10`, `+10` and `-3` come in or go; `=12` was counted.
fn change(typed: &str) -> Option<StockChange> {
    let number = |text: &str| {
        let text = text.trim().trim_start_matches('+').replace('−', "-");
        text.parse::<i64>().ok().filter(|n| n.abs() <= UNITS_MAX)
    };
    match typed.trim().strip_prefix('=') {
        Some(count) => number(count).filter(|n| *n >= 0).map(StockChange::To),
        None => number(typed).filter(|n| *n != 0).map(StockChange::By),
    }
}

/// `POST /dashboard/stock`: puts units on a shelf, takes some away, or says how many were counted.
pub(super) async fn correct(
    axum::extract::State(desk): State,
    Extension(visit): In,
    Extension(form): Extension<Form>,
) -> Response {
    let (sku, why) = (form.get("sku"), form.get("why"));
    let again = |wrong| refused(&desk, &visit, form.clone(), wrong);
    let Some(change) = change(form.get("units")) else {
        let wrong =
            "Write 10 where ten units come in, -3 where three go, =12 where twelve were counted.";
        return again(wrong).await;
    };
    if !is_plain(sku) {
        return again("Which shelf? The SKU is empty or too long.").await;
    }
    if why.chars().count() > WHY_CHARS_MAX || why.chars().any(char::is_control) {
        return again("The reason is too long.").await;
    }
    let why = Some(why).filter(|why| !why.is_empty());
    match desk.web.store.correct_stock(sku, change, Some(visit.who()), why).await {
        Ok(Err(there)) => {
            let wrong = format!("There are {there} on the shelf {sku}: no more can be taken away.");
            again(&wrong).await
        }
        Ok(Ok(on_hand)) => {
            desk.web.wake.filled();
            tracing::info!(sku, ?change, on_hand, who = visit.who(), "stock was changed");
            if form.get("back") == "todo" {
                return visit.see_other("todo?done=stocked");
            }
            let sku: String = form_urlencoded::byte_serialize(sku.as_bytes()).collect();
            visit.see_other(&format!("stock?done=stock&sku={sku}#movements"))
        }
        Err(error) => desk.trouble(&visit, &error),
    }
}

/// `POST /dashboard/keys`: imports keys, one a line.
pub(super) async fn import(
    axum::extract::State(desk): State,
    Extension(visit): In,
    Extension(form): Extension<Form>,
) -> Response {
    let pool = form.get("pool");
    let again = |wrong| refused(&desk, &visit, form.clone(), wrong);
    if !is_plain(pool) {
        return again("Which pool? Its name is empty or too long.").await;
    }
    let lines = form.raw("keys").trim_start_matches('\u{feff}').lines().map(str::trim);
    let lines = lines.enumerate().filter(|(_, key)| !key.is_empty());
    let odd: Vec<usize> =
        lines.clone().filter(|(_, key)| !is_plain(key)).map(|(at, _)| at + 1).collect();
    if let Some((first, others)) = odd.split_first() {
        let others = if others.is_empty() {
            String::new()
        } else {
            format!(" (and {} more lines)", others.len())
        };
        return again(&format!(
            "Line {first}{others} is too long, or not plain text. Nothing was imported."
        ))
        .await;
    }
    // As they stand in the form: a list may be long, and there need not be another one.
    let keys: Vec<&str> = lines.map(|(_, key)| key).collect();
    if keys.is_empty() {
        return again("There are no keys: write one a line.").await;
    }
    match desk.web.store.import_keys(pool, &keys).await {
        Ok(imported) => {
            desk.web.wake.filled();
            let Imported { new, known, repeated, free } = imported;
            tracing::info!(
                pool,
                new,
                known,
                repeated,
                free,
                who = visit.who(),
                "license keys were imported"
            );
            let mut told = form_urlencoded::Serializer::new(String::new());
            told.append_pair("done", "keys").append_pair("pool", pool);
            for (name, count) in [("new", new), ("known", known), ("repeated", repeated)] {
                told.append_pair(name, &count.to_string());
            }
            visit.see_other(&format!("stock?{}", told.finish()))
        }
        Err(error) => desk.trouble(&visit, &error),
    }
}

/// What became of the lines of an import, all of them, as the address tells it; a slip in the pool's name
/// shows in that nothing draws from it.
fn imported_into(desk: &Desk, query: &Form, pools: &[PoolView]) -> Option<String> {
    let count = |name| query.get(name).parse::<u64>().ok();
    let (new, known, repeated) = (count("new")?, count("known")?, count("repeated")?);
    let pool = query.get("pool");
    let free = pools.iter().find(|known| known.pool == pool)?.free;
    let unused = if desk.pools().iter().any(|drawn| drawn == pool) {
        ""
    } else {
        " No product in the catalog draws from it; products may say so themselves, as metadata at Stripe."
    };
    Some(format!(
        "Pool {pool}: {new} added, {known} were there already, {repeated} stood in the list before, none \
         refused. {free} are free now.{unused}"
    ))
}

#[cfg(test)]
mod tests {
    use super::change;
    use crate::store::StockChange::{By, To};

    #[test]
    fn what_is_typed_comes_in_goes_or_was_counted() {
        for (typed, read) in [
            ("10", Some(By(10))),
            ("+10", Some(By(10))),
            ("-3", Some(By(-3))),
            ("−3", Some(By(-3))),
            ("= 12", Some(To(12))),
            ("=0", Some(To(0))),
            ("0", None),
            ("=-1", None),
            ("ten", None),
            ("", None),
            ("1.5", None),
            ("99999999999", None),
        ] {
            assert_eq!(change(typed), read, "{typed}");
        }
    }
}
