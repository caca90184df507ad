//! What a town is built of: catalog, stock, nodes, endpoints.

use std::{collections::BTreeMap, sync::Arc};

use fulfill::{Builder, actions::Action, rules::plan::Product};

use crate::{Town, database::Database, town::soon};

/// Tells one story on both databases.
macro_rules! both {
    ($name:ident, $plan:expr, $story:expr $(,)?) => {
        mod $name {
            use super::*;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                $plan.tell($crate::database::Database::sqlite(), $story).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                $plan.tell($crate::database::Database::postgres().await, $story).await;
            }
        }
    };
}
pub(crate) use both;

const CATALOG: &str = r#"
[[product]]
id = "prod_course"
grant = { access = "course", days = 365, url = "https://example.com/course" }
[[product]]
id = "prod_shirt"
stock = { sku = "SHIRT", oversell = "hold" }
parcel = {}
[[product]]
id = "prod_poster"
stock = { sku = "POSTER", oversell = "backorder" }
[[product]]
id = "prod_editor"
key = { pool = "editor" }
[[product]]
id = "prod_team"
key = { pool = "editor", seats = true }
[[product]]
id = "prod_handmade"
manual = true
"#;

/// Where the sandbox delivers events to.
#[derive(Clone, Default)]
pub(crate) struct Endpoint {
    /// The API version its events are rendered at; the account's if none.
    pub(crate) version: Option<&'static str>,
    /// It gets thin events.
    pub(crate) thin: bool,
    /// Every event there is, not only those about sessions.
    pub(crate) everything: bool,
    /// Which node it delivers to.
    pub(crate) node: usize,
}

type Extra = Arc<dyn Fn(Builder) -> Builder>;

/// The settings of a town, one by one.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) catalog: String,
    pub(crate) stock: BTreeMap<String, i64>,
    pub(crate) nodes: usize,
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) looks: bool,
    pub(crate) veiled: bool,
    pub(crate) asleep: bool,
    pub(crate) rate_per_second: u32,
    pub(crate) timeout_ms: i64,
    pub(crate) settle_s: u64,
    /// A restricted key's permissions.
    pub(crate) permissions: Option<&'static [&'static str]>,
    pub(crate) kinds: Vec<&'static str>,
    pub(crate) extra: Vec<Extra>,
}

/// A usual shop on one node, with one endpoint.
pub(crate) fn shop() -> Plan {
    Plan {
        catalog: CATALOG.to_owned(),
        stock: BTreeMap::new(),
        nodes: 1,
        endpoints: vec![Endpoint::default()],
        looks: false,
        veiled: false,
        asleep: false,
        rate_per_second: 0,
        timeout_ms: 40_000,
        settle_s: 3 * 24 * 3_600,
        permissions: None,
        kinds: Vec::new(),
        extra: Vec::new(),
    }
}

impl Plan {
    /// More products.
    pub(crate) fn sells(mut self, products: &str) -> Self {
        self.catalog.push_str(products);
        self
    }

    pub(crate) fn stock(mut self, sku: &str, units: i64) -> Self {
        self.stock.insert(sku.to_owned(), units);
        self
    }

    /// So many replicas on one database.
    pub(crate) fn nodes(mut self, nodes: usize) -> Self {
        self.nodes = nodes;
        self
    }

    pub(crate) fn endpoints(mut self, endpoints: &[Endpoint]) -> Self {
        self.endpoints = endpoints.to_vec();
        self
    }

    /// Complete sessions are listed at start and every ten minutes.
    pub(crate) fn looking(mut self) -> Self {
        self.looks = true;
        self
    }

    /// The nodes are not started: the story does that.
    pub(crate) fn asleep(mut self) -> Self {
        self.asleep = true;
        self
    }

    /// A veil hangs between the service and the sandbox.
    pub(crate) fn veiled(mut self) -> Self {
        self.veiled = true;
        self
    }

    pub(crate) fn rate(mut self, per_second: u32) -> Self {
        self.rate_per_second = per_second;
        self
    }

    /// How long an answer of Stripe's may take, in real time.
    pub(crate) fn timeout_ms(mut self, ms: i64) -> Self {
        self.timeout_ms = ms;
        self
    }

    /// The service's key may only do this.
    pub(crate) fn restricted_to(mut self, permissions: &'static [&'static str]) -> Self {
        self.permissions = Some(permissions);
        self
    }

    /// Outside work of the story's own.
    pub(crate) fn action<A: Action + Clone>(mut self, action: A) -> Self {
        self.kinds.push(A::KIND);
        self.and(move |builder| builder.action(action.clone()))
    }

    /// Whatever else the builder is told.
    pub(crate) fn and(mut self, extra: impl Fn(Builder) -> Builder + 'static) -> Self {
        self.extra.push(Arc::new(extra));
        self
    }

    pub(crate) fn products(&self) -> Vec<Product> {
        #[derive(serde::Deserialize)]
        struct File {
            product: Vec<Product>,
        }
        toml::from_str::<File>(&self.catalog).unwrap().product
    }

    /// Builds the town, tells the story in it, and looks that nothing is left undone.
    pub(crate) async fn tell(self, database: Database, story: impl AsyncFnOnce(&Town)) {
        let town = soon("the town is built", Town::build(self, database)).await;
        let told = tokio::time::timeout(crate::town::PATIENCE, story(&town)).await;
        if told.is_err() {
            panic!("the story hangs:\n{}", town.everything().await);
        }
        soon("the town closes", town.close()).await;
    }
}
