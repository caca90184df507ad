//! Terms that are shown as they were given, and their shapes. Few of them change what happens.

use serde_json::Value;

use super::shape::{Member, Shape, take};
use crate::{
    error::Answer,
    form::Params,
    render::no_invoice_data,
    state::objects::{Shown, Terms},
};

const MESSAGE: Shape = Shape::Object(&[("message", Shape::Text(1_200))]);
const ISSUER: Shape =
    Shape::Object(&[("account", Shape::Text(5_000)), ("type", Shape::OneOf(&["account", "self"]))]);
const PICTURE: Shape = Shape::Object(&[
    ("file", Shape::Text(5_000)),
    ("type", Shape::OneOf(&["file", "url"])),
    ("url", Shape::Text(5_000)),
]);

/// Of sessions and links.
pub(super) const PASSIVE: [Member; 4] = [
    (
        "consent_collection",
        Shape::Object(&[
            (
                "payment_method_reuse_agreement",
                Shape::Object(&[("position", Shape::OneOf(&["auto", "hidden"]))]),
            ),
            ("promotions", Shape::OneOf(&["auto", "none"])),
            ("terms_of_service", Shape::OneOf(&["none", "required"])),
        ]),
    ),
    (
        "custom_text",
        Shape::Object(&[
            ("after_submit", MESSAGE),
            ("shipping_address", MESSAGE),
            ("submit", MESSAGE),
            ("terms_of_service_acceptance", MESSAGE),
        ]),
    ),
    (
        "invoice_creation",
        Shape::Object(&[
            ("enabled", Shape::Flag),
            (
                "invoice_data",
                Shape::Object(&[
                    ("account_tax_ids", Shape::Texts),
                    (
                        "custom_fields",
                        Shape::Objects(&[("name", Shape::Text(40)), ("value", Shape::Text(140))]),
                    ),
                    ("description", Shape::Text(1_500)),
                    ("footer", Shape::Text(5_000)),
                    ("issuer", ISSUER),
                    ("metadata", Shape::Pairs),
                    (
                        "rendering_options",
                        Shape::Object(&[
                            (
                                "amount_tax_display",
                                Shape::OneOf(&["exclude_tax", "include_inclusive_tax"]),
                            ),
                            ("template", Shape::Text(5_000)),
                        ]),
                    ),
                ]),
            ),
        ]),
    ),
    ("managed_payments", Shape::Object(&[("enabled", Shape::Flag)])),
];

/// Of sessions only.
pub(super) const PASSIVE_OF_SESSIONS: [Member; 10] = [
    ("adaptive_pricing", Shape::Object(&[("enabled", Shape::Flag)])),
    (
        "after_expiration",
        Shape::Object(&[(
            "recovery",
            Shape::Object(&[("allow_promotion_codes", Shape::Flag), ("enabled", Shape::Flag)]),
        )]),
    ),
    (
        "branding_settings",
        Shape::Object(&[
            ("background_color", Shape::Text(20)),
            ("border_style", Shape::OneOf(&["pill", "rectangular", "rounded"])),
            ("button_color", Shape::Text(20)),
            ("display_name", Shape::Text(5_000)),
            ("font_family", Shape::Text(40)),
            ("icon", PICTURE),
            ("logo", PICTURE),
        ]),
    ),
    ("excluded_payment_method_types", Shape::Texts),
    ("integration_identifier", Shape::Text(200)),
    ("origin_context", Shape::OneOf(&["mobile_app", "web"])),
    ("payment_method_options", Shape::Any),
    (
        "permissions",
        Shape::Object(&[(
            "update_shipping_details",
            Shape::OneOf(&["client_only", "server_only"]),
        )]),
    ),
    (
        "saved_payment_method_options",
        Shape::Object(&[
            ("allow_redisplay_filters", Shape::Texts),
            ("payment_method_remove", Shape::OneOf(&["disabled", "enabled"])),
            ("payment_method_save", Shape::OneOf(&["disabled", "enabled"])),
        ]),
    ),
    (
        "wallet_options",
        Shape::Object(&[("link", Shape::Object(&[("display", Shape::OneOf(&["auto", "never"]))]))]),
    ),
];

/// Of links only. They say what their sessions will, and move no money to others.
pub(super) const PASSIVE_OF_LINKS: [Member; 5] = [
    ("application_fee_amount", Shape::Integer),
    ("application_fee_percent", Shape::Number),
    ("on_behalf_of", Shape::Text(5_000)),
    ("payment_method_options", Shape::Any),
    (
        "transfer_data",
        Shape::Object(&[("amount", Shape::Integer), ("destination", Shape::Text(5_000))]),
    ),
];

/// Parameters of a session that nothing shows.
const UNSEEN: [Member; 3] = [
    ("payment_method_configuration", Shape::Text(100)),
    (
        "payment_method_data",
        Shape::Object(&[("allow_redisplay", Shape::OneOf(&["always", "limited", "unspecified"]))]),
    ),
    (
        "setup_intent_data",
        Shape::Object(&[
            ("description", Shape::Text(1_000)),
            ("metadata", Shape::Pairs),
            ("on_behalf_of", Shape::Text(5_000)),
        ]),
    ),
];

/// Checks the parameters that nothing shows, and forgets them.
pub(super) fn ignore(params: &mut Params) -> Answer<()> {
    UNSEEN.iter().try_for_each(|(name, shape)| take(params, name, shape).map(|_| ()))
}

/// What shown terms do change.
pub(super) fn act_on(terms: &mut Terms) {
    let shown = Shown::clone(&terms.shown);
    let at = |path: &[&str]| {
        let mut names = path.iter();
        let first = names.next().and_then(|name| shown.get(*name));
        names.fold(first, |value, name| value.and_then(|value| value.get(*name)))
    };
    let says = |path: &[&str], word: &str| at(path).and_then(Value::as_str) == Some(word);
    let holds = |path: &[&str]| at(path).and_then(Value::as_bool).unwrap_or(false);
    terms.terms_of_service = says(&["consent_collection", "terms_of_service"], "required");
    terms.promotions = says(&["consent_collection", "promotions"], "auto");
    terms.invoices = holds(&["invoice_creation", "enabled"]);
    terms.recovery = holds(&["after_expiration", "recovery", "enabled"])
        .then(|| holds(&["after_expiration", "recovery", "allow_promotion_codes"]));
    if says(&["payment_method_options", "card", "capture_method"], "manual") {
        terms.capture_later = true;
    }
    // A session has more to say about its recovery, and an invoice always has its data.
    if shown.contains_key("after_expiration") {
        Shown::make_mut(&mut terms.shown).shift_remove("after_expiration");
    }
    if at(&["invoice_creation", "invoice_data"]).is_some_and(Value::is_null)
        && let Some(creation) = Shown::make_mut(&mut terms.shown).get_mut("invoice_creation")
    {
        creation["invoice_data"] = no_invoice_data();
    }
}
