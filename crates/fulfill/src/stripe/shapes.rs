//! The few shapes read from Stripe's answers. Every field may be missing or of another type.

use std::collections::BTreeMap;

use fulfill_rules::fact::Address;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::lenient::{Id, Items, Lenient, lenient, objects};

/// Structs in which each field is an `Option` read leniently.
macro_rules! shapes {
    ($($(#[$doc:meta])* $shape:ident { $($(#[$with:meta])* $field:ident: $type:ty,)+ })+) => {
        $(
            $(#[$doc])*
            #[derive(Deserialize)]
            pub(super) struct $shape {$(
                $(#[$with])*
                #[serde(default, deserialize_with = "lenient")]
                pub(super) $field: Option<$type>,
            )+}
        )+
        objects!($($shape),+);
    };
}

shapes! {
    Session {
        id: String,
        livemode: bool,
        status: String,
        payment_status: String,
        mode: String,
        currency: String,
        amount_total: i64,
        presentment_details: PresentmentDetails,
        created: i64,
        payment_intent: Intent,
        payment_method_types: Items<String>,
        payment_link: Id,
        client_reference_id: String,
        locale: String,
        customer: Id,
        customer_account: Id,
        customer_details: CustomerDetails,
        customer_email: String,
        collected_information: CollectedInformation,
        shipping_details: ShippingDetails,
        shipping: ShippingDetails,
        custom_fields: Items<CustomField>,
        line_items: List<LineItem>,
    }
    PresentmentDetails {
        presentment_amount: i64,
        presentment_currency: String,
    }
    CustomerDetails {
        email: String,
        name: String,
        individual_name: String,
        business_name: String,
        phone: String,
    }
    CollectedInformation {
        shipping_details: ShippingDetails,
    }
    ShippingDetails {
        name: String,
        address: PostalAddress,
    }
    PostalAddress {
        line1: String,
        line2: String,
        city: String,
        state: String,
        postal_code: String,
        country: String,
    }
    CustomField {
        key: String,
        label: CustomLabel,
        text: Typed,
        numeric: Typed,
        dropdown: Chosen,
    }
    CustomLabel {
        custom: String,
    }
    /// Digits come as text, too.
    Typed {
        value: String,
    }
    Chosen {
        value: String,
        options: Items<Choice>,
    }
    Choice {
        label: String,
        value: String,
    }
    /// An expanded payment intent.
    IntentObject {
        id: String,
        status: String,
        shipping: ShippingDetails,
    }
    LineItem {
        id: String,
        description: String,
        quantity: i64,
        amount_total: i64,
        currency: String,
        metadata: BTreeMap<String, String>,
        price: Price,
    }
    Price {
        id: String,
        lookup_key: String,
        metadata: BTreeMap<String, String>,
        recurring: Recurring,
        product: Product,
    }
    Recurring {
        usage_type: String,
    }
    ProductObject {
        id: String,
        name: String,
        metadata: BTreeMap<String, String>,
    }
    WebhookEndpoint {
        id: String,
        url: String,
        status: String,
        enabled_events: Items<String>,
        api_version: String,
        secret: String,
    }
    /// What a refusal says.
    Failure {
        error: FailureDetails,
    }
    FailureDetails {
        message: String,
        code: String,
    }
}

/// A page of a list.
#[derive(Deserialize)]
#[serde(bound(deserialize = "T: Lenient<'de>"))]
pub(super) struct List<T> {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) data: Option<Items<T>>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) has_more: Option<bool>,
}

impl<'de, T: Lenient<'de>> Lenient<'de> for List<T> {
    fn object<A: serde::de::MapAccess<'de>>(object: A) -> Result<Option<Self>, A::Error> {
        let from = serde::de::value::MapAccessDeserializer::new(object);
        Deserialize::deserialize(from).map(Some)
    }
}

/// `payment_intent`: expanded, an id only, or something that is neither.
pub(super) enum Intent {
    Expanded(IntentObject),
    Id(String),
    Odd,
}

impl<'de> Lenient<'de> for Intent {
    fn text(id: &str) -> Option<Self> {
        String::text(id).map(Self::Id)
    }
    fn integer(_: i64) -> Option<Self> {
        Some(Self::Odd)
    }
    fn flag(_: bool) -> Option<Self> {
        Some(Self::Odd)
    }
    fn object<A: serde::de::MapAccess<'de>>(object: A) -> Result<Option<Self>, A::Error> {
        Ok(IntentObject::object(object)?.map(Self::Expanded))
    }
}

/// `price.product`: expanded, deleted (an object with its id), or an id only.
pub(super) enum Product {
    Expanded(ProductObject),
    Id(String),
}

impl<'de> Lenient<'de> for Product {
    fn text(id: &str) -> Option<Self> {
        String::text(id).map(Self::Id)
    }
    fn object<A: serde::de::MapAccess<'de>>(object: A) -> Result<Option<Self>, A::Error> {
        Ok(ProductObject::object(object)?.map(Self::Expanded))
    }
}

/// The session's metadata as its JSON text, read in a pass of its own because it is kept as it is.
#[derive(Deserialize)]
pub(super) struct MetadataText<'a> {
    #[serde(borrow, default)]
    pub(super) metadata: Option<&'a RawValue>,
}

impl From<PostalAddress> for Address {
    fn from(from: PostalAddress) -> Self {
        let PostalAddress { line1, line2, city, state, postal_code, country } = from;
        Self { line1, line2, city, state, postal_code, country }
    }
}
