//! `/v1/payment_methods`, and the methods that other calls name or bring along.

use std::sync::Arc;

use super::{
    super::{Call, customers, list::Paging, metadata},
    declined,
};
use crate::{
    checkout::Means,
    error::{Answer, ApiError},
    form::Params,
    ids::Id,
    instruments, payments, render, shorthand,
    state::{
        State,
        objects::{Buyer, Ends, Failure, Metadata, PaymentMethod, Snapshot},
    },
};

const TYPES: [&str; 7] =
    ["boleto", "card", "konbini", "multibanco", "oxxo", "sepa_debit", "us_bank_account"];
const REDISPLAYS: [&str; 3] = ["always", "limited", "unspecified"];
const NUMBER_WRONG: Failure = Failure {
    code: "incorrect_number",
    decline_code: None,
    message: "Your card number is incorrect.",
};

/// A payment method that a call names, or one that is made once all else is in order.
pub(in crate::api) enum Named {
    Known(Id),
    New(Box<PaymentMethod>),
}

impl Named {
    /// The method, in the table.
    pub(super) fn take(self, state: &mut State) -> Option<Arc<PaymentMethod>> {
        match self {
            Self::Known(id) => state.methods.get(&id).cloned(),
            Self::New(method) => {
                let id = state.ids.next("pm_");
                Some(state.methods.insert(PaymentMethod { id, ..*method }))
            }
        }
    }

    /// The customer it belongs to.
    pub(super) fn customer(&self, state: &State) -> Option<Id> {
        match self {
            Self::Known(id) => state.methods.get(id).and_then(|method| method.customer.clone()),
            Self::New(_) => None,
        }
    }
}

fn fresh(state: &State, means: Means, billing: Buyer) -> PaymentMethod {
    PaymentMethod {
        id: "".into(),
        created: state.now(),
        instrument: means.instrument,
        ends: means.ends,
        billing,
        customer: None,
        allow_redisplay: "unspecified",
        metadata: Metadata::default(),
    }
}

/// Makes a payment method of what was brought along.
pub(super) fn keep(state: &mut State, means: Means, billing: Buyer) -> Arc<PaymentMethod> {
    let method = PaymentMethod { id: state.ids.next("pm_"), ..fresh(state, means, billing) };
    state.methods.insert(method)
}

/// The method of this id; a well-known name (`pm_card_visa`) stands for a new one.
pub(in crate::api) fn named(state: &State, id: &str, param: &str) -> Answer<Named> {
    if let Some(method) = state.methods.get(id) {
        return Ok(Named::Known(Arc::clone(&method.id)));
    }
    let means = shorthand::method(id)
        .ok_or_else(|| ApiError::missing("PaymentMethod", id, param).status(400))?;
    Ok(Named::New(Box::new(fresh(state, means, Buyer::default()))))
}

/// A method that belongs to that customer.
pub(in crate::api) fn of(state: &State, id: &str, customer: &Id, param: &str) -> Answer<Id> {
    let method = state.methods.get(id);
    let method = method.ok_or_else(|| ApiError::missing("PaymentMethod", id, param).status(400))?;
    if method.customer.as_ref() != Some(customer) {
        return Err(ApiError::invalid(format!(
            "The customer does not have a payment method with the ID {id}. The payment method must be attached to the customer."
        ))
        .code("resource_missing")
        .param(param));
    }
    Ok(Arc::clone(&method.id))
}

/// `payment_method` or `payment_method_data` of a call.
pub(super) fn asked(state: &State, params: &mut Params) -> Answer<Option<Named>> {
    if let Some(id) = params.text("payment_method")? {
        return named(state, &id, "payment_method").map(Some);
    }
    match params.object("payment_method_data")? {
        None => Ok(None),
        Some(mut data) => {
            let method = read(state, &mut data)?;
            data.done()?;
            Ok(Some(Named::New(Box::new(method))))
        }
    }
}

fn billing(params: &mut Params, known: &Buyer) -> Answer<Buyer> {
    let Some(mut data) = params.object("billing_details")? else { return Ok(known.clone()) };
    let text = |data: &mut Params, name: &str, known: &Option<String>| {
        data.text(name).map(|text| text.or_else(|| known.clone()))
    };
    let buyer = Buyer {
        email: text(&mut data, "email", &known.email)?,
        name: text(&mut data, "name", &known.name)?,
        phone: text(&mut data, "phone", &known.phone)?,
        address: match data.object("address")? {
            Some(address) => customers::address(address)?,
            None => known.address.clone(),
        },
    };
    data.ignore(&["tax_id"]);
    data.done()?;
    Ok(buyer)
}

