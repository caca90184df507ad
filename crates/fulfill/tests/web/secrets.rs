//! Nothing that proves anything leaves in an answer or in what is printed.

use crate::bench::{OLD_SECRET, SECRET, Site, TOKEN};

#[tokio::test]
async fn no_page_and_no_debug_text_holds_a_secret() {
    let site = Site::idle(|b| b).await;
    let mut texts = vec![format!("{:?}", site.fulfill)];
    for path in ["/", "/dashboard", "/metrics", "/readyz", "/healthz", "/api/orders", "/success"] {
        let answer = site.get(path).await;
        texts.push(format!("{:?}{}", answer.headers, answer.text));
    }
    for text in texts {
        for secret in [SECRET, OLD_SECRET, TOKEN, "sk_test_123"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}
