//! An order's states, and the one decision that moves it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    DAY, HOUR, MINUTE, Millis, SECOND,
    delivery::DeliveryStatus,
    fact::{Fact, Line, Sale},
    id::SessionKey,
    money, notice,
    place::{Effect, EffectKind, EffectStatus, Held, NOTHING_LISTED, advance, owed},
    plan::{Catalog, Found},
    supply::{Demand, Supply},
};

/// Where an order stands (design, §5). Forward only: what was placed never waits for payment again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are the contract's")]
pub enum Status {
    AwaitingPayment,
    Preparing,
    Fulfilled,
    NeedsAttention,
    PaymentFailed,
    NotFulfillable,
}

impl Status {
    /// The contract's word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AwaitingPayment => "awaiting_payment",
            Self::Preparing => "preparing",
            Self::Fulfilled => "fulfilled",
            Self::NeedsAttention => "needs_attention",
            Self::PaymentFailed => "payment_failed",
            Self::NotFulfillable => "not_fulfillable",
        }
    }

    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::AwaitingPayment,
        Self::Preparing,
        Self::Fulfilled,
        Self::NeedsAttention,
        Self::PaymentFailed,
        Self::NotFulfillable,
    ];

    /// Reads the contract's word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

/// An order as it is remembered, as far as decisions need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Its session.
    pub key: SessionKey,
    /// Where it stands.
    pub status: Status,
    /// Why it stands there, for people.
    pub reason: Option<String>,
    /// When this program first heard of it.
    pub first_seen_at: Millis,
    /// It was paid and its effects are recorded; from then on lines are frozen.
    pub placed: bool,
    /// A parcel would know where to go.
    pub has_address: bool,
    /// What must be true.
    pub effects: Vec<Effect>,
    /// Outside work that it waits for.
    pub deliveries: Vec<Owed>,
    /// What its lines are called, by their ids ([`names`]).
    pub names: Names,
}

/// What lines are called, by their ids.
pub type Names = BTreeMap<String, String>;

/// Longest name of a line in a sentence, in characters.
const NAME_MAX: usize = 60;

/// What people are told instead of a line's id: its description, cut short, where it has one.
#[must_use]
pub fn names(sale: &Sale) -> Names {
    let name = |line: &Line| Some((line.id.clone(), format!("'{}'", name(line)?)));
    sale.lines.iter().filter_map(name).collect()
}

/// A line's description in one line of text, cut short; nothing where it has none.
#[must_use]
pub fn name(line: &Line) -> Option<String> {
    let said = line.description.as_deref()?;
    let plain = said.chars().take(NAME_MAX + 1).map(|c| if c.is_control() { ' ' } else { c });
    let plain = plain.collect::<String>();
    let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    match plain.char_indices().nth(NAME_MAX) {
        Some((end, _)) => Some(format!("{}…", &plain[..end])),
        None => Some(plain).filter(|plain| !plain.is_empty()),
    }
}

/// Lines by their names, the id where there is none.
pub(crate) fn named(lines: &[String], names: &Names) -> String {
    let name = |line: &String| names.get(line).unwrap_or(line).clone();
    lines.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// Outside work an order may wait for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owed {
    /// The action's kind.
    pub kind: String,
    /// The order waits for it (mails are notices: it does not).
    pub owed: bool,
    /// How far it is.
    pub status: DeliveryStatus,
}

/// What the shop wants.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// What products owe.
    pub catalog: Catalog,
    /// Send a receipt by mail (false where Stripe sends one).
    pub receipts: bool,
    /// Mails to the buyer beside the receipt: keys and access, how the payment stands.
    pub notices: bool,
    /// Mails to the merchant: new orders, and those that need attention.
    pub merchant: bool,
}

impl Policy {
    /// Buyers are written to, now or once mail can go out.
    #[must_use]
    pub fn writes(&self) -> bool {
        self.receipts || self.notices
    }
}

/// Outside work to be queued, once for ever per (order, kind, line, unit).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDelivery {
    /// The action's kind.
    pub kind: String,
    /// The line it belongs to; empty for the whole order.
    pub line: String,
    /// The order waits for it.
    pub owed: bool,
    /// Handed to the action.
    pub input: BTreeMap<String, String>,
}

/// What must become true, all of it in one transaction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decision {
    /// The order's new standing; `None`: there is no order.
    pub standing: Option<Standing>,
    /// Effects that are new or changed.
    pub effects: Vec<Effect>,
    /// Outside work that is new.
    pub deliveries: Vec<NewDelivery>,
    /// What to tell a person who asks what happened.
    pub timeline: Vec<String>,
    /// When to look at the session again.
    pub look_again_at: Option<Millis>,
    /// The sale, as now retrieved, replaces what is remembered.
    pub take_sale: bool,
    /// The order becomes placed.
    pub placed: bool,
}