fn read(state: &State, params: &mut Params) -> Answer<PaymentMethod> {
    let kind = params.one_of("type", &TYPES)?.ok_or_else(|| ApiError::required("type"))?;
    let billing = billing(params, &Buyer::default())?;
    let means = match kind {
        "card" => card(state, params)?,
        "sepa_debit" => {
            let mut data = need(params, kind)?;
            let iban = data.need("iban")?;
            data.done()?;
            instruments::iban(&iban).map_err(|(field, text)| data.error(field, text))?
        }
        "us_bank_account" => {
            let mut data = need(params, kind)?;
            let (routing, account) = (data.need("routing_number")?, data.need("account_number")?);
            data.ignore(&["account_holder_type", "account_type"]);
            data.done()?;
            instruments::us_account(&routing, &account)
                .map_err(|(field, text)| data.error(field, text))?
        }
        voucher => {
            params.ignore(&[voucher]);
            let paid = instruments::address_pays(billing.email.as_deref());
            instruments::voucher(voucher, paid).ok_or_else(|| ApiError::required("type"))?
        }
    };
    let redisplay = params.one_of("allow_redisplay", &REDISPLAYS)?;
    let metadata = metadata(params, "metadata", &Metadata::default())?;
    params.ignore(&["radar_options"]);
    Ok(PaymentMethod {
        allow_redisplay: redisplay.unwrap_or("unspecified"),
        metadata,
        ..fresh(state, means, billing)
    })
}

fn need(params: &mut Params, name: &str) -> Answer<Params> {
    params.object(name)?.ok_or_else(|| ApiError::required(name))
}

fn card(state: &State, params: &mut Params) -> Answer<Means> {
    let mut data = need(params, "card")?;
    if let Some(token) = data.text("token")? {
        data.done()?;
        return shorthand::token(&token)
            .ok_or_else(|| ApiError::missing("token", &token, "card[token]").status(400));
    }
    let number = data.need("number")?;
    let (month, year) = (data.need("exp_month")?, data.need("exp_year")?);
    let cvc = data.text("cvc")?;
    data.ignore(&["networks"]);
    data.done()?;
    let usual = if number.starts_with("34") || number.starts_with("37") { "1234" } else { "123" };
    let present = crate::page::year_and_month(state.now());
    let means = instruments::card(
        &number,
        &format!("{month}/{year}"),
        cvc.as_deref().unwrap_or(usual),
        present,
    );
    means.map_err(|(field, message)| {
        let (param, code) = match field {
            "card_number" => ("number", NUMBER_WRONG.code),
            "exp" if month.parse().is_ok_and(|month: u32| (1..=12).contains(&month)) => {
                ("exp_year", "invalid_expiry_year")
            }
            "exp" => ("exp_month", "invalid_expiry_month"),
            _ => ("cvc", "invalid_cvc"),
        };
        declined(Failure { code, message, ..NUMBER_WRONG }).param(param)
    })
}

fn find<'a>(state: &'a State, id: &str) -> Answer<&'a Arc<PaymentMethod>> {
    state.methods.get(id).ok_or_else(|| ApiError::missing("PaymentMethod", id, "payment_method"))
}

pub(super) fn create(state: &mut State, call: &mut Call) -> Answer {
    let params = &mut call.params;
    let copied = params.text("payment_method")?;
    let method = match copied {
        // Copies a method, as platforms do.
        Some(id) => {
            params.ignore(&["customer"]);
            PaymentMethod { customer: None, ..(**find(state, &id)?).clone() }
        }
        None => read(state, params)?,
    };
    call.params.done()?;
    let method = PaymentMethod { id: state.ids.next("pm_"), created: state.now(), ..method };
    Ok(render::payment_method(&state.methods.insert(method)))
}

pub(super) fn retrieve(state: &State, call: &mut Call) -> Answer {
    call.params.done()?;
    if let Some(means) = shorthand::method(&call.id) {
        let method = fresh(state, means, Buyer::default());
        return Ok(render::payment_method(&PaymentMethod {
            id: call.id.as_str().into(),
            ..method
        }));
    }
    find(state, &call.id).map(|method| render::payment_method(method))
}

