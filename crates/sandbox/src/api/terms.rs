//! What sessions and links have in common: the terms that their creator sets.

use super::{
    Call, custom_fields, metadata,
    passive::{self, PASSIVE, PASSIVE_OF_LINKS, PASSIVE_OF_SESSIONS},
    shape::{Shape, take, take_all, text},
};
use crate::{
    error::{Answer, ApiError},
    form::Params,
    state::objects::{Ask, Mode, Terms, Trial},
};

/// Names of payment methods that may be listed; the page offers those it can play.
const METHODS: [&str; 30] = [
    "card",
    "sepa_debit",
    "us_bank_account",
    "link",
    "acss_debit",
    "affirm",
    "afterpay_clearpay",
    "alipay",
    "amazon_pay",
    "au_becs_debit",
    "bacs_debit",
    "bancontact",
    "blik",
    "boleto",
    "cashapp",
    "customer_balance",
    "eps",
    "fpx",
    "giropay",
    "grabpay",
    "ideal",
    "klarna",
    "konbini",
    "multibanco",
    "oxxo",
    "p24",
    "paypal",
    "pix",
    "sofort",
    "twint",
];

/// Countries that nothing is shipped to.
const NOT_SHIPPED_TO: [&str; 16] = [
    "AS", "CC", "CU", "CX", "FM", "HM", "IR", "KP", "MH", "MP", "NF", "PW", "SD", "SY", "UM", "VI",
];

pub(super) const LOCALES: [&str; 41] = [
    "auto", "bg", "cs", "da", "de", "el", "en", "en-GB", "es", "es-419", "et", "fi", "fil", "fr",
    "fr-CA", "hr", "hu", "id", "it", "ja", "ko", "lt", "lv", "ms", "mt", "nb", "nl", "pl", "pt",
    "pt-BR", "ro", "ru", "sk", "sl", "sv", "th", "tr", "vi", "zh", "zh-HK", "zh-TW",
];

const TRIAL_DAYS_MAX: i64 = 730;
/// A trial that ends by date lasts two days at least.
const TRIAL_MIN_S: i64 = 48 * 60 * 60;

/// Whose terms are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    Session,
    Link,
}

/// Reads what a call says about the terms onto those that are known; what it does not mention stays.
pub(super) fn read(call: &mut Call, terms: &mut Terms, owner: Owner, now: i64) -> Answer<()> {
    let named = call.version_named;
    if call.params.has("payment_method_types")
        && named
        && !call.version.takes_payment_method_types()
    {
        return Err(ApiError::invalid(format!(
            "Received unknown parameter: payment_method_types. Version {} no longer takes it.",
            call.version.name
        ))
        .code("parameter_unknown")
        .param("payment_method_types"));
    }
    let params = &mut call.params;
    only_in(params, terms.mode)?;
    methods(params, terms, owner)?;
    asked(params, terms)?;
    bought(params, terms)?;
    intent_data(params, terms, owner)?;
    subscription_data(params, terms, owner, now)?;
    let own: &[_] = match owner {
        Owner::Session => &PASSIVE_OF_SESSIONS,
        Owner::Link => &PASSIVE_OF_LINKS,
    };
    terms.shown = take_all(params, &PASSIVE, &terms.shown)?;
    terms.shown = take_all(params, own, &terms.shown)?;
    passive::act_on(terms);
    if owner == Owner::Session {
        if params.has("locale") {
            terms.locale = params.one_of("locale", &LOCALES)?.map(str::to_owned);
        }
        passive::ignore(params)?;
    }
    Ok(())
}

