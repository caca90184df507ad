//! `/v1/subscriptions`, as far as Checkout and the CLI's triggers need them: they begin, change, pause
//! and end, and their periods come and go by the clock. No invoices are made.

use std::sync::Arc;

use super::{
    Call, customers, discounts,
    list::Paging,
    metadata,
    payments::methods,
    prices,
    shape::{self, Member, Shape},
    tax_rates,
};
use crate::{
    error::{Answer, ApiError},
    form::{Change, Params},
    ids::Id,
    render,
    state::{
        State,
        objects::{
            Ends, Given, Item, Metadata, MissingMethod, Price, Shown, Subscription,
            SubscriptionStatus,
        },
    },
    subscriptions,
};

const ITEMS_MAX: usize = 20;
const QUANTITY_MAX: i64 = 999_999;
const TRIAL_DAYS_MAX: i64 = 730;
const DAY_S: i64 = 24 * 60 * 60;
const STATUSES: [&str; 8] =
    ["active", "all", "canceled", "ended", "incomplete", "past_due", "paused", "trialing"];

/// Parameters that are shown as given.
const SHOWN: [Member; 2] =
    [("days_until_due", Shape::Integer), ("on_behalf_of", Shape::Text(5_000))];

/// About invoices and prorations, which the sandbox does not make.
const IGNORED: [&str; 6] = [
    "off_session",
    "payment_settings",
    "proration_behavior",
    "proration_date",
    "billing_cycle_anchor",
    "billing_mode",
];

fn find<'a>(state: &'a State, id: &str) -> Answer<&'a Arc<Subscription>> {
    state.subscriptions.get(id).ok_or_else(|| ApiError::missing("subscription", id, "id"))
}

pub(super) fn create(state: &mut State, call: &mut Call) -> Answer {
    let customer = call.params.need("customer")?;
    let customer = customers::find(state, &customer, "customer")
        .map_err(|missing| missing.status(400))
        .map(|customer| Arc::clone(&customer.id))?;
    let now = state.now();
    let items = items(state, &mut call.params, Vec::new())?;
    let first = items.first().ok_or_else(|| ApiError::required("items"))?;
    let currency = Arc::clone(&first.price.currency);
    let id = state.ids.next("sub_");
    let behavior = behavior(&mut call.params)?;
    let empty = Subscription {
        id: Arc::clone(&id),
        created: now,
        currency,
        status: SubscriptionStatus::Active,
        period: (now, subscriptions::period_end(&items, now)),
        items,
        anchor: now,
        trial: None,
        missing_method: MissingMethod::CreateInvoice,
        method: None,
        collects_by_invoice: false,
        cancels_at_period_end: false,
        canceled_at: None,
        ended_at: None,
        discount: discount(state, &mut call.params, &customer, &id)?,
        invoice: None,
        description: None,
        metadata: Metadata::default(),
        shown: Shown::default(),
        customer,
    };
    let row = read(state, &mut call.params, empty)?;
    call.params.done()?;
    let row = first_payment(state, row, behavior)?;
    row.discount.iter().for_each(|given| discounts::redeem(state, given));
    let row = subscriptions::begin(state, row);
    Ok(render::subscription(&row, call.view(state)))
}

fn behavior(params: &mut Params) -> Answer<&'static str> {
    let known =
        ["allow_incomplete", "default_incomplete", "error_if_incomplete", "pending_if_incomplete"];
    Ok(params.one_of("payment_behavior", &known)?.unwrap_or("allow_incomplete"))
}