pub(super) fn update(state: &mut State, call: &mut Call) -> Answer {
    let known = Arc::clone(find(state, &call.id)?);
    let params = &mut call.params;
    let billing = billing(params, &known.billing)?;
    let metadata = metadata(params, "metadata", &known.metadata)?;
    let redisplay = params.one_of("allow_redisplay", &REDISPLAYS)?;
    let mut instrument = known.instrument.clone();
    if let Some(mut card) = params.object("card")? {
        instrument.exp_month = card.integer("exp_month")?.unwrap_or(instrument.exp_month);
        instrument.exp_year = card.integer("exp_year")?.unwrap_or(instrument.exp_year);
        card.ignore(&["networks"]);
        card.done()?;
    }
    params.ignore(&["us_bank_account", "link", "payto"]);
    params.done()?;
    let method = state.methods.insert(PaymentMethod {
        instrument,
        billing,
        metadata,
        allow_redisplay: redisplay.unwrap_or(known.allow_redisplay),
        ..(*known).clone()
    });
    if method.customer.is_some() {
        state.emit("payment_method.updated", Snapshot::Method(Arc::clone(&method)));
    }
    Ok(render::payment_method(&method))
}

pub(super) fn attach(state: &mut State, call: &mut Call) -> Answer {
    let customer = call.params.need("customer")?;
    call.params.done()?;
    let customer = customers::find(state, &customer, "customer")
        .map_err(|missing| missing.status(400))
        .map(|customer| Arc::clone(&customer.id))?;
    let method = named(state, &call.id, "payment_method").map_err(|missing| missing.status(404))?;
    let id = attachable(state, method, &customer)?;
    payments::attach(state, &id, &customer)
        .map(|method| render::payment_method(&method))
        .ok_or_else(|| ApiError::missing("PaymentMethod", &id, "payment_method"))
}

/// A method that may be attached to a customer: it belongs to no other, and the bank does not say no.
pub(in crate::api) fn attachable(state: &mut State, method: Named, customer: &Id) -> Answer<Id> {
    if method.customer(state).is_some_and(|owner| owner != *customer) {
        return Err(ApiError::invalid(
            "The payment method you provided has already been attached to a customer.",
        )
        .code("payment_method_already_attached"));
    }
    if let Named::New(method) = &method
        && let Ends::Refused(failure) = method.ends
        && method.instrument.last4 != "0341"
    {
        return Err(declined(failure));
    }
    Ok(method.take(state).map(|method| Arc::clone(&method.id)).unwrap_or_default())
}

pub(super) fn detach(state: &mut State, call: &mut Call) -> Answer {
    call.params.done()?;
    if find(state, &call.id)?.customer.is_none() {
        return Err(ApiError::invalid(
            "The payment method you provided is not attached to a customer so detachment is impossible.",
        ));
    }
    let method = state.methods.change(&call.id, |method| method.customer = None);
    let method = method.ok_or_else(|| ApiError::missing("PaymentMethod", &call.id, "id"))?;
    state.emit("payment_method.detached", Snapshot::Method(Arc::clone(&method)));
    Ok(render::payment_method(&method))
}

pub(super) fn list(state: &State, call: &mut Call) -> Answer {
    let customer = call.params.text("customer")?;
    page(state, call, customer, "/v1/payment_methods")
}

pub(super) fn of_customer(state: &State, call: &mut Call) -> Answer {
    let customer = customers::find(state, &call.id, "customer")?.id.to_string();
    let url = format!("/v1/customers/{customer}/payment_methods");
    page(state, call, Some(customer), &url)
}

fn page(state: &State, call: &mut Call, customer: Option<String>, url: &str) -> Answer {
    let params = &mut call.params;
    let paging = Paging::read(params)?;
    let kind = params.text("type")?;
    params.ignore(&["allow_redisplay"]);
    params.done()?;
    let (rows, has_more) = paging.newest(&state.methods, None, "payment_method", |row| {
        customer.is_some()
            && row.customer.as_deref() == customer.as_deref()
            && kind.as_deref().is_none_or(|kind| row.instrument.kind == kind)
    })?;
    Ok(render::list(rows.iter().map(|row| render::payment_method(row)).collect(), has_more, url))
}
