//! From a line to its effects: everything starts held, then moves as far as supply allows. New
//! orders and old ones that got something at last go the same way.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    DAY, Millis,
    fact::Line,
    plan::{Found, Oversell},
    supply::{Demand, Supply},
};

/// What kind of thing an effect is (design, §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are the contract's")]
pub enum EffectKind {
    Grant,
    Key,
    Stock,
    Parcel,
    Manual,
}

/// How far an effect is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are the contract's")]
pub enum EffectStatus {
    Done,
    Held,
    ToShip,
    Shipped,
}

/// Why an effect is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Held {
    /// Not enough stock.
    Stock,
    /// The key pool is dry.
    Keys,
    /// A parcel without an address.
    Address,
    /// The catalog does not know the line.
    Unmatched,
    /// A person does it.
    Manual,
}

/// One thing that must be true for one unit of one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// The line's `li_…`.
    pub line: String,
    /// What it is.
    pub kind: EffectKind,
    /// Counts from 1; things that stand for a whole line have unit 1.
    pub unit: i64,
    /// How many of the line's units it stands for.
    pub quantity: i64,
    /// How far it is.
    pub status: EffectStatus,
    /// SKU, pool or name of the access.
    pub subject: String,
    /// The key, the access, the SKU: what a person is shown.
    pub value: Option<String>,
    /// Where a grant is used.
    pub url: Option<String>,
    /// Length of a grant in days.
    pub days: Option<i64>,
    /// When a grant ends.
    pub expires_at: Option<Millis>,
    /// Why it is held.
    pub held: Option<Held>,
    /// May go below the shelf.
    pub backorder: bool,
    /// Said to people: waived by whom, backordered how many.
    pub note: Option<String>,
}

impl Effect {
    fn held(line: &str, kind: EffectKind, unit: i64, quantity: i64, why: Held) -> Self {
        Self {
            line: line.to_owned(),
            kind,
            unit,
            quantity,
            status: EffectStatus::Held,
            subject: String::new(),
            value: None,
            url: None,
            days: None,
            expires_at: None,
            held: Some(why),
            backorder: false,
            note: None,
        }
    }

    /// Whether somebody or something still has to come.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.status == EffectStatus::Held
    }

    /// Whether a person said that it is not owed any more.
    #[must_use]
    pub fn is_waived(&self) -> bool {
        self.note.as_deref().is_some_and(|note| note.starts_with("waived by "))
    }

    /// Who handed it over outside this program, where somebody said so.
    #[must_use]
    pub fn by_hand(&self) -> Option<&str> {
        self.note.as_deref()?.strip_prefix("fulfilled by hand by ")
    }

    /// What a person did instead of this program: `waived by ann`, `done by hand by ann`.
    pub(crate) fn by_a_person(&self) -> Option<String> {
        match self.by_hand() {
            Some(who) => Some(format!("done by hand by {who}")),
            None => self.note.clone().filter(|_| self.is_waived()),
        }
    }

    /// What is wrong with the product's metadata, where that is why nobody knows what is owed.
    #[must_use]
    pub fn unreadable(&self) -> Option<&str> {
        let note = self.note.as_deref().filter(|note| note.starts_with(UNREADABLE));
        note.filter(|_| self.held == Some(Held::Unmatched))
    }

    /// The same, without what it is about.
    #[must_use]
    pub fn mistake(&self) -> Option<&str> {
        self.unreadable()?.strip_prefix(UNREADABLE)?.strip_prefix(": ")
    }

    /// A grant's term counts from when it was given.
    pub(crate) fn begin_term(&mut self, now: Millis) {
        self.expires_at = self.days.map(|days| now.saturating_add(days.saturating_mul(DAY)));
    }

    fn finish(&mut self, status: EffectStatus) {
        self.status = status;
        self.held = None;
    }
}

/// More keys than that on one line are a person's to hand over: each is a row of its own.
const KEYS_MAX: i64 = 10_000;

/// Begins the note of a line whose product says something at Stripe that is not understood.
const UNREADABLE: &str = "the product's metadata cannot be read";

/// Said of a paid session that shows no line items.
pub(crate) const NOTHING_LISTED: &str = "paid, but Stripe shows no line items";

/// Stands for what somebody paid for and Stripe does not list: a person has to look.
pub(crate) fn nothing_listed() -> Effect {
    let mut effect = Effect::held("", EffectKind::Manual, 1, 1, Held::Unmatched);
    effect.note = Some(NOTHING_LISTED.to_owned());
    effect
}

/// Stands for a line of which nobody knows how many were bought.
fn unclear(line: &Line) -> Effect {
    let mut effect = Effect::held(&line.id, EffectKind::Manual, 1, 1, Held::Manual);
    effect.note = Some(match line.without_quantity {
        true => "Stripe names no quantity".to_owned(),
        false => format!("Stripe names a quantity of {}", line.quantity),
    });
    effect
}

