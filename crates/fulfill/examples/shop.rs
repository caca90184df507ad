//! A small theater that embeds fulfilld and adds an action of its own: whoever buys a seat is put on
//! the guest list. To try it, start `fulfilld sandbox`, then this with --key=sk_test_…
//! --secret=whsec_… --api-base=URL --database=sqlite:FILE, and buy something whose metadata says
//! kind = seat.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use axum::{extract::State, routing::get};
use fulfill::{
    Fulfill,
    actions::{Action, Fault, Job, Receipt},
    clock::Clock,
    store::Location,
    stripe::{ClientSettings, Secrets},
};
use serde_json::json;
use tokio::{net::TcpListener, sync::Mutex};

/// Guests by the key of the job that brought them: a job that runs twice writes one name.
#[derive(Clone, Default)]
struct Guests(Arc<Mutex<BTreeMap<String, String>>>);

#[derive(serde::Deserialize)]
struct Seat {
    row: String,
}

impl Action for Guests {
    const KIND: &'static str = "seat";
    type Input = Seat;

    async fn run(&self, job: Job<Seat>) -> Result<Receipt, Fault> {
        let name = job.sale.customer.name.ok_or(Fault::refuse("nameless", "who is it?"))?;
        let told = format!("{name} sits in row {}", job.input.row);
        self.0.lock().await.insert(job.key, told.clone());
        Ok(Receipt::said(told))
    }
}

async fn list(State(guests): State<Guests>) -> String {
    guests.0.lock().await.values().map(|guest| format!("{guest}\n")).collect()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let set = |name| std::env::args().find_map(|arg| Some(arg.strip_prefix(name)?.to_owned()));
    let key = set("--key=").ok_or("--key=sk_test_… is missing")?;
    let secret = set("--secret=").ok_or("--secret=whsec_… is missing")?;
    let database = set("--database=").unwrap_or("sqlite:theater.sqlite3".into());
    let mut stripe = ClientSettings::new(key.into(), Clock::system());
    stripe.api_base = set("--api-base=").unwrap_or(stripe.api_base);
    let seat = json!({ "metadata": { "kind": "seat" }, "action": { "kind": "seat", "input": { "row": "A" } } });
    let guests = Guests::default();
    let fulfill = Fulfill::builder()
        .database(Location::parse(&database)?)
        .stripe(stripe)
        .webhook_secrets(Secrets::parse(&secret)?)
        .products(vec![serde_json::from_value(seat)?])
        .action(guests.clone())
        .open()
        .await?;
    let own = axum::Router::new().route("/guests", get(list)).with_state(guests);
    let app = fulfill.router().merge(own).into_make_service_with_connect_info::<SocketAddr>();
    let listen = set("--listen=").unwrap_or("127.0.0.1:4242".into());
    let listener = TcpListener::bind(listen).await?;
    println!("listening on http://{}", listener.local_addr()?);
    tokio::spawn(fulfill.engine().run(Default::default()));
    Ok(axum::serve(listener, app).await?)
}
