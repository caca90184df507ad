//! `sandbox`: a pretend Stripe on its own.

use std::{path::Path, process::ExitCode, time::Duration};

use anyhow::{Context as _, bail};
use fulfill_sandbox::{Clock, Delivery, Fault, Sandbox};
use tokio::sync::broadcast::{Receiver, error::RecvError};

use crate::{
    cli::{SETTLE_SECONDS, SandboxArgs, SandboxCommand},
    sandbox_clock, signals,
    stdout::say,
};

/// A debit that takes longer than this is a typing mistake.
const SETTLE_SECONDS_MAX: f64 = 30.0 * 86_400.0;

/// Runs until a signal.
pub(crate) async fn run(args: SandboxArgs) -> anyhow::Result<ExitCode> {
    if let Some(SandboxCommand::Clock(clock)) = args.command {
        let of_another = [
            ("--socket", args.socket.is_some()),
            ("--data", args.data.is_some()),
            ("--forward-to", args.forward_to.is_some()),
            ("--seed", args.seed.is_some()),
            ("--settle", (args.settle - SETTLE_SECONDS).abs() > f64::EPSILON),
            ("--faults", args.faults.is_some()),
        ];
        if let Some((name, _)) = of_another.iter().find(|(_, given)| *given) {
            bail!("{name}: only a sandbox that starts takes it, not the clock of one that runs");
        }
        return sandbox_clock::run(clock, args.port).await;
    }
    let faults = args.faults.as_deref().map(faults).transpose()?.unwrap_or_default();
    if !(0.0..=SETTLE_SECONDS_MAX).contains(&args.settle) {
        bail!("--settle {}: between 0 seconds and 30 days", args.settle);
    }
    let asked = signals::listen()?;
    let mut builder =
        Sandbox::builder().port(args.port).settle(Duration::from_secs_f64(args.settle));
    if let Some(path) = &args.socket {
        builder = builder.socket(path);
    }
    if let Some(file) = &args.data {
        builder = builder.data(file);
    }
    if let Some(seed) = args.seed {
        builder = builder.seed(seed);
    }
    let to = args.forward_to.as_deref().map(forward_to).transpose()?;
    if let Some(to) = &to {
        builder = builder.forward_to(to);
    }
    let sandbox = builder.start().await?;
    faults.into_iter().for_each(|fault| sandbox.faults().add(fault));
    let deliveries = args.forward_to.is_some().then(|| sandbox.watch());
    tell(&sandbox, &args, to.as_deref());
    tokio::select! {
        () = asked.cancelled() => {}
        () = show(deliveries, sandbox.clock()) => {}
    }
    sandbox.shutdown().await;
    Ok(ExitCode::SUCCESS)
}

/// Where events go. As with `stripe listen`, `localhost:4242/webhook` needs no scheme, and a port alone
/// is this machine's.
fn forward_to(to: &str) -> anyhow::Result<String> {
    let url = match to.trim() {
        port if port.parse::<u16>().is_ok() => format!("http://localhost:{port}"),
        url if url.contains("://") => url.to_owned(),
        place => format!("http://{place}"),
    };
    // A single word without a port is more likely something else than a host.
    let place = url.split_once("://").map_or("", |(_, place)| place);
    let named = to.contains("://") || place == "localhost" || place.contains([':', '/', '.']);
    let fits = reqwest::Url::parse(&url)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if !fits || !named {
        bail!("--forward-to {to}: no address. Write it as http://localhost:4242/webhook");
    }
    Ok(url)
}

/// Says each delivery and each answer, as `stripe listen` does.
async fn show(deliveries: Option<Receiver<Delivery>>, clock: &Clock) {
    let Some(mut deliveries) = deliveries else { return std::future::pending().await };
    loop {
        let delivery = match deliveries.recv().await {
            Ok(delivery) => delivery,
            Err(RecvError::Lagged(missed)) => {
                say(format_args!("                      (and {missed} lines that came too fast)"));
                continue;
            }
            Err(RecvError::Closed) => return std::future::pending().await,
        };
        let now = jiff::Timestamp::from_millisecond(clock.now_ms()).unwrap_or_default();
        let at = now.strftime("%Y-%m-%d %H:%M:%S");
        match delivery {
            Delivery::Sent { kind, event, attempt: 1, .. } => {
                say(format_args!("{at}   --> {kind} [{event}]"));
            }
            Delivery::Sent { kind, event, attempt, .. } => {
                say(format_args!("{at}   --> {kind} [{event}] (attempt {attempt})"));
            }
            Delivery::Answered { event, url, status: Some(status), .. } => {
                say(format_args!("{at}  <--  [{status}] POST {url} [{event}]"));
            }
            Delivery::Answered { event, url, status: None, answer } => {
                say(format_args!("{at}  <--  [ERROR] POST {url} [{event}]: {answer}"));
            }
        }
    }
}

fn faults(file: &Path) -> anyhow::Result<Vec<Fault>> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("--faults {}: it cannot be read", file.display()))?;
    fulfill_sandbox::read_faults(&text).with_context(|| format!("--faults {}", file.display()))
}

fn tell(sandbox: &Sandbox, args: &SandboxArgs, forwards_to: Option<&str>) {
    let (url, key) = (sandbox.url(), sandbox.secret_key());
    say(format_args!(
        "The sandbox is a pretend Stripe at {url}; any key that starts with sk_test_ will do."
    ));
    say(format_args!("Look at it, turn its clock and make Payment Links: {url}/_sandbox/\n"));
    say(format_args!("  STRIPE_API_BASE={url}"));
    say(format_args!("  STRIPE_SECRET_KEY={key}"));
    if let Some(to) = forwards_to {
        say(format_args!(
            "  STRIPE_WEBHOOK_SECRET={}    (every event goes to {to})",
            sandbox.forward_secret()
        ));
    }
    say("");
    say(format_args!("  curl     curl {url}/v1/products -u {key}: -d name=Course"));
    say(format_args!("  Python   StripeClient(\"{key}\", base_addresses={{\"api\": \"{url}\"}})"));
    if let Some(port) = url.rsplit(':').next() {
        say(format_args!(
            "  Node     new Stripe(\"{key}\", {{host: \"127.0.0.1\", port: {port}, protocol: \"http\"}})"
        ));
    }
    if let Some(path) = &args.socket {
        say(format_args!(
            "  CLI      STRIPE_CLI_UNIX_SOCKET={} STRIPE_API_KEY={key} stripe listen --all-snapshot --forward-to localhost:4242/webhook",
            path.display()
        ));
    }
    say("\nCards: 4242 4242 4242 4242 succeeds, 4000 0000 0000 0002 is declined. Ctrl-C stops it.");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_forwarded_to_addresses_as_stripe_listen_takes_them() {
        for (to, expected) in [
            ("http://localhost:4242/webhook", Some("http://localhost:4242/webhook")),
            ("https://shop.example", Some("https://shop.example")),
            ("localhost:4242/webhook", Some("http://localhost:4242/webhook")),
            ("localhost", Some("http://localhost")),
            ("127.0.0.1:4242", Some("http://127.0.0.1:4242")),
            ("shop.example/webhook", Some("http://shop.example/webhook")),
            ("4242", Some("http://localhost:4242")),
            ("nope", None),
            ("", None),
            ("ftp://localhost/x", None),
            ("http://", None),
            ("localhost:port", None),
            ("a b:1", None),
        ] {
            assert_eq!(forward_to(to).ok().as_deref(), expected, "{to}");
        }
    }
}
