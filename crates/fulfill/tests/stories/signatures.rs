//! Signatures over HTTP, and what is verified but not ours: stored, acknowledged, not acted on.

use fulfill::stripe::sign;
use fulfill_sandbox::{Fault, Trouble};
use reqwest::StatusCode;
use serde_json::json;

use crate::{Town, basket, both, plan::Endpoint, shop};

const OK: StatusCode = StatusCode::OK;
const REFUSED: StatusCode = StatusCode::BAD_REQUEST;

fn event(id: &str, session: &str) -> String {
    json!({
        "id": id, "object": "event", "type": "checkout.session.completed", "livemode": false,
        "data": { "object": { "id": session, "object": "checkout.session" } },
    })
    .to_string()
}

/// A paid session of which Stripe tells nothing by itself.
async fn unheard(t: &Town) -> String {
    t.sandbox.faults().add(Fault::new(Trouble::Lose));
    let id = t.buy(basket(&[("prod_course", 1)])).await;
    t.settle().await;
    id
}

async fn stored(t: &Town) -> i64 {
    t.db.number("SELECT COUNT(*) FROM event").await
}

both!(
    case_13_during_a_roll_any_secret_and_any_v1_counts,
    shop().endpoints(&[Endpoint::default(), Endpoint::default()]),
    async |t| {
        let id = unheard(t).await;
        let now = t.clock.now() / 1_000;
        let v1 = |secret: &str, body: &str| {
            sign(secret, now, body.as_bytes()).split_once(',').unwrap().1.to_owned()
        };
        for (at, secrets) in [
            vec![&*t.secrets[0]],
            vec![&*t.secrets[1]],
            vec!["whsec_gone", &*t.secrets[1]],
            vec!["whsec_gone", "whsec_gone2", "whsec_gone3", &*t.secrets[0]],
            vec![&*t.secrets[1], "whsec_gone"],
        ]
        .into_iter()
        .enumerate()
        {
            let body = event(&format!("evt_{at}"), &id);
            let all: Vec<String> = secrets.iter().map(|secret| v1(secret, &body)).collect();
            let header = format!("t={now},{},v0=00", all.join(","));
            assert_eq!(t.deliver(Some(&header), body).await, OK, "{at}");
        }
        assert_eq!(stored(t).await, 5);
        t.expect(&id, "fulfilled").await;
    }
);

both!(
    case_11_12_14_15_what_is_not_signed_rightly_is_refused_and_leaves_nothing,
    shop(),
    async |t| {
        let id = unheard(t).await;
        let body = event("evt_1", &id);
        let (now, secret) = (t.clock.now() / 1_000, t.secrets[0].clone());
        let good = sign(&secret, now, body.as_bytes());
        let reserialized = serde_json::to_string_pretty(
            &serde_json::from_str::<serde_json::Value>(&body).unwrap(),
        )
        .unwrap();
        let v0 = good.replace("v1=", "v0=");
        let stale = sign(&secret, now - 301, body.as_bytes());
        let future = sign(&secret, now + 301, body.as_bytes());
        let other = sign("whsec_of_another_endpoint", now, body.as_bytes());
        let api_key = sign(t.sandbox.secret_key(), now, body.as_bytes());
        for (why, header, body) in [
            ("unsigned", None, body.as_str()),
            ("empty", Some(""), &body),
            ("not a header", Some("a=b"), &body),
            ("only v0", Some(&*v0), &body),
            ("re-serialized", Some(&good), &reserialized),
            ("cut off", Some(&good), &body[..body.len() - 1]),
            ("stale", Some(&stale), &body),
            ("future", Some(&future), &body),
            ("another secret", Some(&other), &body),
            ("the API key as secret", Some(&api_key), &body),
        ] {
            assert_eq!(t.deliver(header, body.to_owned()).await, REFUSED, "{why}");
        }
        assert_eq!(stored(t).await, 0);
        assert_eq!(t.db.number("SELECT COUNT(*) FROM session").await, 0);
        // Five minutes either way are allowed.
        for (n, at) in [now - 300, now + 300].into_iter().enumerate() {
            let body = event(&format!("evt_{n}"), &id);
            assert_eq!(t.deliver(Some(&sign(&secret, at, body.as_bytes())), body).await, OK);
        }
        t.expect(&id, "fulfilled").await;
        let (_, metrics) = t.text("/metrics").await;
        assert!(metrics.contains("fulfilld_webhooks_total{kind=\"rejected\"} 10"), "{metrics}");
        assert!(metrics.contains("fulfilld_clock_skew_milliseconds -300000"), "{metrics}");
    }
);

both!(case_02_a_delivery_that_comes_again_is_acknowledged_and_stored_once, shop(), async |t| {
    let id = unheard(t).await;
    let body = event("evt_1", &id);
    for _ in 0..3 {
        assert_eq!(t.deliver_signed(&body).await, OK);
        t.expect(&id, "fulfilled").await;
    }
    assert_eq!(stored(t).await, 1);
});

