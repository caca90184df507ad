//! Who may ask over TCP. The sandbox takes any key and its pages take none, so a browser's page from
//! elsewhere must not reach it: neither under a name that was bent to this machine's address (DNS
//! rebinding: `Host` tells it) nor from another site (`Origin`).

use std::net::{IpAddr, Ipv6Addr};

use axum::http::HeaderMap;

use crate::error::ApiError;

/// Names with dots that mean the sandbox: containers call the machine they run on so, and programs
/// that send Stripe's requests here leave its name in place.
const NAMES: [&str; 2] = ["host.docker.internal", "api.stripe.com"];

/// Refuses a request that was sent to another name. Old programs (HTTP/1.0) tell none.
pub(crate) fn check(headers: &HeaderMap) -> Result<(), ApiError> {
    let own = |host: &str| !is_foreign_name(name(host));
    if headers.get_all("host").iter().all(|host| host.to_str().is_ok_and(own)) {
        return Ok(());
    }
    let why = "The sandbox answers at an IP address, at localhost, at names without a dot and at host.docker.internal only: the request's Host is another one.";
    Err(ApiError::invalid(why).status(421))
}

/// Refuses a call of the API by a page that is not of this machine.
pub(crate) fn check_origin(headers: &HeaderMap) -> Result<(), ApiError> {
    let local = |origin: &str| {
        let host = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        host.is_some_and(is_local)
    };
    match headers.get("origin") {
        Some(origin) if !origin.to_str().is_ok_and(local) => {
            let why = "The sandbox's API takes no calls of other sites' pages: the request's Origin is not of this machine.";
            Err(ApiError::invalid(why).status(403))
        }
        _ => Ok(()),
    }
}

/// Whether a host, with or without its port, names this machine.
pub(crate) fn is_local(host: &str) -> bool {
    matches!(name(host).to_ascii_lowercase().as_str(), "127.0.0.1" | "localhost" | "[::1]")
}

/// A host without its port.
fn name(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Somebody else can have made this name and lead it here.
fn is_foreign_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let in_brackets = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    let address = match in_brackets {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => name.parse::<IpAddr>().is_ok(),
    };
    let own = !name.contains('.') || name.ends_with(".localhost") || NAMES.contains(&&*name);
    !(address || own)
}

#[cfg(test)]
mod tests {
    use axum::http::header::{HOST, HeaderName, ORIGIN};

    use super::*;

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn names_that_others_can_make_are_not_the_sandboxs() {
        let own =
            ["127.0.0.1:12111", "192.168.0.7", "[::1]:80", "[fe80::1]", "LOCALHOST:1", "stripe"];
        let named = ["shop.localhost:3", "host.docker.internal:12111", "api.stripe.com", ""];
        for name in own.into_iter().chain(named) {
            assert_eq!(check(&headers(HOST, name)), Ok(()), "{name}");
        }
        for name in [
            "evil.example",
            "127.0.0.1.evil.example:80",
            "localhost.evil.example",
            "api.stripe.com.evil.example",
            "notlocalhost.evil",
            "[::1].evil.example",
            "evil.example:80:80",
        ] {
            assert_eq!(check(&headers(HOST, name)).unwrap_err().status, 421, "{name}");
        }
        assert_eq!(check(&HeaderMap::new()), Ok(()));
    }

    #[test]
    fn pages_of_other_machines_do_not_call_the_api() {
        let from = |origin| check_origin(&headers(ORIGIN, origin)).map_err(|error| error.status);
        for origin in ["http://localhost:3000", "https://127.0.0.1", "http://[::1]:5"] {
            assert_eq!(from(origin), Ok(()), "{origin}");
        }
        for origin in
            ["null", "http://evil.example", "http://localhost.evil.example:80", "localhost"]
        {
            assert_eq!(from(origin), Err(403), "{origin}");
        }
        assert_eq!(check_origin(&HeaderMap::new()), Ok(()));
    }
}
