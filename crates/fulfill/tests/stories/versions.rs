//! Events of any API version and kind; the address in any of its four places.

use fulfill_sandbox::Method;
use serde_json::json;

use crate::{Town, basket, both, plan::Endpoint, shop};

fn of_version(version: &'static str) -> Endpoint {
    Endpoint { version: Some(version), ..Endpoint::default() }
}

const THIN: Endpoint = Endpoint { version: None, thin: true, everything: false, node: 0 };

/// A card payment and a debit, whatever the events look like.
async fn both_ways(t: &Town) {
    let card = t.buy(basket(&[("prod_course", 1)])).await;
    t.expect(&card, "fulfilled").await;
    let debit = t.open_session(basket(&[("prod_course", 1)])).await;
    t.pay(&debit, Method::Debit);
    t.expect(&debit, "awaiting_payment").await;
    let order = t.until(&debit, "fulfilled").await;
    let types: Vec<_> =
        order["events"].as_array().unwrap().iter().map(|e| e["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["checkout.session.completed", "checkout.session.async_payment_succeeded"]);
}

both!(
    case_16_events_of_2022_11_15_fulfill,
    shop().endpoints(&[of_version("2022-11-15")]),
    both_ways
);
both!(
    case_16_events_of_2023_10_16_fulfill,
    shop().endpoints(&[of_version("2023-10-16")]),
    both_ways
);
both!(
    case_16_events_of_2025_03_31_fulfill,
    shop().endpoints(&[of_version("2025-03-31.basil")]),
    both_ways
);
both!(
    case_16_events_of_the_newest_version_fulfill,
    shop().endpoints(&[of_version("2026-10-28.endive")]),
    both_ways
);
both!(case_16_thin_events_fulfill, shop().endpoints(&[THIN]), both_ways);

both!(
    case_16_snapshot_and_thin_events_of_one_sale_fulfill_once,
    shop().stock("POSTER", 10).endpoints(&[of_version("2022-11-15"), THIN]),
    async |t| {
        let id = t.buy(basket(&[("prod_poster", 1)])).await;
        let order = t.expect(&id, "fulfilled").await;
        assert_eq!(order["events"].as_array().unwrap().len(), 2);
        assert_eq!(t.db.number("SELECT on_hand FROM shelf WHERE sku = 'POSTER'").await, 9);
    }
);

both!(
    case_17_the_address_is_found_in_all_four_places,
    shop().stock("SHIRT", 10).veiled(),
    async |t| {
        for place in ["2026-10-28.endive", "2022-11-15", "2022-07-31", "intent"] {
            if place == "intent" {
                t.veil.version("2026-10-28.endive");
                t.veil.change(|session| {
                    let shipping = session["collected_information"]["shipping_details"].take();
                    session["collected_information"] = json!(null);
                    session["payment_intent"]["shipping"] = shipping;
                });
            } else {
                t.veil.version(place);
            }
            let id = t.buy(basket(&[("prod_shirt", 1)]).shipped()).await;
            let order = t.expect(&id, "fulfilled").await;
            assert_eq!(order["shipping"]["address"]["line1"], "Hauptstraße 1", "{place}");
            assert_eq!(order["shipping"]["name"], "Ann Smith", "{place}");
        }
    }
);