/// Parameters that go with some modes only.
fn only_in(params: &Params, mode: Mode) -> Answer<()> {
    let (name, wrong): (&str, &[&str]) = match mode {
        Mode::Payment => {
            ("payment", &["subscription_data", "setup_intent_data", "payment_method_collection"])
        }
        Mode::Subscription => (
            "subscription",
            &["payment_intent_data", "setup_intent_data", "customer_creation", "invoice_creation"],
        ),
        Mode::Setup => (
            "setup",
            &[
                "payment_intent_data",
                "subscription_data",
                "payment_method_collection",
                "invoice_creation",
                "submit_type",
                "shipping_options",
                "optional_items",
                "discounts",
                "allow_promotion_codes",
            ],
        ),
    };
    match wrong.iter().find(|wrong| params.has(wrong)) {
        None => Ok(()),
        Some(wrong) => {
            Err(params.error(wrong, format!("You can not pass `{wrong}` in `{name}` mode.")))
        }
    }
}

fn methods(params: &mut Params, terms: &mut Terms, owner: Owner) -> Answer<()> {
    let currency = terms.currency.as_deref();
    let allowed = match owner {
        Owner::Session => allowed(params, currency)?,
        Owner::Link => None,
    };
    if let Some((allowed, offered)) = allowed {
        (terms.methods, terms.methods_named) = (offered, true);
        terms.allowed_methods = Some(allowed);
    } else if params.has("payment_method_types") {
        terms.methods = listed(params, currency)?;
        terms.methods_named = !terms.methods.is_empty();
    }
    if !terms.methods_named {
        terms.methods = vec!["card"];
        match (terms.mode, currency) {
            (Mode::Payment, Some("eur")) => terms.methods.push("sepa_debit"),
            (Mode::Payment, Some("usd")) => terms.methods.push("us_bank_account"),
            _ => {}
        }
    }
    Ok(())
}

fn listed(params: &mut Params, currency: Option<&str>) -> Answer<Vec<&'static str>> {
    let mut methods = Vec::new();
    let mut names = params.texts("payment_method_types")?;
    names.retain(|name| !name.is_empty());
    for known in methods_named(params, "payment_method_types", names)? {
        if let (Some(needs), Some(currency)) = (currency_of(known), currency)
            && needs != currency
        {
            return Err(params.error("payment_method_types", format!("The currency provided ({currency}) is invalid for the payment method type {known}. It takes {needs}.")));
        }
        methods.push(known);
    }
    Ok(methods)
}

/// The only currency of a method that has one.
fn currency_of(method: &str) -> Option<&'static str> {
    match method {
        "sepa_debit" | "multibanco" => Some("eur"),
        "us_bank_account" => Some("usd"),
        "boleto" => Some("brl"),
        "konbini" => Some("jpy"),
        "oxxo" => Some("mxn"),
        _ => None,
    }
}

type Methods = Vec<&'static str>;

/// `allowed_payment_method_types`, and those of them that the currency has.
pub(super) fn allowed(
    params: &mut Params,
    currency: Option<&str>,
) -> Answer<Option<(Methods, Methods)>> {
    const NAME: &str = "allowed_payment_method_types";
    let mut names = params.texts(NAME)?;
    names.retain(|name| !name.is_empty());
    if names.is_empty() {
        return Ok(None);
    }
    if params.has("payment_method_types") {
        return Err(params.error(
            NAME,
            format!("You may only specify one of these parameters: payment_method_types, {NAME}."),
        ));
    }
    let allowed = methods_named(params, NAME, names)?;
    let mut offered = allowed.clone();
    offered.retain(|method| {
        currency.is_none_or(|now| currency_of(method).is_none_or(|own| own == now))
    });
    if offered.is_empty() {
        return Err(params.error(
            NAME,
            format!(
                "None of the payment methods {} takes {}.",
                allowed.join(", "),
                currency.unwrap_or_default()
            ),
        ));
    }
    Ok(Some((allowed, offered)))
}

/// The payment methods of these names.
pub(super) fn methods_named(
    params: &Params,
    param: &str,
    names: Vec<String>,
) -> Answer<Vec<&'static str>> {
    let known = names.into_iter().map(|name| {
        METHODS
            .iter()
            .find(|known| **known == name)
            .copied()
            .ok_or_else(|| params.error(param, format!("Invalid {param}: {name}")))
    });
    known.collect()
}

