//! What one address may ask for: so many unknown session ids (case 41), refused before anything is
//! written or asked, and so many links by mail. Ids that are known are nobody's guess.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::{Mutex, PoisonError},
};

use axum::{
    extract::ConnectInfo,
    http::{Extensions, HeaderMap, HeaderValue, header},
    response::Response,
};
use fulfill_rules::{MINUTE, Millis, SECOND};

/// Addresses in one generation; two are remembered.
const ADDRESSES_MAX: usize = 8_192;

/// Allowances by address: so many a minute, all of them at once if need be. The older half is forgotten
/// when the newer one is full.
#[derive(Debug)]
pub(super) struct Allowance {
    per_minute: Millis,
    known: Mutex<Generations>,
}

#[derive(Debug, Default)]
struct Generations {
    newer: HashMap<IpAddr, Millis>,
    older: HashMap<IpAddr, Millis>,
}

impl Allowance {
    pub(super) fn per_minute(count: Millis) -> Self {
        Self { per_minute: count.max(1), known: Mutex::default() }
    }

    /// Takes one from the address's allowance.
    ///
    /// # Errors
    /// How long it is until there is one again.
    pub(super) fn allow(&self, address: IpAddr, now: Millis) -> Result<(), Millis> {
        let mut generations = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let generations = &mut *generations;
        // The allowance as the moment when it is full again: each one puts it off.
        let full_at = match generations.newer.get(&address) {
            Some(at) => *at,
            None => generations.older.get(&address).copied().unwrap_or(now),
        };
        let after = full_at.max(now) + MINUTE / self.per_minute;
        if after - now > MINUTE {
            return Err(after - now - MINUTE);
        }
        if generations.newer.len() >= ADDRESSES_MAX && !generations.newer.contains_key(&address) {
            generations.older = std::mem::take(&mut generations.newer);
        }
        generations.newer.insert(address, after);
        Ok(())
    }
}

/// An answer 429 with the time after which asking again helps, in whole seconds.
pub(super) fn later(mut response: Response, wait: Millis) -> Response {
    let seconds = HeaderValue::from(seconds(wait));
    response.headers_mut().insert(header::RETRY_AFTER, seconds);
    response
}

/// At least as long as that, and at least one.
pub(super) fn seconds(wait: Millis) -> i64 {
    (wait.saturating_add(SECOND - 1) / SECOND).max(1)
}

/// Who asks: the peer, or what one's own proxy in front says. All whose address is not known share one.
pub(super) fn address(headers: &HeaderMap, extensions: &Extensions, behind_proxy: bool) -> IpAddr {
    let peer = || extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    let told = if behind_proxy { forwarded(headers) } else { None };
    counted(told.or_else(peer).unwrap_or(Ipv6Addr::UNSPECIFIED.into()))
}

/// Only the last entry is the proxy's own word; what stands before it came with the request.
fn forwarded(headers: &HeaderMap) -> Option<IpAddr> {
    let last = headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
    let entry = last.rsplit(',').next()?.trim();
    let socket = || entry.parse::<SocketAddr>().ok().map(|socket| socket.ip());
    let bare = entry.trim_start_matches('[').trim_end_matches(']');
    bare.parse().ok().or_else(socket)
}

/// One household or machine has a whole /64 of IPv6.
fn counted(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, SocketAddr};

    use axum::{
        extract::ConnectInfo,
        http::{Extensions, HeaderMap},
    };
    use fulfill_rules::MINUTE;

    use super::{ADDRESSES_MAX, Allowance, address};

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn case_41_an_address_has_its_allowance_and_gets_it_back() {
        let guesses = Allowance::per_minute(120);
        let served =
            |who: &str, now| (0..500).filter(|_| guesses.allow(ip(who), now).is_ok()).count();
        assert_eq!(served("192.0.2.1", 0), 120);
        assert_eq!(served("192.0.2.2", 0), 120, "another's allowance is its own");
        assert_eq!(guesses.allow(ip("192.0.2.1"), 0), Err(500), "one comes back each half second");
        assert_eq!(served("192.0.2.1", 1_000), 2);
        assert_eq!(served("192.0.2.1", 1_000 + MINUTE), 120);
    }

    #[test]
    fn many_addresses_take_bounded_room_and_the_latest_are_remembered() {
        let guesses = Allowance::per_minute(120);
        for n in 0..5 * ADDRESSES_MAX {
            let n = u32::try_from(n).unwrap();
            assert!(guesses.allow(IpAddr::from(n.to_be_bytes()), 0).is_ok());
        }
        let kept = guesses.known.lock().unwrap();
        assert!(kept.newer.len() + kept.older.len() <= 2 * ADDRESSES_MAX);
        let last = u32::try_from(5 * ADDRESSES_MAX - 1).unwrap();
        assert!(kept.newer.contains_key(&IpAddr::from(last.to_be_bytes())));
    }

    #[test]
    fn an_address_is_the_peer_or_what_the_proxy_says() {
        let mut extensions = Extensions::new();
        let mut headers = HeaderMap::new();
        assert_eq!(address(&headers, &extensions, true), ip("::"), "nobody knows");
        extensions.insert(ConnectInfo(SocketAddr::from(([192, 0, 2, 7], 5_000))));
        headers.append("x-forwarded-for", "203.0.113.1".parse().unwrap());
        assert_eq!(address(&headers, &extensions, false), ip("192.0.2.7"));
        for (entry, wanted) in [
            ("203.0.113.9", "203.0.113.9"),
            ("6.6.6.6, 203.0.113.9:443", "203.0.113.9"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("[2001:db8:1:2::6]:443", "2001:db8:1:2::"),
            ("[2001:db8:1:2::6]", "2001:db8:1:2::"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
            ("203.0.113.9, unknown", "192.0.2.7"),
            ("", "192.0.2.7"),
        ] {
            headers.append("x-forwarded-for", entry.parse().unwrap());
            assert_eq!(address(&headers, &extensions, true), ip(wanted), "{entry}");
        }
    }
}