/// What the first payment makes of a subscription that is no trial.
fn first_payment(
    state: &mut State,
    mut row: Subscription,
    behavior: &'static str,
) -> Answer<Subscription> {
    row.invoice = Some(state.ids.next("in_"));
    let costs = row.items.iter().any(|item| item.price.unit_amount > 0 && item.quantity > 0);
    if row.status == SubscriptionStatus::Trialing || row.collects_by_invoice || !costs {
        return Ok(row);
    }
    let method = row.method.clone().or_else(|| subscriptions::default_method(state, &row.customer));
    let method = method.and_then(|id| state.methods.get(&id));
    row.status = match method.map(|method| method.ends) {
        _ if behavior == "default_incomplete" => SubscriptionStatus::Incomplete,
        None => return Err(ApiError::invalid("This customer has no attached payment source or default payment method. Please consider adding a default payment method. For more information, visit https://stripe.com/docs/billing/subscriptions/payment-methods-setting#payment-method-priority.").code("resource_missing")),
        Some(Ends::Refused(failure)) if behavior == "error_if_incomplete" => {
            return Err(super::payments::declined(failure));
        }
        Some(Ends::Refused(_) | Ends::Asks { .. }) => SubscriptionStatus::Incomplete,
        Some(Ends::AtOnce | Ends::Later { .. } | Ends::Voucher { .. }) => SubscriptionStatus::Active,
    };
    Ok(row)
}

/// What is said of a subscription onto what is known.
fn read(state: &State, params: &mut Params, mut row: Subscription) -> Answer<Subscription> {
    if let Some(id) = params.text("default_payment_method")? {
        row.method = Some(methods::of(state, &id, &row.customer, "default_payment_method")?);
    }
    if let Some(how) =
        params.one_of("collection_method", &["charge_automatically", "send_invoice"])?
    {
        row.collects_by_invoice = how == "send_invoice";
    }
    match params.change("description")? {
        Change::Leave => {}
        Change::Unset => row.description = None,
        Change::Set(text) => row.description = Some(text),
    }
    if let Some(ends) = params.boolean("cancel_at_period_end")? {
        row.cancels_at_period_end = ends;
        row.canceled_at = ends.then(|| state.now());
    }
    if let Some(mut settings) = params.object("trial_settings")? {
        let mut end = shape::needed(&mut settings, "end_behavior")?;
        let known = ["cancel", "create_invoice", "pause"];
        row.missing_method =
            subscriptions::missing_method(end.one_of("missing_payment_method", &known)?);
        end.done()?;
        settings.done()?;
    }
    trial(state, params, &mut row)?;
    row.metadata = metadata(params, "metadata", &row.metadata)?;
    row.shown = shape::take_all(params, &SHOWN, &row.shown)?;
    params.ignore(&IGNORED);
    Ok(row)
}

fn trial(state: &State, params: &mut Params, row: &mut Subscription) -> Answer<()> {
    let now = state.now();
    let days = params.integer("trial_period_days")?;
    params.ignore(&["trial_from_plan"]);
    if days.is_some_and(|days| !(0..=TRIAL_DAYS_MAX).contains(&days)) {
        return Err(params.error(
            "trial_period_days",
            format!("The trial can last at most {TRIAL_DAYS_MAX} days."),
        ));
    }
    let ends = match params.text("trial_end")?.as_deref() {
        None => days.filter(|days| *days > 0).map(|days| now + days * DAY_S),
        Some("now") => {
            if row.status == SubscriptionStatus::Trialing {
                row.trial = row.trial.map(|(begins, _)| (begins, now));
                row.status = subscriptions::after_trial(state, row);
                row.period = (now, subscriptions::period_end(&row.items, now));
                row.anchor = now;
            }
            None
        }
        Some(text) => {
            let ends = text.parse().ok().filter(|ends| *ends > now);
            Some(ends.ok_or_else(|| {
                params.error("trial_end", "Invalid timestamp: it must be in the future, or `now`.")
            })?)
        }
    };
    if let Some(ends) = ends {
        row.trial = Some((row.trial.map_or(now, |(begins, _)| begins), ends));
        row.status = SubscriptionStatus::Trialing;
        (row.period, row.anchor) = ((now, ends), ends);
    }
    Ok(())
}

