//! Products, prices, customers, discounts, links.

use reqwest::Method;
use serde_json::{Value, json};

use crate::stage::Stage;

#[tokio::test]
async fn a_product_and_its_price_are_made_changed_and_found_again() {
    let stage = Stage::new().await;
    let product = stage.post("/v1/products", "id=prod_tea&name=Tea+%26+more&metadata[kind]=drink&metadata[old]=1&images[]=https://x/y.png&default_price_data[currency]=eur&default_price_data[unit_amount]=300").await;
    assert_eq!(product["name"], "Tea & more");
    assert!(product["default_price"].as_str().unwrap().starts_with("price_"));
    let changed = stage
        .post("/v1/products/prod_tea", "metadata[old]=&metadata[new]=2&description=Green")
        .await;
    assert_eq!(changed["metadata"], json!({ "kind": "drink", "new": "2" }));
    let price = stage
        .post(
            "/v1/prices",
            "product=prod_tea&currency=EUR&unit_amount=500&lookup_key=tea&nickname=big",
        )
        .await;
    assert_eq!((&price["currency"], &price["unit_amount_decimal"]), (&json!("eur"), &json!("500")));
    let found = stage.get("/v1/prices?lookup_keys[]=tea&expand[]=data.product").await;
    assert_eq!(found["data"][0]["product"]["description"], "Green");
    let (_, error) = stage
        .refused(
            Method::POST,
            "/v1/prices",
            "product=prod_tea&currency=eur&unit_amount=1&lookup_key=tea",
        )
        .await;
    assert_eq!(error["param"], "lookup_key");
    let taken = stage
        .post(
            "/v1/prices",
            "product=prod_tea&currency=eur&unit_amount=1&lookup_key=tea&transfer_lookup_key=true",
        )
        .await;
    assert_eq!(stage.get("/v1/prices?lookup_keys[0]=tea").await["data"][0]["id"], taken["id"]);
    assert_eq!(
        stage.get(&format!("/v1/prices/{}", price["id"].as_str().unwrap())).await["lookup_key"],
        Value::Null
    );
}

#[tokio::test]
async fn a_full_discount_leaves_nothing_to_pay_and_no_intent() {
    let stage = Stage::new().await;
    stage.post("/v1/coupons", "id=ALL&percent_off=100&duration=once").await;
    let id = stage.session("&discounts[0][coupon]=ALL").await;
    stage
        .sandbox
        .pay(&id, fulfill_sandbox::Method::Free, fulfill_sandbox::Purchase::default())
        .unwrap();
    let session = stage.get(&format!("/v1/checkout/sessions/{id}?expand[]=line_items")).await;
    assert_eq!(session["payment_status"], "no_payment_required");
    assert_eq!(session["payment_intent"], Value::Null);
    assert_eq!((&session["amount_subtotal"], &session["amount_total"]), (&json!(1200), &json!(0)));
    assert_eq!(session["line_items"]["data"][0]["amount_discount"], 1200);
    assert_eq!(stage.event_types().await, ["coupon.created", "checkout.session.completed"]);
}

#[tokio::test]
async fn an_amount_off_is_spread_over_the_lines_to_the_cent() {
    let stage = Stage::new().await;
    stage.post("/v1/coupons", "id=TEN&amount_off=1000&currency=eur").await;
    let line = |n: usize, amount: i64| {
        format!(
            "&line_items[{n}][quantity]=1&line_items[{n}][price_data][currency]=eur&line_items[{n}][price_data][unit_amount]={amount}&line_items[{n}][price_data][product_data][name]=x"
        )
    };
    let form = format!(
        "mode=payment&success_url=http://x&discounts[0][coupon]=TEN{}{}{}",
        line(0, 333),
        line(1, 333),
        line(2, 3333)
    );
    let session = stage.post("/v1/checkout/sessions", &format!("{form}&expand[]=line_items")).await;
    let lines = session["line_items"]["data"].as_array().unwrap();
    let off: i64 = lines.iter().map(|line| line["amount_discount"].as_i64().unwrap()).sum();
    assert_eq!((off, &session["amount_total"]), (1000, &json!(2999)));
}

#[tokio::test]
async fn a_link_makes_a_session_for_each_visitor() {
    let stage = Stage::new().await;
    let link = stage.post("/v1/payment_links", "line_items[0][price_data][currency]=eur&line_items[0][price_data][unit_amount]=900&line_items[0][price_data][product_data][name]=Tea&line_items[0][quantity]=2&metadata[shop]=a&after_completion[type]=redirect&after_completion[redirect][url]=http://shop.example/ok?s={CHECKOUT_SESSION_ID}&expand[]=line_items").await;
    assert_eq!(link["line_items"]["data"][0]["quantity"], 2);
    let url = format!(
        "{}?prefilled_email=ann@example.com&client_reference_id=r7",
        link["url"].as_str().unwrap()
    );
    for _ in 0..2 {
        let visit = stage.http.get(&url).send().await.unwrap();
        assert_eq!(visit.status(), 303);
    }
    let id = link["id"].as_str().unwrap();
    stage.session("").await;
    let sessions = stage.get(&format!("/v1/checkout/sessions?payment_link={id}")).await;
    let sessions = sessions["data"].as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    assert_ne!(sessions[0]["id"], sessions[1]["id"]);
    assert_eq!(sessions[0]["client_reference_id"], "r7");
    assert_eq!(sessions[0]["customer_email"], "ann@example.com");
    assert_eq!(sessions[0]["metadata"], json!({ "shop": "a" }));
    stage.post(&format!("/v1/payment_links/{id}"), "active=false").await;
    assert_eq!(stage.http.get(&url).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn an_endpoint_tells_its_secret_once() {
    let stage = Stage::new().await;
    let made = stage.post("/v1/webhook_endpoints", "url=http://127.0.0.1:1/hook&enabled_events[]=checkout.session.completed&api_version=2023-10-16").await;
    assert!(made["secret"].as_str().unwrap().starts_with("whsec_"));
    let path = format!("/v1/webhook_endpoints/{}", made["id"].as_str().unwrap());
    assert!(stage.get(&path).await.get("secret").is_none());
    assert!(stage.get("/v1/webhook_endpoints").await["data"][0].get("secret").is_none());
    let off = stage.post(&path, "disabled=true&enabled_events[]=*").await;
    assert_eq!((&off["status"], &off["enabled_events"]), (&json!("disabled"), &json!(["*"])));
    let gone = stage.request(Method::DELETE, &path).send().await.unwrap();
    assert_eq!(gone.status(), 200);
    assert_eq!(stage.refused(Method::GET, &path, "").await.0, 404);
}
