//! Sums, tried with all kinds of orders.

use std::sync::Arc;

use proptest::prelude::*;

use super::{Choices, quote};
use crate::{
    clock::Clock,
    ids::Id,
    state::{
        State,
        objects::{
            Adjustable, Discount, Line, Metadata, Mode, Off, Session, ShippingOption, TaxRate,
            Terms, Transform,
        },
        taxes::by_rate,
    },
};

fn id(prefix: &str, n: usize) -> Id {
    format!("{prefix}_{n}").into()
}

fn sample_rate() -> TaxRate {
    TaxRate {
        id: "".into(),
        created: 0,
        active: true,
        display_name: "VAT".to_owned(),
        percentage: 0,
        inclusive: false,
        country: None,
        state: None,
        jurisdiction: None,
        description: None,
        tax_type: None,
        metadata: Metadata::default(),
    }
}

/// One thing that costs so many minor units.
fn sample_line(unit_amount: i64) -> Line {
    Line {
        id: "".into(),
        price: "price".into(),
        product: "prod".into(),
        unit_amount,
        fraction: 0,
        transform: None,
        custom: None,
        recurring: false,
        trial: false,
        description: String::new(),
        quantity: 1,
        adjustable: None,
        discount: 0,
        tax_rates: Vec::new(),
        metadata: Metadata::default(),
    }
}

prop_compose! {
    fn tax_rate()(
        number in 0_usize..5,
        percentage in prop_oneof![0_i64..=1_000_000, Just(190_000), Just(1_000_000)],
        inclusive in any::<bool>(),
    ) -> Arc<TaxRate> {
        Arc::new(TaxRate { id: id("txr", number), percentage, inclusive, ..sample_rate() })
    }
}

prop_compose! {
    fn line()(
        unit_amount in 0_i64..100_000,
        fraction in prop_oneof![Just(0_i64), 0_i64..1_000_000_000_000],
        quantity in 1_i64..50,
        divide_by in prop::option::of((1_i64..20, any::<bool>())),
        maximum in prop::option::of(1_i64..60),
        product in 0_usize..3,
        trial in prop::bool::weighted(0.1),
        tax_rates in prop::collection::vec(tax_rate(), 0..4),
    ) -> Line {
        Line {
            price: id("price", product),
            product: id("prod", product),
            fraction,
            transform: divide_by.map(|(divide_by, round_up)| Transform { divide_by, round_up }),
            recurring: trial,
            trial,
            quantity,
            adjustable: maximum.map(|maximum| Adjustable { minimum: 0, maximum }),
            tax_rates,
            ..sample_line(unit_amount)
        }
    }
}

fn off() -> impl Strategy<Value = Off> {
    let amount = |amount| Off::Amount { amount, currency: "eur".into() };
    prop_oneof![(0.01_f64..=100.0).prop_map(Off::Percent), (1_i64..2_000_000).prop_map(amount)]
}

prop_compose! {
    fn discount()(off in off(), products in prop::collection::vec(0_usize..3, 0..3)) -> Discount {
        let products: Vec<Id> = products.into_iter().map(|n| id("prod", n)).collect();
        Discount { coupon: "c".into(), promotion_code: None, off, products: products.into() }
    }
}

prop_compose! {
    fn session()(
        lines in prop::collection::vec(line(), 1..12),
        optional in prop::collection::vec(line(), 0..4),
        discount in prop::option::of(discount()),
        shipping in prop::collection::vec(0_i64..5_000, 0..4),
    ) -> Session {
        let mut terms = Terms::new(Mode::Payment);
        terms.currency = Some("eur".into());
        let options = shipping.into_iter().enumerate();
        terms.shipping_options =
            options.map(|(n, amount)| ShippingOption { rate: id("shr", n), amount }).collect();
        let named = |lines: Vec<Line>, prefix: &str| -> Vec<Line> {
            let lines = lines.into_iter().enumerate();
            lines.map(|(n, line)| Line { id: id(prefix, n), ..line }).collect()
        };
        Session {
            optional: named(optional, "opt"),
            discount,
            ..Session::open("cs".into(), 0, Arc::new(terms), named(lines, "li"))
        }
    }
}

fn choices() -> impl Strategy<Value = Choices> {
    let some = |prefix: &'static str| {
        let one = (0_usize..14, 0_i64..70).prop_map(move |(n, q)| (id(prefix, n).to_string(), q));
        prop::collection::vec(one, 0..4)
    };
    (some("li"), some("opt"), prop::option::of(0_usize..5)).prop_map(
        |(quantities, optional, shipping)| Choices {
            quantities,
            optional,
            shipping_rate: shipping.map(|n| id("shr", n).to_string()),
            ..Choices::default()
        },
    )
}