/// Status and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Where the order stands.
    pub status: Status,
    /// Why, for people; nothing when there is nothing to say.
    pub reason: Option<String>,
}

/// What this order could take, so that the caller can lock and load it before [`decide`].
#[must_use]
pub fn demand(order: Option<&Order>, fact: &Fact, sale: &Sale, catalog: &Catalog) -> Demand {
    match order {
        Some(order) if order.placed => crate::place::demand(&order.effects),
        _ if *fact == Fact::Paid => {
            let link = sale.payment_link.as_deref();
            let effects: Vec<Effect> =
                sale.lines.iter().flat_map(|line| owed(line, &catalog.find(line, link))).collect();
            crate::place::demand(&effects)
        }
        _ => Demand::default(),
    }
}

/// The decision: given what is remembered, what was learned and what there is to give, what must
/// become true. The same fact a second time changes nothing.
#[must_use]
pub fn decide(
    order: Option<&Order>,
    fact: &Fact,
    sale: &Sale,
    supply: &mut Supply,
    policy: &Policy,
    now: Millis,
) -> Decision {
    let mut decision = match order {
        Some(order) if order.placed => advance_placed(order, sale, supply, policy, now),
        _ if *fact == Fact::Paid => place(order, sale, supply, policy, now),
        _ => not_paid(order, fact, now),
    };
    notice::add(&mut decision, order, fact, policy, sale);
    decision
}

fn not_paid(order: Option<&Order>, fact: &Fact, now: Millis) -> Decision {
    let age = order.map_or(0, |o| now.saturating_sub(o.first_seen_at));
    let (status, why, look_again_at) = match fact {
        Fact::Paid => unreachable!("handled by decide"),
        Fact::Open => {
            return Decision {
                standing: order.map(|o| Standing { status: o.status, reason: o.reason.clone() }),
                look_again_at: order
                    .filter(|o| o.status != Status::NotFulfillable)
                    .map(|_| now + patience(age)),
                ..Decision::default()
            };
        }
        Fact::Waiting(why) => (Status::AwaitingPayment, why, Some(now + patience(age))),
        Fact::Settling(why) => {
            let soon = if age < 10 * MINUTE { 5 * SECOND } else { patience(age) };
            (Status::AwaitingPayment, why, Some(now + soon))
        }
        Fact::Failed(why) => (Status::PaymentFailed, why, (age < 7 * DAY).then_some(now + DAY)),
        Fact::NotFulfillable(why) => (Status::NotFulfillable, why, None),
        Fact::Unknown(why) => (Status::NeedsAttention, why, Some(now + patience(age))),
    };
    let standing = Standing { status, reason: Some(why.clone()) };
    let known = order.is_some_and(|o| o.status == standing.status && o.reason == standing.reason);
    Decision {
        standing: Some(standing),
        timeline: if known { Vec::new() } else { vec![format!("{}: {why}", status.as_str())] },
        look_again_at,
        take_sale: true,
        ..Decision::default()
    }
}

/// The longer something has waited, the more patience: a quarter of its age, 10 minutes to 6 hours.
fn patience(age: Millis) -> Millis {
    (age / 4).clamp(10 * MINUTE, 6 * HOUR)
}

fn place(
    order: Option<&Order>,
    sale: &Sale,
    supply: &mut Supply,
    policy: &Policy,
    now: Millis,
) -> Decision {
    let link = sale.payment_link.as_deref();
    let mut decision = Decision { take_sale: true, placed: true, ..Decision::default() };
    if sale.lines.is_empty() {
        decision.effects.push(crate::place::nothing_listed());
    }
    for line in &sale.lines {
        let found = policy.catalog.find(line, link);
        let mut effects = owed(line, &found);
        let settled = advance(&mut effects, sale.shipping.is_some(), supply, now);
        decision.effects.extend(effects);
        if settled && line.units().is_some_and(|units| units > 0) {
            decision.deliveries.extend(found.product().and_then(|p| own_action(&line.id, p)));
        }
    }
    let before = order.map_or(&[][..], |o| &o.deliveries);
    let standing = standing(&decision.effects, before, &decision.deliveries, &names(sale));
    decision.timeline.push(paid_sentence(sale));
    decision.timeline.push(sentence(&standing, &decision.effects));
    decision.standing = Some(standing);
    decision
}

fn own_action(line: &str, product: &crate::plan::Product) -> Option<NewDelivery> {
    product.action.as_ref().map(|own| NewDelivery {
        kind: own.kind.clone(),
        line: line.to_owned(),
        owed: true,
        input: own.input.clone(),
    })
}

