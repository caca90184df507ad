//! Objects of one kind in the order they were made.

use std::{collections::HashMap, sync::Arc};

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
    rows: Vec<(i64, Option<Arc<T>>)>,
    places: HashMap<Id, u32>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), places: HashMap::new() }
    }
}

impl<T: Row> Table<T> {
    /// Adds a row and returns its place; an id that is taken is replaced where it stands.
    pub(crate) fn insert(&mut self, row: T) -> Arc<T> {
        let row = Arc::new(row);
        let slot = (row.created(), Some(Arc::clone(&row)));
        if let Some(place) = self.places.get(row.id()) {
            self.rows[*place as usize] = slot;
        } else {
            let place = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
            self.places.insert(Arc::clone(row.id()), place);
            self.rows.push(slot);
        }
        row
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Arc<T>> {
        self.rows.get(self.place(id)?)?.1.as_ref()
    }

    /// Changes a row; those who hold the old one keep it.
    pub(crate) fn change(&mut self, id: &str, change: impl FnOnce(&mut T)) -> Option<Arc<T>> {
        let place = self.place(id)?;
        let row = self.rows.get_mut(place)?.1.as_mut()?;
        change(Arc::make_mut(row));
        Some(Arc::clone(row))
    }

    pub(crate) fn remove(&mut self, id: &str) -> Option<Arc<T>> {
        let place = self.places.remove(id)? as usize;
        self.rows.get_mut(place)?.1.take()
    }

    pub(crate) fn place(&self, id: &str) -> Option<usize> {
        self.places.get(id).map(|place| *place as usize)
    }

    pub(crate) fn at(&self, place: usize) -> Option<&Arc<T>> {
        self.rows.get(place)?.1.as_ref()
    }

    /// How many rows were ever made.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The places of the rows created from `from` on and before `until`.
    pub(crate) fn created_between(&self, from: i64, until: i64) -> std::ops::Range<usize> {
        let start = self.rows.partition_point(|(created, _)| *created < from);
        let end = self.rows.partition_point(|(created, _)| *created < until);
        start..end.max(start)
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Arc<T>> {
        self.rows.iter().filter_map(|(_, row)| row.as_ref())
    }
}
