use proptest::prelude::*;

use crate::stripe::{Rejected, SecretMistake, Secrets, TOLERANCE_MS, Verified, sign, verify};

const OLD: &str = "whsec_old1";
const NEW: &str = "whsec_new2";
const BODY: &[u8] = b"{\n  \"id\": \"evt_1\",\n  \"amount\": 10.0\n}";
const AT: i64 = 1_790_000_000;

fn secrets() -> Secrets {
    Secrets::parse("whsec_new2, whsec_old1").unwrap()
}

fn checked(header: &str) -> Result<Verified, Rejected> {
    verify(Some(header), BODY, &secrets(), AT * 1_000 + 250, TOLERANCE_MS)
}

fn v1(secret: &str) -> String {
    sign(secret, AT, BODY).split_once("v1=").unwrap().1.to_owned()
}

#[test]
fn the_signature_agrees_with_one_computed_elsewhere() {
    // printf '1700000000.{"id":"evt_1"}' | openssl dgst -sha256 -hmac whsec_test
    let expected = "c89214b5b5da833daed6f0b8c5bb6bd58cea9022bd80ccc78230f3942d632925";
    assert_eq!(
        sign("whsec_test", 1_700_000_000, br#"{"id":"evt_1"}"#),
        format!("t=1700000000,v1={expected}")
    );
}

#[test]
fn case_13_any_v1_may_match_any_secret_in_any_order() {
    let (old, new, other) = (v1(OLD), v1(NEW), v1("whsec_other"));
    for (header, secret) in [
        (format!("t={AT},v1={new}"), 0),
        (format!("t={AT},v1={old}"), 1),
        (format!("t={AT},v1={old},v1={new}"), 0),
        (format!("t={AT},v1={new},v1={old}"), 0),
        (format!("t={AT},v1={other},v1={other},v1={old}"), 1),
        (format!("v1={old},t={AT}"), 1),
        (format!(" t={AT}, v1={old}"), 1),
        (format!("t={AT},v0={other},v1={old},v2=x,scheme=y"), 1),
        (format!("t={AT},v1=zz,v1={old}"), 1),
        (format!("t={AT},v1={}", old.to_uppercase()), 1),
    ] {
        let verified = Verified { secret, timestamp: AT, skew_ms: 250 };
        assert_eq!(checked(&header), Ok(verified), "{header}");
    }
}

#[test]
fn a_header_that_proves_nothing_is_refused_with_its_reason() {
    let (old, other) = (v1(OLD), v1("whsec_other"));
    for (header, why) in [
        (format!("t={AT},v1={other}"), Rejected::Mismatch),
        (format!("t={AT},v1={}", "0".repeat(64)), Rejected::Mismatch),
        (format!("t={AT},v1={}", &old[..62]), Rejected::Mismatch),
        (format!("t={AT},v1="), Rejected::Mismatch),
        (format!("t={},v1={old}", AT + 1), Rejected::Mismatch),
        (format!("t=0{AT},v1={old}"), Rejected::Mismatch),
        (format!("t={AT},v0={old}"), Rejected::NoV1),
        (format!("t={AT}"), Rejected::NoV1),
        (format!("v1={old}"), Rejected::Malformed),
        (format!("t=,v1={old}"), Rejected::Malformed),
        (format!("t=-{AT},v1={old}"), Rejected::Malformed),
        (format!("t=+{AT},v1={old}"), Rejected::Malformed),
        (format!("t=1e9,v1={old}"), Rejected::Malformed),
        (format!("t=9999999999999,v1={old}"), Rejected::Malformed),
        (format!("t={AT},t={AT},v1={old}"), Rejected::Malformed),
        (String::new(), Rejected::Malformed),
        ("nonsense".into(), Rejected::Malformed),
        (format!("t={AT}{}", format!(",v1={old}").repeat(17)), Rejected::Malformed),
        (format!("t={AT},v1={old},v9={}", "x".repeat(5_000)), Rejected::Malformed),
    ] {
        assert_eq!(checked(&header), Err(why), "{header}");
    }
    let unsigned = verify(None, BODY, &secrets(), AT * 1_000, TOLERANCE_MS);
    assert_eq!(unsigned, Err(Rejected::NoHeader));
}

#[test]
fn case_14_the_tolerance_has_two_sides_and_the_skew_is_told() {
    let header = sign(NEW, AT, BODY);
    let at = |ms: i64| verify(Some(&header), BODY, &secrets(), AT * 1_000 + ms, TOLERANCE_MS);
    for ms in [-300_000, -1, 0, 300_000] {
        assert_eq!(at(ms).unwrap().skew_ms, ms);
    }
    for (ms, why) in [
        (300_001, Rejected::Stale { by_s: 1 }),
        (3_600_000, Rejected::Stale { by_s: 3_300 }),
        (-300_001, Rejected::Future { by_s: 1 }),
        (-3_600_000, Rejected::Future { by_s: 3_300 }),
    ] {
        assert_eq!(at(ms), Err(why), "{ms}");
    }
}

#[test]
fn case_11_a_body_parsed_and_written_again_no_longer_matches() {
    let again: serde_json::Value = serde_json::from_slice(BODY).unwrap();
    let again = serde_json::to_vec(&again).unwrap();
    let verdict = verify(Some(&sign(NEW, AT, BODY)), &again, &secrets(), AT * 1_000, TOLERANCE_MS);
    assert_eq!(verdict, Err(Rejected::Mismatch));
    assert!(Rejected::Mismatch.to_string().contains("rewritten the body"));
}

#[test]
fn case_12_a_secret_of_another_kind_is_named() {
    for (list, mistake) in [
        ("", SecretMistake::None),
        ("  ", SecretMistake::None),
        ("sk_test_x", SecretMistake::ApiKey { entry: 1 }),
        ("whsec_a,rk_live_x", SecretMistake::ApiKey { entry: 2 }),
        ("pk_live_x", SecretMistake::PublishableKey { entry: 1 }),
        ("we_123", SecretMistake::EndpointId { entry: 1 }),
        ("whsec_", SecretMistake::NotASecret { entry: 1 }),
        ("\"whsec_a\"", SecretMistake::NotASecret { entry: 1 }),
        ("whsec_a b", SecretMistake::NotASecret { entry: 1 }),
        ("whsec_a,,whsec_b", SecretMistake::NotASecret { entry: 2 }),
        (&"whsec_a,".repeat(17), SecretMistake::TooMany),
    ] {
        assert_eq!(Secrets::parse(list).unwrap_err(), mistake, "{list}");
    }
    assert_eq!(Secrets::parse("whsec_a, whsec_b,").unwrap().count(), 2);
}

#[test]
fn secrets_do_not_show_in_debug_output() {
    assert_eq!(format!("{:?}", secrets()), "Secrets(2 redacted)");
}

proptest! {
    #[test]
    fn no_header_makes_it_panic(header in any::<String>(), body in any::<Vec<u8>>(), now: i64) {
        let _ = verify(Some(&header), &body, &secrets(), now, TOLERANCE_MS);
    }

    #[test]
    fn what_was_signed_is_verified_and_nothing_else(
        body in any::<Vec<u8>>(), at in 0_i64..4_000_000_000, flip in any::<prop::sample::Index>(),
    ) {
        let header = sign(OLD, at, &body);
        let now = at * 1_000;
        prop_assert!(verify(Some(&header), &body, &secrets(), now, TOLERANCE_MS).is_ok());
        if !body.is_empty() {
            let mut changed = body.clone();
            changed[flip.index(body.len())] ^= 1;
            let verdict = verify(Some(&header), &changed, &secrets(), now, TOLERANCE_MS);
            prop_assert_eq!(verdict, Err(Rejected::Mismatch));
        }
    }
}
