//! What a mail says about an order.

use std::{collections::BTreeMap, sync::Arc};

use fulfill_rules::{
    fact::{CustomField, Line, Sale},
    notice,
    place::{Effect, EffectKind, EffectStatus, web_address},
    shipment::LINES,
};

use jiff::civil::Date;
use serde::Serialize;

use super::{
    summary::{self, Shown},
    templates::{TemplateMistake, Templates, file_name},
    waits,
    words::{self, Words},
};
use crate::{
    brand::{Brand, Color},
    language::address,
    store::{DaySummary, OrderView},
};

/// A mail's subject, and its text twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Letter {
    pub(super) subject: String,
    pub(super) text: String,
    pub(super) html: String,
}

/// What is the same in all mails of a shop.
#[derive(Debug, Clone, Default)]
pub(super) struct Shop {
    /// Where landing pages are.
    pub(super) public_url: Option<String>,
    /// Spoken to the merchant, and to buyers whose own language is not known.
    pub(super) language: Option<&'static Words>,
    pub(super) templates: Templates,
    pub(super) brand: Arc<Brand>,
}

/// What templates are given, by these names; what is empty is left out of the mail.
#[derive(Serialize)]
struct Content<'a> {
    lang: &'static str,
    kind: &'a str,
    words: &'static Words,
    shop: ShopShown<'a>,
    hello: String,
    reason: Option<String>,
    buyer: Option<String>,
    lines: Vec<Row>,
    total: Option<String>,
    paid: Option<String>,
    goods: Vec<Good<'a>>,
    custom_fields: Vec<Answer>,
    address: Vec<String>,
    #[serde(flatten)]
    way: Way<'a>,
    /// Where the lines of one mail do not travel together.
    more_ways: Vec<Way<'a>>,
    order_url: Option<String>,
    my_orders_url: Option<String>,
    order_id: Option<&'a str>,
    date: Option<String>,
    test: bool,
    /// There was nothing to pay.
    free: bool,
    /// A parcel holds only a part of the order.
    part: bool,
    summary: Option<Shown>,
}

#[derive(Serialize)]
struct ShopShown<'a> {
    name: Option<&'a str>,
    color: String,
    on_color: String,
    link_color: String,
}

#[derive(Serialize)]
struct Row {
    what: String,
    quantity: i64,
    amount: Option<String>,
}

/// What the buyer answered in a custom field.
#[derive(Serialize)]
struct Answer {
    label: String,
    value: String,
}

/// What came of one line.
#[derive(Serialize)]
struct Good<'a> {
    what: String,
    grants: Vec<GrantShown<'a>>,
    keys: Vec<KeyShown<'a>>,
}

#[derive(Serialize)]
struct GrantShown<'a> {
    access: &'a str,
    url: Option<&'a str>,
    until: Option<String>,
}

/// How a parcel travels, as far as that is known.
#[derive(Default, PartialEq, Serialize)]
struct Way<'a> {
    carrier: Option<String>,
    tracking: Option<String>,
    track_url: Option<&'a str>,
}

#[derive(Serialize)]
struct KeyShown<'a> {
    key: &'a str,
    seats: Option<i64>,
}

impl Letter {
    /// Writes the mail of this kind about an order as it stands now; `input` is what was queued with it.
    pub(super) fn write(
        kind: &str,
        order: &OrderView,
        input: &BTreeMap<String, String>,
        shop: &Shop,
    ) -> Result<Self, TemplateMistake> {
        let usual = shop.usual();
        let words = match is_to_merchant(kind) {
            true => usual,
            false => words::of(&order.sale).unwrap_or(usual),
        };
        let mut content = content(kind, words, order, input, shop);
        match (kind, input.get(LINES)) {
            (notice::LINK, _) => content.only_the_link(shop, input),
            (notice::SHIPPED, Some(lines)) => content.only_what_left(&order.sale, lines),
            _ => {}
        }
        Self::of(kind, words, &content, shop)
    }

    /// Writes to the merchant how a day was.
    pub(super) fn summary(
        of: &DaySummary,
        date: Date,
        livemode: bool,
        shop: &Shop,
    ) -> Result<Self, TemplateMistake> {
        let words = shop.usual();
        let content = Content {
            lang: words.lang,
            kind: file_name(summary::KIND),
            words,
            shop: shop.shown(),
            hello: words.hello_nobody.to_owned(),
            reason: None,
            buyer: None,
            lines: Vec::new(),
            total: None,
            paid: None,
            goods: Vec::new(),
            custom_fields: Vec::new(),
            address: Vec::new(),
            way: Way::default(),
            more_ways: Vec::new(),
            order_url: None,
            my_orders_url: None,
            order_id: None,
            date: None,
            test: !livemode,
            free: false,
            part: false,
            summary: Some(summary::shown(of, date, words, shop)),
        };
        Self::of(summary::KIND, words, &content, shop)
    }

