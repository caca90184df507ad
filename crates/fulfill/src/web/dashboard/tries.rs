//! How often passwords may be tried, from one address and for one name.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, PoisonError},
};

use fulfill_rules::Millis;

/// Who is remembered in one generation; two are kept.
const KNOWN_MAX: usize = 8_192;

/// So many tries at once, and another one every so often. The older half of those who try is forgotten
/// when the newer one is full.
#[derive(Debug)]
pub(super) struct Tries<K> {
    at_once: Millis,
    every: Millis,
    known: Mutex<(HashMap<K, Millis>, HashMap<K, Millis>)>,
}

impl<K: Eq + Hash + Clone> Tries<K> {
    pub(super) fn new(at_once: Millis, every: Millis) -> Self {
        Self { at_once, every, known: Mutex::default() }
    }

    /// Takes one try of somebody's.
    ///
    /// # Errors
    /// How long it is until there is one again.
    pub(super) fn take(&self, who: &K, now: Millis) -> Result<(), Millis> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (newer, older) = &mut *known;
        // Kept as the moment when all tries are there again: each one puts it off.
        let full_at = newer.get(who).or_else(|| older.get(who)).copied().unwrap_or(now);
        let after = full_at.max(now) + self.every;
        let wait = after - now - self.at_once * self.every;
        if wait > 0 {
            return Err(wait);
        }
        if newer.len() >= KNOWN_MAX && !newer.contains_key(who) {
            *older = std::mem::take(newer);
        }
        newer.insert(who.clone(), after);
        Ok(())
    }

    /// Whoever proved to be somebody has all tries again.
    pub(super) fn forgive(&self, who: &K) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.0.remove(who);
        known.1.remove(who);
    }
}

#[cfg(test)]
mod tests {
    use super::{KNOWN_MAX, Tries};

    #[test]
    fn tries_are_counted_for_each_and_come_back_one_by_one() {
        let tries = Tries::new(3, 1_000);
        let granted =
            |who: &str, now| (0..9).filter(|_| tries.take(&who.to_owned(), now).is_ok()).count();
        assert_eq!(granted("ann", 0), 3);
        assert_eq!(granted("bob", 0), 3);
        assert_eq!(tries.take(&"ann".to_owned(), 0), Err(1_000));
        assert_eq!(tries.take(&"ann".to_owned(), 999), Err(1));
        assert_eq!(granted("ann", 1_000), 1);
        assert_eq!(granted("ann", 9_000), 3);
        tries.forgive(&"ann".to_owned());
        assert_eq!(granted("ann", 9_000), 3);
    }

    #[test]
    fn many_who_try_take_bounded_room() {
        let tries = Tries::new(1, 1_000);
        (0..5 * KNOWN_MAX).for_each(|n| assert!(tries.take(&n, 0).is_ok()));
        let known = tries.known.lock().unwrap();
        assert!(known.0.len() + known.1.len() <= 2 * KNOWN_MAX);
        assert!(known.0.contains_key(&(5 * KNOWN_MAX - 1)));
    }
}
