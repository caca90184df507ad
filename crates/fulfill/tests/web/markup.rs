//! Whatever people write into a field stays text, and pages carry nothing that could run.

use serde_json::{Value, json};

use crate::{
    bench::{Answer, Site},
    stripe::paid,
};

const EVIL: &str = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}";

/// Puts the string into every field that is a text and is not needed to find things.
fn poison(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                let kept = ["id", "object", "status", "payment_status", "mode", "currency", "url"];
                if !kept.contains(&name.as_str()) {
                    poison(field);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(poison),
        Value::String(text) => *text = EVIL.to_owned(),
        _ => {}
    }
}

#[tokio::test]
async fn markup_in_any_field_of_an_order_stays_text() {
    let site = Site::open().await;
    let keys = json!({ "keys": [EVIL] });
    site.api(reqwest::Method::POST, "/keys/editor", Some(keys)).await;
    site.api(reqwest::Method::POST, "/stock/SHIRT-M", Some(json!({ "add": 1 }))).await;
    let mut session = paid("cs_test_a1", &["evil", "editor", "shirt", "handmade"]);
    poison(&mut session);
    session["locale"] = "en".into();
    session["currency"] = "<b>".into();
    session["line_items"]["data"][0]["currency"] = "<i>".into();
    site.buy(session).await;
    let page = site.turning(site.with_its_key("cs_test_a1")).await;
    assert_eq!(page.data_status(), "needs_attention");
    assert!(page.text.matches("&#60;script&#62;alert(1)").count() >= 6, "{}", page.text);
    let lower = page.text.to_lowercase();
    for bad in ["<script", "<img", "<b>", "<i>", "javascript:", " onerror=alert(2)>"] {
        assert!(!lower.contains(bad), "{bad} in {lower}");
    }
}

impl Site {
    /// The page, once it shows a license key.
    async fn with_its_key(&self, id: &str) -> Answer {
        loop {
            let page = self.landing(id).await;
            if page.text.contains("<code") && page.text.contains("Will be sent to") {
                return page;
            }
            self.clock.sleep(std::time::Duration::from_secs(1)).await;
        }
    }
}

#[tokio::test]
async fn pages_cannot_be_cached_framed_or_made_to_run_or_fetch_anything() {
    let site = Site::open().await;
    site.buy(paid("cs_test_a1", &["course"])).await;
    for path in ["/success?session_id=cs_test_a1", "/success?session_id=x"] {
        let page = site.get(path).await;
        for (name, value) in [
            ("content-type", "text/html; charset=utf-8"),
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("x-robots-tag", "noindex"),
        ] {
            assert_eq!(page.header(name), value, "{path}");
        }
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"));
        for bad in ["<script", "src=", "<link", "@import", "url(", " style=", "<iframe"] {
            assert!(!page.text.contains(bad), "{bad} on {path}");
        }
    }
}

#[tokio::test]
async fn free_text_is_set_in_its_own_direction() {
    let site = Site::open().await;
    let mut session = paid("cs_test_a1", &["course"]);
    session["line_items"]["data"][0]["description"] = "קורס מתקדם 🎓".into();
    site.buy(session).await;
    let page = site.landing("cs_test_a1").await;
    assert!(page.text.contains("<span class=\"what\" dir=\"auto\">קורס מתקדם 🎓</span>"));
}