    fn of(
        kind: &str,
        words: &Words,
        content: &Content<'_>,
        shop: &Shop,
    ) -> Result<Self, TemplateMistake> {
        let part = |part| shop.templates.render(words, kind, part, content);
        Ok(Self { subject: part("subject")?, text: part("txt")?, html: part("html")? })
    }
}

impl Content<'_> {
    /// Nothing about an order stands in a mail that somebody else may have asked for.
    fn only_the_link(&mut self, shop: &Shop, input: &BTreeMap<String, String>) {
        let at = shop.public_url.as_ref().zip(input.get("link"));
        self.my_orders_url = at.map(|(base, link)| format!("{base}/my-orders/{link}"));
        self.lines.clear();
        (self.total, self.paid, self.date) = (None, None, None);
        (self.order_url, self.order_id) = (None, None);
    }

    /// What stays behind does not stand in the mail of a parcel, nor what all of it costs.
    fn only_what_left(&mut self, sale: &Sale, lines: &str) {
        let left = |line: &&Line| lines.split(' ').any(|id| id == line.id);
        let bought: Vec<&Line> = sale.lines.iter().filter(|line| line.quantity > 0).collect();
        if bought.iter().all(left) || !bought.iter().any(left) {
            return;
        }
        let rows = std::mem::take(&mut self.lines).into_iter().zip(&bought);
        self.lines = rows.filter(|(_, line)| left(line)).map(|(row, _)| row).collect();
        (self.total, self.paid, self.part) = (None, None, true);
    }
}

impl Shop {
    fn usual(&self) -> &'static Words {
        let brands = || self.brand.language.map(words::in_language);
        self.language.or_else(brands).unwrap_or(words::ALL[0])
    }

    fn shown(&self) -> ShopShown<'_> {
        let color = self.brand.color.or_else(|| Color::parse(COLOR)).unwrap_or(Color::BLACK);
        ShopShown {
            name: self.brand.name.as_deref(),
            color: color.hex(),
            on_color: color.text_on().hex(),
            link_color: color.readable_on(Color::WHITE).hex(),
        }
    }
}

/// Of buttons, where the shop has no color of its own.
const COLOR: &str = "#2f4fd0";

/// Whether the merchant is written to, and not the buyer.
pub(super) fn is_to_merchant(kind: &str) -> bool {
    matches!(kind, notice::NEW_ORDER | notice::NEEDS_ATTENTION | summary::KIND)
}

fn content<'a>(
    kind: &'a str,
    w: &'static Words,
    order: &'a OrderView,
    input: &'a BTreeMap<String, String>,
    shop: &'a Shop,
) -> Content<'a> {
    let sale = &order.sale;
    let to_merchant = is_to_merchant(kind);
    // What the buyer saw and paid is what a buyer is told (case 26).
    let presented = sale
        .presentment
        .as_ref()
        .filter(|paid| sale.currency.as_deref() != Some(paid.currency.as_str()));
    let settled = amount(sale.amount_total, sale.currency.as_deref(), w);
    let shown = presented.map(|paid| w.language.money(paid.amount, &paid.currency));
    let (total, paid) = match (to_merchant, shown) {
        (true, shown) => (settled, shown),
        (false, shown) => (shown.or(settled), None),
    };
    let with_amounts = to_merchant || presented.is_none();
    let name = sale.customer.name.as_deref().map(one_line).filter(|name| !name.is_empty());
    let ships = order.effects.iter().any(|e| e.kind == EffectKind::Parcel && !e.is_waived());
    let about_parcel = matches!(kind, notice::RECEIPT | notice::SHIPPED) || to_merchant;
    let mut ways =
        if kind == notice::SHIPPED { ways(order, input) } else { Vec::new() }.into_iter();
    Content {
        lang: w.lang,
        kind: file_name(kind),
        words: w,
        shop: shop.shown(),
        hello: match name.as_deref().filter(|_| !to_merchant) {
            Some(name) => format!("{} {name},", w.hello),
            None => w.hello_nobody.to_owned(),
        },
        reason: (kind == notice::NEEDS_ATTENTION).then(|| waits::said(order, w)).flatten(),
        buyer: to_merchant.then(|| buyer(sale)).flatten(),
        lines: if kind == notice::ACCESS { Vec::new() } else { rows(sale, w, with_amounts) },
        total,
        paid,
        goods: if kind == notice::ACCESS { goods(order, w) } else { Vec::new() },
        custom_fields: if kind == notice::NEW_ORDER { answers(sale) } else { Vec::new() },
        address: if ships && about_parcel { address(sale, w) } else { Vec::new() },
        way: ways.next().unwrap_or_default(),
        more_ways: ways.collect(),
        order_url: shop.public_url.as_ref().map(|base| match to_merchant {
            true => format!("{base}/dashboard/orders/{}", order.key.id),
            false => format!("{base}/success?session_id={}", order.key.id),
        }),
        my_orders_url: None,
        order_id: Some(&order.key.id),
        date: sale.created.map(|at| w.language.day(at.saturating_mul(1_000))),
        test: !order.key.livemode,
        free: sale.payment_status.as_deref() == Some("no_payment_required"),
        part: false,
        summary: None,
    }
}