/// What a line's taxes contain and add is what it comes to, and each is its rate's to half a unit.
fn taxes_fit(line: &Line) -> Result<(), TestCaseError> {
    let taxes = line.taxes();
    let sum = |inclusive| {
        let of_kind = taxes.iter().filter(|tax| tax.rate.inclusive == inclusive);
        of_kind.map(|tax| tax.amount).sum::<i64>()
    };
    let (contained, added) = (sum(true), sum(false));
    prop_assert_eq!(line.total(), line.subtotal() - line.discount + added);
    prop_assert_eq!(line.tax(), contained + added);
    prop_assert!(contained <= line.net(), "{:?}", line);
    for tax in &taxes {
        prop_assert!(tax.amount >= 0 && tax.taxable == line.net() - contained, "{:?}", tax);
        if !tax.rate.inclusive {
            let exact = i128::from(tax.taxable) * i128::from(tax.rate.percentage);
            let off = (i128::from(tax.amount) * 1_000_000 - exact).abs();
            prop_assert!(off <= 500_000, "{:?}", tax);
        }
    }
    if let [only] = &taxes[..]
        && only.rate.inclusive
    {
        let whole = 1_000_000 + i128::from(only.rate.percentage);
        let exact = i128::from(line.net()) * i128::from(only.rate.percentage);
        prop_assert!((i128::from(only.amount) * whole - exact).abs() * 2 <= whole, "{:?}", only);
    }
    Ok(())
}

/// A line over so many minor units at these percentages; whether prices contain the tax.
fn taxed(net: i64, rates: &[(i64, bool)]) -> Vec<i64> {
    let rate = |(n, (percentage, inclusive)): (usize, &(i64, bool))| {
        let (percentage, inclusive) = (*percentage, *inclusive);
        Arc::new(TaxRate { id: id("txr", n), percentage, inclusive, ..sample_rate() })
    };
    let tax_rates = rates.iter().enumerate().map(rate).collect();
    let line = Line { tax_rates, ..sample_line(net) };
    line.taxes().iter().map(|tax| tax.amount).collect()
}

#[test]
fn each_tax_is_rounded_on_its_own_half_a_unit_up() {
    for (net, rates, expected) in [
        // Stripe's own example of how taxes are rounded: 15 % of 0.43 and of 4.84.
        (43, &[(150_000, false)][..], &[6][..]),
        (484, &[(150_000, false)], &[73]),
        (50, &[(50_000, false)], &[3]),
        (1_190, &[(190_000, true)], &[190]),
        (1_000, &[(190_000, true)], &[160]),
        (1_000, &[(50_000, false), (99_750, false)], &[50, 100]),
        // What is contained is taken out before anything is added.
        (1_100, &[(100_000, true), (100_000, false)], &[100, 100]),
        (1_200, &[(100_000, true), (100_000, true)], &[100, 100]),
        (3, &[(1_000_000, true); 5], &[1, 1, 1, 0, 0]),
        (0, &[(190_000, false)], &[0]),
    ] {
        assert_eq!(taxed(net, rates), expected, "{net} {rates:?}");
    }
}

proptest! {
    #[test]
    fn the_parts_add_up_to_the_whole_and_nothing_is_negative(
        session in session(),
        choices in choices(),
    ) {
        let state = State::new(Clock::manual(0), 1);
        let Ok(quote) = quote(&state, &session, &choices) else { return Ok(()) };
        let sum = |part: fn(&Line) -> i64| quote.lines.iter().map(part).sum::<i64>();
        prop_assert_eq!(quote.subtotal, sum(Line::subtotal));
        prop_assert_eq!(quote.discounted, sum(|line| line.discount));
        prop_assert_eq!(quote.total, sum(Line::total) + quote.shipping);
        prop_assert_eq!(
            quote.total,
            quote.subtotal - quote.discounted + quote.shipping + sum(Line::added_tax)
        );
        prop_assert!(quote.total >= 0 && quote.shipping >= 0);
        for line in &quote.lines {
            prop_assert!(line.quantity > 0);
            prop_assert!((0..=line.subtotal()).contains(&line.discount), "{:?}", line);
            taxes_fit(line)?;
        }
        if let Some(discount) = &quote.discount {
            let meant: i64 =
                quote.lines.iter().filter(|line| discount.is_for(line)).map(Line::subtotal).sum();
            if let Off::Amount { amount, .. } = discount.off {
                prop_assert_eq!(quote.discounted, amount.min(meant));
            }
        }
        let by_rate: i64 = by_rate(&quote.lines).iter().map(|tax| tax.amount).sum();
        prop_assert_eq!(by_rate, sum(Line::tax));
        // What is paid is what was quoted.
        let mut paid = session.clone();
        paid.take(quote.clone());
        prop_assert_eq!((paid.subtotal(), paid.total()), (quote.subtotal, quote.total));
        prop_assert_eq!((paid.taxed(), paid.added_tax()), (by_rate, sum(Line::added_tax)));
    }

    #[test]
    fn who_chooses_nothing_pays_what_the_session_says(mut session in session()) {
        super::discount_lines(&mut session.lines, session.discount.as_ref());
        let state = State::new(Clock::manual(0), 1);
        let quote = quote(&state, &session, &Choices::default()).unwrap();
        prop_assert_eq!(quote.total, session.total());
        prop_assert_eq!(quote.asks_for_method, quote.total > 0);
    }
}