/// What the buyer is asked for.
fn asked(params: &mut Params, terms: &mut Terms) -> Answer<()> {
    if params.has("phone_number_collection") {
        terms.phone = enabled(params, "phone_number_collection")?;
    }
    if params.has("billing_address_collection") {
        let asked = params.one_of("billing_address_collection", &["auto", "required"])?;
        terms.billing_address = asked == Some("required");
    }
    if params.has("shipping_address_collection") {
        terms.ships_to = ships_to(params)?;
    }
    if params.has("custom_fields") {
        terms.custom_fields = custom_fields::read(params)?;
    }
    if params.has("name_collection") {
        (terms.individual_name, terms.business_name) = (Ask::No, Ask::No);
        if let Some(mut names) = params.object("name_collection")? {
            terms.individual_name =
                names.object("individual")?.map(ask).transpose()?.unwrap_or_default();
            terms.business_name =
                names.object("business")?.map(ask).transpose()?.unwrap_or_default();
            names.done()?;
        }
    }
    if params.has("tax_id_collection") {
        terms.tax_id = Ask::No;
        if let Some(mut asked) = params.object("tax_id_collection")? {
            let enabled = needed_flag(&mut asked, "enabled")?;
            let required = asked.one_of("required", &["if_supported", "never"])?;
            asked.done()?;
            terms.tax_id = match (enabled, required) {
                (false, _) => Ask::No,
                (true, Some("if_supported")) => Ask::Required,
                (true, _) => Ask::Optional,
            };
        }
    }
    Ok(())
}

/// What changes the sale.
fn bought(params: &mut Params, terms: &mut Terms) -> Answer<()> {
    if let Some(codes) = params.boolean("allow_promotion_codes")? {
        terms.promotion_codes = codes;
    }
    if let Some(creation) = params.one_of("customer_creation", &["always", "if_required"])? {
        terms.always_customer = creation == "always";
    }
    if let Some(submit) =
        params.one_of("submit_type", &["auto", "book", "donate", "pay", "subscribe"])?
    {
        terms.submit_type = Some(submit);
    }
    if let Some(when) = params.one_of("payment_method_collection", &["always", "if_required"])? {
        terms.method_if_required = when == "if_required";
    }
    if let Some(mut tax) = params.object("automatic_tax")? {
        terms.automatic_tax = needed_flag(&mut tax, "enabled")?;
        tax.ignore(&["liability"]);
        tax.done()?;
    }
    Ok(())
}

fn needed_flag(params: &mut Params, name: &str) -> Answer<bool> {
    params.boolean(name)?.ok_or_else(|| ApiError::required(&params.path_of(name)))
}

fn enabled(params: &mut Params, name: &str) -> Answer<bool> {
    let Some(mut object) = params.object(name)? else { return Ok(false) };
    let enabled = needed_flag(&mut object, "enabled")?;
    object.done()?;
    Ok(enabled)
}

fn ask(mut params: Params) -> Answer<Ask> {
    let enabled = needed_flag(&mut params, "enabled")?;
    let optional = params.boolean("optional")?.unwrap_or(false);
    params.done()?;
    Ok(match (enabled, optional) {
        (false, _) => Ask::No,
        (true, true) => Ask::Optional,
        (true, false) => Ask::Required,
    })
}

fn ships_to(params: &mut Params) -> Answer<Option<Vec<String>>> {
    let Some(mut object) = params.object("shipping_address_collection")? else { return Ok(None) };
    let countries = object.texts("allowed_countries")?;
    object.done()?;
    if countries.is_empty() {
        return Err(ApiError::required(&object.path_of("allowed_countries")));
    }
    if let Some(bad) = countries.iter().find(|code| {
        code.len() != 2
            || !code.bytes().all(|byte| byte.is_ascii_uppercase())
            || NOT_SHIPPED_TO.contains(&code.as_str())
    }) {
        return Err(object.error(
            "allowed_countries",
            format!(
                "Invalid country: {bad}. It is a two-letter ISO code that Checkout ships to, as DE."
            ),
        ));
    }
    Ok(Some(countries))
}

