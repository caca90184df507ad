//! One narrow row an order, so that searching and counting need not read the orders themselves. It is
//! written in the transaction that writes the order, at the end of its table.

use fulfill_rules::{
    Millis,
    fact::Sale,
    id::SessionKey,
    money,
    place::{Effect, EffectKind, EffectStatus},
};

use super::{
    StoreError,
    db::{Tx, Value, vals},
};

/// Longest haystack, in bytes: a cart of a hundred lines must not make the rows wide.
const BYTES_MAX: usize = 2_000;
/// Longest part of it that is of keys, each time that some are drawn: who bought a hundred has others in
/// hand, too.
const KEYS_BYTES_MAX: usize = 500;

pub(super) const COLUMNS: &str =
    "digest (session, livemode, placed_at, fulfilled_at, currency, amount, haystack)";
pub(super) const AGAIN: &str = "ON CONFLICT (session) DO UPDATE SET \
    placed_at = COALESCE(digest.placed_at, excluded.placed_at), \
    fulfilled_at = COALESCE(digest.fulfilled_at, excluded.fulfilled_at), \
    currency = excluded.currency, amount = excluded.amount, haystack = excluded.haystack";

/// The row of an order. What a buyer paid in another currency is what the merchant sees on a card's
/// statement, so both amounts can be searched; counted is the shop's own.
pub(super) fn row(
    session: i64,
    key: &SessionKey,
    sale: &Sale,
    drawn: &[Effect],
    placed_at: Option<Millis>,
    fulfilled_at: Option<Millis>,
) -> Vec<Value> {
    vals![
        session,
        key.livemode,
        placed_at,
        fulfilled_at,
        &sale.currency,
        sale.amount_total,
        haystack(sale) + &keys(drawn)
    ]
}

/// Everything a person may have in hand beside the session's id, which has an index: in lower case,
/// between spaces, amounts as `20.00`.
fn haystack(sale: &Sale) -> String {
    let amount = |minor: Option<i64>, currency: Option<&str>| Some(money::plain(minor?, currency?));
    let paid = sale.presentment.as_ref();
    let customer = &sale.customer;
    let mut words: Vec<Option<String>> = vec![
        customer.name.clone(),
        customer.email.clone(),
        customer.phone.clone(),
        customer.id.clone(),
        sale.client_reference_id.clone(),
        sale.payment_intent.clone(),
        sale.payment_link.clone(),
        amount(sale.amount_total, sale.currency.as_deref()),
        paid.map(|paid| money::plain(paid.amount, &paid.currency)),
    ];
    if let Some(shipping) = &sale.shipping {
        let address = &shipping.address;
        words.extend([
            shipping.name.clone(),
            address.line1.clone(),
            address.city.clone(),
            address.postal_code.clone(),
        ]);
    }
    for field in &sale.custom_fields {
        words.extend([field.chosen.clone(), Some(field.value.clone())]);
    }
    words.extend(sale.lines.iter().map(|line| line.description.clone()));
    let mut text = String::from(" ");
    for word in words.into_iter().flatten() {
        let word = word.to_lowercase();
        if text.len() + word.len() < BYTES_MAX && !text.contains(&format!(" {word} ")) {
            text.push_str(&word);
            text.push(' ');
        }
    }
    text
}

/// The order is found by these words, too.
pub(super) async fn add(tx: &mut Tx, session: i64, words: String) -> Result<(), StoreError> {
    let sql = "UPDATE digest SET haystack = haystack || $1 WHERE session = $2";
    tx.execute(sql, vals![words, session]).await?;
    Ok(())
}

/// Of license keys that are drawn now what comes behind their first block, as buyers read it out. The
/// beginning has an index.
pub(super) fn keys(effects: &[Effect]) -> String {
    let drawn =
        effects.iter().filter(|e| e.kind == EffectKind::Key && e.status == EffectStatus::Done);
    let mut text = String::new();
    for later in drawn.filter_map(|effect| later_blocks(effect.value.as_deref()?)) {
        if text.len() + later.len() < KEYS_BYTES_MAX {
            text.push_str(&later.to_lowercase());
            text.push(' ');
        }
    }
    text
}

