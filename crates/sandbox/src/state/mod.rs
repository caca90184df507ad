//! Everything the sandbox remembers, in memory, behind one lock.

pub(crate) mod objects;
pub(crate) mod payments;
pub(crate) mod subscriptions;
pub(crate) mod table;
pub(crate) mod taxes;
pub(crate) mod terms;

use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use self::{
    objects::{
        Charge, Coupon, Customer, Dispute, Endpoint, Event, Intent, Owed, PaymentLink,
        PaymentMethod, Price, Product, PromotionCode, Refund, Session, SetupIntent, ShippingRate,
        Snapshot, Subscription, TaxRate, thin_id,
    },
    table::Table,
};
use crate::{
    checkout::Payment,
    clock::{Clock, Moment},
    deliver::Attempt,
    idempotency::Kept,
    ids::{Id, Ids},
    listen::Memory,
    post::listener_secret,
};

/// Events can be read for thirty days, and the newest million of them.
const EVENTS_LAST_S: i64 = 30 * 24 * 60 * 60;
const EVENTS_MAX: usize = 1_000_000;

/// What is to be done at a time of the sandbox's clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Task {
    Expire {
        session: Id,
    },
    /// Decides the attempt of that number.
    Settle {
        intent: Id,
        attempt: u32,
        fails: bool,
    },
    SettleRefund {
        refund: Id,
    },
    Judge {
        dispute: Id,
        won: bool,
    },
    /// A trial that ends then is about to end.
    TrialWillEnd {
        subscription: Id,
        ends: i64,
    },
    /// A period of a subscription that ends then is over.
    Renew {
        subscription: Id,
        ends: i64,
    },
    Deliver(Job),
}

/// One attempt to deliver an event to an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) event: Id,
    pub(crate) endpoint: Id,
    /// How many attempts came before.
    pub(crate) attempt: u32,
}

/// What a change gives to send.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    /// Deliveries to endpoints.
    pub(crate) jobs: Vec<Job>,
    /// Events that the listeners are told of.
    pub(crate) announced: Vec<Id>,
}

/// Who is behind the change that is being made; events name it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cause {
    pub(crate) request: Option<Id>,
    pub(crate) idempotency_key: Option<Arc<str>>,
}

/// The state. Changes come through methods that keep its indexes true.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) clock: Moment,
    pub(crate) ids: Ids,
    /// A key that the sandbox tells its user.
    pub(crate) secret_key: String,
    /// What deliveries to the URL given at the start are signed with.
    pub(crate) forward_secret: Id,
    /// How many times the sandbox was started on this state.
    pub(crate) starts: u64,
    /// How far the clock was turned.
    pub(crate) turned_ms: i64,
    pub(crate) settle_ms: i64,
    /// `http://127.0.0.1:PORT`, where the pages are.
    pub(crate) base: Arc<str>,
    pub(crate) products: Table<Product>,
    pub(crate) prices: Table<Price>,
    pub(crate) customers: Table<Customer>,
    /// Customers that were deleted; they can still be asked for.
    pub(crate) deleted_customers: HashSet<Id>,
    pub(crate) coupons: Table<Coupon>,
    pub(crate) promotions: Table<PromotionCode>,
    pub(crate) shipping_rates: Table<ShippingRate>,
    pub(crate) tax_rates: Table<TaxRate>,
    pub(crate) sessions: Table<Session>,
    pub(crate) subscriptions: Table<Subscription>,
    pub(crate) links: Table<PaymentLink>,
    pub(crate) intents: Table<Intent>,
    pub(crate) charges: Table<Charge>,
    pub(crate) methods: Table<PaymentMethod>,
    pub(crate) setups: Table<SetupIntent>,
    pub(crate) refunds: Table<Refund>,
    pub(crate) disputes: Table<Dispute>,
    pub(crate) events: Table<Event>,
    pub(crate) endpoints: Table<Endpoint>,
    pub(crate) session_by_intent: HashMap<Id, Id>,
    pub(crate) sessions_by_customer: HashMap<Id, Vec<usize>>,
    pub(crate) sessions_by_link: HashMap<Id, Vec<usize>>,
    pub(crate) price_by_lookup_key: HashMap<String, Id>,
    /// By subscription.
    pub(crate) session_by_outcome: HashMap<Id, Id>,
    /// Payments that wait until the buyer has approved them at the bank.
    pub(crate) authenticating: HashMap<Id, Payment>,
    pub(crate) link_by_slug: HashMap<String, Id>,
    pub(crate) promotion_by_code: HashMap<String, Id>,
    /// Restricted keys that were given permissions; others may do everything.
    pub(crate) permissions: HashMap<String, HashSet<String>>,
    pub(crate) kept: Kept,
    /// What listeners have not acknowledged.
    pub(crate) listeners: Memory,
    pub(crate) cause: Cause,
    /// The latest attempts to deliver, oldest first.
    pub(crate) attempts: VecDeque<Attempt>,
    agenda: BTreeMap<(i64, u64), Task>,
    agenda_count: u64,
    /// What the current change gives to send; the dispatcher takes it.
    outgoing: Outgoing,
}

