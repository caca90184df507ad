use proptest::prelude::*;
use serde_json::{Value, json};

use crate::stripe::{Envelope, Unreadable, envelope};

fn read(event: &Value) -> Result<Envelope, Unreadable> {
    envelope(&serde_json::to_vec(event).unwrap())
}

#[test]
fn a_snapshot_event_is_read() {
    let event = json!({
        "id": "evt_1", "object": "event", "api_version": "2022-11-15", "created": 1_700_000_000,
        "type": "checkout.session.completed", "livemode": true, "account": "acct_1",
        "data": { "object": { "object": "checkout.session", "id": "cs_live_a1", "deep": [[{}]] } },
        "pending_webhooks": 1, "request": { "id": null },
    });
    let read = read(&event).unwrap();
    assert_eq!(read.session_id(), Some("cs_live_a1"));
    let expected = Envelope {
        id: "evt_1".into(),
        kind: "checkout.session.completed".into(),
        object_id: Some("cs_live_a1".into()),
        livemode: Some(true),
        account: Some("acct_1".into()),
        created: Some(1_700_000_000),
        thin: false,
        snapshot_event: None,
    };
    assert_eq!(read, expected);
}

#[test]
fn a_thin_event_is_read_as_the_same_doorbell() {
    let event = json!({
        "id": "evt_test_65", "object": "v2.core.event", "livemode": false, "context": null,
        "type": "v1.checkout.session.async_payment_failed", "created": "2026-11-25T15:50:00.123Z",
        "related_object": { "id": "cs_test_a1", "type": "checkout.session", "url": "/v1/…" },
        "snapshot_event": "evt_1",
    });
    let read = read(&event).unwrap();
    assert_eq!(read.session_id(), Some("cs_test_a1"));
    let expected = Envelope {
        id: "evt_test_65".into(),
        kind: "checkout.session.async_payment_failed".into(),
        object_id: Some("cs_test_a1".into()),
        livemode: Some(false),
        account: None,
        created: Some(1_795_621_800),
        thin: true,
        snapshot_event: Some("evt_1".into()),
    };
    assert_eq!(read, expected);
}

#[test]
fn a_thin_event_of_an_account_keeps_it_and_other_types_keep_theirs() {
    let event = json!({ "id": "evt_1", "object": "v2.core.event", "context": "acct_9",
        "type": "v2.core.account.updated" });
    let event = read(&event).unwrap();
    assert_eq!(event.account.as_deref(), Some("acct_9"));
    assert_eq!(event.kind, "v2.core.account.updated");
}

#[test]
fn only_id_and_type_are_needed_and_the_rest_may_be_of_any_type() {
    let bare = read(&json!({ "id": "evt_1", "type": "charge.refunded" })).unwrap();
    assert_eq!((bare.object_id.as_deref(), bare.livemode, bare.created), (None, None, None));
    for odd in
        [json!(null), json!(7), json!(1.5), json!(true), json!("cs x"), json!([1]), json!({})]
    {
        let event = json!({ "id": "evt_1", "type": "a.b", "object": odd, "account": odd,
            "created": odd, "data": odd, "related_object": odd, "snapshot_event": odd });
        let read = read(&event).unwrap();
        assert_eq!(
            (read.object_id, read.account, read.snapshot_event),
            (None, None, None),
            "{odd}"
        );
        let event = json!({ "id": "evt_1", "type": "a.b", "livemode": odd,
            "data": { "object": { "id": odd } } });
        assert!(envelope(event.to_string().as_bytes()).unwrap().object_id.is_none(), "{odd}");
    }
}

#[test]
fn only_sessions_are_looked_at() {
    for (kind, object) in [
        ("charge.refunded", json!("cs_test_a1")),
        ("checkout.session.completed", json!("pi_1")),
        ("checkout.session.completed", json!("{CHECKOUT_SESSION_ID}")),
        ("checkout.session.completed", json!(null)),
        ("checkout.sessions", json!("cs_test_a1")),
    ] {
        let event = json!({ "id": "evt_1", "type": kind, "data": { "object": { "id": object } } });
        assert_eq!(read(&event).unwrap().session_id(), None, "{kind} {object}");
    }
}

#[test]
fn what_is_no_event_is_told_apart() {
    let long = "e".repeat(256);
    for (body, why) in [
        ("", Unreadable::NotJson),
        ("hello", Unreadable::NotJson),
        ("<html>", Unreadable::NotJson),
        (r#"{"id":"evt_1","type":"a.b""#, Unreadable::NotJson),
        (r#"{"id":"evt_1","type":"a.b"} x"#, Unreadable::NotJson),
        ("null", Unreadable::NotAnEvent),
        ("[]", Unreadable::NotAnEvent),
        (r#"["evt_1","event","a.b"]"#, Unreadable::NotAnEvent),
        (r#"{"id":"evt_1","id":"evt_2","type":"a.b"}"#, Unreadable::NotAnEvent),
        ("{}", Unreadable::NoId),
        (r#"{"id":7,"type":"a.b"}"#, Unreadable::NoId),
        (r#"{"id":"","type":"a.b"}"#, Unreadable::NoId),
        (r#"{"id":"evt\u0000","type":"a.b"}"#, Unreadable::NoId),
        (&format!(r#"{{"id":"{long}","type":"a.b"}}"#), Unreadable::NoId),
        (r#"{"id":"evt_1"}"#, Unreadable::NoType),
        (r#"{"id":"evt_1","type":"a b"}"#, Unreadable::NoType),
        (r#"{"id":"evt_1","object":"v2.core.event","type":"v1."}"#, Unreadable::NoType),
    ] {
        assert_eq!(envelope(body.as_bytes()), Err(why), "{body}");
    }
    let deep = format!(r#"{{"id":"evt_1","type":"a.b","x":{}"#, "[".repeat(100_000));
    assert_eq!(envelope(deep.as_bytes()), Err(Unreadable::NotJson));
}

fn any_json() -> impl Strategy<Value = Value> {
    let name =
        prop::sample::select(vec!["id", "type", "object", "data", "created", "related_object"]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(json!("evt_1")),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name.clone(), inner), 0..6)
                .prop_map(|fields| fields.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()),
        ]
    })
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(body in any::<Vec<u8>>()) {
        let _ = envelope(&body);
    }

    #[test]
    fn any_json_is_read_or_refused_and_ids_stay_within_bounds(event in any_json()) {
        if let Ok(read) = read(&event) {
            prop_assert!((1..=255).contains(&read.id.len()));
            prop_assert!(read.id.bytes().chain(read.kind.bytes()).all(|b| b.is_ascii_graphic()));
        }
    }
}