fn advance_placed(
    order: &Order,
    sale: &Sale,
    supply: &mut Supply,
    policy: &Policy,
    now: Millis,
) -> Decision {
    let link = sale.payment_link.as_deref();
    let mut after = Vec::with_capacity(order.effects.len());
    let mut deliveries = Vec::new();
    for (line, mut effects) in by_line(&order.effects) {
        let waited_for_stock = effects.iter().any(|e| e.held == Some(Held::Stock));
        if matches!(&effects[..], [one] if one.held == Some(Held::Unmatched)) {
            let sold = sale.lines.iter().find(|l| l.id == line);
            let found = sold.map(|l| (l, policy.catalog.find(l, link)));
            if let Some((sold, found)) = &found {
                let owed = owed(sold, found);
                if let Some(product) = found.product() {
                    effects = rematch(&effects, owed);
                    if advance(&mut effects, order.has_address, supply, now) {
                        deliveries.extend(own_action(&line, product));
                    }
                } else if matches!(&owed[..], [one] if one.held == Some(Held::Unmatched)) {
                    // Still nobody knows, but perhaps for another reason.
                    effects = owed;
                }
            }
        } else if advance(&mut effects, order.has_address, supply, now) && waited_for_stock {
            let sold = sale.lines.iter().find(|l| l.id == line);
            let found = sold.map(|l| policy.catalog.find(l, link));
            let product = found.as_ref().and_then(Found::product);
            deliveries.extend(product.and_then(|p| own_action(&line, p)));
        }
        after.extend(effects);
    }
    changed(order, after, deliveries, None)
}

/// The catalog has learned of a line: what stood for "unmatched" is settled by what it now owes.
fn rematch(unmatched: &[Effect], mut owed: Vec<Effect>) -> Vec<Effect> {
    let stands = owed.iter().any(|e| e.kind == EffectKind::Manual);
    if !stands {
        owed.extend(unmatched.iter().cloned().map(|mut e| {
            e.status = EffectStatus::Done;
            e.held = None;
            e.note = Some("matched after the catalog was changed".into());
            e
        }));
    }
    owed
}

fn by_line(effects: &[Effect]) -> Vec<(String, Vec<Effect>)> {
    let mut lines: Vec<(String, Vec<Effect>)> = Vec::new();
    for effect in effects {
        match lines.iter_mut().find(|(line, _)| *line == effect.line) {
            Some((_, group)) => group.push(effect.clone()),
            None => lines.push((effect.line.clone(), vec![effect.clone()])),
        }
    }
    lines
}

/// What a person does about held effects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByHand {
    /// Done outside this program.
    Fulfill,
    /// Not owed any more.
    Waive,
}

/// Settles held effects by hand: those of `lines`, or all of them when it is empty.
#[must_use]
pub fn by_hand(order: &Order, act: ByHand, lines: &[String], who: &str, now: Millis) -> Decision {
    let word = match act {
        ByHand::Fulfill => "fulfilled by hand",
        ByHand::Waive => "waived",
    };
    let mut after = order.effects.clone();
    for effect in after.iter_mut().filter(|e| e.is_held()) {
        if lines.is_empty() || lines.contains(&effect.line) {
            effect.status = EffectStatus::Done;
            effect.held = None;
            effect.note = Some(format!("{word} by {who}"));
            if act == ByHand::Waive {
                // What is not owed any more gives nothing: no access, nothing to show.
                effect.value = None;
            } else if effect.kind == EffectKind::Grant {
                effect.begin_term(now);
            }
        }
    }
    let said = format!(
        "{word} by {who}: {}",
        if lines.is_empty() {
            "everything that was held".to_owned()
        } else {
            named(lines, &order.names)
        }
    );
    if after == order.effects {
        return changed(order, after, Vec::new(), None);
    }
    let mut decision = changed(order, after, Vec::new(), Some(said));
    notice::add_as_before(&mut decision, order);
    decision
}

/// Outside work has moved: where does the order stand now?
#[must_use]
pub fn after_delivery(order: &Order) -> Decision {
    let mut decision = changed(order, order.effects.clone(), Vec::new(), None);
    notice::add_as_before(&mut decision, order);
    decision
}

pub(crate) fn changed(
    order: &Order,
    after: Vec<Effect>,
    deliveries: Vec<NewDelivery>,
    said: Option<String>,
) -> Decision {
    // Forward only: what was fulfilled stays fulfilled. An order that is not placed stands where its
    // payment does, whatever people or deliveries do about it.
    let next = match order.status {
        Status::Fulfilled => Standing { status: order.status, reason: order.reason.clone() },
        _ if !order.placed => Standing { status: order.status, reason: order.reason.clone() },
        _ => standing(&after, &order.deliveries, &deliveries, &order.names),
    };
    let mut timeline = Vec::from_iter(said);
    if next.status != order.status || next.reason != order.reason {
        timeline.push(sentence(&next, &after));
    }
    let effects = after.into_iter().filter(|e| !order.effects.contains(e)).collect();
    Decision { standing: Some(next), effects, deliveries, timeline, ..Decision::default() }
}