impl State {
    pub(crate) fn new(clock: Clock, seed: u64) -> Self {
        let mut ids = Ids::new(seed);
        Self {
            clock: Moment::new(clock),
            secret_key: ids.text("sk_test_", 32),
            forward_secret: listener_secret("sandbox", "--forward-to").into(),
            ids,
            starts: 0,
            turned_ms: 0,
            settle_ms: 0,
            base: "".into(),
            products: Table::default(),
            prices: Table::default(),
            customers: Table::default(),
            deleted_customers: HashSet::new(),
            coupons: Table::default(),
            promotions: Table::default(),
            shipping_rates: Table::default(),
            tax_rates: Table::default(),
            sessions: Table::default(),
            subscriptions: Table::default(),
            links: Table::default(),
            intents: Table::default(),
            charges: Table::default(),
            methods: Table::default(),
            setups: Table::default(),
            refunds: Table::default(),
            disputes: Table::default(),
            events: Table::default(),
            endpoints: Table::default(),
            session_by_intent: HashMap::new(),
            sessions_by_customer: HashMap::new(),
            sessions_by_link: HashMap::new(),
            price_by_lookup_key: HashMap::new(),
            session_by_outcome: HashMap::new(),
            authenticating: HashMap::new(),
            link_by_slug: HashMap::new(),
            promotion_by_code: HashMap::new(),
            permissions: HashMap::new(),
            kept: Kept::default(),
            listeners: Memory::default(),
            cause: Cause::default(),
            attempts: VecDeque::new(),
            agenda: BTreeMap::new(),
            agenda_count: 0,
            outgoing: Outgoing::default(),
        }
    }

    /// Seconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        self.clock.now()
    }

    /// Puts a task on the agenda.
    pub(crate) fn plan(&mut self, at_ms: i64, task: Task) {
        self.agenda_count += 1;
        self.agenda.insert((at_ms, self.agenda_count), task);
    }

    /// The next task that is due, off the agenda.
    pub(crate) fn due(&mut self) -> Option<Task> {
        let now = self.clock.now_ms();
        let first = self.agenda.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    pub(crate) fn is_due(&self) -> bool {
        self.next_due_ms().is_some_and(|at_ms| at_ms <= self.clock.now_ms())
    }

    /// When the agenda has something to do next.
    pub(crate) fn next_due_ms(&self) -> Option<i64> {
        self.agenda.first_key_value().map(|((at, _), _)| *at)
    }

    /// Tells the world that something happened: an event, and a delivery for each endpoint that
    /// wants it.
    pub(crate) fn emit(&mut self, kind: &'static str, object: Snapshot) -> Arc<Event> {
        let created_ms = self.clock.now_ms();
        self.events.forget(created_ms.div_euclid(1000) - EVENTS_LAST_S, EVENTS_MAX);
        let id = self.ids.next("evt_");
        let mut owed = Vec::new();
        for endpoint in self.endpoints.iter().filter(|endpoint| endpoint.wants(kind)) {
            self.outgoing.jobs.push(Job {
                event: Arc::clone(&id),
                endpoint: Arc::clone(&endpoint.id),
                attempt: 0,
            });
            owed.push(Owed { endpoint: Arc::clone(&endpoint.id), answered: endpoint.listener });
        }
        self.announce(&id);
        self.events.insert(Event {
            thin_id: thin_id(&id),
            id,
            created_ms,
            created: created_ms.div_euclid(1000),
            kind,
            object,
            request: self.cause.request.clone(),
            idempotency_key: self.cause.idempotency_key.clone(),
            owed,
        })
    }

    /// Asks for one more delivery.
    pub(crate) fn send(&mut self, job: Job) {
        self.outgoing.jobs.push(job);
    }

    /// Tells the listeners of an event, perhaps once more.
    pub(crate) fn announce(&mut self, event: &Id) {
        self.listeners.announced(event, self.clock.now_ms());
        self.outgoing.announced.push(Arc::clone(event));
    }

    pub(crate) fn take_outgoing(&mut self) -> Outgoing {
        std::mem::take(&mut self.outgoing)
    }

    /// Adds a session to the table and its indexes.
    pub(crate) fn add_session(&mut self, session: Session) -> Arc<Session> {
        let place = self.sessions.len();
        if let Some(customer) = &session.customer {
            self.sessions_by_customer.entry(Arc::clone(customer)).or_default().push(place);
        }
        if let Some(link) = &session.link {
            self.sessions_by_link.entry(Arc::clone(link)).or_default().push(place);
        }
        self.plan(session.expires_at * 1000, Task::Expire { session: Arc::clone(&session.id) });
        self.sessions.insert(session)
    }
}
