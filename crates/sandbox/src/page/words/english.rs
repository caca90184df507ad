//! English.

use super::{
    BuyerWords, ClosedWords, Figures, Frame, MeansWords, OrderWords, Problem, VoucherWords, Words,
};
use crate::{checkout, page::amount::shown, state::objects::Recurring};

pub(super) static WORDS: Words = Words {
    tag: "en",
    figures: Figures { point: '.', group: ',', percent: "%", sign_first: true, every },
    date: |year, month, day| format!("{day} {} {year}", MONTHS[month.clamp(1, 12) - 1]),
    countries: include_str!("countries.en"),
    problem,
    told: |_| None,
    frame: Frame {
        sandbox: "Sandbox",
        nothing_charged: "This is a practice checkout. Nothing is charged, so never enter a real card.",
        title_error: "Error",
        back: "Back to the shop",
        back_to: |shop| format!("Back to {shop}"),
        problems: "Please check these fields",
        unreadable: "The form could not be read. Please fill it in again.",
        not_open: "This payment is no longer open. Please try again.",
        total_changed: |total| {
            format!("The total is now {total}. Please check your order and pay again.")
        },
        small_print: "You are in a sandbox: no bank is asked and no money moves.",
    },
    order: OrderWords {
        pay: "Checkout",
        pay_shop: |shop| format!("Pay {shop}"),
        give: "Donate",
        give_shop: |shop| format!("Donate to {shop}"),
        subscribe: "Subscribe",
        save_method: "Save payment method",
        nothing_now: "Nothing is charged now. Your payment method is kept for later.",
        trial_until: |date| format!("until {date}"),
        pay_amount: |amount| format!("Pay {amount}"),
        book: "Book",
        donate: |amount| format!("Donate {amount}"),
        complete_order: "Complete order",
        processing: "Processing…",
        quantity: "Quantity",
        quantity_of: |item| format!("Quantity of {item}"),
        quantity_short: |quantity| format!("Qty {quantity}"),
        your_amount: "Your amount",
        each: |amount| format!("{amount} each"),
        optional: "Add to your order",
        code: "Promotion code",
        apply: "Apply",
        remove: "Remove",
        remove_code: |code| format!("Remove {code}"),
        update: "Update total",
        subtotal: "Subtotal",
        discount: "Discount",
        shipping: "Shipping",
        tax: |name, percent, included| {
            let included = if included { " included" } else { "" };
            format!("{name} ({percent}{included})")
        },
        total: "Total due",
        free: "Free",
    },
    buyer: BuyerWords {
        contact: "Contact",
        email: "E-mail",
        phone: "Phone number",
        business: "Business name",
        tax_number: "Tax ID",
        shipping_address: "Shipping address",
        billing_address: "Billing address",
        billing_same: "Billing address is the same as shipping",
        full_name: "Full name",
        country: "Country or region",
        line1: "Street and number",
        line2: "Apartment, floor, company",
        city: "City",
        postcode: "Postal code",
        zip: "ZIP code",
        state: "State",
        province: "Province",
        region: "State or region",
        choose: "Choose…",
        optional: "optional",
        shipping_method: "Shipping method",
        estimate,
        details: "More about your order",
        agree_terms: "I agree to the shop's terms of service.",
        agree_promotions: "Send me news and offers from this shop.",
    },
    means: MeansWords {
        payment: "Payment",
        card: "Card",
        card_number: "Card number",
        expiry: "Expiry date",
        expiry_shape: "MM / YY",
        cvc: "Security code",
        payer: "Name",
        payer_card: "Name on the card",
        payer_account: "Name of the account holder",
        sepa: "SEPA direct debit",
        ach: "US bank account",
        routing_number: "Routing number",
        account_number: "Account number",
        debit_later: "The debit takes a few days; the shop hears when it has arrived or failed.",
        voucher_later: "You get a number to pay with. The shop hears when you have paid.",
        tries: "Test numbers",
        paid: "is paid",
        declined: "is declined",
        insufficient: "has insufficient funds",
        asks: "asks you at the bank",
        arrives: "arrives later",
        fails: "fails later",
        disputed: "is disputed later",
        bank_title: "Confirm the payment",
        bank_asks: |amount| format!("Do you approve the payment of {amount}?"),
        bank_keeps: (
            "Confirm the payment method",
            "Do you allow it to be kept for later payments?",
        ),
        bank_explains: "With a real card, your bank would ask you here. In the sandbox you decide how it ends.",
        approve: "Approve",
        refuse: "Refuse",
    },
    closed: ClosedWords {
        welcome: (
            "A sandbox for Checkout",
            "This is a pretend Stripe: no money moves here. Point a Stripe client at this address, create a Checkout Session, and open its url.",
        ),
        no_page: ("No such page", "The sandbox has no page at this address."),
        no_session: (
            "Nothing to pay here",
            "There is no such checkout page. Please check the link, or go back to the shop.",
        ),
        too_large: (
            "That is too much",
            "More was sent than this page takes. Nothing has been paid. Please go back and fill in less.",
        ),
        already_paid: (
            "You have already paid",
            "This order is complete. There is nothing left to pay.",
        ),
        expired: (
            "This page has expired",
            "Go back to the shop and check out again. You have not been charged.",
        ),
        start_again: "Start again with the same order",
        inactive: (
            "This link is not active",
            "The shop has switched this payment link off. Ask it for another one.",
        ),
        thanks: ("Thank you", "Your order is complete."),
        thanks_later: "Your order is placed. The shop hears when the payment has arrived.",
        paid: "Paid",
        bad_landing: "Your payment is done, but the shop's address cannot be opened.",
        answered: ("Thank you", "Your answer has been passed on. You can close this page."),
        nothing_done: ("Nothing here", "There is no completed order at this address."),
        receipt_to: |email| format!("A receipt would go to {email}; the sandbox sends none."),
    },
    voucher: VoucherWords {
        title: "Pay with your number",
        pay_by: |amount, date| format!("Pay {amount} by {date}."),
        number: "Number",
        entity: "Entity",
        paid: ("The number is paid", "The shop has been told that your payment has arrived."),
        expired: ("The number has expired", "It can no longer be paid. Nothing was charged."),
        play: "Sandbox: play the buyer's bank",
        play_hint: "The number is paid by itself after a moment, unless the e-mail address contains fill_never. Or decide now.",
        pay_now: "Pay this number now",
        expire_now: "Let it expire now",
    },
};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

