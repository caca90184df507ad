//! Every change of the state has a name and carries all that it needs, so that a journal can keep it
//! and it can be made again with the same outcome: chance comes from the state's ids, time from the
//! state's clock, order from what was made first; never from a hash map, a thread or the system.
//!
//! To add one: a struct that serde reads and writes, [`Change`] for it, and a line in `commands!`.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    api::events::Resend,
    buy::Buy,
    checkout,
    deliver::{Attempted, Lost, PutOff, Split},
    http::ApiCall,
    listen::{Acknowledged, Heard, Left, Listens, Twin},
    page::{Authenticate, FollowLink, Recover, Submit},
    payments::{self, AnswerBank, PayVoucher, RaiseDispute, SettleNow},
    state::{
        Job, State, Task,
        objects::{Endpoint, Metadata},
    },
    subscriptions,
};

/// Tasks of the agenda carried out under one lock.
const TASKS_AT_ONCE: usize = 256;

/// Something that changes the state.
pub(crate) trait Change: Named + Serialize {
    /// What whoever asked for the change learns.
    type Outcome;

    fn apply(self, state: &mut State) -> Self::Outcome;

    /// The delivery that needs not go out any more when this has been told.
    fn settles(&self) -> Option<&Job> {
        None
    }

    /// A delivery that goes out beside those that the state was asked for.
    fn owes(_outcome: &Self::Outcome) -> Option<&Job> {
        None
    }
}

/// The name that a change has in the journal.
pub(crate) trait Named {
    const NAME: &'static str;
}

macro_rules! commands {
    ($($name:literal $change:ident),+ $(,)?) => {
        /// Any change, as the journal tells it.
        #[derive(Deserialize)]
        pub(crate) enum Command {
            $(#[serde(rename = $name)] $change($change),)+
        }

        impl Command {
            /// Makes the change again; `owing` hears of deliveries.
            pub(crate) fn apply(self, state: &mut State, owing: &mut impl FnMut(Owing<'_>)) {
                match self {
                    $(Self::$change(change) => {
                        change.settles().into_iter().for_each(|job| owing(Owing::Settled(job)));
                        let outcome = change.apply(state);
                        $change::owes(&outcome).into_iter().for_each(|job| owing(Owing::Owed(job)));
                    })+
                }
            }
        }

        $(impl Named for $change {
            const NAME: &'static str = $name;
        })+
    };
}

/// What a change that is made again means for the deliveries.
pub(crate) enum Owing<'a> {
    Settled(&'a Job),
    Owed(&'a Job),
}

commands! {
    "start" Start,
    "turn" Turn,
    "due" RunDue,
    "call" ApiCall,
    "restrict" Restrict,
    "resend" Resend,
    "buy" Buy,
    "submit" Submit,
    "authenticate" Authenticate,
    "follow" FollowLink,
    "dispute" RaiseDispute,
    "bank" AnswerBank,
    "voucher" PayVoucher,
    "settle" SettleNow,
    "recover" Recover,
    "attempted" Attempted,
    "put_off" PutOff,
    "lost" Lost,
    "split" Split,
    "twin" Twin,
    "heard" Heard,
    "listens" Listens,
    "left" Left,
    "acknowledged" Acknowledged,
}

/// The sandbox starts, for the first time or again.
#[derive(Serialize, Deserialize)]
pub(crate) struct Start {
    /// Where its pages are now.
    pub(crate) base: String,
    pub(crate) settle_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) forward_to: Option<String>,
}

impl Change for Start {
    type Outcome = ();

    fn apply(self, state: &mut State) {
        state.starts += 1;
        let now_ms = state.clock.now_ms();
        state.listeners.all_gone(now_ms);
        state.base = self.base.into();
        state.settle_ms = self.settle_ms;
        let secret = Arc::clone(&state.forward_secret);
        let forwards = |endpoint: &Endpoint| endpoint.listener && endpoint.secret == secret;
        let before = state.endpoints.iter().find(|endpoint| forwards(endpoint)).cloned();
        match (before, self.forward_to) {
            (None, None) => {}
            (Some(before), to) => {
                state.endpoints.change(&before.id, |endpoint| {
                    endpoint.enabled = to.is_some();
                    endpoint.url = to.map_or_else(|| Arc::clone(&before.url), Into::into);
                });
            }
            (None, Some(to)) => {
                state.endpoints.insert(Endpoint {
                    id: state.ids.next("we_"),
                    created: state.now(),
                    url: to.into(),
                    secret,
                    enabled: true,
                    events: vec!["*".to_owned()],
                    version: None,
                    thin: false,
                    listener: true,
                    name: None,
                    description: None,
                    metadata: Metadata::default(),
                });
            }
        }
    }
}

/// The clock is turned.
#[derive(Serialize, Deserialize)]
pub(crate) struct Turn {
    pub(crate) by_ms: i64,
}

impl Change for Turn {
    type Outcome = ();

    fn apply(self, state: &mut State) {
        state.clock.turn(self.by_ms);
        state.turned_ms = state.turned_ms.saturating_add(self.by_ms);
    }
}

/// What is due on the agenda is done, or as much of it as one change does.
#[derive(Serialize, Deserialize)]
pub(crate) struct RunDue {}

impl Change for RunDue {
    type Outcome = ();

    fn apply(self, state: &mut State) {
        for _ in 0..TASKS_AT_ONCE {
            match state.due() {
                None => return,
                Some(Task::Expire { session }) => {
                    checkout::expire(state, &session);
                }
                Some(Task::Settle { intent, attempt, fails }) => {
                    payments::settle_attempt(state, &intent, attempt, fails);
                }
                Some(Task::SettleRefund { refund }) => payments::refunds::settle(state, &refund),
                Some(Task::Judge { dispute, won }) => {
                    payments::disputes::judge(state, &dispute, won);
                }
                Some(Task::TrialWillEnd { subscription, ends }) => {
                    subscriptions::trial_will_end(state, &subscription, ends);
                }
                Some(Task::Renew { subscription, ends }) => {
                    subscriptions::renew(state, &subscription, ends);
                }
                Some(Task::Deliver(job)) => state.send(job),
            }
        }
    }
}

/// A restricted key gets these permissions and no others.
#[derive(Serialize, Deserialize)]
pub(crate) struct Restrict {
    pub(crate) key: String,
    pub(crate) permissions: Vec<String>,
}

impl Change for Restrict {
    type Outcome = ();

    fn apply(self, state: &mut State) {
        state.permissions.insert(self.key, self.permissions.into_iter().collect());
    }
}
