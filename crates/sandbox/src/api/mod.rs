//! The API: which path is answered by what, and the manners that all calls share.

mod checkout_lines;
mod coupons;
mod custom_fields;
mod customers;
mod destinations;
mod discounts;
pub(crate) mod events;
mod landing;
mod links;
mod list;
mod passive;
mod payments;
mod plans;
mod prices;
mod products;
mod promotion_codes;
mod sessions;
mod shape;
mod shipping_rates;
mod subscriptions;
mod tax_rates;
mod terms;
mod webhook_endpoints;

use std::collections::HashSet;

use serde_json::Value;

pub(crate) use self::{
    links::{Visit, inactive_message, open as open_link},
    sessions::recover,
};
use crate::{
    error::{Answer, ApiError},
    form::{Change, Params},
    money,
    render::{self, View},
    state::{State, objects::Metadata},
    version::Version,
};

/// A call as the handlers see it.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) params: Params,
    pub(crate) version: Version,
    /// The caller named the version; otherwise it is the account's default.
    pub(crate) version_named: bool,
    pub(crate) key: String,
    /// The id in the path.
    pub(crate) id: String,
}

impl Call {
    pub(crate) fn view<'a>(&'a self, state: &'a State) -> View<'a> {
        View { version: &self.version, base: &state.base }
    }
}

type Reads = fn(&State, &mut Call) -> Answer;
type Writes = fn(&mut State, &mut Call) -> Answer;

#[derive(Clone, Copy)]
enum Action {
    Reads(Reads),
    Writes(Writes),
}

/// What answers a method and path.
#[derive(Clone, Copy)]
pub(crate) struct Route {
    resource: &'static str,
    action: Action,
}

impl Route {
    pub(crate) fn writes(&self) -> bool {
        matches!(self.action, Action::Writes(_))
    }
}

fn reads(resource: &'static str, action: Reads) -> Route {
    Route { resource, action: Action::Reads(action) }
}

fn writes(resource: &'static str, action: Writes) -> Route {
    Route { resource, action: Action::Writes(action) }
}

