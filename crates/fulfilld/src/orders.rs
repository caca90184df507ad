//! `orders`: what there is, everything about one, and settling by hand.

mod acts;
mod show;

use std::{path::Path, process::ExitCode};

use anyhow::{Context as _, bail};
use fulfill::{
    rules::{
        id::SessionKey,
        money,
        order::{ByHand, Status},
    },
    store::{OrderView, OrdersQuery},
};

pub(crate) use self::acts::{note, put_aside, resend, ship};
use crate::{
    cli::{ByHandArgs, ListArgs, ShowArgs},
    installation::Installation,
    stdout::{say, say_table},
};

/// Who settled something by hand, as timelines have it.
pub(crate) const WHO: &str = "the command line";
/// Longer texts are cut in tables.
const CELL_CHARS_MAX: usize = 40;

/// Lists orders, the newest first.
pub(crate) async fn list(config: Option<&Path>, args: ListArgs) -> anyhow::Result<ExitCode> {
    let here = Installation::open(config).await?;
    if let Some(after) = &args.after {
        here.key(after)?;
    }
    if args.json {
        let (status, body) = here.api(&path(&args)?).await?;
        if !status.is_success() {
            bail!("orders cannot be listed: {body}");
        }
        say(body);
    } else {
        let ListArgs { status, limit, after, q, .. } = args;
        let query = OrdersQuery { status, limit, after, q, ..OrdersQuery::default() };
        let page = here.fulfill.store().orders(query).await.context("orders cannot be listed")?;
        table(&page.orders);
        if let (true, Some(last)) = (page.has_more, page.orders.last()) {
            say(format_args!("there are more: --after {}", last.key));
        }
    }
    here.close().await;
    Ok(ExitCode::SUCCESS)
}

fn path(args: &ListArgs) -> anyhow::Result<String> {
    let mut url = reqwest::Url::parse("http://localhost/api/orders")?;
    {
        let mut query = url.query_pairs_mut();
        query.append_pair("limit", &args.limit.to_string());
        for (name, value) in [
            ("status", args.status.map(Status::as_str)),
            ("after", args.after.as_deref()),
            ("q", args.q.as_deref()),
        ] {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
    }
    Ok(format!("{}?{}", url.path(), url.query().unwrap_or_default()))
}

fn table(orders: &[OrderView]) {
    if orders.is_empty() {
        say("no orders");
        return;
    }
    let head = ["SESSION", "STATUS", "AMOUNT", "CUSTOMER", "SEEN", "WHY"];
    say_table(head, orders.iter().map(row).collect());
}

fn row(order: &OrderView) -> [String; 6] {
    let sale = &order.sale;
    let customer = sale.customer.email.as_ref().or(sale.customer.name.as_ref());
    let why = order.reason.as_deref().filter(|_| order.status != Status::Fulfilled);
    [
        order.key.id.clone(),
        order.status.as_str().to_owned(),
        amount(order),
        cell(customer.map_or("", String::as_str)),
        show::time(order.first_seen_at),
        cell(why.unwrap_or_default()),
    ]
}

/// What strangers typed must not move the terminal's cursor.
fn cell(text: &str) -> String {
    let mut cell: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(CELL_CHARS_MAX).collect();
    if text.chars().count() > CELL_CHARS_MAX {
        cell.push('…');
    }
    cell
}

fn amount(order: &OrderView) -> String {
    match (order.sale.amount_total, order.sale.currency.as_deref()) {
        (Some(amount), Some(currency)) => money::plain(amount, currency),
        _ => String::new(),
    }
}

/// Shows one order.
pub(crate) async fn show(config: Option<&Path>, args: ShowArgs) -> anyhow::Result<ExitCode> {
    let here = Installation::open(config).await?;
    let key = here.key(&args.id)?;
    let view = here.fulfill.store().session_view(&key).await?;
    let found = view.as_ref().is_some_and(|view| view.order.is_some());
    if args.json && found {
        let (_, body) = here.api(&format!("/api/orders/{key}")).await?;
        say(body);
    } else {
        let Some(view) = view.filter(|_| !args.json) else { bail!("{}", unknown(&key)) };
        say(show::text(&view).trim_end());
    }
    here.close().await;
    Ok(if found { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn unknown(key: &SessionKey) -> String {
    format!("there is no order {key}; `fulfilld fulfill {key}` asks Stripe about it")
}

/// Waives what is held.
pub(crate) async fn waive(config: Option<&Path>, args: ByHandArgs) -> anyhow::Result<ExitCode> {
    settle(config, args, ByHand::Waive).await
}

/// Notes that what is held was done outside.
pub(crate) async fn fulfill_by_hand(
    config: Option<&Path>,
    args: ByHandArgs,
) -> anyhow::Result<ExitCode> {
    settle(config, args, ByHand::Fulfill).await
}

async fn settle(config: Option<&Path>, args: ByHandArgs, act: ByHand) -> anyhow::Result<ExitCode> {
    let here = Installation::open(config).await?;
    let key = here.key(&args.id)?;
    let store = here.fulfill.store();
    let Some(order) = store.session_view(&key).await?.and_then(|view| view.order) else {
        bail!("{}", unknown(&key));
    };
    let held: Vec<&str> =
        order.effects.iter().filter(|e| e.is_held()).map(|e| e.line.as_str()).collect();
    if held.is_empty() {
        bail!("{key}: nothing is held; it is {}", order.status.as_str());
    }
    if let Some(line) = args.lines.iter().find(|line| !held.contains(&line.as_str())) {
        bail!(
            "{key}: nothing is held on line {line}; lines with something held: {}",
            held.join(", ")
        );
    }
    let Some(moved) = store.by_hand(&key, act, args.lines, WHO).await? else {
        bail!("{}", unknown(&key));
    };
    say(format_args!("{key}: {}", moved.status.unwrap_or(order.status).as_str()));
    for told in &moved.told {
        say(format_args!("  {told}"));
    }
    here.close().await;
    Ok(ExitCode::SUCCESS)
}
