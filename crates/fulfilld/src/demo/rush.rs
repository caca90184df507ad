//! `demo --buy`: purchases over HTTP on temporary data and free ports, each checked to its end.

use std::{io::IsTerminal as _, process::ExitCode, time::Duration};

use anyhow::{Context as _, bail};
use futures_util::{StreamExt as _, stream};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use reqwest::{StatusCode, Url};
use serde_json::{Value, json};

use super::{
    goods::READY,
    stage::{Plan, Stage, TOKEN},
};
use crate::{
    buyer::{Buyer, Visit},
    cli::{DemoArgs, Method},
    stdout::say,
};

/// Buyers at once.
const BUYERS: usize = 32;
/// How long a bank debit takes here.
const SETTLE: Duration = Duration::from_secs(1);
/// How long a buyer looks at the landing page.
const PATIENCE: Duration = Duration::from_secs(60);
/// Purchases that went wrong and are told one by one.
const TOLD_MAX: usize = 10;

/// A purchase and the order it became.
struct Bought {
    visit: Visit,
    /// The order as the API tells it.
    order: Option<Value>,
}

/// Buys; success when each ended as its method should.
pub(crate) async fn run(args: &DemoArgs) -> anyhow::Result<ExitCode> {
    let folder = tempfile::Builder::new().prefix("fulfilld-demo-").tempdir()?;
    let (count, lines) = (args.count as usize, usize::from(args.lines));
    let stage = Stage::set(Plan {
        port: 0,
        sandbox_port: 0,
        folder: folder.path().to_owned(),
        settle: SETTLE,
        keys: count * lines,
        shirts: i64::from(args.count) * i64::from(args.lines),
        mailing: false,
    })
    .await?;
    let failed = rush(args, &stage).await;
    stage.strike().await;
    let failed = failed?;
    if failed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    failed.iter().take(TOLD_MAX).for_each(|why| eprintln!("fulfilld: {why}"));
    bail!("{} of {count} did not end as they should", failed.len());
}

/// Buys everything and prints it; returns what went wrong.
async fn rush(args: &DemoArgs, stage: &Stage) -> anyhow::Result<Vec<String>> {
    let (shop, buyer) = (Url::parse(&stage.url)?, Buyer::new()?);
    let api = reqwest::Client::builder().no_proxy().tls_certs_only([]).build()?;
    let items: Vec<&str> = match args.method {
        Method::Free => vec!["sample"; usize::from(args.lines)],
        _ => READY.iter().copied().cycle().take(usize::from(args.lines)).collect(),
    };
    let bar = progress(args.count);
    let purchases = stream::iter(1..=args.count).map(|n| {
        let (shop, buyer, api, items) = (&shop, &buyer, &api, &items);
        async move {
            let name = if args.count == 1 { "Ada Buyer".to_owned() } else { format!("Buyer {n}") };
            let visit = buyer.buy(shop, items, args.method, &name, PATIENCE).await?;
            let order = order(api, shop, &visit.session).await?;
            Ok::<_, anyhow::Error>(Bought { visit, order })
        }
    });
    let mut purchases = std::pin::pin!(purchases.buffer_unordered(BUYERS));
    let mut failed = Vec::new();
    while let Some(bought) = purchases.next().await {
        match bought {
            Ok(bought) => {
                bar.suspend(|| say(if args.json { as_json(&bought) } else { told(&bought) }));
                failed.extend(judge(args.method, &bought).err().map(|why| why.to_string()));
            }
            Err(error) => failed.push(format!("{error:#}")),
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(failed)
}

fn progress(count: u32) -> ProgressBar {
    if count < 2 || !std::io::stderr().is_terminal() {
        return ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
    }
    let bar = ProgressBar::new(u64::from(count));
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} orders, {per_sec}, {eta} left");
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar
}

/// The order as the API tells it; none where there is none.
async fn order(http: &reqwest::Client, shop: &Url, session: &str) -> anyhow::Result<Option<Value>> {
    let url = shop.join(&format!("/api/orders/{session}"))?;
    let answer = http.get(url).bearer_auth(TOKEN).send().await?;
    match answer.status() {
        StatusCode::NOT_FOUND => Ok(None),
        StatusCode::OK => Ok(Some(answer.json().await?)),
        status => bail!("{session}: the API answers {status}"),
    }
}

fn as_json(bought: &Bought) -> String {
    match &bought.order {
        Some(order) => order.to_string(),
        None => {
            let Visit { session, refused, .. } = &bought.visit;
            json!({ "id": session, "status": null, "declined": refused }).to_string()
        }
    }
}

fn told(bought: &Bought) -> String {
    let session = &bought.visit.session;
    let Some(order) = &bought.order else {
        let why = bought.visit.refused.as_deref().unwrap_or("nothing was paid");
        return format!("{session}\n  no order: {why}");
    };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |name: &str| order[name].as_array().cloned().unwrap_or_default();
    let mut out = format!("{session}\n  {}", text(&order["status"]));
    for line in list("lines") {
        out.push_str(&format!("\n  {} × {}", line["quantity"], text(&line["description"])));
        for effect in list("effects").iter().filter(|effect| effect["line"] == line["id"]) {
            let (kind, status) = (text(&effect["kind"]), text(&effect["status"]));
            out.push_str(&format!("\n      {kind} {}: {status}", text(&effect["value"])));
        }
    }
    for entry in list("timeline") {
        out.push_str(&format!("\n  {}  {}", text(&entry["at"]), text(&entry["what"])));
    }
    out
}

/// Whether a purchase ended as its method should, on the page and in the order.
fn judge(method: Method, bought: &Bought) -> anyhow::Result<()> {
    let Bought { visit, order } = bought;
    let session = &visit.session;
    if method == Method::Declined {
        if visit.refused.as_deref().is_none_or(str::is_empty) {
            bail!("{session}: the page should say that the payment was declined");
        }
        if order.is_some() {
            bail!("{session}: there is an order, though nothing was paid");
        }
        return Ok(());
    }
    let expected = if method == Method::DebitFails { "payment_failed" } else { "fulfilled" };
    let order = order.as_ref().with_context(|| format!("{session}: there is no order"))?;
    let (status, landing) = (order["status"].as_str(), visit.landing.as_deref());
    if status != Some(expected) || landing != Some(expected) {
        let (status, landing) = (status.unwrap_or("nothing"), landing.unwrap_or("nothing"));
        bail!(
            "{session}: should be {expected}; the order says {status}, the landing page {landing}"
        );
    }
    Ok(())
}
