//! What there is to give: stock and licence keys, as the transaction sees them under its locks.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Stock of one SKU.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shelf {
    /// Units there; never below zero.
    pub on_hand: i64,
    /// Units sold on backorder and still to come.
    pub backordered: i64,
    /// Older orders are being served first: newcomers wait behind them.
    pub releasing: bool,
    /// Was touched by a decision.
    pub changed: bool,
}

/// Free keys of one pool, the oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pool {
    /// Keys nobody has.
    pub free: VecDeque<String>,
    /// Older orders are being served first: newcomers wait behind them.
    pub releasing: bool,
}

/// Everything the decisions of one transaction may take from. Decisions take from it in turn.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Supply {
    /// By SKU.
    pub shelves: BTreeMap<String, Shelf>,
    /// By pool.
    pub pools: BTreeMap<String, Pool>,
    /// The orders being decided are the oldest that wait: they may take although `releasing`.
    pub oldest_first: bool,
}

/// What a set of orders could take at most: decides which rows are locked and how many keys are read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Demand {
    /// SKUs.
    pub skus: BTreeSet<String>,
    /// Keys wanted by pool.
    pub keys: BTreeMap<String, i64>,
}

impl Demand {
    /// Whether nothing is wanted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.skus.is_empty() && self.keys.is_empty()
    }

    /// Adds another's wishes.
    pub fn add(&mut self, other: &Self) {
        self.skus.extend(other.skus.iter().cloned());
        for (pool, wanted) in &other.keys {
            let sum = self.keys.entry(pool.clone()).or_default();
            *sum = sum.saturating_add(*wanted);
        }
    }
}

impl Supply {
    /// Takes `quantity` off a shelf, all or nothing; with `backorder` what is missing is owed.
    /// Returns how many are missing, or `None` when the line has to wait.
    pub(crate) fn take(&mut self, sku: &str, quantity: i64, backorder: bool) -> Option<i64> {
        let first = self.oldest_first;
        let shelf = self.shelves.entry(sku.to_owned()).or_default();
        if shelf.releasing && !first || shelf.on_hand < quantity && !backorder {
            return None;
        }
        let taken = shelf.on_hand.min(quantity).max(0);
        let missing = quantity - taken;
        shelf.on_hand -= taken;
        shelf.backordered = shelf.backordered.saturating_add(missing);
        shelf.changed = true;
        Some(missing)
    }

    /// Draws `count` keys, all or nothing.
    pub(crate) fn draw(&mut self, pool: &str, count: usize) -> Option<Vec<String>> {
        let first = self.oldest_first;
        let pool = self.pools.get_mut(pool)?;
        if (pool.releasing && !first) || pool.free.len() < count {
            return None;
        }
        Some(pool.free.drain(..count).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_32_never_below_zero() {
        let mut supply = Supply::default();
        supply.shelves.insert("S".into(), Shelf { on_hand: 3, ..Shelf::default() });
        assert_eq!(supply.take("S", 2, false), Some(0));
        assert_eq!(supply.take("S", 2, false), None, "held: all or nothing");
        assert_eq!(supply.take("S", 2, true), Some(1));
        let shelf = &supply.shelves["S"];
        assert_eq!((shelf.on_hand, shelf.backordered), (0, 1));
        assert_eq!(supply.take("unheard of", 1, false), None);
    }

    #[test]
    fn newcomers_wait_behind_a_release() {
        let mut supply = Supply::default();
        supply.pools.insert("P".into(), Pool { free: ["a".into()].into(), releasing: true });
        assert_eq!(supply.draw("P", 1), None);
        let shelf = Shelf { on_hand: 3, releasing: true, ..Shelf::default() };
        supply.shelves.insert("S".into(), shelf);
        assert_eq!(supply.take("S", 1, true), None, "nor is it owed while some is there");
        supply.oldest_first = true;
        assert_eq!(supply.take("S", 1, true), Some(0));
        assert_eq!(supply.draw("P", 1), Some(vec!["a".to_owned()]));
        assert_eq!(supply.draw("P", 1), None);
    }
}
