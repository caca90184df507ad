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
            Adjustable, Discount, Line, Metadata, Mode, Off, Session, ShippingOption, Terms,
            Transform,
        },
    },
};

fn id(prefix: &str, n: usize) -> Id {
    format!("{prefix}_{n}").into()
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
    ) -> Line {
        Line {
            id: "".into(),
            price: id("price", product),
            product: id("prod", product),
            unit_amount,
            fraction,
            transform: divide_by.map(|(divide_by, round_up)| Transform { divide_by, round_up }),
            custom: None,
            recurring: trial,
            trial,
            description: String::new(),
            quantity,
            adjustable: maximum.map(|maximum| Adjustable { minimum: 0, maximum }),
            discount: 0,
            metadata: Metadata::default(),
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
        prop_assert_eq!(quote.total, sum(Line::total) + quote.shipping + quote.tax);
        prop_assert!(quote.total >= 0 && quote.shipping >= 0);
        for line in &quote.lines {
            prop_assert!(line.quantity > 0);
            prop_assert!((0..=line.subtotal()).contains(&line.discount), "{:?}", line);
        }
        if let Some(discount) = &quote.discount {
            let meant: i64 =
                quote.lines.iter().filter(|line| discount.is_for(line)).map(Line::subtotal).sum();
            if let Off::Amount { amount, .. } = discount.off {
                prop_assert_eq!(quote.discounted, amount.min(meant));
            }
        }
        // What is paid is what was quoted.
        let mut paid = session.clone();
        paid.take(quote.clone());
        prop_assert_eq!((paid.subtotal(), paid.total()), (quote.subtotal, quote.total));
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