/// `BBBB-CCCC` of `AAAA-BBBB-CCCC`; nothing where there is one block.
fn later_blocks(key: &str) -> Option<&str> {
    let apart = |c: char| !c.is_alphanumeric();
    let (_, later) = key.trim_start_matches(apart).split_once(apart)?;
    Some(later.trim_matches(apart)).filter(|later| !later.is_empty())
}

/// What is added when a parcel leaves: a number that is written in groups is found without the spaces, too.
pub(super) fn shipped(carrier: Option<&str>, tracking: Option<&str>) -> String {
    let joined: Option<String> = tracking.map(|number| number.split_whitespace().collect());
    let joined = joined.filter(|joined| Some(joined.as_str()) != tracking);
    let words = [carrier.map(str::to_owned), tracking.map(str::to_owned), joined];
    words.into_iter().flatten().map(|word| word.to_lowercase() + " ").collect()
}

/// What a haystack must contain: of each word of what somebody typed one way to write it. An amount is
/// looked for as it is written here.
pub(super) fn needles(q: &str) -> Vec<Vec<String>> {
    let words = q.to_lowercase();
    // A sign that stands alone, as in `49,00 €`, says nothing beside a word.
    let signs = |word: &&str| !word.chars().any(char::is_alphanumeric);
    let some = words.split_whitespace().any(|word| !signs(&word));
    let kept = words.split_whitespace().filter(|word| !(some && signs(word)));
    kept.map(|word| amount(word).unwrap_or_else(|| vec![word.into()])).collect()
}

/// What all of them begin with.
pub(super) fn common(needles: &[String]) -> String {
    let Some((first, others)) = needles.split_first() else { return String::new() };
    let same = |at: &usize| others.iter().all(|o| o.get(..*at) == first.get(..*at));
    let longest = (0..=first.len()).rev().filter(|at| first.is_char_boundary(*at)).find(same);
    first.get(..longest.unwrap_or(0)).unwrap_or_default().to_owned()
}

/// `20`, `20,00`, `€20` and `1.020,00` as amounts are kept: with a point, and the currency's decimals.
fn amount(typed: &str) -> Option<Vec<String>> {
    let word = typed.trim_matches(|c: char| !c.is_ascii_digit() && !c.is_alphabetic());
    let plain = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let only = |text: &str| text.chars().all(|c| c.is_ascii_digit() || ".,'".contains(c));
    if word.is_empty() || !only(word) {
        return None;
    }
    if word == typed && word.len() >= 4 && word.chars().all(|c| c.is_ascii_digit()) {
        // May be a telephone's or an order's number, too; an amount contains it all the same.
        return Some(vec![word.to_owned()]);
    }
    let (whole, part) = match word.rfind(['.', ',']) {
        Some(at) if (1..=3).contains(&(word.len() - at - 1)) => {
            (plain(&word[..at]), Some(plain(&word[at + 1..])))
        }
        _ => (plain(word), None),
    };
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let kept = match &part {
        // Three digits may be thousands, or a dinar's decimals.
        Some(part) if part.len() == 3 => {
            let thousands = format!("{whole}{part}");
            vec![format!("{thousands}.00"), thousands, format!("{whole}.{part}")]
        }
        Some(part) => vec![format!("{whole}.{part:0<2}"), format!("{whole}.{part:0<3}")],
        None => vec![format!("{whole}.00"), whole.to_owned(), format!("{whole}.000")],
    };
    let mut any: Vec<String> = kept.iter().map(|amount| format!(" {amount} ")).collect();
    if word != typed {
        any.push(typed.to_owned());
    }
    Some(any)
}

