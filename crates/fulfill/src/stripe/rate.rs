//! How many requests may leave now. Pure: a token bucket whose time is an argument.
//!
//! Stripe allows 25 a second for one endpoint; an answer 429 halves what is used here, and it comes
//! back slowly.

use fulfill_rules::Millis;

/// A request is this many tokens, so that slow shares of many replicas stay exact.
const TOKEN: i64 = 1_000_000;
/// The full rate, in thousandths.
const FULL: i64 = 1_000;
/// Never slower than this many thousandths.
const SLOWEST: i64 = 50;
/// What comes back each second after a 429, in thousandths of the full rate.
const RECOVERED_PER_S: i64 = 25;
/// Answers 429 within this time of each other count as one: their requests left together.
const ONE_429_MS: Millis = 1_000;
/// Longest wait that a 429 may ask for.
const BLOCK_MS_MAX: Millis = 60_000;
const ELAPSED_MS_MAX: Millis = 60_000;

/// What a request is for; each has a rate of its own, as Stripe counts by endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Retrieving one session.
    Retrieve,
    /// Listing.
    List,
}

/// On whose behalf: a visitor waits on the landing page, but all visitors together get at most half.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asker {
    /// Somebody waits on the landing page.
    Visitor,
    /// Everything else.
    Work,
}

/// What may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permits {
    /// Requests that may leave now.
    pub now: u32,
    /// When the next one may, if none may now.
    pub next_at: Option<Millis>,
}

/// One endpoint's rate on this node.
#[derive(Debug, Clone)]
pub struct Rate {
    per_second: i64,
    nodes: i64,
    throttle: i64,
    throttle_dust: i64,
    all: i64,
    visitors: i64,
    at: Millis,
    blocked_until: Millis,
    halved_at: Option<Millis>,
}

impl Rate {
    /// `per_second` requests for all nodes together; 0 means no limit.
    #[must_use]
    pub fn new(per_second: u32, now: Millis) -> Self {
        let mut rate = Self {
            per_second: per_second.into(),
            nodes: 1,
            throttle: FULL,
            throttle_dust: 0,
            all: 0,
            visitors: 0,
            at: now,
            blocked_until: Millis::MIN,
            halved_at: None,
        };
        (rate.all, rate.visitors) = (rate.burst(), rate.burst_of_visitors());
        rate
    }

    /// This node's share is one of `nodes`.
    pub fn set_share(&mut self, nodes: u32) {
        self.nodes = i64::from(nodes.max(1));
        self.all = self.all.min(self.burst());
        self.visitors = self.visitors.min(self.burst_of_visitors());
    }

    /// What may be sent at `now`, without taking it.
    pub fn permits(&mut self, now: Millis, asker: Asker) -> Permits {
        self.refill(now);
        if now < self.blocked_until {
            return Permits { now: 0, next_at: Some(self.blocked_until) };
        }
        if self.per_second == 0 {
            return Permits { now: u32::MAX, next_at: None };
        }
        let at = self.at;
        let due = |tokens: i64, per_ms: i64| at + ((TOKEN - tokens).max(0) + per_ms - 1) / per_ms;
        let (mut tokens, mut next_at) = (self.all, due(self.all, self.per_ms()));
        if asker == Asker::Visitor {
            tokens = tokens.min(self.visitors);
            next_at = next_at.max(due(self.visitors, self.per_ms_of_visitors()));
        }
        let whole = u32::try_from(tokens.max(0) / TOKEN).unwrap_or(u32::MAX);
        Permits { now: whole, next_at: (whole == 0).then_some(next_at) }
    }

    /// Takes up to `wanted` requests; returns how many were granted.
    pub fn take(&mut self, now: Millis, asker: Asker, wanted: u32) -> u32 {
        let granted = self.permits(now, asker).now.min(wanted);
        if self.per_second > 0 {
            self.all -= i64::from(granted) * TOKEN;
            if asker == Asker::Visitor {
                self.visitors -= i64::from(granted) * TOKEN;
            }
        }
        granted
    }

    /// Counts a request that had to be sent anyway (a further page), so that later ones wait for it.
    pub fn debit(&mut self, now: Millis) {
        if self.per_second > 0 {
            self.refill(now);
            self.all = (self.all - TOKEN).max(-self.per_second * TOKEN);
        }
    }

    /// Stripe answered 429: half the rate from here on, and nothing until `retry_after_ms` is over.
    /// Returns how long that is.
    pub fn too_many(&mut self, now: Millis, retry_after_ms: Option<Millis>) -> Millis {
        self.refill(now);
        let pause = retry_after_ms.unwrap_or(0).clamp(0, BLOCK_MS_MAX);
        self.blocked_until = self.blocked_until.max(now.saturating_add(pause));
        if self.halved_at.is_none_or(|at| now.saturating_sub(at) >= ONE_429_MS) {
            self.halved_at = Some(now);
            self.throttle = (self.throttle / 2).max(SLOWEST);
            self.all = self.all.min(0);
            self.visitors = self.visitors.min(0);
        }
        pause
    }

    fn per_ms(&self) -> i64 {
        (self.per_second * self.throttle / self.nodes).max(1)
    }

    fn per_ms_of_visitors(&self) -> i64 {
        (self.per_ms() / 2).max(1)
    }

    /// A quarter of a second's worth, so that 20 a second stay below 25 in any second.
    fn burst(&self) -> i64 {
        (self.per_second * TOKEN / self.nodes / 4).max(TOKEN)
    }

    fn burst_of_visitors(&self) -> i64 {
        (self.burst() / 2).max(TOKEN)
    }

    fn refill(&mut self, now: Millis) {
        let elapsed = now.saturating_sub(self.at).clamp(0, ELAPSED_MS_MAX);
        self.at = self.at.max(now);
        self.all = (self.all + elapsed * self.per_ms()).min(self.burst());
        let visitors = self.visitors + elapsed * self.per_ms_of_visitors();
        self.visitors = visitors.min(self.burst_of_visitors());
        self.throttle_dust += elapsed * RECOVERED_PER_S;
        self.throttle = (self.throttle + self.throttle_dust / 1_000).min(FULL);
        self.throttle_dust %= 1_000;
    }
}