/// What a line owes, everything still held. A line the buyer removed (quantity 0) owes nothing.
pub(crate) fn owed(line: &Line, found: &Found<'_>) -> Vec<Effect> {
    let quantity = match line.units() {
        None => return vec![unclear(line)],
        Some(0) => return Vec::new(),
        Some(quantity) => quantity,
    };
    let whole = |kind, why| Effect::held(&line.id, kind, 1, quantity, why);
    let Some(product) = found.product() else {
        let mut effect = whole(EffectKind::Manual, Held::Unmatched);
        effect.note = Some(match found {
            Found::Mistake(mistake) => format!("{UNREADABLE}: {mistake}"),
            _ => "no catalog entry matches this line".into(),
        });
        return vec![effect];
    };
    let mut effects = Vec::new();
    if let Some(stock) = &product.stock {
        let mut effect = whole(EffectKind::Stock, Held::Stock);
        effect.subject.clone_from(&stock.sku);
        effect.value = Some(stock.sku.clone());
        effect.backorder = stock.oversell == Oversell::Backorder;
        effects.push(effect);
    }
    if let Some(grant) = &product.grant {
        let mut effect = whole(EffectKind::Grant, Held::Stock);
        effect.subject.clone_from(&grant.access);
        effect.value = Some(grant.access.clone());
        effect.url.clone_from(&grant.url);
        effect.days = grant.days;
        effects.push(effect);
    }
    if let Some(key) = &product.key {
        let (units, each) = if key.seats { (1, quantity) } else { (quantity, 1) };
        let by_hand = units > KEYS_MAX;
        if by_hand && !product.manual {
            let mut effect = whole(EffectKind::Manual, Held::Manual);
            let say =
                format!("{units} keys at once; by themselves {KEYS_MAX} are drawn at the most");
            effect.note = Some(say);
            effects.push(effect);
        }
        for unit in 1..=if by_hand { 0 } else { units } {
            let mut effect = Effect::held(&line.id, EffectKind::Key, unit, each, Held::Keys);
            effect.subject.clone_from(&key.pool);
            effects.push(effect);
        }
    }
    if product.parcel.is_some() {
        effects.push(whole(EffectKind::Parcel, Held::Stock));
    }
    if product.manual {
        effects.push(whole(EffectKind::Manual, Held::Manual));
    }
    effects
}

/// What these effects could still take.
#[must_use]
pub fn demand<'a>(effects: impl IntoIterator<Item = &'a Effect>) -> Demand {
    let mut demand = Demand::default();
    for effect in effects.into_iter().filter(|e| e.is_held()) {
        match effect.kind {
            EffectKind::Stock => {
                demand.skus.insert(effect.subject.clone());
            }
            EffectKind::Key => {
                *demand.keys.entry(effect.subject.clone()).or_default() += 1;
            }
            _ => {}
        }
    }
    demand
}

/// Moves one line's held effects as far as supply allows: stock first, since nothing of a line goes
/// out while its stock is held; keys all or nothing. Returns whether the line's stock is settled.
pub(crate) fn advance(
    line: &mut [Effect],
    has_address: bool,
    supply: &mut Supply,
    now: Millis,
) -> bool {
    let mut settled = true;
    for effect in line.iter_mut().filter(|e| e.kind == EffectKind::Stock && e.is_held()) {
        match supply.take(&effect.subject, effect.quantity, effect.backorder) {
            Some(missing) => {
                effect.finish(EffectStatus::Done);
                effect.note = (missing > 0).then(|| format!("{missing} on backorder"));
            }
            None => settled = false,
        }
    }
    if !settled {
        for effect in line.iter_mut().filter(|e| e.is_held() && e.kind != EffectKind::Manual) {
            effect.held = Some(Held::Stock);
        }
        return false;
    }
    for effect in line.iter_mut().filter(|e| e.is_held()) {
        match effect.kind {
            EffectKind::Grant => {
                effect.begin_term(now);
                effect.finish(EffectStatus::Done);
            }
            EffectKind::Parcel if has_address => effect.finish(EffectStatus::ToShip),
            EffectKind::Parcel => effect.held = Some(Held::Address),
            EffectKind::Key => effect.held = Some(Held::Keys),
            EffectKind::Stock | EffectKind::Manual => {}
        }
    }
    draw_keys(line, supply);
    true
}

fn draw_keys(line: &mut [Effect], supply: &mut Supply) {
    let mut wanted: BTreeMap<String, usize> = BTreeMap::new();
    for effect in line.iter().filter(|e| e.kind == EffectKind::Key && e.is_held()) {
        *wanted.entry(effect.subject.clone()).or_default() += 1;
    }
    for (pool, count) in wanted {
        let Some(keys) = supply.draw(&pool, count) else { continue };
        let held = line
            .iter_mut()
            .filter(|e| e.kind == EffectKind::Key && e.is_held() && e.subject == pool);
        for (effect, key) in held.zip(keys) {
            effect.value = Some(key);
            effect.finish(EffectStatus::Done);
        }
    }
}

/// What may be shown to a buyer as a link: an address of the web, and nothing that a browser would run.
#[must_use]
pub fn web_address(url: &str) -> Option<&str> {
    let scheme = url.split_once("://")?.0.to_ascii_lowercase();
    let plain = !url.chars().any(|c| c.is_control() || c.is_whitespace());
    (plain && (scheme == "https" || scheme == "http")).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::web_address;

    #[test]
    fn only_web_addresses_become_links() {
        for good in ["https://example.com/a?b=c#d", "HTTP://example.com", "https://ü.example/☃"]
        {
            assert_eq!(web_address(good), Some(good));
        }
        for bad in [
            "javascript://example.com/%0aalert(1)",
            "javascript:alert(1)",
            "data:text/html,x",
            "//example.com",
            "example.com",
            " https://example.com",
            "https://example.com/\n",
            "",
        ] {
            assert_eq!(web_address(bad), None, "{bad:?}");
        }
    }
}