/// `items` onto those that are known: by `id` or new ones, `deleted` takes one away.
fn items(state: &mut State, params: &mut Params, mut known: Vec<Item>) -> Answer<Vec<Item>> {
    for mut entry in params.objects("items")? {
        let id = entry.text("id")?;
        let price = price(state, &mut entry)?;
        let quantity = entry.integer("quantity")?;
        if quantity.is_some_and(|quantity| !(0..=QUANTITY_MAX).contains(&quantity)) {
            return Err(entry.error("quantity", "Invalid quantity."));
        }
        let at = id.as_ref().map(|id| known.iter().position(|item| *item.id == **id));
        let deleted = entry.boolean("deleted")?.unwrap_or(false);
        let before = match at {
            None => Metadata::default(),
            Some(Some(at)) => Arc::clone(&known[at].metadata),
            Some(None) => {
                let id = id.unwrap_or_default();
                let missing = ApiError::missing("subscription item", &id, &entry.path_of("id"));
                return Err(missing.status(400));
            }
        };
        let metadata = metadata(&mut entry, "metadata", &before)?;
        let tax_rates = match (entry.has("tax_rates"), at.flatten()) {
            (false, Some(at)) => known[at].tax_rates.clone(),
            (false, None) | (true, _) => tax_rates::named(state, &mut entry)?,
        };
        entry.ignore(&["billing_thresholds", "clear_usage", "discounts"]);
        entry.done()?;
        match (at.flatten(), price) {
            (Some(at), _) if deleted => drop(known.remove(at)),
            (Some(at), price) => {
                let item = &mut known[at];
                item.price = price.unwrap_or_else(|| Arc::clone(&item.price));
                item.quantity = quantity.unwrap_or(item.quantity);
                item.tax_rates = tax_rates;
                item.metadata = metadata;
            }
            (None, Some(price)) => known.push(Item {
                id: state.ids.next("si_"),
                created: state.now(),
                price,
                quantity: quantity.unwrap_or(1),
                tax_rates,
                metadata,
            }),
            (None, None) => return Err(ApiError::required(&entry.path_of("price"))),
        }
    }
    let same = known.windows(2).all(|pair| pair[0].price.currency == pair[1].price.currency);
    if !same {
        return Err(params.error("items", "All prices of a subscription have one currency."));
    }
    if known.len() > ITEMS_MAX {
        return Err(params.error("items", format!("A subscription has at most {ITEMS_MAX} items.")));
    }
    Ok(known)
}

/// The price of an item, by any of its three names; only one that recurs.
fn price(state: &mut State, entry: &mut Params) -> Answer<Option<Arc<Price>>> {
    let (price, plan) = (entry.text("price")?, entry.text("plan")?);
    let named = shape::exclusive(entry, ("price", price), ("plan", plan))?;
    let price = match (named, entry.object("price_data")?) {
        (Some(id), None) => Some(Arc::clone(
            prices::find(state, &id, &entry.path_of("price"))
                .map_err(|missing| missing.status(400))?,
        )),
        (None, Some(mut data)) => {
            let price = prices::read(state, &mut data, None)?;
            data.done()?;
            Some(state.prices.insert(price))
        }
        (None, None) => None,
        (Some(_), Some(_)) => {
            return Err(entry.error(
                "price_data",
                "You may only specify one of these parameters: price, price_data.",
            ));
        }
    };
    match price {
        Some(price) if price.recurring.is_none() => Err(entry.error(
            "price",
            format!(
                "The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`: {}",
                price.id
            ),
        )),
        Some(price) if !price.active => Err(entry.error(
            "price",
            "The price specified is inactive. This field only accepts active prices.",
        )),
        price => Ok(price),
    }
}

/// The discount that a subscription begins with: `discounts`, or `coupon` as older versions say.
fn discount(
    state: &mut State,
    params: &mut Params,
    customer: &Id,
    subscription: &Id,
) -> Answer<Option<Arc<Given>>> {
    let mut entries = params.objects("discounts")?;
    if entries.len() > 1 {
        return Err(params.error("discounts", "The sandbox gives a subscription one discount."));
    }
    let given = match entries.pop() {
        Some(mut entry) => {
            let given = discounts::given(state, &mut entry, customer, Some(subscription))?;
            entry.done()?;
            given
        }
        None => discounts::given(state, params, customer, Some(subscription))?,
    };
    Ok(given.map(Arc::new))
}