/// The route of a path below `/v1`, and the id in it.
pub(crate) fn route<'a>(method: &str, path: &[&'a str]) -> Option<(Route, &'a str)> {
    let (resource, at) = resource(path)?;
    let rest = &path[at..];
    // An empty part is an id that somebody forgot, or a slash too many.
    if path.contains(&"") {
        return None;
    }
    let id = match rest {
        [] => "",
        [_, "payment_methods" | "sources", nested] => *nested,
        [id, ..] => *id,
    };
    // Nothing here has that for an id; without this, a search would be told of a missing object.
    if rest == ["search"] {
        return None;
    }
    let route = match (method, resource, rest) {
        ("GET", "product", []) => reads("product", products::list),
        ("POST", "product", []) => writes("product", products::create),
        ("GET", "product", [_]) => reads("product", products::retrieve),
        ("POST", "product", [_]) => writes("product", products::update),
        ("DELETE", "product", [_]) => writes("product", products::delete),
        ("GET", "plan", []) => reads("plan", prices::list),
        ("POST", "plan", []) => writes("plan", prices::create),
        ("GET", "plan", [_]) => reads("plan", prices::retrieve),
        ("POST", "plan", [_]) => writes("plan", prices::update),
        ("GET", "customer", []) => reads("customer", customers::list),
        ("POST", "customer", []) => writes("customer", customers::create),
        ("GET", "customer", [_]) => reads("customer", customers::retrieve),
        ("POST", "customer", [_]) => writes("customer", customers::update),
        ("DELETE", "customer", [_]) => writes("customer", customers::delete),
        ("GET", "shipping_rate", []) => reads(resource, shipping_rates::list),
        ("POST", "shipping_rate", []) => writes(resource, shipping_rates::create),
        ("GET", "shipping_rate", [_]) => reads(resource, shipping_rates::retrieve),
        ("POST", "shipping_rate", [_]) => writes(resource, shipping_rates::update),
        ("GET", "checkout_session", []) => reads(resource, sessions::list),
        ("POST", "checkout_session", []) => writes(resource, sessions::create),
        ("GET", "checkout_session", [_]) => reads(resource, sessions::retrieve),
        ("POST", "checkout_session", [_]) => writes(resource, sessions::update),
        ("GET", "checkout_session", [_, "line_items"]) => reads(resource, sessions::line_items),
        ("POST", "checkout_session", [_, "expire"]) => writes(resource, sessions::expire),
        ("GET", "payment_links", []) => reads(resource, links::list),
        ("POST", "payment_links", []) => writes(resource, links::create),
        ("GET", "payment_links", [_]) => reads(resource, links::retrieve),
        ("POST", "payment_links", [_]) => writes(resource, links::update),
        ("GET", "payment_links", [_, "line_items"]) => reads(resource, links::line_items),
        ("GET", "destination", []) => reads("webhook", destinations::list),
        ("POST", "destination", []) => writes("webhook", destinations::create),
        ("GET", "destination", [_]) => reads("webhook", destinations::retrieve),
        ("POST", "destination", [_]) => writes("webhook", destinations::update),
        ("DELETE", "destination", [_]) => writes("webhook", destinations::delete),
        ("POST", "destination", [_, "disable"]) => writes("webhook", destinations::disable),
        ("POST", "destination", [_, "enable"]) => writes("webhook", destinations::enable),
        ("POST", "destination", [_, "ping"]) => writes("webhook", destinations::ping),
        ("GET", "thin_event", []) => reads("event", destinations::list_events),
        ("GET", "thin_event", [_]) => reads("event", destinations::retrieve_event),
        ("GET", "event", []) => reads(resource, events::list),
        ("GET", "event", [_]) => reads(resource, events::retrieve),
        ("POST", "event", [_, "retry"]) => writes(resource, events::retry),
        ("GET", "webhook", []) => reads(resource, webhook_endpoints::list),
        ("POST", "webhook", []) => writes(resource, webhook_endpoints::create),
        ("GET", "webhook", [_]) => reads(resource, webhook_endpoints::retrieve),
        ("POST", "webhook", [_]) => writes(resource, webhook_endpoints::update),
        ("DELETE", "webhook", [_]) => writes(resource, webhook_endpoints::delete),
        _ => billing_route(method, resource, rest)
            .or_else(|| payments::route(method, resource, rest))?,
    };
    Some((route, id))
}

/// What answers a method and path about discounts and what recurs.
fn billing_route(method: &str, resource: &'static str, rest: &[&str]) -> Option<Route> {
    Some(match (method, resource, rest) {
        // One permission covers prices and plans.
        ("GET", "older_plan", []) => reads("plan", plans::list),
        ("POST", "older_plan", []) => writes("plan", plans::create),
        ("GET", "older_plan", [_]) => reads("plan", plans::retrieve),
        ("POST", "older_plan", [_]) => writes("plan", plans::update),
        ("DELETE", "older_plan", [_]) => writes("plan", plans::delete),
        ("DELETE", "customer", [_, "discount"]) => writes("customer", customers::delete_discount),
        ("GET", "subscription", []) => reads(resource, subscriptions::list),
        ("POST", "subscription", []) => writes(resource, subscriptions::create),
        ("GET", "subscription", [_]) => reads(resource, subscriptions::retrieve),
        ("POST", "subscription", [_]) => writes(resource, subscriptions::update),
        ("POST", "subscription", [_, "resume"]) => writes(resource, subscriptions::resume),
        ("DELETE", "subscription", [_]) => writes(resource, subscriptions::cancel),
        ("GET", "coupon", []) => reads(resource, coupons::list),
        ("POST", "coupon", []) => writes(resource, coupons::create),
        ("GET", "coupon", [_]) => reads(resource, coupons::retrieve),
        ("POST", "coupon", [_]) => writes(resource, coupons::update),
        ("DELETE", "coupon", [_]) => writes(resource, coupons::delete),
        ("GET", "tax_rate", []) => reads(resource, tax_rates::list),
        ("POST", "tax_rate", []) => writes(resource, tax_rates::create),
        ("GET", "tax_rate", [_]) => reads(resource, tax_rates::retrieve),
        ("POST", "tax_rate", [_]) => writes(resource, tax_rates::update),
        ("GET", "promotion_code", []) => reads(resource, promotion_codes::list),
        ("POST", "promotion_code", []) => writes(resource, promotion_codes::create),
        ("GET", "promotion_code", [_]) => reads(resource, promotion_codes::retrieve),
        ("POST", "promotion_code", [_]) => writes(resource, promotion_codes::update),
        _ => return None,
    })
}

