//! `endpoint create`: the webhook endpoint at Stripe, with exactly the events needed.

use std::{path::Path, process::ExitCode};

use anyhow::{Context as _, bail};
use fulfill::stripe::{API_VERSION, Client, Endpoint};
use secrecy::ExposeSecret as _;
use serde_json::json;

use crate::{
    cli::EndpointCommand,
    config::{self, Environment, Need},
    stdout::say,
};

/// The events that ring a session (case 23).
pub(crate) const EVENTS: [&str; 4] = [
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
];

/// Makes the endpoint, unless there is one.
pub(crate) async fn run(
    config: Option<&Path>,
    command: EndpointCommand,
) -> anyhow::Result<ExitCode> {
    let EndpointCommand::Create { url, again, json } = command;
    let settings = config::load(config, &Environment::read(), Need::Stripe)?;
    let url = check(&url, settings.livemode)?;
    let client = Client::new(settings.stripe)?;
    if !again {
        let known = client.list_endpoints().await.context("the endpoints cannot be listed")?;
        if let Some(known) = known.iter().find(|known| known.url.as_deref() == Some(&url)) {
            bail!("{}", exists(known, &url));
        }
    }
    let made = client
        .create_endpoint(&url, &EVENTS, API_VERSION)
        .await
        .with_context(|| format!("no endpoint was made for {url}"))?;
    let (id, secret) = (made.id, made.secret.expose_secret().to_owned());
    if json {
        say(json!({ "id": id, "url": url, "secret": secret }));
    } else {
        say(format_args!("{id} delivers to {url} from now on.\n"));
        say("Give its secret to `fulfilld serve`; Stripe shows it only this once:\n");
        say(format_args!("  STRIPE_WEBHOOK_SECRET={secret}\n"));
        say("Replacing an older endpoint? Put both secrets there, separated by a comma.");
    }
    Ok(ExitCode::SUCCESS)
}

fn check(text: &str, livemode: bool) -> anyhow::Result<String> {
    let Ok(url) = reqwest::Url::parse(text.trim()) else {
        bail!("--url {text}: write it as https://shop.example.com/webhook");
    };
    match url.scheme() {
        "https" => {}
        "http" if livemode => bail!(
            "--url {text}: live events are delivered over https only; put a proxy with a certificate in front"
        ),
        "http" => {}
        _ => bail!("--url {text}: it has to begin with https://"),
    }
    if !url.path().trim_end_matches('/').ends_with("/webhook") {
        eprintln!("note: fulfilld takes webhooks at /webhook; is {text} led there by a proxy?");
    }
    Ok(text.trim().to_owned())
}

fn exists(known: &Endpoint, url: &str) -> String {
    let missing: Vec<&str> = EVENTS
        .into_iter()
        .filter(|event| !known.events.iter().any(|has| has == event || has == "*"))
        .collect();
    let mut said = format!("{url} has an endpoint already: {}", known.id);
    if known.status.as_deref() == Some("disabled") {
        said.push_str(", which is disabled: enable it in the dashboard");
    }
    if !missing.is_empty() {
        said = format!(
            "{said}; it does not ask for {}: add them in the dashboard",
            missing.join(", ")
        );
    }
    format!("{said}. Its secret stands on its page there; --again makes another endpoint beside it")
}