pub(super) fn amount(minor: Option<i64>, currency: Option<&str>, w: &Words) -> Option<String> {
    match (minor?, currency?) {
        (0, _) => Some(w.free.to_owned()),
        (minor, currency) => Some(w.language.money(minor, currency)),
    }
}

/// Lines the buyer removed are not written of (case 30).
fn rows(sale: &Sale, w: &Words, with_amounts: bool) -> Vec<Row> {
    let row = |line: &Line| {
        let currency = line.currency.as_deref().or(sale.currency.as_deref());
        let amount = amount(line.amount_total, currency, w).filter(|_| with_amounts);
        Row { what: what(line, w), quantity: line.quantity, amount }
    };
    sale.lines.iter().filter(|line| line.quantity > 0).map(row).collect()
}

fn what(line: &Line, w: &Words) -> String {
    let said = line.description.as_deref().map(one_line).filter(|said| !said.is_empty());
    said.unwrap_or_else(|| w.item.to_owned())
}

fn goods<'a>(order: &'a OrderView, w: &Words) -> Vec<Good<'a>> {
    let good = |line: &'a Line| {
        let done = |kind| {
            let of = move |e: &&Effect| e.line == line.id && e.kind == kind && !e.is_waived();
            order.effects.iter().filter(of).filter(|e| e.status == EffectStatus::Done)
        };
        let grants: Vec<_> = done(EffectKind::Grant)
            .filter_map(|e| {
                let url = e.url.as_deref().and_then(web_address);
                let until = e.expires_at.map(|at| w.language.day(at));
                Some(GrantShown { access: e.value.as_deref()?, url, until })
            })
            .collect();
        let keys: Vec<_> = done(EffectKind::Key)
            .filter_map(|e| {
                let seats = (e.quantity > 1).then_some(e.quantity);
                Some(KeyShown { key: e.value.as_deref()?, seats })
            })
            .collect();
        let empty = grants.is_empty() && keys.is_empty();
        (!empty).then(|| Good { what: what(line, w), grants, keys })
    };
    order.sale.lines.iter().filter_map(good).collect()
}

/// How the lines of this mail travel, as it is known now: a number that was corrected is told where it
/// belongs. Without a parcel that left, as it was said when the mail was queued.
fn ways<'a>(order: &'a OrderView, input: &'a BTreeMap<String, String>) -> Vec<Way<'a>> {
    let known = |text: &str| Some(one_line(text)).filter(|text| !text.is_empty());
    let way = |carrier: Option<&str>, tracking: Option<&str>, url: Option<&'a str>| Way {
        carrier: carrier.and_then(known),
        tracking: tracking.and_then(known),
        track_url: url.and_then(web_address),
    };
    let said = |name: &str| input.get(name).map(String::as_str);
    let lines = said(LINES);
    let mut ways: Vec<Way<'a>> = Vec::new();
    for parcel in order.effects.iter().filter(|e| e.status == EffectStatus::Shipped) {
        let here = lines.is_none_or(|lines| lines.split(' ').any(|line| line == parcel.line));
        let way = way(Some(&parcel.subject), parcel.value.as_deref(), parcel.url.as_deref());
        if here && !ways.contains(&way) {
            ways.push(way);
        }
    }
    if ways.is_empty() {
        ways.push(way(said("carrier"), said("tracking"), said("url")));
    }
    ways
}

fn answers(sale: &Sale) -> Vec<Answer> {
    let answer = |field: &CustomField| Answer {
        label: one_line(&field.label),
        value: within(field.answer(), ANSWER_MAX),
    };
    sale.custom_fields.iter().map(answer).collect()
}

fn buyer(sale: &Sale) -> Option<String> {
    let parts = [&sale.customer.name, &sale.customer.email, &sale.customer.phone];
    let parts: Vec<String> = parts.into_iter().flatten().map(|part| one_line(part)).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn address(sale: &Sale, w: &Words) -> Vec<String> {
    let rows = sale.shipping.as_ref().map(|to| address::rows(to, w.language)).unwrap_or_default();
    rows.iter().map(|row| one_line(row)).filter(|row| !row.is_empty()).collect()
}

/// Longest text of a buyer's own that is put on one line.
const LINE_MAX: usize = 200;
/// The same of an answer in a custom field: what is to be engraved is not cut short.
const ANSWER_MAX: usize = 300;

/// A buyer's text as one line of limited length: no line breaks, no control characters, nothing that
/// turns the direction of what follows.
pub(super) fn one_line(text: &str) -> String {
    within(text, LINE_MAX)
}

fn within(text: &str, max: usize) -> String {
    let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let plain = text.chars().take(max).filter(|c| !turns(*c));
    let plain: String = plain
        .map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c })
        .collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