/// The resource that a path begins with, by the name its permission has, and where its id stands.
fn resource(path: &[&str]) -> Option<(&'static str, usize)> {
    Some(match path {
        ["products", ..] => ("product", 1),
        ["prices", ..] => ("plan", 1),
        ["plans", ..] => ("older_plan", 1),
        ["customers", ..] => ("customer", 1),
        ["coupons", ..] => ("coupon", 1),
        ["promotion_codes", ..] => ("promotion_code", 1),
        ["tax_rates", ..] => ("tax_rate", 1),
        ["shipping_rates", ..] => ("shipping_rate", 1),
        ["checkout", "sessions", ..] => ("checkout_session", 2),
        ["payment_links", ..] => ("payment_links", 1),
        ["payment_intents", ..] => ("payment_intent", 1),
        ["charges", ..] => ("charge", 1),
        ["payment_methods", ..] => ("payment_method", 1),
        ["payment_pages", ..] => ("payment_page", 1),
        ["setup_intents", ..] => ("setup_intent", 1),
        ["refunds", ..] => ("refund", 1),
        ["disputes", ..] => ("dispute", 1),
        ["balance_transactions", ..] => ("balance_transaction", 1),
        ["subscriptions", ..] => ("subscription", 1),
        ["events", ..] => ("event", 1),
        ["v2", "core", "event_destinations", ..] => ("destination", 3),
        ["v2", "core", "events", ..] => ("thin_event", 3),
        ["webhook_endpoints", ..] => ("webhook", 1),
        _ => return None,
    })
}

/// What permissions are about: each has one to read and one to write. Refunds are under charges.
const RESOURCES: [&str; 19] = [
    "balance_transaction",
    "charge",
    "checkout_session",
    "coupon",
    "customer",
    "dispute",
    "event",
    "payment_intent",
    "payment_links",
    "payment_method",
    "plan",
    "product",
    "promotion_code",
    "setup_intent",
    "shipping_rate",
    "source",
    "subscription",
    "tax_rate",
    "webhook",
];

/// Says what is wrong with a permission's name that no call asks for.
pub(crate) fn check_permission(permission: &str) -> Result<(), String> {
    let name = permission.strip_prefix("rak_").unwrap_or(permission);
    let resource = name.strip_suffix("_read").or_else(|| name.strip_suffix("_write"));
    if resource.is_some_and(|resource| RESOURCES.contains(&resource)) {
        return Ok(());
    }
    Err(format!(
        "permissions: there is no `{permission}`. They end in _read or _write, after one of {}",
        RESOURCES.join(", ")
    ))
}

/// Refuses a restricted key that lacks `permission`. Writing includes reading.
fn allow(granted: Option<&HashSet<String>>, key: &str, permission: &str) -> Answer<()> {
    let name = permission.strip_prefix("rak_").unwrap_or(permission);
    let held = granted.is_none_or(|granted| {
        let holds = |name: &str| {
            granted.iter().any(|held| held.strip_prefix("rak_").unwrap_or(held) == name)
        };
        holds(name)
            || name
                .strip_suffix("_read")
                .is_some_and(|resource| holds(&format!("{resource}_write")))
    });
    if held { Ok(()) } else { Err(ApiError::forbidden(key, permission)) }
}