const FUTURE_USAGES: [&str; 2] = ["off_session", "on_session"];

fn intent_data(params: &mut Params, terms: &mut Terms, owner: Owner) -> Answer<()> {
    let Some(mut data) = params.object("payment_intent_data")? else { return Ok(()) };
    if let Some(capture) =
        data.one_of("capture_method", &["automatic", "automatic_async", "manual"])?
    {
        terms.capture_later = capture == "manual";
    }
    if data.has("description") {
        terms.intent_description = text(&mut data, "description", 1_000)?;
    }
    terms.intent_metadata = metadata(&mut data, "metadata", &terms.intent_metadata)?;
    if let Some(usage) = data.one_of("setup_future_usage", &FUTURE_USAGES)? {
        terms.setup_future_usage = Some(usage);
    }
    if data.has("statement_descriptor") {
        terms.statement_descriptor = text(&mut data, "statement_descriptor", 22)?;
    }
    if data.has("statement_descriptor_suffix") {
        terms.statement_descriptor_suffix = text(&mut data, "statement_descriptor_suffix", 22)?;
    }
    if data.has("transfer_group") {
        terms.transfer_group = data.text("transfer_group")?;
    }
    if owner == Owner::Session {
        terms.receipt_email = data.text("receipt_email")?;
        terms.intent_shipping =
            data.object("shipping")?.map(super::customers::parcel).transpose()?;
        data.ignore(&["application_fee_amount", "on_behalf_of", "transfer_data"]);
    }
    data.done()
}

const TRIAL_SETTINGS: Shape = Shape::Object(&[(
    "end_behavior",
    Shape::Object(&[(
        "missing_payment_method",
        Shape::OneOf(&["cancel", "create_invoice", "pause"]),
    )]),
)]);

fn subscription_data(params: &mut Params, terms: &mut Terms, owner: Owner, now: i64) -> Answer<()> {
    let Some(mut data) = params.object("subscription_data")? else { return Ok(()) };
    if data.has("description") {
        terms.subscription_description = text(&mut data, "description", 500)?;
    }
    terms.subscription_metadata = metadata(&mut data, "metadata", &terms.subscription_metadata)?;
    if data.has("trial_period_days") {
        terms.trial = match data.integer("trial_period_days")? {
            None => None,
            Some(days @ 1..=TRIAL_DAYS_MAX) => Some(Trial::Days(days)),
            Some(_) => {
                return Err(data.error(
                    "trial_period_days",
                    format!("The trial must last between 1 and {TRIAL_DAYS_MAX} days."),
                ));
            }
        };
    }
    if data.has("trial_settings") {
        terms.trial_settings = take(&mut data, "trial_settings", &TRIAL_SETTINGS)?;
    }
    data.ignore(&["invoice_settings"]);
    if owner == Owner::Session && !data.texts("default_tax_rates")?.is_empty() {
        return Err(data.error(
            "default_tax_rates",
            "The sandbox has no default tax rates. Name them in `tax_rates` of each line.",
        ));
    }
    if owner == Owner::Session {
        if let Some(until) = data.integer("trial_end")? {
            if terms.trial.is_some() {
                return Err(data.error(
                    "trial_end",
                    "You may only specify one of these parameters: trial_period_days, trial_end.",
                ));
            }
            if until < now + TRIAL_MIN_S {
                return Err(data.error(
                    "trial_end",
                    "The `trial_end` date has to be at least 2 days in the future.",
                ));
            }
            terms.trial = Some(Trial::Until(until));
        }
        data.ignore(&[
            "application_fee_percent",
            "billing_cycle_anchor",
            "billing_mode",
            "on_behalf_of",
            "pending_invoice_item_interval",
            "proration_behavior",
            "transfer_data",
        ]);
    }
    data.done()
}
