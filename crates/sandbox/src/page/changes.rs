//! What buyers change.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{check::check, fields::Filled};
use crate::{
    api::{self, Visit},
    change::Change,
    checkout::{self, Refusal},
    form,
    ids::Id,
    state::{State, objects::Event},
};

/// The form of the payment page is sent.
#[derive(Serialize, Deserialize)]
pub(crate) struct Submit {
    pub(crate) session: String,
    /// As the browser sent it.
    pub(crate) form: String,
}

impl Change for Submit {
    type Outcome = Result<Arc<Event>, Refusal>;

    fn apply(self, state: &mut State) -> Self::Outcome {
        let session = state.sessions.get(&self.session).cloned().ok_or(Refusal::NoSession)?;
        let unread = |_| Refusal::Field("form".to_owned(), "It could not be read.".to_owned());
        let mut params = form::decode_typed(&self.form).map_err(unread)?;
        let filled = Filled::read(&mut params).map_err(unread)?;
        let (payment, errors) = check(&filled, state, &session);
        match errors.into_iter().next() {
            Some((field, wrong)) => Err(Refusal::Field(field, wrong.in_english())),
            None => checkout::pay(state, &self.session, payment),
        }
    }
}

/// The buyer answers the bank's question.
#[derive(Serialize, Deserialize)]
pub(crate) struct Authenticate {
    pub(crate) session: String,
    pub(crate) approved: bool,
}

impl Change for Authenticate {
    type Outcome = Result<Arc<Event>, Refusal>;

    fn apply(self, state: &mut State) -> Self::Outcome {
        checkout::authenticate(state, &self.session, self.approved)
    }
}

/// Somebody takes an expired session up again; the outcome is a new one, unless it may not be.
#[derive(Serialize, Deserialize)]
pub(crate) struct Recover {
    pub(crate) session: String,
}

impl Change for Recover {
    type Outcome = Option<Id>;

    fn apply(self, state: &mut State) -> Self::Outcome {
        api::recover(state, &self.session)
    }
}

/// Somebody follows a Payment Link; the outcome is a session, unless nothing is there.
#[derive(Serialize, Deserialize)]
pub(crate) struct FollowLink {
    pub(crate) slug: String,
    pub(crate) visit: Visit,
}

impl Change for FollowLink {
    type Outcome = Option<Id>;

    fn apply(self, state: &mut State) -> Self::Outcome {
        api::open_link(state, &self.slug, self.visit)
    }
}
