//! Objects of one kind in the order they were made.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use crate::ids::Id;

/// What a table needs to know of its rows.
pub(crate) trait Row: Clone {
    fn id(&self) -> &Id;
    /// Seconds since 1970.
    fn created(&self) -> i64;
}

/// Rows by id and by age. A row is shared: who holds one keeps what it was when a change comes.
#[derive(Debug)]
pub(crate) struct Table<T> {
    rows: VecDeque<Slot<T>>,
    /// How many rows were forgotten: the first one's place.
    first: usize,
    places: HashMap<Id, usize>,
}

/// A row and when it was made; a row that was removed leaves its time behind.
#[derive(Debug)]
struct Slot<T> {
    created: i64,
    row: Option<Arc<T>>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { rows: VecDeque::new(), first: 0, places: HashMap::new() }
    }
}

impl<T: Row> Table<T> {
    /// Adds a row; one whose id is known takes the place of the old one.
    pub(crate) fn insert(&mut self, row: T) -> Arc<T> {
        let row = Arc::new(row);
        if let Some(place) = self.place(row.id())
            && let Some(slot) = self.rows.get_mut(place - self.first)
        {
            slot.row = Some(Arc::clone(&row));
            return row;
        }
        self.places.insert(Arc::clone(row.id()), self.len());
        // Searches by time need times that never go back, whatever the clock did.
        let newest = self.rows.back().map_or(i64::MIN, |slot| slot.created);
        let created = row.created().max(newest);
        self.rows.push_back(Slot { created, row: Some(Arc::clone(&row)) });
        row
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Arc<T>> {
        self.at(self.place(id)?)
    }

    /// Changes a row; those who hold the old one keep it.
    pub(crate) fn change(&mut self, id: &str, change: impl FnOnce(&mut T)) -> Option<Arc<T>> {
        let place = self.place(id)?;
        let row = self.rows.get_mut(place.checked_sub(self.first)?)?.row.as_mut()?;
        change(Arc::make_mut(row));
        Some(Arc::clone(row))
    }

    pub(crate) fn remove(&mut self, id: &str) -> Option<Arc<T>> {
        let place = self.places.remove(id)?;
        self.rows.get_mut(place.checked_sub(self.first)?)?.row.take()
    }

    /// Forgets the oldest rows: those made before `created`, and those beyond `most`.
    pub(crate) fn forget(&mut self, created: i64, most: usize) {
        while self.rows.len() > most || self.rows.front().is_some_and(|slot| slot.created < created)
        {
            let Some(slot) = self.rows.pop_front() else { return };
            self.first += 1;
            if let Some(row) = slot.row {
                self.places.remove(row.id());
            }
        }
    }

    pub(crate) fn place(&self, id: &str) -> Option<usize> {
        self.places.get(id).copied()
    }

    pub(crate) fn at(&self, place: usize) -> Option<&Arc<T>> {
        self.rows.get(place.checked_sub(self.first)?)?.row.as_ref()
    }

    /// How many rows were ever made: the next one's place.
    pub(crate) fn len(&self) -> usize {
        self.first + self.rows.len()
    }

    /// The places of the rows created from `from` on and before `until`.
    pub(crate) fn created_between(&self, from: i64, until: i64) -> std::ops::Range<usize> {
        let start = self.first + self.rows.partition_point(|slot| slot.created < from);
        let end = self.first + self.rows.partition_point(|slot| slot.created < until);
        start..end.max(start)
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Arc<T>> {
        self.rows.iter().filter_map(|slot| slot.row.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, PartialEq)]
    struct Note(Id, i64);

    impl Row for Note {
        fn id(&self) -> &Id {
            &self.0
        }
        fn created(&self) -> i64 {
            self.1
        }
    }

    #[test]
    fn the_oldest_rows_are_forgotten_and_the_others_stay_where_they_are() {
        let mut table = Table::default();
        for (id, created) in [("a", 1), ("b", 2), ("c", 3), ("d", 4)] {
            table.insert(Note(id.into(), created));
        }
        table.forget(2, 10);
        table.forget(0, 2);
        assert_eq!((table.get("a"), table.get("b")), (None, None));
        assert_eq!(table.place("c"), Some(2));
        assert_eq!(table.created_between(0, 4), 2..3);
        table.insert(Note("e".into(), 5));
        assert_eq!(table.at(4).map(|row| row.1), Some(5));
        assert_eq!(table.iter().count(), 3);
    }

    #[test]
    fn who_holds_a_row_keeps_what_it_was() {
        let mut table = Table::default();
        let before = table.insert(Note("a".into(), 1));
        let after = table.change("a", |row| row.1 = 9);
        assert_eq!((before.1, after.map(|row| row.1)), (1, Some(9)));
    }
}