fn every(recurring: Recurring) -> String {
    match recurring.count {
        1 => format!("per {}", recurring.interval),
        count => format!("every {count} {}s", recurring.interval),
    }
}

fn estimate(least: Option<i64>, most: Option<i64>, unit: &str) -> String {
    let units = |count: i64| {
        let unit = unit.replace('_', " ");
        if count == 1 { unit } else { format!("{unit}s") }
    };
    match (least, most) {
        (Some(least), Some(most)) if least != most => format!("{least}–{most} {}", units(most)),
        (_, Some(most)) if least.is_none() => format!("at most {most} {}", units(most)),
        (Some(count), None) => format!("at least {count} {}", units(count)),
        (_, Some(count)) => format!("{count} {}", units(count)),
        (None, None) => String::new(),
    }
}

fn problem(problem: &Problem) -> String {
    let text = match problem {
        Problem::Number => "Enter a number.",
        Problem::Amount => "Enter an amount, as 12.50.",
        Problem::Email => "Enter an e-mail address, as you@example.com.",
        Problem::Phone => "Enter a phone number.",
        Problem::Name => "Enter your name.",
        Problem::Recipient => "Enter the recipient's name.",
        Problem::Street => "Enter the street and number.",
        Problem::City => "Enter the city.",
        Problem::Postcode => "Enter the postal code.",
        Problem::PostcodeShape(shape) => return format!("Enter the postal code, as {shape}."),
        Problem::State => "Choose the state.",
        Problem::Country => "Choose one of the countries.",
        Problem::Method => "Choose a way to pay.",
        Problem::NoButton => "This page has no such button. Please try again.",
        Problem::Unprintable => "Remove the characters that cannot be seen.",
        Problem::TaxNumber => "Enter a tax ID with its country, as DE123456789.",
        Problem::Order(order) => return about_order(order),
        Problem::Told(english) => english,
    };
    text.to_owned()
}

fn about_order(problem: &checkout::Problem) -> String {
    use checkout::Problem as About;
    let amount = |amount: i64, currency: &str| shown(&WORDS, amount, currency);
    match problem {
        About::AmountBelow(least, currency) => {
            format!("Choose at least {}.", amount(*least, currency))
        }
        About::AmountAbove(most, currency) => {
            format!("Choose at most {}.", amount(*most, currency))
        }
        About::CodeNeeds(least, currency) => {
            format!("This code needs an order of at least {}.", amount(*least, currency))
        }
        About::CodeLeavesTooLittle(least, currency) => format!(
            "With this code the total is less than {}, the least that can be charged.",
            amount(*least, currency)
        ),
        About::TotalTooMuch(most, currency) => format!(
            "The total is more than {}, the most that can be charged.",
            amount(*most, currency)
        ),
        About::TotalTooLittle(least, currency) => format!(
            "The total is less than {}, the least that can be charged.",
            amount(*least, currency)
        ),
        other => other.to_string(),
    }
}
