//! `/v1/payment_links`, and the session that a link makes for each visitor.

use std::sync::Arc;

use super::{
    Call, checkout_lines, currency, landing,
    list::Paging,
    metadata,
    sessions::put_off,
    shape, shipping_rates,
    terms::{self, LOCALES, Owner},
};
use crate::{
    checkout::{self, Choices},
    email::is_address,
    error::{Answer, ApiError},
    form::Params,
    ids::Id,
    render,
    state::{
        State,
        objects::{Line, Metadata, Mode, PaymentLink, Session, Snapshot, Terms},
    },
};

const LINES_MAX: usize = 20;

fn find<'a>(state: &'a State, id: &str) -> Answer<&'a Arc<PaymentLink>> {
    state.links.get(id).ok_or_else(|| ApiError::missing("payment link", id, "payment_link"))
}

pub(super) fn create(state: &mut State, call: &mut Call) -> Answer {
    let params = &mut call.params;
    let landing = landing::of_link(params)?;
    let metadata = metadata(params, "metadata", &Metadata::default())?;
    let asked = currency(params, "currency")?;
    let mode = if sells_subscriptions(state, params) { Mode::Subscription } else { Mode::Payment };
    let mut order = checkout_lines::read(state, params, (mode, Owner::Link), asked)?;
    if order.lines.len() > LINES_MAX {
        return Err(
            params.error("line_items", format!("A payment link takes at most {LINES_MAX} lines."))
        );
    }
    let mut terms = Terms::new(mode);
    terms.currency = order.currency;
    landing.settle(&mut terms);
    terms.shipping_options = shipping_rates::options(state, params, terms.currency.as_deref())?;
    let inactive_message = shape::text(params, "inactive_message", 500)?;
    let completed_max = restrictions(params)?;
    let now = state.now();
    terms::read(call, &mut terms, Owner::Link, now)?;
    call.params.done()?;
    put_off(&mut order.lines, &terms);
    let slug = state.ids.text("test_", 18);
    let link = PaymentLink {
        id: state.ids.next("plink_"),
        created: now,
        active: true,
        slug: slug.clone(),
        terms: Arc::new(terms),
        lines: order.lines,
        optional: order.optional,
        inactive_message,
        completed_max,
        completed: 0,
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

/// How many sessions may complete.
fn restrictions(params: &mut Params) -> Answer<Option<i64>> {
    let Some(mut restrictions) = params.object("restrictions")? else { return Ok(None) };
    let mut sessions = shape::needed(&mut restrictions, "completed_sessions")?;
    let limit = sessions.integer("limit")?;
    let limit = limit.ok_or_else(|| ApiError::required(&sessions.path_of("limit")))?;
    sessions.done()?;
    restrictions.done()?;
    if limit < 1 {
        return Err(sessions.error("limit", "Invalid integer: it must be at least 1."));
    }
    Ok(Some(limit))
}

pub(super) fn retrieve(state: &State, call: &mut Call) -> Answer {
    call.params.done()?;
    find(state, &call.id).map(|link| render::link(link, call.view(state)))
}

pub(super) fn update(state: &mut State, call: &mut Call) -> Answer {
    let mut next = (**find(state, &call.id)?).clone();
    let mut terms = (*next.terms).clone();
    let params = &mut call.params;
    next.active = params.boolean("active")?.unwrap_or(next.active);
    next.metadata = metadata(params, "metadata", &next.metadata)?;
    if params.has("inactive_message") {
        next.inactive_message = shape::text(params, "inactive_message", 500)?;
    }
    if params.has("restrictions") {
        next.completed_max = restrictions(params)?;
    }
    if params.has("after_completion") {
        landing::of_link(params)?.settle(&mut terms);
    }
    if params.has("optional_items") {
        let mut currency = terms.currency.clone();
        next.optional = checkout_lines::optional(state, params, terms.mode, &mut currency)?;
    }
    change_lines(params, &mut next.lines)?;
    let now = state.now();
    terms::read(call, &mut terms, Owner::Link, now)?;
    call.params.done()?;
    put_off(&mut next.lines, &terms);
    next.terms = Arc::new(terms);
    let link = state.links.insert(next);
    state.emit("payment_link.updated", Snapshot::Link(Arc::clone(&link)));
    Ok(render::link(&link, call.view(state)))
}

/// Quantities can change; lines neither come nor go.
fn change_lines(params: &mut Params, lines: &mut [Line]) -> Answer<()> {
    for mut entry in params.objects("line_items")? {
        let id = entry.need("id")?;
        let line = lines
            .iter_mut()
            .find(|line| *line.id == *id)
            .ok_or_else(|| ApiError::missing("line item", &id, &entry.path_of("id")).status(400))?;
        if let Some(quantity) = entry.integer("quantity")? {
            if quantity < 1 {
                return Err(entry.error("quantity", "Invalid integer: it must be at least 1."));
            }
            line.quantity = quantity;
        }
        if let Some(range) = entry.object("adjustable_quantity")? {
            line.adjustable = checkout_lines::adjustable(range)?;
        }
        entry.done()?;
    }
    Ok(())
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

/// What the address of a link may say about its visitor.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Visit {
    pub(crate) prefilled_email: Option<String>,
    pub(crate) client_reference_id: Option<String>,
    pub(crate) prefilled_promo_code: Option<String>,
    pub(crate) locale: Option<String>,
}

impl Visit {
    /// Reads a query; what does not fit is left out, as the visitor cannot do anything about it.
    pub(crate) fn read(query: &str) -> Self {
        let mut params = crate::form::decode(query).unwrap_or_default();
        let mut text = |name: &str| params.text(name).ok().flatten();
        let fits = |id: &String| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
            id.len() <= 200 && id.bytes().all(plain)
        };
        Self {
            prefilled_email: text("prefilled_email").filter(|email| is_address(email)),
            client_reference_id: text("client_reference_id").filter(fits),
            prefilled_promo_code: text("prefilled_promo_code"),
            locale: text("locale").filter(|locale| LOCALES.contains(&locale.as_str())),
        }
    }
}

/// The words of a link that is known and not to be followed now.
pub(crate) fn inactive_message(state: &State, slug: &str) -> Option<String> {
    state.links.get(state.link_by_slug.get(slug)?)?.inactive_message.clone()
}

/// A session for somebody who followed a link. None when the link is unknown or not active.
pub(crate) fn open(state: &mut State, slug: &str, visit: Visit) -> Option<Id> {
    let link = state.links.get(state.link_by_slug.get(slug)?);
    let link = link.filter(|link| link.is_open()).cloned()?;
    let renewed = |line: &Line, id: Id| Line { id, ..line.clone() };
    let lines = link.lines.iter().map(|line| renewed(line, state.ids.next("li_"))).collect();
    let optional = link.optional.iter().map(|line| renewed(line, state.ids.next("li_"))).collect();
    let mut terms = Arc::clone(&link.terms);
    if visit.locale.is_some() {
        Arc::make_mut(&mut terms).locale = visit.locale;
    }
    let mut session = Session {
        optional,
        customer_email: visit.prefilled_email,
        client_reference_id: visit.client_reference_id,
        metadata: Metadata::clone(&link.metadata),
        link: Some(Arc::clone(&link.id)),
        ..Session::open(state.ids.session(), state.now(), terms, lines)
    };
    if visit.prefilled_promo_code.is_some() {
        let choices = Choices { promotion_code: visit.prefilled_promo_code, ..Choices::default() };
        if let Ok(quote) = checkout::quote(state, &session, &choices) {
            session.take(quote);
        }
    }
    Some(Arc::clone(&state.add_session(session).id))
}
