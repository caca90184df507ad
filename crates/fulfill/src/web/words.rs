//! What the pages say to buyers, one value for each language. Nothing here may frighten somebody who
//! has paid, and nothing may be said that is not known (case 43).

use fulfill_rules::Millis;
use jiff::Timestamp;

/// A heading and what follows it.
#[derive(Debug)]
pub(super) struct Say {
    pub(super) title: &'static str,
    pub(super) text: &'static str,
}

/// All that is said in one language.
#[derive(Debug)]
pub(super) struct Words {
    /// BCP 47, for the root element.
    pub(super) lang: &'static str,
    pub(super) ready: Say,
    pub(super) preparing: Say,
    pub(super) partly: Say,
    pub(super) checking: Say,
    pub(super) awaiting: Say,
    pub(super) failed: Say,
    pub(super) expired: Say,
    pub(super) nothing: Say,
    pub(super) unpaid: Say,
    pub(super) looking: Say,
    pub(super) missing: Say,
    pub(super) no_id: Say,
    pub(super) placeholder: Say,
    pub(super) too_many: Say,
    pub(super) trouble: Say,
    pub(super) refreshes: &'static str,
    pub(super) test: &'static str,
    pub(super) order: &'static str,
    pub(super) total: &'static str,
    pub(super) paid: &'static str,
    pub(super) free: &'static str,
    pub(super) item: &'static str,
    pub(super) open: &'static str,
    pub(super) access: &'static str,
    pub(super) until: &'static str,
    pub(super) key: &'static str,
    pub(super) keys: &'static str,
    pub(super) seats: &'static str,
    pub(super) to_ship: &'static str,
    pub(super) shipped: &'static str,
    pub(super) waits: &'static str,
    pub(super) mailed: &'static str,
    pub(super) reference: &'static str,
    pub(super) date: fn(Millis) -> String,
}

pub(super) const ENGLISH: Words = Words {
    lang: "en",
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
    checking: Say {
        title: "We are looking after your order",
        text: "Somebody is checking it by hand. There is nothing more for you to do, and no reason \
               to pay again.",
    },
    awaiting: Say {
        title: "Your payment is on its way",
        text: "Your order is placed. Some ways of paying, such as bank debits, transfers and \
               vouchers, take a few days. If you were given a voucher or bank details, use them as \
               they say; otherwise there is nothing to do, and no reason to pay again. Your order \
               goes out when the money arrives. This page shows it then, so keep its address.",
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
    refreshes: "This page refreshes by itself.",
    test: "Test mode: no money was moved.",
    order: "Your order",
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
    to_ship: "Will be sent to",
    shipped: "Has been sent to",
    waits: "Being prepared",
    mailed: "A mail with the details is on its way to you.",
    reference: "Reference",
    date: english_date,
};

/// `7 March 2027`, UTC.
fn english_date(at: Millis) -> String {
    Timestamp::from_millisecond(at)
        .map(|at| at.strftime("%-d %B %Y").to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::ENGLISH;

    #[test]
    fn a_date_is_written_for_people() {
        assert_eq!((ENGLISH.date)(1_804_377_600_000), "7 March 2027");
        assert_eq!((ENGLISH.date)(i64::MAX), "", "a moment beyond all calendars has no date");
    }
}
