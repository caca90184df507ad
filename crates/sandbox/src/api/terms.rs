//! What sessions and links have in common: the terms that their creator sets.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Call, metadata};
use crate::{
    error::{Answer, ApiError},
    form::Params,
    state::objects::{Metadata, Mode, Terms, UiMode},
};

/// Shown as given; the sandbox does not act on them yet.
const SHOWN: [&str; 10] = [
    "billing_address_collection",
    "submit_type",
    "payment_method_collection",
    "consent_collection",
    "custom_fields",
    "adaptive_pricing",
    "name_collection",
    "wallet_options",
    "permissions",
    "branding_settings",
];

/// Taken without effect.
const IGNORED: [&str; 20] = [
    "after_expiration",
    "automatic_tax",
    "custom_text",
    "customer_update",
    "excluded_payment_method_types",
    "integration_identifier",
    "invoice_creation",
    "managed_payments",
    "optional_items",
    "origin_context",
    "payment_method_configuration",
    "payment_method_data",
    "payment_method_options",
    "redirect_on_completion",
    "saved_payment_method_options",
    "setup_intent_data",
    "shipping_options",
    "subscription_data",
    "tax_id_collection",
    "restrictions",
];

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

/// Where the buyer lands, before the rest of the terms is known.
#[derive(Debug, Default)]
pub(super) struct Landing {
    pub(super) success_url: Option<String>,
    pub(super) cancel_url: Option<String>,
    pub(super) return_url: Option<String>,
    pub(super) ui_mode: Option<UiMode>,
    pub(super) confirmation_message: Option<String>,
}

/// Reads the terms from a call to create a session or a link.
pub(super) fn read(
    call: &mut Call,
    mode: Mode,
    currency: Option<Arc<str>>,
    landing: Landing,
) -> Answer<Terms> {
    let named = call.version_named;
    let takes_methods = call.version.takes_payment_method_types();
    let params = &mut call.params;
    if params.has("payment_method_types") && named && !takes_methods {
        return Err(ApiError::invalid(format!(
            "Received unknown parameter: payment_method_types. Version {} no longer takes it.",
            call.version.name
        ))
        .code("parameter_unknown")
        .param("payment_method_types"));
    }
    let methods = methods(params, mode, currency.as_deref())?;
    let always_customer =
        params.one_of("customer_creation", &["always", "if_required"])? == Some("always");
    let promotion_codes = params.boolean("allow_promotion_codes")?.unwrap_or(false);
    let locale = params.text("locale")?;
    let phone = flag(params, "phone_number_collection")?;
    let ships_to = ships_to(params)?;
    let (capture_later, intent_description, intent_metadata) = intent_data(params)?;
    let shown = shown(params);
    params.ignore(&IGNORED);
    Ok(Terms {
        mode,
        currency,
        locale,
        methods,
        capture_later,
        phone,
        ships_to,
        promotion_codes,
        always_customer,
        success_url: landing.success_url,
        cancel_url: landing.cancel_url,
        return_url: landing.return_url,
        ui_mode: landing.ui_mode.unwrap_or(UiMode::Hosted),
        confirmation_message: landing.confirmation_message,
        intent_description,
        intent_metadata,
        shown: Arc::new(shown),
    })
}

fn methods(params: &mut Params, mode: Mode, currency: Option<&str>) -> Answer<Vec<&'static str>> {
    let asked = params.texts("payment_method_types")?;
    let mut methods = Vec::new();
    for name in &asked {
        let known = METHODS.iter().find(|known| *known == name).copied();
        let known = known.ok_or_else(|| {
            params.error("payment_method_types", format!("Invalid payment_method_types: {name}"))
        })?;
        let needs = match known {
            "sepa_debit" => Some("eur"),
            "us_bank_account" => Some("usd"),
            _ => None,
        };
        if let (Some(needs), Some(currency)) = (needs, currency)
            && needs != currency
        {
            return Err(params.error("payment_method_types", format!("The currency provided ({currency}) is invalid for the payment method type {known}. It takes {needs}.")));
        }
        methods.push(known);
    }
    if asked.is_empty() {
        methods.push("card");
        match (mode, currency) {
            (Mode::Payment, Some("eur")) => methods.push("sepa_debit"),
            (Mode::Payment, Some("usd")) => methods.push("us_bank_account"),
            _ => {}
        }
    }
    Ok(methods)
}

/// The payment methods of these names.
pub(super) fn methods_named(params: &Params, names: Vec<String>) -> Answer<Vec<&'static str>> {
    let known = names.into_iter().map(|name| {
        METHODS.iter().find(|known| **known == name).copied().ok_or_else(|| {
            params.error("payment_method_types", format!("Invalid payment_method_types: {name}"))
        })
    });
    known.collect()
}

fn flag(params: &mut Params, name: &str) -> Answer<bool> {
    let Some(mut object) = params.object(name)? else { return Ok(false) };
    let enabled = object.boolean("enabled")?.unwrap_or(false);
    object.done()?;
    Ok(enabled)
}

fn ships_to(params: &mut Params) -> Answer<Option<Vec<String>>> {
    let Some(mut object) = params.object("shipping_address_collection")? else { return Ok(None) };
    let countries = object.texts("allowed_countries")?;
    object.done()?;
    if countries.is_empty() {
        return Err(object
            .error(
                "allowed_countries",
                "Missing required param: shipping_address_collection[allowed_countries].",
            )
            .code("parameter_missing"));
    }
    if let Some(bad) = countries
        .iter()
        .find(|code| code.len() != 2 || !code.bytes().all(|byte| byte.is_ascii_uppercase()))
    {
        return Err(object.error(
            "allowed_countries",
            format!("Invalid country: {bad}. It is a two-letter ISO code, as DE."),
        ));
    }
    Ok(Some(countries))
}

fn intent_data(params: &mut Params) -> Answer<(bool, Option<String>, Metadata)> {
    let Some(mut data) = params.object("payment_intent_data")? else {
        return Ok((false, None, Metadata::default()));
    };
    let capture = data.one_of("capture_method", &["automatic", "automatic_async", "manual"])?;
    let description = data.text("description")?;
    let metadata = metadata(&mut data, "metadata", &Metadata::default())?;
    data.ignore(&[
        "application_fee_amount",
        "on_behalf_of",
        "receipt_email",
        "setup_future_usage",
        "shipping",
        "statement_descriptor",
        "statement_descriptor_suffix",
        "transfer_data",
        "transfer_group",
    ]);
    data.done()?;
    Ok((capture == Some("manual"), description, metadata))
}

fn shown(params: &mut Params) -> Map<String, Value> {
    SHOWN.iter().filter_map(|name| Some(((*name).to_owned(), params.shown(name)?))).collect()
}
