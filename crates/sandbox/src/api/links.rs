//! `/v1/payment_links`, and the session that a link makes for each visitor.

use std::sync::Arc;

use super::{Call, checkout_lines, currency, list::Paging, metadata, terms};
use crate::{
    error::{Answer, ApiError},
    form::Params,
    ids::Id,
    render,
    state::{
        State,
        objects::{Line, Metadata, Mode, PaymentLink, Session, Snapshot},
    },
};

const LINES_MAX: usize = 20;

fn find<'a>(state: &'a State, id: &str) -> Answer<&'a Arc<PaymentLink>> {
    state.links.get(id).ok_or_else(|| ApiError::missing("payment link", id, "payment_link"))
}

pub(super) fn create(state: &mut State, call: &mut Call) -> Answer {
    let params = &mut call.params;
    let landing = after_completion(params)?;
    let metadata = metadata(params, "metadata", &Metadata::default())?;
    let asked = currency(params, "currency")?;
    params.ignore(&[
        "application_fee_amount",
        "application_fee_percent",
        "inactive_message",
        "on_behalf_of",
        "transfer_data",
    ]);
    let recurring = Mode::Subscription;
    let mode = if sells_subscriptions(state, params) { recurring } else { Mode::Payment };
    let (lines, currency) = checkout_lines::read(state, params, mode)?;
    if lines.len() > LINES_MAX {
        return Err(
            params.error("line_items", format!("A payment link takes at most {LINES_MAX} lines."))
        );
    }
    let terms = terms::read(call, mode, currency.or(asked), landing)?;
    call.params.done()?;
    let slug = state.ids.text("test_", 18);
    let link = PaymentLink {
        id: state.ids.next("plink_"),
        created: state.now(),
        active: true,
        slug: slug.clone(),
        terms: Arc::new(terms),
        lines,
        metadata,
    };
    let link = state.links.insert(link);
    state.link_by_slug.insert(slug, Arc::clone(&link.id));
    state.emit("payment_link.created", Snapshot::Link(Arc::clone(&link)));
    Ok(render::link(&link, call.view(state)))
}

/// A link has no mode: it follows from its prices.
fn sells_subscriptions(state: &State, params: &Params) -> bool {
    let mut copy = params.clone();
    copy.objects("line_items").unwrap_or_default().iter_mut().any(|entry| {
        let price = entry.text("price").ok().flatten();
        let inline =
            entry.object("price_data").ok().flatten().is_some_and(|data| data.has("recurring"));
        inline
            || price
                .and_then(|id| state.prices.get(&id))
                .is_some_and(|price| price.recurring.is_some())
    })
}

fn after_completion(params: &mut Params) -> Answer<terms::Landing> {
    let mut landing = terms::Landing::default();
    let Some(mut after) = params.object("after_completion")? else { return Ok(landing) };
    let kind = after.one_of("type", &["hosted_confirmation", "redirect"])?;
    if let Some(mut redirect) = after.object("redirect")? {
        landing.success_url = Some(redirect.need("url")?);
        redirect.done()?;
    }
    if let Some(mut confirmation) = after.object("hosted_confirmation")? {
        landing.confirmation_message = confirmation.text("custom_message")?;
        confirmation.done()?;
    }
    after.done()?;
    match (kind, &landing.success_url) {
        (Some("redirect"), None) => Err(ApiError::required("after_completion[redirect][url]")),
        _ => Ok(landing),
    }
}

pub(super) fn retrieve(state: &State, call: &mut Call) -> Answer {
    call.params.done()?;
    find(state, &call.id).map(|link| render::link(link, call.view(state)))
}

pub(super) fn update(state: &mut State, call: &mut Call) -> Answer {
    let mut next = (**find(state, &call.id)?).clone();
    let params = &mut call.params;
    next.active = params.boolean("active")?.unwrap_or(next.active);
    next.metadata = metadata(params, "metadata", &next.metadata)?;
    if params.has("after_completion") {
        let landing = after_completion(params)?;
        let mut terms = (*next.terms).clone();
        (terms.success_url, terms.confirmation_message) =
            (landing.success_url, landing.confirmation_message);
        next.terms = Arc::new(terms);
    }
    params.done()?;
    let link = state.links.insert(next);
    state.emit("payment_link.updated", Snapshot::Link(Arc::clone(&link)));
    Ok(render::link(&link, call.view(state)))
}

pub(super) fn list(state: &State, call: &mut Call) -> Answer {
    let paging = Paging::read(&mut call.params)?;
    let active = call.params.boolean("active")?;
    call.params.done()?;
    let (rows, has_more) = paging.newest(&state.links, None, "payment link", |row| {
        active.is_none_or(|active| row.active == active)
    })?;
    let view = call.view(state);
    Ok(render::list(
        rows.iter().map(|row| render::link(row, view)).collect(),
        has_more,
        "/v1/payment_links",
    ))
}

pub(super) fn line_items(state: &State, call: &mut Call) -> Answer {
    let paging = Paging::read(&mut call.params)?;
    call.params.done()?;
    let link = find(state, &call.id)?;
    let (rows, has_more) = paging.in_order(&link.lines, |line| &line.id, "line item")?;
    let currency = link.terms.currency.as_deref().unwrap_or("usd");
    let data = rows.into_iter().map(|line| render::line(line, currency, state)).collect();
    Ok(render::list(data, has_more, &format!("/v1/payment_links/{}/line_items", link.id)))
}

/// A session for somebody who followed a link. None when the link is unknown or not active.
pub(crate) fn open(
    state: &mut State,
    slug: &str,
    email: Option<String>,
    reference: Option<String>,
) -> Option<Id> {
    let link =
        state.links.get(state.link_by_slug.get(slug)?).filter(|link| link.active).cloned()?;
    let lines =
        link.lines.iter().map(|line| Line { id: state.ids.next("li_"), ..line.clone() }).collect();
    let session = Session {
        customer_email: email,
        client_reference_id: reference,
        metadata: Metadata::clone(&link.metadata),
        link: Some(Arc::clone(&link.id)),
        ..Session::open(state.ids.session(), state.now(), Arc::clone(&link.terms), lines)
    };
    Some(Arc::clone(&state.add_session(session).id))
}
