//! Lists and their pages.

use fulfill_sandbox::{Method, Purchase};
use reqwest::Method as Verb;
use serde_json::Value;

use crate::stage::Stage;

fn ids(list: &Value) -> Vec<String> {
    list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["id"].as_str().unwrap().to_owned())
        .collect()
}

async fn session_with(stage: &Stage, lines: usize) -> String {
    let price =
        stage.post("/v1/prices", "product_data[name]=Tea&currency=eur&unit_amount=100").await;
    let mut form = "mode=payment&success_url=http://x".to_owned();
    for n in 0..lines {
        form.push_str(&format!(
            "&line_items[{n}][price]={}&line_items[{n}][quantity]={}",
            price["id"].as_str().unwrap(),
            n + 1
        ));
    }
    stage.post("/v1/checkout/sessions", &form).await["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn case_28_lines_come_in_order_page_by_page() {
    let stage = Stage::new().await;
    for count in [1, 9, 10, 11, 40, 99, 100] {
        let id = session_with(&stage, count).await;
        let path = format!("/v1/checkout/sessions/{id}/line_items");
        let whole = stage.get(&format!("{path}?limit=100")).await;
        assert_eq!((ids(&whole).len(), &whole["has_more"]), (count, &Value::Bool(false)));
        let quantities: Vec<_> = whole["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|line| line["quantity"].as_u64().unwrap())
            .collect();
        assert_eq!(quantities, (1..=u64::try_from(count).unwrap()).collect::<Vec<_>>());
        let mut seen = Vec::new();
        loop {
            let after =
                seen.last().map(|id: &String| format!("?starting_after={id}")).unwrap_or_default();
            let page = stage.get(&format!("{path}{after}")).await;
            assert!(ids(&page).len() <= 10);
            seen.extend(ids(&page));
            if page["has_more"] == false {
                break;
            }
        }
        assert_eq!(seen, ids(&whole));
        let embedded = stage.get(&format!("/v1/checkout/sessions/{id}?expand[]=line_items")).await
            ["line_items"]
            .clone();
        assert_eq!(ids(&embedded), seen[..count.min(10)]);
        assert_eq!(embedded["has_more"], count > 10);
        assert_eq!(embedded["url"], path);
    }
    let form = (0..101)
        .map(|n| format!("&line_items[{n}][price]=p&line_items[{n}][quantity]=1"))
        .collect::<String>();
    let (status, _) = stage
        .refused(
            Verb::POST,
            "/v1/checkout/sessions",
            &format!("mode=payment&success_url=http://x{form}"),
        )
        .await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn lines_are_paged_backwards_too() {
    let stage = Stage::new().await;
    let id = session_with(&stage, 12).await;
    let path = format!("/v1/checkout/sessions/{id}/line_items");
    let all = ids(&stage.get(&format!("{path}?limit=100")).await);
    let page = stage.get(&format!("{path}?limit=3&ending_before={}", all[5])).await;
    assert_eq!(ids(&page), all[2..5]);
    assert_eq!(page["has_more"], true);
    let first = stage.get(&format!("{path}?limit=3&ending_before={}", all[2])).await;
    assert_eq!((ids(&first), &first["has_more"]), (all[..2].to_vec(), &Value::Bool(false)));
    for query in [
        "limit=0",
        "limit=101",
        "limit=x",
        "starting_after=li_no",
        "starting_after=a&ending_before=b",
    ] {
        assert_eq!(
            stage.refused(Verb::GET, &format!("{path}?{query}"), "").await.0,
            400,
            "{query}"
        );
    }
}

#[tokio::test]
async fn lines_are_shown_only_when_expanded_and_to_the_fourth_level() {
    let stage = Stage::new().await;
    let id = stage.session("").await;
    assert!(stage.retrieve(&id).await.get("line_items").is_none());
    let deep = stage
        .get(&format!("/v1/checkout/sessions/{id}?expand[0]=line_items.data.price.product"))
        .await;
    assert_eq!(deep["line_items"]["data"][0]["price"]["product"]["name"], "Tea");
    let listed = stage.get("/v1/checkout/sessions?expand%5B%5D=data.line_items").await;
    assert_eq!(listed["data"][0]["line_items"]["data"][0]["description"], "Tea");
    for (path, code) in [
        (
            format!(
                "/v1/checkout/sessions/{id}?expand[]=line_items.data.price.product.default_price"
            ),
            400,
        ),
        (format!("/v1/checkout/sessions/{id}?expand[]=status"), 400),
        (format!("/v1/checkout/sessions/{id}?expand[]=nothing"), 400),
    ] {
        assert_eq!(stage.refused(Verb::GET, &path, "").await.0, code, "{path}");
    }
}

#[tokio::test]
async fn sessions_are_listed_newest_first_and_filtered() {
    let stage = Stage::new().await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(stage.session("").await);
        stage.sandbox.clock().advance(std::time::Duration::from_secs(10));
    }
    for id in [&made[1], &made[3]] {
        stage.sandbox.pay(id, Method::Card, Purchase::default()).unwrap();
    }
    let newest: Vec<_> = made.iter().rev().cloned().collect();
    assert_eq!(ids(&stage.get("/v1/checkout/sessions").await), newest);
    let page = stage.get("/v1/checkout/sessions?limit=2").await;
    assert_eq!((ids(&page), &page["has_more"]), (newest[..2].to_vec(), &Value::Bool(true)));
    let next =
        stage.get(&format!("/v1/checkout/sessions?limit=3&starting_after={}", newest[1])).await;
    assert_eq!((ids(&next), &next["has_more"]), (newest[2..].to_vec(), &Value::Bool(false)));
    let before =
        stage.get(&format!("/v1/checkout/sessions?limit=2&ending_before={}", newest[3])).await;
    assert_eq!((ids(&before), &before["has_more"]), (newest[1..3].to_vec(), &Value::Bool(true)));
    let complete = stage.get("/v1/checkout/sessions?status=complete").await;
    assert_eq!(ids(&complete), [made[3].clone(), made[1].clone()]);
    let start = crate::stage::START_MS / 1000;
    let since = stage
        .get(&format!("/v1/checkout/sessions?status=complete&created[gte]={}", start + 20))
        .await;
    assert_eq!(ids(&since), [made[3].clone()]);
    let between = stage
        .get(&format!(
            "/v1/checkout/sessions?created[gt]={}&created[lte]={}",
            start + 10,
            start + 30
        ))
        .await;
    assert_eq!(ids(&between), [made[3].clone(), made[2].clone()]);
    let intent =
        stage.retrieve(&made[1]).await["payment_intent"]["id"].as_str().unwrap().to_owned();
    assert_eq!(
        ids(&stage.get(&format!("/v1/checkout/sessions?payment_intent={intent}")).await),
        [made[1].clone()]
    );
    assert!(ids(&stage.get("/v1/checkout/sessions?payment_intent=pi_other").await).is_empty());
}

#[tokio::test]
async fn events_are_listed_by_type_time_and_delivery() {
    let stage = Stage::new().await;
    let id = stage.session("").await;
    stage.sandbox.pay(&id, Method::Card, Purchase::default()).unwrap();
    stage
        .post("/v1/webhook_endpoints", "url=http://127.0.0.1:1/x&enabled_events[]=product.created")
        .await;
    stage.post("/v1/products", "name=Tea").await;
    stage.sandbox.idle().await;
    let of = |query: &'static str| {
        let stage = &stage;
        async move {
            let events = stage.get(&format!("/v1/events?{query}")).await;
            events["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|event| event["type"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        }
    };
    assert_eq!(
        of("types[]=checkout.session.completed&types[]=charge.succeeded").await,
        ["checkout.session.completed", "charge.succeeded"]
    );
    assert_eq!(
        of("type=payment_intent.*").await,
        ["payment_intent.succeeded", "payment_intent.created"]
    );
    assert_eq!(of("delivery_success=false").await, ["product.created"]);
    assert!(of("created[lt]=1000").await.is_empty());
    let many = (0..21).map(|n| format!("types[]=a.{n}&")).collect::<String>();
    assert_eq!(stage.refused(Verb::GET, &format!("/v1/events?{many}"), "").await.0, 400);
}
