//! What a buyer may see of an order (case 42): what was bought, and what came of it. Keys and links are
//! in a page only when they may be read there; a page that hides them does not have them.

use fulfill_rules::{
    fact::{Line, Sale},
    place::{Effect, EffectKind, EffectStatus, web_address},
};

use super::words::Words;
use crate::{language::address, store::OrderView};

/// How much of an order is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Show {
    /// That there is one.
    Nothing,
    /// What was ordered.
    Lines,
    /// And what came of it, but no key and no link.
    Masked,
    /// All of it.
    Goods,
}

/// An order as its buyer sees it.
pub(super) struct Bought<'a> {
    pub(super) lines: Vec<LineShown<'a>>,
    pub(super) total: Option<String>,
    pub(super) paid: Option<String>,
    /// Something is hidden.
    pub(super) masked: bool,
    pub(super) test: bool,
    pub(super) reference: &'a str,
    pub(super) date: Option<String>,
}

/// One line and what came of it.
pub(super) struct LineShown<'a> {
    pub(super) what: &'a str,
    pub(super) quantity: i64,
    pub(super) amount: Option<String>,
    pub(super) grants: Vec<GrantShown<'a>>,
    pub(super) keys: Vec<KeyShown<'a>>,
    pub(super) parcels: Vec<ParcelShown<'a>>,
    pub(super) waits: bool,
}

pub(super) struct GrantShown<'a> {
    pub(super) access: &'a str,
    /// Only where a browser can go without harm.
    pub(super) url: Option<&'a str>,
    pub(super) until: Option<String>,
}

pub(super) struct KeyShown<'a> {
    /// None when it is hidden.
    pub(super) key: Option<&'a str>,
    pub(super) seats: Option<i64>,
}

pub(super) struct ParcelShown<'a> {
    pub(super) word: &'static str,
    pub(super) to: String,
    pub(super) carrier: Option<&'a str>,
    pub(super) tracking: Option<&'a str>,
    pub(super) url: Option<&'a str>,
}

impl<'a> Bought<'a> {
    pub(super) fn of(order: &'a OrderView, w: &'static Words, show: Show) -> Self {
        let sale = &order.sale;
        // Lines the buyer removed are not shown (case 30).
        let shown = |line: &&Line| show != Show::Nothing && line.quantity > 0;
        let sold = sale.lines.iter().filter(shown);
        let lines: Vec<_> = sold.map(|line| line_shown(order, line, w, show)).collect();
        let hides = |line: &LineShown<'_>| !line.keys.is_empty() || !line.grants.is_empty();
        Self {
            masked: show == Show::Masked && lines.iter().any(hides),
            lines,
            total: amount(sale.amount_total, sale.currency.as_deref(), w)
                .filter(|_| show != Show::Nothing),
            paid: presented(sale, w).filter(|_| order.placed && show != Show::Nothing),
            test: !order.key.livemode,
            reference: &order.key.id,
            date: sale.created.map(|at| w.language.day(at.saturating_mul(1_000))),
        }
    }
}

/// What the buyer paid, where that was another currency (case 26).
fn presented(sale: &Sale, w: &Words) -> Option<String> {
    let paid = sale.presentment.as_ref()?;
    let other = sale.currency.as_deref() != Some(paid.currency.as_str());
    other.then(|| w.language.money(paid.amount, &paid.currency))
}

fn amount(minor: Option<i64>, currency: Option<&str>, w: &Words) -> Option<String> {
    match (minor?, currency?) {
        (0, _) => Some(w.free.to_owned()),
        (minor, currency) => Some(w.language.money(minor, currency)),
    }
}

