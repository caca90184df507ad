//! The CLI's other commands.

use std::fs;

use serde_json::json;

use crate::stage::{Cli, Over, Stage};

#[tokio::test]
async fn a_shop_is_set_up_and_looked_at_with_resource_commands() {
    let stage = Stage::new().await;
    let product = stage.json(&["products", "create", "--name", "Tea"]).await;
    let product = product["id"].as_str().unwrap();
    let price =
        ["prices", "create", "--unit-amount", "1200", "--currency", "eur", "--product", product];
    let price = stage.json(&price).await["id"].as_str().unwrap().to_owned();
    let (line, quantity) = (format!("line_items[0][price]={price}"), "line_items[0][quantity]=2");
    let link = stage.json(&["payment_links", "create", "-d", &line, "-d", quantity]).await;
    assert!(link["url"].as_str().unwrap().starts_with(stage.sandbox.url()), "{link}");
    let create = ["checkout", "sessions", "create", "--mode", "payment", "--success-url"];
    let create = [&create[..], &["http://localhost:4242/ok", "-d", &line, "-d", quantity]].concat();
    let session = stage.json(&create).await;
    assert_eq!(session["amount_total"], 2400);
    let id = session["id"].as_str().unwrap();
    let again =
        stage.json(&["checkout", "sessions", "retrieve", id, "--expand", "line_items"]).await;
    assert_eq!(again["line_items"]["data"][0]["price"]["id"], json!(price));
    let lines = stage.json(&["checkout", "sessions", "list_line_items", id]).await;
    assert_eq!(lines["data"][0]["quantity"], 2);
    let expired = stage.json(&["checkout", "sessions", "expire", id]).await;
    assert_eq!(expired["status"], "expired");
    let list = ["checkout", "sessions", "list", "--limit", "3", "--status", "expired"];
    assert_eq!(stage.json(&list).await["data"][0]["id"], json!(id));
    stage.stripe(&["customers", "create", "--email", "ada@example.com"]).await;
    let customers = stage.json(&["customers", "list", "--email", "ada@example.com"]).await;
    assert_eq!(customers["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn get_post_and_delete_work_over_both_ways_and_versions() {
    let stage = Stage::new().await;
    for (cli, over) in [(Cli::New, Over::Tcp), (Cli::Old, Over::Socket)] {
        let created = ["post", "/v1/products", "-d", "name=Tea", "-d", "metadata[kind]=green"];
        let (succeeded, said) = stage.run(cli, over, &created).await;
        assert!(succeeded && said.contains("\n  \"object\": \"product\""), "{said}");
        let id = &said[said.find("prod_").unwrap()..][..19];
        let (_, got) = stage.run(cli, over, &["get", id]).await;
        assert!(got.contains("green"), "{got}");
        let path = format!("/v1/products/{id}");
        let (_, gone) = stage.run(cli, over, &["delete", &path, "--confirm"]).await;
        assert!(gone.contains("\"deleted\": true"), "{gone}");
        let (_, missing) = stage.run(cli, over, &["get", &path]).await;
        assert!(missing.contains("resource_missing"), "{missing}");
    }
}

#[tokio::test]
async fn a_file_of_fixtures_is_carried_out() {
    let stage = Stage::new().await;
    let fixtures = json!({
        "_meta": { "template_version": 0 },
        "fixtures": [
            { "name": "tea", "path": "/v1/products", "method": "post", "params": { "name": "Tea" } },
            { "name": "price", "path": "/v1/prices", "method": "post", "params": {
                "product": "${tea:id}", "unit_amount": 1200, "currency": "eur" } },
            { "name": "link", "path": "/v1/payment_links", "method": "post", "params": {
                "line_items": [{ "price": "${price:id}", "quantity": 1 }] } },
        ],
    });
    fs::write(stage.home.path().join("shop.json"), fixtures.to_string()).unwrap();
    stage.stripe(&["fixtures", "shop.json"]).await;
    let links = stage.get("/v1/payment_links?expand[]=data.line_items").await;
    assert_eq!(links["data"][0]["line_items"]["data"][0]["description"], "Tea");
}

#[tokio::test]
async fn an_event_destination_of_v2_is_made_turned_off_and_pinged() {
    let stage = Stage::new().await;
    let body = json!({
        "name": "thin", "type": "webhook_endpoint", "event_payload": "thin",
        "enabled_events": ["v1.checkout.session.completed"],
        "webhook_endpoint": { "url": "http://127.0.0.1:9/" },
        "include": ["webhook_endpoint.signing_secret"],
    });
    let url = format!("{}/v2/core/event_destinations", stage.sandbox.url());
    let http = reqwest::Client::new();
    let post = |url: String, body: String| http.post(url).bearer_auth(crate::stage::KEY).body(body);
    let text = post(url.clone(), body.to_string()).send().await.unwrap().text().await.unwrap();
    let made: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(made["webhook_endpoint"]["signing_secret"].as_str().unwrap().starts_with("whsec_"));
    let id = made["id"].as_str().unwrap();
    let off = post(format!("{url}/{id}/disable"), String::new()).send().await.unwrap();
    assert!(off.text().await.unwrap().contains("\"status\":\"disabled\""));
    let ping = post(format!("{url}/{id}/ping"), String::new()).send().await.unwrap();
    let ping: serde_json::Value = serde_json::from_str(&ping.text().await.unwrap()).unwrap();
    assert_eq!(ping["type"], "v2.core.event_destination.ping");
    assert_eq!(ping["related_object"]["id"], json!(id));
    let event = stage.get(&format!("/v2/core/events/{}", ping["id"].as_str().unwrap())).await;
    assert_eq!(event, ping);
    assert_eq!(stage.get("/v2/core/event_destinations").await["data"][0]["id"], json!(id));
    assert_eq!(stage.get("/v1/events").await["data"], json!([]), "it has no snapshot");
}
