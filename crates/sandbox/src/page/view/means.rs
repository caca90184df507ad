//! Ways to pay. No field invites a browser to offer a real card.

use crate::{
    instruments::is_voucher,
    page::{
        fields::Filled,
        parts::{Field, Maker, MethodView, Try},
    },
};

/// Whose card or account it is: called as the chosen method has it.
pub(super) fn payer(methods: &[&str], filled: &Filled, maker: &Maker<'_>) -> Field {
    let words = maker.words;
    let mut labels: Vec<_> = methods
        .iter()
        .map(|method| match *method {
            "card" => ("card", words.means.payer_card),
            slip if is_voucher(slip) => ("slip", words.buyer.full_name),
            _ => ("account", words.means.payer_account),
        })
        .collect();
    labels.sort_unstable();
    labels.dedup();
    let field = maker.text("name", words.means.payer, &filled.name).fills("name");
    match labels[..] {
        [(_, only)] => Field { label: only.to_owned(), ..field },
        _ => Field { labels, ..field },
    }
}

pub(super) fn methods(
    offered: &[&'static str],
    filled: &Filled,
    maker: &Maker<'_>,
) -> Vec<MethodView> {
    let chosen = offered.iter().find(|method| **method == filled.method).or(offered.first());
    offered
        .iter()
        .map(|method| MethodView {
            checked: chosen == Some(method),
            ..match *method {
                "card" => card(filled, maker),
                "sepa_debit" => sepa(filled, maker),
                "us_bank_account" => ach(filled, maker),
                voucher => slip(voucher, maker),
            }
        })
        .collect()
}

fn card(filled: &Filled, maker: &Maker<'_>) -> MethodView {
    let words = &maker.words.means;
    let number = maker.text("card_number", words.card_number, &filled.card_number);
    let exp = maker.text("exp", words.expiry, &filled.exp);
    let cvc = maker.text("cvc", words.cvc, filled.shown_cvc());
    let tries = [
        ("4242424242424242", "4242 4242 4242 4242", words.paid),
        ("4000002500003155", "4000 0025 0000 3155", words.asks),
        ("4000000000000002", "4000 0000 0000 0002", words.declined),
        ("4000000000009995", "4000 0000 0000 9995", words.insufficient),
        ("4000000000000259", "4000 0000 0000 0259", words.disputed),
    ];
    MethodView {
        key: "card",
        label: words.card.to_owned(),
        checked: false,
        fields: vec![
            number.digits().like("1234 1234 1234 1234"),
            exp.digits().like(words.expiry_shape).half(),
            cvc.digits().like("123").half(),
        ],
        hint: "",
        tries: tries.map(one).into(),
    }
}

fn one((value, shown, ends): (&'static str, &'static str, &'static str)) -> Try {
    Try { value, shown, ends }
}

fn sepa(filled: &Filled, maker: &Maker<'_>) -> MethodView {
    let words = &maker.words.means;
    let tries = [
        ("AT611904300234573201", "AT61 1904 3002 3457 3201", words.arrives),
        ("AT861904300235473202", "AT86 1904 3002 3547 3202", words.fails),
    ];
    MethodView {
        key: "sepa_debit",
        label: words.sepa.to_owned(),
        checked: false,
        fields: vec![maker.text("iban", "IBAN", &filled.iban).like("AT61 1904 3002 3457 3201")],
        hint: words.debit_later,
        tries: tries.map(one).into(),
    }
}

fn ach(filled: &Filled, maker: &Maker<'_>) -> MethodView {
    let words = &maker.words.means;
    let routing = maker.text("routing_number", words.routing_number, &filled.routing_number);
    let account = maker.text("account_number", words.account_number, &filled.account_number);
    let tries = [
        ("000123456789", "000123456789", words.arrives),
        ("000111111116", "000111111116", words.fails),
    ];
    MethodView {
        key: "us_bank_account",
        label: words.ach.to_owned(),
        checked: false,
        fields: vec![
            routing.digits().like("110000000").half(),
            account.digits().like("000123456789").half(),
        ],
        hint: words.debit_later,
        tries: tries.map(one).into(),
    }
}

/// A number to pay with somewhere else. Whether it is paid, the e-mail address says.
fn slip(key: &'static str, maker: &Maker<'_>) -> MethodView {
    let label = match key {
        "boleto" => "Boleto",
        "konbini" => "Konbini",
        "multibanco" => "Multibanco",
        _ => "OXXO",
    };
    MethodView {
        key,
        label: label.to_owned(),
        checked: false,
        fields: Vec::new(),
        hint: maker.words.means.voucher_later,
        tries: Vec::new(),
    }
}
