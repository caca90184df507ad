//! Lists: newest first, cursors both ways, `created` ranges.

use std::sync::Arc;

use crate::{
    error::{Answer, ApiError},
    form::{Node, Params},
    state::table::{Row, Table},
};

const LIMIT_DEFAULT: usize = 10;
const LIMIT_MAX: i64 = 100;

/// Which page is asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Paging {
    pub(crate) limit: usize,
    after: Option<String>,
    before: Option<String>,
    /// First second, and the second after the last.
    created: (i64, i64),
}

/// A page of rows and whether there are more.
pub(crate) type Page<T> = (Vec<T>, bool);

impl Paging {
    pub(crate) fn read(params: &mut Params) -> Answer<Self> {
        let limit = match params.integer("limit")? {
            None => LIMIT_DEFAULT,
            Some(limit @ 1..=LIMIT_MAX) => usize::try_from(limit).unwrap_or(LIMIT_DEFAULT),
            Some(limit) => {
                return Err(params.error(
                    "limit",
                    format!("Invalid limit: {limit}. It must be between 1 and {LIMIT_MAX}."),
                ));
            }
        };
        let (after, before) = (params.text("starting_after")?, params.text("ending_before")?);
        if after.is_some() && before.is_some() {
            return Err(ApiError::invalid(
                "Received both starting_after and ending_before parameters. Please pass in only one.",
            ));
        }
        Ok(Self { limit, after, before, created: (i64::MIN, i64::MAX) })
    }

    /// Reads the `created` filter too: a second, or `gt`, `gte`, `lt`, `lte`.
    pub(crate) fn read_created(params: &mut Params) -> Answer<Self> {
        let mut paging = Self::read(params)?;
        let (mut from, mut until) = (i64::MIN, i64::MAX);
        match params.take("created") {
            None => {}
            Some(Node::Text(text)) if text.is_empty() => {}
            Some(Node::Text(text)) => {
                let at: i64 = text
                    .parse()
                    .map_err(|_| params.error("created", format!("Invalid integer: {text}")))?;
                (from, until) = (at, at.saturating_add(1));
            }
            Some(Node::Members(bounds)) => {
                for (bound, node) in bounds {
                    let Node::Text(text) = node else {
                        return Err(params.error("created", "Invalid created filter"));
                    };
                    let at: i64 = text
                        .parse()
                        .map_err(|_| params.error("created", format!("Invalid integer: {text}")))?;
                    match bound.as_str() {
                        "gte" => from = from.max(at),
                        "gt" => from = from.max(at.saturating_add(1)),
                        "lt" => until = until.min(at),
                        "lte" => until = until.min(at.saturating_add(1)),
                        other => {
                            let name = format!("created[{other}]");
                            return Err(ApiError::invalid(format!(
                                "Received unknown parameter: {name}"
                            ))
                            .code("parameter_unknown")
                            .param(name));
                        }
                    }
                }
            }
        }
        paging.created = (from, until);
        Ok(paging)
    }

    /// The page of a table's rows that `keep` lets through, newest first. `places` narrows to an
    /// index's rows, oldest first.
    pub(crate) fn newest<T: Row>(
        &self,
        table: &Table<T>,
        places: Option<&[usize]>,
        what: &str,
        keep: impl Fn(&T) -> bool,
    ) -> Answer<Page<Arc<T>>> {
        let range = table.created_between(self.created.0, self.created.1);
        let all: Places<'_> = match places {
            None => Places::Range(range.clone()),
            Some(places) => {
                let start = places.partition_point(|place| *place < range.start);
                let end = places.partition_point(|place| *place < range.end);
                Places::Index(&places[start..end.max(start)])
            }
        };
        let cursor = |id: &Option<String>, param: &str| match id {
            None => Ok(None),
            Some(id) => table
                .place(id)
                .map(Some)
                .ok_or_else(|| ApiError::missing(what, id, param).status(400)),
        };
        let after = cursor(&self.after, "starting_after")?;
        let before = cursor(&self.before, "ending_before")?;
        let row = |place: usize| table.at(place).filter(|row| keep(row)).cloned();
        if let Some(before) = before {
            let newer = (0..all.len()).map(|at| all.at(at)).skip_while(|place| *place <= before);
            let (mut page, has_more) = self.cut(newer.filter_map(row));
            page.reverse();
            return Ok((page, has_more));
        }
        let older_than = after.unwrap_or(usize::MAX);
        let end = all.before(older_than);
        Ok(self.cut((0..end).rev().map(|at| all.at(at)).filter_map(row)))
    }

    /// The page of lines, in their order.
    pub(crate) fn in_order<'a, T>(
        &self,
        rows: &'a [T],
        id: impl Fn(&T) -> &str,
        what: &str,
    ) -> Answer<Page<&'a T>> {
        let find = |cursor: &str, param: &str| {
            rows.iter()
                .position(|row| id(row) == cursor)
                .ok_or_else(|| ApiError::missing(what, cursor, param).status(400))
        };
        if let Some(before) = &self.before {
            let end = find(before, "ending_before")?;
            let (mut page, has_more) = self.cut(rows[..end].iter().rev());
            page.reverse();
            return Ok((page, has_more));
        }
        let start = match &self.after {
            Some(after) => find(after, "starting_after")? + 1,
            None => 0,
        };
        Ok(self.cut(rows[start..].iter()))
    }

    fn cut<T>(&self, mut rows: impl Iterator<Item = T>) -> Page<T> {
        let page: Vec<T> = rows.by_ref().take(self.limit).collect();
        let has_more = rows.next().is_some();
        (page, has_more)
    }
}

/// Places in a table, oldest first.
enum Places<'a> {
    Range(std::ops::Range<usize>),
    Index(&'a [usize]),
}

impl Places<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Range(range) => range.len(),
            Self::Index(places) => places.len(),
        }
    }

    fn at(&self, at: usize) -> usize {
        match self {
            Self::Range(range) => range.start + at,
            Self::Index(places) => places[at],
        }
    }

    /// How many of them are older than `place`.
    fn before(&self, place: usize) -> usize {
        match self {
            Self::Range(range) => place.clamp(range.start, range.end) - range.start,
            Self::Index(places) => places.partition_point(|known| *known < place),
        }
    }
}
