//! `sandbox clock`: what time it is in a sandbox that runs, and turning it.

use std::{process::ExitCode, time::Duration};

use anyhow::{Context as _, bail};
use serde::Deserialize;
use serde_json::json;

use crate::{
    cli::{ClockArgs, ClockCommand},
    stdout::say,
};

/// The sandbox's own limit for one turn.
const ADVANCE_MAX: Duration = Duration::from_secs(400 * 86_400);
/// A long turn carries out much.
const TIMEOUT: Duration = Duration::from_secs(60);
const UNITS: [(char, u64); 5] = [('w', 604_800), ('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

#[derive(Deserialize)]
struct Time {
    now_ms: i64,
    ahead_ms: i64,
}

/// Asks the sandbox and tells what it says.
pub(crate) async fn run(args: ClockArgs, port: u16) -> anyhow::Result<ExitCode> {
    let url = args.url.unwrap_or_else(|| format!("http://127.0.0.1:{port}"));
    let url = url.trim_end_matches('/');
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().timeout(TIMEOUT).build()?;
    let clock = format!("{url}/_sandbox/clock");
    let request = match args.command {
        None => client.get(&clock),
        Some(ClockCommand::Advance { by }) => client
            .post(format!("{clock}/advance"))
            .body(json!({ "seconds": by.as_secs() }).to_string()),
    };
    let answer = match request.send().await {
        Ok(answer) => answer,
        Err(error) if error.is_builder() => {
            bail!("--url {url}: write it as http://127.0.0.1:12111")
        }
        Err(error) if error.is_timeout() => {
            bail!("the sandbox at {url} does not answer within {} seconds", TIMEOUT.as_secs())
        }
        Err(_) => bail!(
            "no sandbox answers at {url}. Start one with `fulfilld sandbox`, or say where it is with --port or --url"
        ),
    };
    let status = answer.status();
    let text = answer.text().await.with_context(|| format!("{url} broke off"))?;
    if let Ok(Time { now_ms, ahead_ms }) = serde_json::from_str(&text) {
        let now = jiff::Timestamp::from_millisecond(now_ms)?;
        let ahead = match ahead_ms {
            0 => String::new(),
            ahead_ms => format!("    ({} ahead)", spoken(ahead_ms.unsigned_abs() / 1_000)),
        };
        say(format_args!("{}{ahead}", now.strftime("%Y-%m-%d %H:%M:%S UTC")));
        return Ok(ExitCode::SUCCESS);
    }
    let told: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    match told["error"]["message"].as_str() {
        Some(message) => bail!("the sandbox at {url} says: {message}"),
        None => bail!("what answers at {url} is not a sandbox ({status})"),
    }
}

/// `1d12h`, as `clock advance` takes it.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let said = || format!("{text}: write it as 30s, 15m, 2h, 3d, 1w or 1d12h");
    let (mut rest, mut seconds) = (text.trim(), 0_u64);
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit()).ok_or_else(said)?;
        let count: u64 = rest[..digits].parse().map_err(|_| said())?;
        let unit = rest[digits..].chars().next().ok_or_else(said)?;
        let (_, each) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(said)?;
        seconds = seconds.saturating_add(count.saturating_mul(*each));
        rest = &rest[digits + unit.len_utf8()..];
    }
    match Duration::from_secs(seconds) {
        Duration::ZERO => Err(said()),
        by if by > ADVANCE_MAX => Err(format!("{text}: at most 400 days at a time")),
        by => Ok(by),
    }
}

/// `3d`, `1d12h`.
fn spoken(mut seconds: u64) -> String {
    let mut text = String::new();
    for (unit, each) in UNITS.iter().filter(|(unit, _)| *unit != 'w') {
        if seconds >= *each {
            text.push_str(&format!("{}{unit}", seconds / each));
            seconds %= each;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, seconds) in [
            ("30s", 30),
            ("15m", 900),
            ("2h", 7_200),
            ("3d", 259_200),
            ("1w", 604_800),
            ("1d12h", 129_600),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in
            ["", "3", "d", "3 d", "-3d", "3y", "0s", "99999999999999999999d", "1.5h", "401d", "3d5"]
        {
            let error = duration(text).unwrap_err();
            assert!(error.contains("3d") || error.contains("400 days"), "{text}: {error}");
        }
        assert_eq!(spoken(129_605), "1d12h5s");
    }
}