/// Where an order with these effects and deliveries stands: `fulfilled` when every effect is
/// recorded and every owed delivery is done.
#[must_use]
pub fn standing(
    effects: &[Effect],
    known: &[Owed],
    new: &[NewDelivery],
    names: &Names,
) -> Standing {
    let mut waits: Vec<String> = Vec::new();
    for effect in effects.iter().filter(|e| e.is_held()) {
        let what = match effect.held {
            Some(Held::Stock) => match effect.kind {
                EffectKind::Stock => format!("not enough stock of {}", effect.subject),
                _ => continue,
            },
            Some(Held::Keys) => format!("the key pool '{}' is dry", effect.subject),
            Some(Held::Address) => "a parcel has no address".to_owned(),
            Some(Held::Unmatched) if effect.line.is_empty() => NOTHING_LISTED.to_owned(),
            Some(Held::Unmatched) => match effect.unreadable() {
                Some(note) => format!("{}: {note}", line_of(effect, names)),
                None => format!("{} is not in the catalog", line_of(effect, names)),
            },
            Some(Held::Manual) | None => {
                let why = effect.note.as_ref().map(|note| format!(": {note}"));
                let why = why.unwrap_or_default();
                format!("{} waits for a person{why}", line_of(effect, names))
            }
        };
        if !waits.contains(&what) {
            waits.push(what);
        }
    }
    for stuck in known.iter().filter(|d| d.owed && d.status == DeliveryStatus::Stuck) {
        waits.push(format!("the delivery {} is stuck", stuck.kind));
    }
    if !waits.is_empty() {
        // Effects come in any order; the same reason reads the same.
        waits.sort();
        return Standing { status: Status::NeedsAttention, reason: Some(waits.join("; ")) };
    }
    let open = known
        .iter()
        .filter(|d| d.owed && !d.status.is_over())
        .map(|d| d.kind.as_str())
        .chain(new.iter().filter(|d| d.owed).map(|d| d.kind.as_str()))
        .next();
    match open {
        Some(kind) => Standing {
            status: Status::Preparing,
            reason: Some(format!("the delivery {kind} is on its way")),
        },
        None => Standing { status: Status::Fulfilled, reason: None },
    }
}

fn line_of(effect: &Effect, names: &Names) -> String {
    let id = || format!("line {}", effect.line);
    names.get(&effect.line).cloned().unwrap_or_else(id)
}

fn paid_sentence(sale: &Sale) -> String {
    match (sale.payment_status.as_deref(), sale.amount_total, sale.currency.as_deref()) {
        (Some("no_payment_required"), ..) => "nothing to pay".to_owned(),
        (_, Some(amount), Some(currency)) => format!("paid {}", money::plain(amount, currency)),
        _ => "paid".to_owned(),
    }
}

fn sentence(standing: &Standing, effects: &[Effect]) -> String {
    let status = standing.status.as_str();
    match (&standing.status, &standing.reason) {
        (Status::Fulfilled, _) => format!("{status}: {}", summary(effects)),
        (_, Some(reason)) => format!("{status}: {reason}"),
        _ => status.to_owned(),
    }
}

/// What the [`summary`] says where all that is owed waits.
pub const NOTHING_YET: &str = "nothing yet";

/// `grant course, key editor ×2, stock SHIRT-M ×1, parcel`: what went out, never a key itself; and what a
/// person handed over or waived instead: `key editor ×1 (waived by ann)`.
#[must_use]
pub fn summary(effects: &[Effect]) -> String {
    let mut sums: BTreeMap<(EffectKind, &str, Option<String>), i64> = BTreeMap::new();
    for effect in effects.iter().filter(|e| !e.is_held()) {
        let person = effect.by_a_person();
        if effect.kind == EffectKind::Manual && person.is_none() {
            // It stood for a line that the catalog has learned of: the line's own effects went out.
            continue;
        }
        let sum = sums.entry((effect.kind, effect.subject.as_str(), person)).or_default();
        *sum = sum.saturating_add(effect.quantity);
    }
    let words: Vec<String> = sums
        .into_iter()
        .map(|((kind, subject, person), quantity)| {
            let kind = match kind {
                EffectKind::Grant => "grant",
                EffectKind::Key => "key",
                EffectKind::Stock => "stock",
                EffectKind::Parcel => "parcel",
                EffectKind::Manual => "manual",
            };
            let person = person.map(|did| format!(" ({did})")).unwrap_or_default();
            format!("{kind} {subject} ×{quantity}{person}").replace("  ", " ")
        })
        .collect();
    if !words.is_empty() {
        return words.join(", ");
    }
    let owed = effects.iter().any(Effect::is_held);
    if owed { NOTHING_YET.to_owned() } else { "nothing was owed".to_owned() }
}

#[cfg(test)]
mod tests;