both!(
    case_10_every_event_type_is_acknowledged,
    shop().endpoints(&[Endpoint { everything: true, ..Endpoint::default() }]),
    async |t| {
        let id = t.buy(basket(&[("prod_course", 1)])).await;
        t.expect(&id, "fulfilled").await;
        let attempts = t.sandbox.deliveries();
        assert!(attempts.len() > 5, "products, prices, intents, charges: {}", attempts.len());
        assert!(attempts.iter().all(|attempt| attempt.status == Some(200)), "{attempts:#?}");
        assert_eq!(stored(t).await, i64::try_from(attempts.len()).unwrap());
        let unheard_of =
            r#"{"id":"evt_x","type":"galaxy.collided","data":{"object":{"id":"gal_1"}}}"#;
        assert_eq!(t.deliver_signed(unheard_of).await, OK);
        let bare = r#"{"id":"evt_y","type":"checkout.session.completed"}"#;
        assert_eq!(t.deliver_signed(bare).await, OK);
        t.settle().await;
        assert_eq!(t.db.number("SELECT COUNT(*) FROM session").await, 1);
    }
);

both!(what_cannot_be_read_is_kept_for_a_person_and_acknowledged, shop(), async |t| {
    for body in [
        "",
        "not json",
        "[1,2]",
        "{\"id\":\"evt_1\"}",
        "{\"type\":\"x\"}",
        "{\"id\":\"evt",
        "\u{feff}{}",
        "null",
    ] {
        assert_eq!(t.deliver_signed(body).await, OK, "{body}");
        assert_eq!(t.deliver_signed(body).await, OK, "again: {body}");
    }
    t.settle().await;
    assert_eq!(stored(t).await, 8, "each once");
    assert_eq!(
        t.db.number("SELECT COUNT(*) FROM event WHERE disposition = 'quarantined'").await,
        8
    );
    let (_, metrics) = t.text("/metrics").await;
    assert!(metrics.contains("fulfilld_quarantined 8"), "{metrics}");
    let large = "x".repeat((1 << 20) + 1);
    assert_eq!(t.deliver_signed(&large).await, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(t.deliver_signed(&large[1..]).await, OK, "exactly 1 MiB");
    assert_eq!(t.get("/webhook").await.0, StatusCode::METHOD_NOT_ALLOWED);
});

both!(case_18_a_live_event_on_the_test_service_is_kept_apart, shop(), async |t| {
    let body = event("evt_live", "cs_live_a1").replace("\"livemode\":false", "\"livemode\":true");
    assert_eq!(t.deliver_signed(&body).await, OK);
    let lies = event("evt_lies", "cs_live_a1");
    assert_eq!(t.deliver_signed(&lies).await, OK);
    let odd = event("evt_odd", "cs_test_a1").replace("\"livemode\":false", "\"livemode\":true");
    assert_eq!(t.deliver_signed(&odd).await, OK);
    t.settle().await;
    assert_eq!(stored(t).await, 3, "kept");
    assert_eq!(t.db.number("SELECT COUNT(*) FROM event WHERE disposition = 'other_mode'").await, 3);
    assert_eq!(t.db.number("SELECT COUNT(*) FROM session").await, 0, "not acted on");
    let (code, answer) = t.get("/api/orders/cs_live_a1").await;
    assert_eq!(code, StatusCode::NOT_FOUND);
    assert!(answer["error"]["message"].as_str().unwrap().contains("live session"), "{answer}");
    let (code, status, _) = t.page("session_id=cs_live_a1").await;
    assert_eq!((code, status.as_str()), (StatusCode::NOT_FOUND, "unknown"));
});

both!(an_event_of_a_connected_account_is_kept_and_not_acted_on, shop(), async |t| {
    let id = unheard(t).await;
    let body =
        event("evt_1", &id).replace("\"id\":\"evt_1\"", "\"id\":\"evt_1\",\"account\":\"acct_1\"");
    assert_eq!(t.deliver_signed(&body).await, OK);
    t.settle().await;
    assert_eq!(stored(t).await, 1);
    assert_eq!(t.db.number("SELECT COUNT(*) FROM session").await, 0);
});

#[tokio::test]
async fn case_15_without_a_signing_secret_nothing_starts() {
    use fulfill::{Fulfill, OpenError, clock::Clock, store::Location, stripe::ClientSettings};
    let folder = tempfile::tempdir().unwrap();
    let opened = Fulfill::builder()
        .database(Location::Sqlite(folder.path().join("story.db")))
        .stripe(ClientSettings::new("sk_test_1".into(), Clock::system()))
        .open()
        .await;
    assert!(matches!(opened, Err(OpenError::NoSecrets)), "{opened:?}");
}