/// Carries out a call that only reads.
pub(crate) fn read(state: &State, route: Route, call: &mut Call) -> Answer {
    let Action::Reads(action) = route.action else {
        return Err(ApiError::invalid("This call writes.").status(500));
    };
    let granted = state.permissions.get(&call.key);
    allow(granted, &call.key, &format!("rak_{}_read", route.resource))?;
    let expand = call.params.texts("expand")?;
    let answer = action(state, call)?;
    expanded(answer, &expand, state, call)
}

/// Carries out a call that may change something.
pub(crate) fn write(state: &mut State, route: Route, call: &mut Call) -> Answer {
    let Action::Writes(action) = route.action else { return read(state, route, call) };
    let granted = state.permissions.get(&call.key);
    allow(granted, &call.key, &format!("rak_{}_write", route.resource))?;
    let expand = call.params.texts("expand")?;
    let answer = action(state, call)?;
    expanded(answer, &expand, state, call)
}

fn expanded(mut answer: Value, paths: &[String], state: &State, call: &Call) -> Answer {
    let granted = state.permissions.get(&call.key);
    let allowed = |permission: &str| allow(granted, &call.key, permission);
    render::expand::expand(&mut answer, paths, state, call.view(state), &allowed)?;
    Ok(answer)
}

/// Limits of metadata.
const METADATA_KEYS_MAX: usize = 50;
const METADATA_KEY_CHARS_MAX: usize = 40;
const METADATA_VALUE_CHARS_MAX: usize = 500;

/// The metadata after a call: keys are added or replaced, an empty value removes one, an empty
/// `metadata` all.
fn metadata(params: &mut Params, name: &str, known: &Metadata) -> Answer<Metadata> {
    let pairs = match params.pairs(name)? {
        Change::Leave => return Ok(Metadata::clone(known)),
        Change::Unset => return Ok(Metadata::default()),
        Change::Set(pairs) => pairs,
    };
    let mut next = known.to_vec();
    for (key, value) in pairs {
        if key.chars().count() > METADATA_KEY_CHARS_MAX {
            return Err(params.error(
                name,
                format!("Metadata keys can have up to {METADATA_KEY_CHARS_MAX} characters."),
            ));
        }
        if value.chars().count() > METADATA_VALUE_CHARS_MAX {
            return Err(params.error(
                name,
                format!("Metadata values can have up to {METADATA_VALUE_CHARS_MAX} characters."),
            ));
        }
        next.retain(|(known, _)| *known != key);
        if !value.is_empty() {
            next.push((key, value));
        }
    }
    if next.len() > METADATA_KEYS_MAX {
        return Err(
            params.error(name, format!("Metadata can have up to {METADATA_KEYS_MAX} keys."))
        );
    }
    Ok(Metadata::new(next))
}

/// A currency code, in lower case.
fn currency(params: &mut Params, name: &str) -> Answer<Option<std::sync::Arc<str>>> {
    let Some(text) = params.text(name)? else { return Ok(None) };
    let code = text.to_ascii_lowercase();
    if money::is_taken(&code) {
        return Ok(Some(code.into()));
    }
    let say = format!(
        "Invalid currency: {text}. Take a three-letter ISO code that Stripe knows, as usd."
    );
    Err(params.error(name, say))
}

/// An amount in minor units.
fn amount(params: &mut Params, name: &str) -> Answer<Option<i64>> {
    match params.integer(name)? {
        Some(amount @ (i64::MIN..0 | 1_000_000_000_000..)) => Err(params
            .error(
                name,
                format!(
                    "Invalid amount: {amount}. It must be at least 0 and have at most 12 digits."
                ),
            )
            .code("parameter_invalid_integer")),
        amount => Ok(amount),
    }
}
