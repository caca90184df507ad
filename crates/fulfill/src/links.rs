//! What shows that a browser is a buyer's: a cookie for an order, a link for all orders of a mail
//! address. Both are signed with a secret of the installation and are rows nowhere.

use fulfill_rules::{HOUR, Millis, SECOND, id::SessionKey};
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

/// A link by mail works so long.
const LINK_FOR: Millis = HOUR;

/// Signs and checks. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Links(SecretString);

impl Links {
    pub(crate) fn new(secret: SecretString) -> Self {
        Self(secret)
    }

    /// What the browser that came from Checkout keeps for a session.
    pub(crate) fn browser(&self, key: &SessionKey) -> String {
        self.sign(&["browser", &key.account, &key.id])
    }

    /// Whether a cookie is that.
    pub(crate) fn is_browser(&self, key: &SessionKey, cookie: &str) -> bool {
        equal(&self.browser(key), cookie)
    }

    /// What a browser keeps from which somebody of this name has signed in; `nonce` tells browsers apart.
    pub(crate) fn knows(&self, name: &str, nonce: &str) -> String {
        format!("{nonce}-{}", self.sign(&["knows", name, nonce]))
    }

    /// Which browser a cookie of that kind is from; none where somebody else signed in, or nobody.
    pub(crate) fn known<'a>(&self, name: &str, cookie: &'a str) -> Option<&'a str> {
        let (nonce, _) = cookie.rsplit_once('-')?;
        equal(&self.knows(name, nonce), cookie).then_some(nonce)
    }

    /// The end of a link to all orders of this session's buyer, from now on for an hour.
    pub(crate) fn orders(&self, session: i64, now: Millis) -> String {
        self.dated(session, (now + LINK_FOR) / SECOND)
    }

    /// Whose orders a link shows; nobody's when it is too old or not ours.
    pub(crate) fn orders_of(&self, link: &str, now: Millis) -> Option<i64> {
        let mut parts = link.split('-');
        let (session, until) = (parts.next()?.parse().ok()?, parts.next()?.parse::<i64>().ok()?);
        let ours = equal(&self.dated(session, until), link);
        (ours && now / SECOND < until).then_some(session)
    }

    fn dated(&self, session: i64, until: i64) -> String {
        let (session, until) = (session.to_string(), until.to_string());
        let signed = self.sign(&["orders", &session, &until]);
        format!("{session}-{until}-{signed}")
    }

    /// HMAC-SHA256 in hex; each part is followed by a zero, which none of them contains.
    fn sign(&self, parts: &[&str]) -> String {
        let secret = self.0.expose_secret().as_bytes();
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { return String::new() };
        for part in parts {
            mac.update(part.as_bytes());
            mac.update(&[0]);
        }
        mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

fn equal(ours: &str, theirs: &str) -> bool {
    !ours.is_empty() && bool::from(ours.as_bytes().ct_eq(theirs.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(secret: &str) -> Links {
        Links::new(secret.into())
    }

    fn key(id: &str) -> SessionKey {
        SessionKey { account: String::new(), livemode: false, id: id.to_owned() }
    }

    #[test]
    fn a_browser_is_known_by_the_name_that_signed_in_there() {
        let ours = links("one");
        let cookie = ours.knows("ann", "a-b");
        assert_eq!(ours.known("ann", &cookie), Some("a-b"));
        for (secret, name, cookie) in [
            ("one", "bob", cookie.as_str()),
            ("two", "ann", cookie.as_str()),
            ("one", "ann", cookie.trim_start_matches("a-")),
            ("one", "ann", "a-b-"),
            ("one", "ann", ""),
        ] {
            assert_eq!(links(secret).known(name, cookie), None, "{secret} {name} {cookie}");
        }
    }

    #[test]
    fn a_cookie_is_good_for_its_session_and_its_installation() {
        let cookie = links("a").browser(&key("cs_test_1"));
        assert!(links("a").is_browser(&key("cs_test_1"), &cookie));
        assert!(!links("a").is_browser(&key("cs_test_2"), &cookie));
        assert!(!links("b").is_browser(&key("cs_test_1"), &cookie));
        for bad in ["", "0", &cookie[1..], &cookie.to_uppercase()] {
            assert!(!links("a").is_browser(&key("cs_test_1"), bad), "{bad}");
        }
    }

    #[test]
    fn a_link_works_for_an_hour_and_cannot_be_changed() {
        let now = 1_790_000_000_000;
        let link = links("a").orders(17, now);
        assert_eq!(links("a").orders_of(&link, now), Some(17));
        assert_eq!(links("a").orders_of(&link, now + HOUR - SECOND), Some(17));
        assert_eq!(links("a").orders_of(&link, now + HOUR), None);
        assert_eq!(links("b").orders_of(&link, now), None);
        let (_, rest) = link.split_once('-').unwrap();
        let later = link.replacen("17900", "99999", 1);
        for bad in [
            "",
            "17",
            "17--",
            &format!("18-{rest}"),
            &format!("017-{rest}"),
            &later,
            &format!("{link}-"),
        ] {
            assert_eq!(links("a").orders_of(bad, now), None, "{bad}");
        }
    }
}