fn line_shown<'a>(
    order: &'a OrderView,
    line: &'a Line,
    w: &'static Words,
    show: Show,
) -> LineShown<'a> {
    let currency = line.currency.as_deref().or(order.sale.currency.as_deref());
    let (came, open) = (matches!(show, Show::Masked | Show::Goods), show == Show::Goods);
    let effects = || order.effects.iter().filter(|e| came && e.line == line.id && !e.is_waived());
    let done = |kind| effects().filter(move |e| e.kind == kind && e.status == EffectStatus::Done);
    let seats = |e: &Effect| (e.quantity > 1).then_some(e.quantity);
    let undelivered = || {
        let of_line = order.deliveries.iter().filter(|d| d.owed && d.line == line.id);
        came && of_line.into_iter().any(|d| !d.status.is_over())
    };
    LineShown {
        what: line.description.as_deref().filter(|d| !d.trim().is_empty()).unwrap_or(w.item),
        quantity: line.quantity,
        amount: amount(line.amount_total, currency, w),
        grants: done(EffectKind::Grant)
            .filter_map(|e| {
                let until = e.expires_at.map(|at| w.language.day(at));
                let url = e.url.as_deref().and_then(web_address).filter(|_| open);
                Some(GrantShown { access: e.value.as_deref()?, url, until })
            })
            .collect(),
        keys: done(EffectKind::Key)
            .filter_map(|e| {
                let key = e.value.as_deref()?;
                Some(KeyShown { key: open.then_some(key), seats: seats(e) })
            })
            .collect(),
        parcels: effects().filter_map(|e| parcel(e, &order.sale, w, open)).collect(),
        waits: effects().any(Effect::is_held) || undelivered(),
    }
}

/// Where a parcel goes, as far as the buyer has to recognize it: not the whole address. Its number says
/// more than that at the carrier's, so it is hidden like a key.
fn parcel<'a>(
    effect: &'a Effect,
    sale: &Sale,
    w: &'static Words,
    open: bool,
) -> Option<ParcelShown<'a>> {
    let (word, sent) = match (effect.kind, effect.status) {
        (EffectKind::Parcel, EffectStatus::ToShip) => (w.to_ship, false),
        (EffectKind::Parcel, EffectStatus::Shipped) => (w.shipped, true),
        _ => return None,
    };
    let to = sale.shipping.as_ref()?;
    let country = to.address.country.as_deref().map(|code| address::country(w.language, code));
    let parts = [to.name.as_deref(), to.address.city.as_deref(), country];
    let parts: Vec<&str> = parts.into_iter().flatten().collect();
    let told = |text: Option<&'a str>| text.filter(|text| sent && !text.is_empty());
    Some(ParcelShown {
        word,
        to: parts.join(", "),
        carrier: told(Some(&effect.subject)),
        tracking: told(effect.value.as_deref()).filter(|_| open),
        url: told(effect.url.as_deref()).and_then(web_address).filter(|_| open),
    })
}

/// `ada@example.com` → `a…@e….com`: enough to know one's own address, too little to learn it.
pub(super) fn hint(email: &str) -> Option<String> {
    let (name, domain) = email.trim().rsplit_once('@')?;
    let (host, end) = domain.rsplit_once('.').unwrap_or((domain, ""));
    let first = |text: &str| text.chars().next().filter(|c| c.is_alphanumeric());
    // A name may be quoted, as in "ann lee"@example.com, and begin with a sign.
    let name = name.strip_prefix('"').unwrap_or(name);
    let a = first(name).map_or_else(String::new, String::from);
    let b = first(host).filter(|_| !name.is_empty())?;
    let end = if end.is_empty() { String::new() } else { format!(".{end}") };
    Some(format!("{a}…@{b}…{end}"))
}

#[cfg(test)]
mod tests {
    use super::hint;

    #[test]
    fn an_address_is_hinted_at_and_not_told() {
        for (email, hinted) in [
            ("ada@example.com", Some("a…@e….com")),
            ("a@b.example", Some("a…@b….example")),
            ("ada@mail.example.co.uk", Some("a…@m….uk")),
            ("ada@localhost", Some("a…@l…")),
            ("\"john doe\"@example.com", Some("j…@e….com")),
            ("\"john@home\"@example.com", Some("j…@e….com")),
            ("_ada@example.com", Some("…@e….com")),
            ("<script>@x.example", Some("…@x….example")),
            ("ada@<script>", None),
            ("@example.com", None),
            ("nobody", None),
            ("", None),
        ] {
            assert_eq!(hint(email).as_deref(), hinted, "{email}");
        }
    }
}
