//! `expand[]`: ids replaced by the objects they name, to a depth of four.

use serde_json::Value;

use super::{
    View, balance_transaction, charge, coupon, customer, discount, intent, line_list, link,
    options, payment_method, price, price_options, product, promotion_code, refund, session,
    setup_intent, shipping_rate, subscription, tax::taxes,
};
use crate::{
    error::{Answer, ApiError},
    state::{State, objects::Line},
};

const DEPTH_MAX: usize = 4;
const PATHS_MAX: usize = 20;

/// Ids that stay ids: the object, and the member.
const NOT_EXPANDED: [(&str, &str); 3] = [
    ("charge", "payment_method"),
    ("discount", "subscription"),
    ("subscription_item", "subscription"),
];

/// What the caller may see of an object that it expands.
pub(crate) type Allowed<'a> = &'a dyn Fn(&str) -> Answer<()>;

/// Expands each of `paths` in an answer.
pub(crate) fn expand(
    answer: &mut Value,
    paths: &[String],
    state: &State,
    view: View<'_>,
    allowed: Allowed<'_>,
) -> Answer<()> {
    if paths.len() > PATHS_MAX {
        return Err(ApiError::invalid(format!(
            "You can expand at most {PATHS_MAX} properties in one request."
        ))
        .param("expand"));
    }
    for path in paths {
        let names: Vec<&str> = path.split('.').collect();
        if names.len() > DEPTH_MAX {
            return Err(ApiError::invalid(format!(
                "You cannot expand more than {DEPTH_MAX} levels of a property. Property: {path}"
            ))
            .code("property_expansion_max_depth")
            .param("expand"));
        }
        one(answer, &names, path, state, view, allowed)?;
    }
    Ok(())
}

fn one(
    value: &mut Value,
    names: &[&str],
    path: &str,
    state: &State,
    view: View<'_>,
    allowed: Allowed<'_>,
) -> Answer<()> {
    let [name, rest @ ..] = names else { return Ok(()) };
    if let Value::Array(elements) = value {
        return elements
            .iter_mut()
            .try_for_each(|element| one(element, names, path, state, view, allowed));
    }
    if let Some(filled) = on_demand(value, names, state, view) {
        return filled.then_some(()).ok_or_else(|| cannot(path));
    }
    let Value::Object(members) = value else { return Ok(()) };
    let owner = members.get("object").and_then(Value::as_str).unwrap_or_default();
    if *name == "line_items" && matches!(owner, "checkout.session" | "payment_link") {
        if !members.get("line_items").is_some_and(Value::is_object) {
            let id = members.get("id").and_then(Value::as_str).unwrap_or_default();
            let lines = lines(id, state);
            members.insert("line_items".into(), lines);
        }
    } else if *name == "refunds" && owner == "charge" && !members.contains_key("refunds") {
        let id = members.get("id").and_then(Value::as_str).unwrap_or_default();
        let refunds = refunds(id, state);
        members.insert("refunds".into(), refunds);
    } else if NOT_EXPANDED.contains(&(owner, *name)) {
        return Err(cannot(path));
    } else if let Some(Value::String(id)) = members.get(*name) {
        let found = object(name, id, state, view, allowed)?;
        let found = found.ok_or_else(|| cannot(path))?;
        members.insert((*name).into(), found);
    }
    match members.get_mut(*name) {
        Some(inner @ (Value::Object(_) | Value::Array(_))) => {
            one(inner, rest, path, state, view, allowed)
        }
        Some(Value::Null) => Ok(()),
        Some(_) | None => Err(cannot(path)),
    }
}

fn cannot(path: &str) -> ApiError {
    ApiError::invalid(format!("This property cannot be expanded ({path}).")).param("expand")
}

/// Fills in what is not shown unless it is asked for and is no object of its own. None when `names`
/// ask for something else.
fn on_demand(value: &mut Value, names: &[&str], state: &State, view: View<'_>) -> Option<bool> {
    let owner = value.get("object").and_then(Value::as_str).unwrap_or_default().to_owned();
    let id = value.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    match (owner.as_str(), names) {
        (
            "checkout.session",
            ["total_details", "breakdown"]
            | ["total_details", "breakdown", "discounts" | "taxes"]
            | ["total_details", "breakdown", "taxes", "rate"],
        ) => {
            let session = state.sessions.get(&id)?;
            let details = value.get_mut("total_details").filter(|details| details.is_object())?;
            details["breakdown"] = discount::breakdown(session, state, view);
            Some(true)
        }
        // Shipping rates have no tax rates.
        ("checkout.session", ["shipping_cost", "taxes"]) => {
            value.get_mut("shipping_cost").filter(|cost| cost.is_object())?["taxes"] =
                Value::Array(Vec::new());
            Some(true)
        }
        ("coupon", ["applies_to"]) => {
            let products = state.coupons.get(&id).map(|row| row.products.clone())?;
            let products: Vec<&str> = products.iter().map(|id| &**id).collect();
            if !products.is_empty() {
                value["applies_to"] = serde_json::json!({ "products": products });
            }
            Some(true)
        }
        ("price" | "coupon", ["currency_options"]) => {
            let options = currency_options(&owner, &id, state)?;
            value["currency_options"] = options;
            Some(true)
        }
        ("list", ["data", what @ ("discounts" | "taxes")] | ["data", what @ "taxes", "rate"]) => {
            of_lines(value, what, state, view)
        }
        _ => None,
    }
}

