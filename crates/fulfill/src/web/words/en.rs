//! English.

use super::{Find, Say, Takes, Words};
use crate::language::ENGLISH;

pub(super) const WORDS: Words = Words {
    language: &ENGLISH,
    ready: Say {
        title: "Your order is ready",
        text: "Thank you! The payment has arrived, and here is what you bought.",
    },
    preparing: Say {
        title: "Your order is being prepared",
        text: "Thank you! The payment has arrived, and we are getting everything ready. There is \
               nothing more for you to do.",
    },
    partly: Say {
        title: "Your order is being prepared",
        text: "Thank you! The payment has arrived. What is ready stands here, and we are looking \
               after the rest. There is nothing more for you to do.",
    },
    ready_free: Say {
        title: "Your order is ready",
        text: "Thank you! Your order is ready, and here is what it holds.",
    },
    preparing_free: Say {
        title: "Your order is being prepared",
        text: "Thank you! We are getting everything ready. There is nothing more for you to do.",
    },
    partly_free: Say {
        title: "Your order is being prepared",
        text: "Thank you! What is ready stands here, and we are looking after the rest. There is \
               nothing more for you to do.",
    },
    checking: Say {
        title: "We are looking after your order",
        text: "Somebody is checking it by hand. There is nothing more for you to do, and no reason \
               to pay again.",
    },
    awaiting: Say {
        title: "Your payment is on its way",
        text: "Your order is placed, and it goes out when the money arrives. There is no reason to \
               pay again.",
    },
    failed: Say {
        title: "The payment did not go through",
        text: "Your bank or payment service did not complete the payment, so this order was not \
               carried out. If you would still like it, go back to the shop and try again, perhaps \
               with another way of paying.",
    },
    expired: Say {
        title: "This checkout has expired",
        text: "It ended before it was paid. If you would still like what was in it, go back to the \
               shop and start again.",
    },
    nothing: Say { title: "All done", text: "There is nothing to deliver for this checkout." },
    unpaid: Say {
        title: "This checkout is not finished yet",
        text: "We have not heard of a payment for it so far. If you have just paid, this page shows \
               it in a moment. Otherwise, go back to the checkout and finish it there.",
    },
    looking: Say {
        title: "We are still checking",
        text: "This takes a little longer than usual. Nothing is lost: if you have paid, your order \
               is being taken care of, and there is no reason to pay again.",
    },
    missing: Say {
        title: "We do not know this order",
        text: "The address of this page leads to no order of ours. Please use the link that you were \
               sent to after paying, complete and unchanged.",
    },
    no_id: Say {
        title: "We do not know this order",
        text: "The address of this page is not complete. Please use the link that you were sent to \
               after paying, complete and unchanged.",
    },
    placeholder: Say {
        title: "This shop's checkout is not quite set up",
        text: "If you have paid, your order is being taken care of all the same. For the shop: the \
               success_url must contain {CHECKOUT_SESSION_ID} with its braces unescaped, so that \
               Stripe can put the session's id in its place.",
    },
    too_many: Say {
        title: "One moment, please",
        text: "Many orders were asked for from your network just now. This page tries again by \
               itself. If you have paid, your order is being taken care of.",
    },
    trouble: Say {
        title: "One moment, please",
        text: "We cannot look up your order right now. If you have paid, nothing is lost and there is \
               no reason to pay again. This page tries again by itself.",
    },
    refreshes: "This page shows by itself when something changes.",
    takes: Takes {
        sepa_debit: "A SEPA direct debit usually takes up to 6 business days.",
        us_bank_account: "An ACH direct debit usually takes up to 4 business days.",
        bacs_debit: "A Bacs direct debit usually takes up to 6 business days.",
        au_becs_debit: "A BECS direct debit usually takes up to 3 business days.",
        acss_debit: "A pre-authorized debit usually takes up to 5 business days.",
        customer_balance: "Please transfer the money with the bank details that you were given; \
                           transfers take up to 5 business days.",
        voucher: "Please pay the voucher that you were given. After that it usually takes one \
                  business day until we hear of it.",
        unknown: "Some ways of paying, such as bank debits, transfers and vouchers, take a few days. \
                  If you were given a voucher or bank details, please use them as they say; otherwise \
                  there is nothing to do.",
    },
    will_write: "We will write to",
    keep_address: "This page shows it, too, so keep its address.",
    test: "Test mode: no money was moved.",
    order: "Your order",
    date: "Date",
    total: "Total",
    paid: "You paid",
    free: "Free",
    item: "Item",
    open: "Open",
    access: "You have access:",
    until: "until",
    key: "Your license key",
    keys: "Your license keys",
    seats: "seats",
    copy: "Copy",
    copied: "Copied",
    to_ship: "Will be sent to",
    shipped: "Has been sent to",
    carrier: "Carrier",
    tracking: "Tracking number",
    track: "Follow your parcel",
    waits: "Being prepared",
    mailed: ["We have sent a mail with the details to", "."],
    print: "Print this page",
    reference: "Reference",
    masked: Say {
        title: "Keys and links are hidden here",
        text: "Some time has passed since this order, and whoever has this page's address could read \
               them. We will gladly send you a mail with a link that shows everything, to",
    },
    send_link: "Send me the link by mail",
    support: "Questions? Write to",
    back: "Back to the shop",
    find: Find {
        link: "Find my orders",
        ask: Say {
            title: "Find my orders",
            text: "Enter the mail address that you used when you paid. We will send a link to it \
                   that shows your orders, with keys, links and parcels.",
        },
        email: "Mail address",
        send: "Send me a link",
        no_address: "Please enter a mail address, as name@example.com.",
        asked: Say {
            title: "Please look into your mail",
            text: "If we know this address, a mail with a link is on its way. The link works for an \
                   hour. If nothing arrives within a few minutes, look into the spam folder, or try \
                   the address that you used when you paid. We send at most three links an hour to \
                   one address.",
        },
        no_mail: Say {
            title: "Find my orders",
            text: "This shop does not send mails by itself, so it cannot send you a link. Please ask \
                   the shop.",
        },
        too_many: Say {
            title: "One moment, please",
            text: "This was asked for several times just now. Please try again in a minute.",
        },
        again_later: Say {
            title: "These mails were sent several times already",
            text: "We send the mails of an order at most three times an hour. Please look into the \
                   spam folder, too, or try again in an hour.",
        },
        over: Say {
            title: "This link does not work any more",
            text: "It worked for an hour, or it is not complete. Please ask for a new one.",
        },
        mine: Say {
            title: "Your orders",
            text: "The newest come first. This page can be opened for an hour with the link from the \
                   mail; please do not pass it on.",
        },
        again: "Send the mails again",
        again_sent: Say {
            title: "The mails are on their way again",
            text: "They go to the address of the order. If nothing arrives within a few minutes, look \
                   into the spam folder.",
        },
        back: "Back to your orders",
    },
};