#[cfg(test)]
mod tests {
    use super::*;
    use fulfill_rules::fact::{CustomField, Customer, Line};

    fn found(q: &str, hay: &str) -> bool {
        needles(q).iter().all(|any| any.iter().any(|needle| hay.contains(needle)))
    }

    #[test]
    fn whatever_a_person_has_in_hand_is_in_the_row() {
        let sale = Sale {
            amount_total: Some(102_000),
            currency: Some("eur".into()),
            payment_intent: Some("pi_123".into()),
            customer: Customer {
                email: Some("Jenny@Example.com".into()),
                name: Some("Jenny RÖSEN".into()),
                phone: Some("+49 170 1234567".into()),
                ..Customer::default()
            },
            custom_fields: vec![CustomField {
                value: "sea".into(),
                chosen: Some("Sea-Green".into()),
                ..CustomField::default()
            }],
            lines: vec![Line { description: Some("T-Shirt".into()), ..Line::default() }],
            ..Sale::default()
        };
        let hay = haystack(&sale);
        for q in [
            "jenny",
            "rösen jenny",
            "JENNY@",
            "example.com",
            "pi_123",
            "1020",
            "1020.00",
            "1020,00",
            "1.020,00",
            "1,020.00",
            "€1020",
            "t-shirt",
            "sea-green",
            "1234567",
        ] {
            assert!(found(q, &hay), "{q} in {hay}");
        }
        for q in ["102", "20.00", "020", "1020.01", "peter", "jenny peter", "10200"] {
            assert!(!found(q, &hay), "{q} in {hay}");
        }
    }

    #[test]
    fn later_blocks_of_keys_are_kept_and_bounded() {
        for (key, later) in [
            ("AAAA-BBBB-CCCC", Some("BBBB-CCCC")),
            ("AAAA BBBB", Some("BBBB")),
            ("-AAAA--BBBB-", Some("BBBB")),
            ("AAAABBBB", None),
            ("AAAA-", None),
            ("ÄÖ_ü", Some("ü")),
            ("--", None),
        ] {
            assert_eq!(later_blocks(key), later, "{key}");
        }
        let mut effect = Effect {
            line: "li_1".into(),
            kind: EffectKind::Key,
            unit: 1,
            quantity: 1,
            status: EffectStatus::Done,
            subject: "editor".into(),
            value: Some("AAAA-BBBB".into()),
            url: None,
            days: None,
            expires_at: None,
            held: None,
            backorder: false,
            note: None,
        };
        assert_eq!(keys(&[effect.clone(), effect.clone()]), "bbbb bbbb ");
        assert!(keys(&vec![effect.clone(); 1_000]).len() <= KEYS_BYTES_MAX);
        effect.status = EffectStatus::Held;
        assert_eq!(keys(&[effect]), "");
    }

    #[test]
    fn amounts_are_found_as_each_currency_writes_them() {
        for (q, hay) in [
            ("500", " 500 jpy "),
            ("1.234", " 1.234 kwd "),
            ("10,5", " 10.50 huf "),
            ("20", " 20.000 kwd "),
            ("49,00 €", " 49.00 eur "),
            ("€ 49", " 49.00 eur "),
        ] {
            assert!(found(q, hay), "{q} in {hay}");
        }
    }

    #[test]
    fn what_all_ways_to_write_it_begin_with_is_looked_for_first() {
        for (q, begin) in [("12.34", " 12.34"), ("20", " 20"), ("€20", ""), ("1.234", " 1")] {
            let [any] = &needles(q)[..] else { panic!("{q}") };
            assert_eq!(common(any), begin, "{q}");
        }
    }

    #[test]
    fn a_haystack_stays_narrow() {
        let lines = (0..500)
            .map(|n| Line { description: Some(format!("thing number {n}")), ..Line::default() });
        let sale = Sale { lines: lines.collect(), ..Sale::default() };
        assert!(haystack(&sale).len() <= BYTES_MAX);
    }
}