pub(super) fn retrieve(state: &State, call: &mut Call) -> Answer {
    call.params.done()?;
    find(state, &call.id).map(|row| render::subscription(row, call.view(state)))
}

pub(super) fn update(state: &mut State, call: &mut Call) -> Answer {
    let known = alive(state, &call.id)?;
    let mut next = (*known).clone();
    next.items = items(state, &mut call.params, next.items)?;
    if next.items.is_empty() {
        return Err(
            ApiError::invalid("A subscription must have at least one active item.").param("items")
        );
    }
    let unset = call.params.has("discounts") || call.params.has("coupon");
    if unset {
        next.discount = None;
    }
    if let Some(given) = discount(state, &mut call.params, &known.customer, &known.id)? {
        next.discount = Some(given);
    }
    behavior(&mut call.params)?;
    let next = read(state, &mut call.params, next)?;
    call.params.done()?;
    if let Some(given) = next.discount.as_ref().filter(|_| unset) {
        discounts::redeem(state, given);
    }
    let planned = next.period != known.period || next.trial != known.trial;
    let row = subscriptions::update(state, next);
    if planned && row.status != SubscriptionStatus::Paused {
        subscriptions::plan(state, &row);
    }
    Ok(render::subscription(&row, call.view(state)))
}

fn alive(state: &State, id: &str) -> Answer<Arc<Subscription>> {
    let known = find(state, id)?;
    if known.is_over() {
        return Err(ApiError::missing("subscription", id, "id"));
    }
    Ok(Arc::clone(known))
}

pub(super) fn resume(state: &mut State, call: &mut Call) -> Answer {
    let known = alive(state, &call.id)?;
    call.params.ignore(&IGNORED);
    call.params.done()?;
    if known.status != SubscriptionStatus::Paused {
        return Err(ApiError::invalid(format!(
            "The subscription {} is not paused, so it cannot be resumed.",
            known.id
        )));
    }
    let now = state.now();
    let next = Subscription {
        status: SubscriptionStatus::Active,
        period: (now, subscriptions::period_end(&known.items, now)),
        anchor: now,
        ..(*known).clone()
    };
    let row = subscriptions::update(state, next);
    subscriptions::plan(state, &row);
    Ok(render::subscription(&row, call.view(state)))
}

pub(super) fn cancel(state: &mut State, call: &mut Call) -> Answer {
    let known = alive(state, &call.id)?;
    call.params.ignore(&["cancellation_details", "invoice_now", "prorate"]);
    call.params.done()?;
    let row = subscriptions::cancel(state, &known.id).unwrap_or(known);
    Ok(render::subscription(&row, call.view(state)))
}

pub(super) fn list(state: &State, call: &mut Call) -> Answer {
    let params = &mut call.params;
    let paging = Paging::read_created(params)?;
    let (customer, price) = (params.text("customer")?, params.text("price")?);
    let status = params.one_of("status", &STATUSES)?;
    let collection =
        params.one_of("collection_method", &["charge_automatically", "send_invoice"])?;
    params.ignore(&["test_clock"]);
    params.done()?;
    let (rows, has_more) = paging.newest(&state.subscriptions, None, "subscription", |row| {
        let state = render::subscription_status(row.status);
        let wanted = match status {
            None => state != "canceled",
            Some("all") => true,
            Some("ended") => state == "canceled",
            Some(status) => state == status,
        };
        wanted
            && customer.as_deref().is_none_or(|id| *row.customer == *id)
            && collection.is_none_or(|how| (how == "send_invoice") == row.collects_by_invoice)
            && price.as_deref().is_none_or(|id| row.items.iter().any(|item| *item.price.id == *id))
    })?;
    let data = rows.iter().map(|row| render::subscription(row, call.view(state))).collect();
    Ok(render::list(data, has_more, "/v1/subscriptions"))
}