/// Fills in the discounts or the taxes of a list's lines. Those of a link have none yet.
fn of_lines(value: &mut Value, what: &str, state: &State, view: View<'_>) -> Option<bool> {
    let url = value.get("url").and_then(Value::as_str)?;
    let session = match url.strip_prefix("/v1/checkout/sessions/") {
        Some(rest) => Some(state.sessions.get(rest.strip_suffix("/line_items")?)?),
        None => url.starts_with("/v1/payment_links/").then_some(None)?,
    };
    for line in value.get_mut("data").and_then(Value::as_array_mut).into_iter().flatten() {
        let off = line["amount_discount"].as_i64().unwrap_or(0);
        let of = session.and_then(|session| session.lines.iter().find(|of| line["id"] == *of.id));
        line[what] = match (session, what) {
            (None, _) => Value::Array(Vec::new()),
            (Some(_), "taxes") => taxes(&of.map(Line::taxes).unwrap_or_default(), state),
            (Some(session), _) => discount::amounts(session, off, state, view),
        };
    }
    Some(true)
}

/// Amounts in further currencies are shown only when they are asked for.
fn currency_options(owner: &str, id: &str, state: &State) -> Option<Value> {
    match owner {
        "price" => state.prices.get(id).map(|row| price_options(row)),
        "coupon" => state.coupons.get(id).map(|row| options(&row.options, "amount_off")),
        _ => None,
    }
}

fn lines(id: &str, state: &State) -> Value {
    if let Some(session) = state.sessions.get(id) {
        let url = format!("/v1/checkout/sessions/{id}/line_items");
        return line_list(&session.lines, session.currency(), &url, state);
    }
    state.links.get(id).map_or(Value::Null, |link| {
        let url = format!("/v1/payment_links/{id}/line_items");
        line_list(&link.lines, link.terms.currency.as_deref().unwrap_or("usd"), &url, state)
    })
}

/// A charge's refunds: the ten newest.
fn refunds(charge: &str, state: &State) -> Value {
    let mut of_charge =
        state.refunds.iter().rev().filter(|row| *row.charge == *charge).map(|row| refund(row));
    let page: Vec<Value> = of_charge.by_ref().take(10).collect();
    super::list(page, of_charge.next().is_some(), &format!("/v1/charges/{charge}/refunds"))
}

/// A customer, or what is left of one.
fn known_customer(id: &str, state: &State, view: View<'_>) -> Option<Value> {
    let gone = || state.deleted_customers.contains(id).then(|| super::deleted("customer", id));
    state.customers.get(id).map(|row| customer(row, view)).or_else(gone)
}

/// The object that a member of this name points to.
fn object(
    name: &str,
    id: &str,
    state: &State,
    view: View<'_>,
    allowed: Allowed<'_>,
) -> Answer<Option<Value>> {
    let (resource, found) = match name {
        "payment_intent" => ("payment_intent", state.intents.get(id).map(|row| intent(row, view))),
        "customer" => ("customer", known_customer(id, state, view)),
        "price" | "default_price" => ("plan", state.prices.get(id).map(|row| price(row))),
        "product" => ("product", state.products.get(id).map(|row| product(row))),
        "latest_charge" | "charge" => ("charge", state.charges.get(id).map(|row| charge(row))),
        "payment_link" => ("payment_links", state.links.get(id).map(|row| link(row, view))),
        "coupon" => ("coupon", state.coupons.get(id).map(|row| coupon(row, state.now()))),
        "shipping_rate" => {
            ("shipping_rate", state.shipping_rates.get(id).map(|row| shipping_rate(row)))
        }
        "promotion_code" => (
            "promotion_code",
            state.promotions.get(id).map(|row| {
                let of = state.coupons.get(&row.coupon).map(|of| &**of);
                promotion_code(row, of, view, state.now())
            }),
        ),
        "payment_method" | "default_payment_method" => {
            ("payment_method", state.methods.get(id).map(|row| payment_method(row)))
        }
        "subscription" => {
            ("subscription", state.subscriptions.get(id).map(|row| subscription(row, view)))
        }
        "setup_intent" => ("setup_intent", state.setups.get(id).map(|row| setup_intent(row, view))),
        "balance_transaction" | "failure_balance_transaction" => {
            ("balance_transaction", balance_transaction(state, id))
        }
        "session" => ("checkout_session", state.sessions.get(id).map(|row| session(row, view))),
        _ => return Ok(None),
    };
    allowed(&format!("rak_{resource}_read"))?;
    Ok(found)
}
