//! `/v1/disputes`.

use std::sync::Arc;

use super::super::{Call, list::Paging, metadata};
use crate::{
    error::{Answer, ApiError},
    form::Change,
    payments::disputes::{self, Answered},
    render,
    state::{State, objects::Dispute},
};

fn find<'a>(state: &'a State, id: &str) -> Answer<&'a Arc<Dispute>> {
    state.disputes.get(id).ok_or_else(|| ApiError::missing("dispute", id, "dispute"))
}

pub(super) fn retrieve(state: &State, call: &mut Call) -> Answer {
    call.params.done()?;
    find(state, &call.id).map(|dispute| render::dispute(dispute))
}

pub(super) fn list(state: &State, call: &mut Call) -> Answer {
    let params = &mut call.params;
    let paging = Paging::read_created(params)?;
    let (charge, intent) = (params.text("charge")?, params.text("payment_intent")?);
    params.done()?;
    let (rows, has_more) = paging.newest(&state.disputes, None, "dispute", |row| {
        charge.as_deref().is_none_or(|id| *row.charge == *id)
            && intent.as_deref().is_none_or(|id| row.intent.as_deref() == Some(id))
    })?;
    Ok(render::list(
        rows.iter().map(|row| render::dispute(row)).collect(),
        has_more,
        "/v1/disputes",
    ))
}

pub(super) fn update(state: &mut State, call: &mut Call) -> Answer {
    let known = Arc::clone(find(state, &call.id)?);
    let params = &mut call.params;
    let mut evidence = known.evidence.to_vec();
    let gives_evidence = params.has("evidence");
    if let Some(mut data) = params.object("evidence")? {
        for name in render::EVIDENCE {
            let change = data.change(name)?;
            if change != Change::Leave {
                evidence.retain(|(known, _)| known != name);
            }
            if let Change::Set(text) = change {
                evidence.push((name.to_owned(), text));
            }
        }
        data.ignore(&["enhanced_evidence"]);
        data.done()?;
    }
    let metadata = metadata(params, "metadata", &known.metadata)?;
    let submit = params.boolean("submit")?.unwrap_or(gives_evidence);
    params.done()?;
    if (gives_evidence || submit) && !known.status.is_open() {
        return Err(params.error("evidence", "This dispute takes no more evidence."));
    }
    let answered = Answered { evidence, submit, metadata };
    disputes::answer(state, &known.id, answered);
    find(state, &known.id).map(|dispute| render::dispute(dispute))
}

pub(super) fn close(state: &mut State, call: &mut Call) -> Answer {
    let id = Arc::clone(&find(state, &call.id)?.id);
    call.params.done()?;
    match disputes::close(state, &id) {
        Some(dispute) => Ok(render::dispute(&dispute)),
        None => Err(ApiError::invalid("This dispute is already closed.")),
    }
}
