//! English.

use super::{Held, Say, Words};
use crate::language::ENGLISH;

pub(super) const WORDS: Words = Words {
    lang: "en",
    language: &ENGLISH,
    receipt: Say {
        subject: "{% if shop.name %}Your receipt from {{ shop.name }}\
                  {% else %}Thank you for your order{% endif %}",
        title: "Thank you for your order",
        text: "{% if free %}We have received your order. Here is what it holds.\
               {% else %}We have received your payment. Here is what you bought.{% endif %}",
    },
    access: Say {
        subject: "Your access and keys{% if shop.name %} from {{ shop.name }}{% endif %}",
        title: "Here is what you bought",
        text: "You can use it from now on. Please keep this mail.",
    },
    payment_pending: Say {
        subject: "{% if shop.name %}{{ shop.name }}: your payment is on its way\
                  {% else %}Your payment is on its way{% endif %}",
        title: "Your payment is on its way",
        text: "Thank you for your order. Some ways of paying take a few days. There is no reason to \
               pay again. If you were given a voucher or bank details, please use them as they say; \
               otherwise there is nothing more for you to do. We will write to you as soon as the \
               payment has arrived.",
    },
    payment_failed: Say {
        subject: "{% if shop.name %}{{ shop.name }}: your payment did not go through\
                  {% else %}Your payment did not go through{% endif %}",
        title: "Your payment did not go through",
        text: "We are sorry: your bank or payment service did not complete the payment, so your \
               order was not carried out. If you would still like it, please go back to the shop and \
               order again, perhaps with another way of paying.",
    },
    shipped: Say {
        subject: "{% if part %}{% if shop.name %}{{ shop.name }}: your parcel is on its way\
                  {% else %}Your parcel is on its way{% endif %}\
                  {% elif shop.name %}{{ shop.name }} has sent your order\
                  {% else %}Your order has been sent{% endif %}",
        title: "Your parcel is on its way",
        text: "{% if part %}These articles of your order are on their way.\
               {% else %}We have handed your order over to the carrier.{% endif %}",
    },
    link: Say {
        subject: "The link to your orders{% if shop.name %} at {{ shop.name }}{% endif %}",
        title: "Here is the link to your orders",
        text: "You, or somebody who entered your mail address, asked for a link to your orders. It works \
               for an hour and shows them with everything that belongs to them, so please do not pass it on. If \
               it was not you, there is nothing for you to do.",
    },
    new_order: Say {
        subject: "{% if shop.name %}{{ shop.name }}: new order\
                  {% else %}New order{% endif %}{% if total %} ({{ total }}){% endif %}",
        title: "New order",
        text: "Somebody has bought from you.",
    },
    needs_attention: Say {
        subject: "{% if shop.name %}{{ shop.name }}: an order needs your attention\
                  {% else %}An order needs your attention{% endif %}{% if total %} ({{ total }}){% endif %}",
        title: "An order needs your attention",
        text: "This order cannot go on by itself.",
    },
    summary: Say {
        subject: "{% if shop.name %}{{ shop.name }}\
                  {% else %}Your shop{% endif %} on {{ summary.day }}",
        title: "Your shop on {{ summary.day }}",
        text: "This is what the day brought, and what waits for you now.",
    },
    hello: "Hello",
    hello_nobody: "Hello,",
    item: "Item",
    total: "Total",
    paid: "Paid by the buyer",
    free: "Free",
    date: "Date",
    open: "Open",
    access_to: "You have access:",
    until: "until",
    key: "Your license key",
    keys: "Your license keys",
    seats: "seats",
    filled_in: "Filled in by the buyer",
    goes_to: "Delivery address",
    carrier: "Carrier",
    tracking: "Tracking number",
    track: "Follow your parcel",
    buyer: "Buyer",
    reason: "What it waits for",
    held: Held {
        stock: "not enough stock of {}",
        keys: "the key pool '{}' is dry",
        address: "a parcel has no address",
        nothing_listed: "paid, but Stripe shows no line items",
        unmatched: "'{}' is not in the catalog",
        unreadable: "'{}': the product's metadata cannot be read",
        by_hand: "'{}' waits for a person",
        stuck: "the delivery {} is stuck",
    },
    see_order: "See your order",
    open_order: "Open the order on the dashboard",
    my_orders: "See my orders",
    reference: "Order",
    test: "Test mode: no money was moved.",
    automatic: "This mail was sent automatically.",
    sold: "Sold",
    nothing_sold: "Nothing was sold.",
    order: "order",
    orders: "orders",
    waits: "What waits",
    nothing_waits: "Nothing waits for you.",
    waits_attention: "Orders that need your attention",
    waits_stuck: "Deliveries that are stuck",
    waits_parcels: "Orders with a parcel to pack",
    waits_payment: "Payments on their way",
    low_keys: "Few license keys left",
    low_stock: "Little left on the shelf",
    owed: "owed to buyers",
    dashboard: "Open the dashboard",
};
