//! Reports for spreadsheets and bookkeeping: orders, their lines and the movements of stock as CSV
//! (RFC 4180, UTF-8), written part by part, so that any number of rows takes the same memory.

mod period;
mod sheet;

use bytes::Bytes;
use fulfill_rules::{
    SECOND,
    fact::Line,
    place::{EffectKind, EffectStatus},
};

pub use self::period::{NotAPeriod, Period};
use self::sheet::Sheet;
use crate::store::{MovementView, PartQuery, ReportedOrder, Store, StoreError};

/// What is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    /// One row an order.
    Orders,
    /// One row a line of an order.
    Lines,
    /// One row a change of a shelf.
    Stock,
}

impl Report {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::Orders, Self::Lines, Self::Stock];

    /// Its name in addresses and file names.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Lines => "lines",
            Self::Stock => "stock",
        }
    }

    /// The report of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|report| report.name() == name)
    }

    /// The names of its columns, in their order. New ones are added at the end.
    #[must_use]
    pub fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Orders => &ORDERS,
            Self::Lines => &LINES,
            Self::Stock => &STOCK,
        }
    }
}

const ORDERS: [&str; 27] = [
    "session_id",
    "status",
    "reason",
    "payment_status",
    "mode",
    "created",
    "first_seen_at",
    "fulfilled_at",
    "currency",
    "amount_total",
    "presentment_currency",
    "presentment_amount",
    "customer_name",
    "customer_email",
    "customer_phone",
    "customer_id",
    "client_reference_id",
    "payment_intent",
    "payment_link",
    "shipping_name",
    "shipping_line1",
    "shipping_line2",
    "shipping_city",
    "shipping_state",
    "shipping_postal_code",
    "shipping_country",
    "custom_fields",
];

const LINES: [&str; 16] = [
    "session_id",
    "status",
    "created",
    "first_seen_at",
    "customer_email",
    "line_id",
    "product",
    "price",
    "lookup_key",
    "description",
    "quantity",
    "currency",
    "amount_total",
    "effects",
    "carrier",
    "tracking",
];

const STOCK: [&str; 8] =
    ["at", "sku", "change", "on_hand", "backordered", "session_id", "who", "why"];

/// Why a report ended early. The text is for the log, never for a stranger.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// It could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It could not be written.
    #[error("a row cannot be written: {0}")]
    Row(#[from] csv::Error),
}

/// A report under way: ask for the [`next`](Csv::next) text until there is none.
#[derive(Debug)]
pub struct Csv {
    store: Store,
    report: Report,
    period: Period,
    mark: bool,
    /// The part that comes next: none before the first and after the last.
    part: Option<PartQuery>,
    begun: bool,
    rows: u64,
}

impl Csv {
    /// Nothing is read yet. What happens to an order while the report is written may or may not show;
    /// orders that come in meanwhile do not.
    #[must_use]
    pub fn new(store: Store, report: Report, period: Period) -> Self {
        Self { store, report, period, mark: false, part: None, begun: false, rows: 0 }
    }

    /// Begins with a byte order mark, without which spreadsheets take umlauts for something else.
    /// Programs would find it in the first column's name.
    #[must_use]
    pub fn for_spreadsheets(mut self) -> Self {
        self.mark = true;
        self
    }

    /// Rows so far, without the columns' names.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// How much has been looked through, in percent.
    #[must_use]
    pub fn percent(&self) -> u64 {
        match &self.part {
            Some(part) if part.last > 0 => {
                u64::try_from(part.after.saturating_mul(100) / part.last).unwrap_or(0)
            }
            Some(_) => 0,
            None => u64::from(self.begun) * 100,
        }
    }

    /// The next text, which may be empty; none after the last. After an error it is over.
    ///
    /// # Errors
    /// When something cannot be read or written: what came before is not the whole report.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ReportError> {
        let mut sheet = Sheet::new();
        let mut text = Vec::new();
        if !self.begun {
            self.begun = true;
            let last = match self.report {
                Report::Orders | Report::Lines => self.store.last_order().await?,
                Report::Stock => self.store.last_movement().await?,
            };
            let Period { from, until } = self.period;
            self.part = Some(PartQuery { after: 0, last, from, until });
            if self.mark {
                text.extend_from_slice("\u{feff}".as_bytes());
            }
            sheet.head(self.report.columns())?;
        }
        let Some(part) = self.part.take() else { return Ok(None) };
        let next = match self.report {
            Report::Orders => {
                let some = self.store.orders_part(part).await?;
                for of in &some.rows {
                    order(&mut sheet, of)?;
                }
                self.rows += some.rows.len() as u64;
                some.next
            }
            Report::Lines => {
                let some = self.store.orders_part(part).await?;
                for of in &some.rows {
                    for bought in &of.sale.lines {
                        line(&mut sheet, of, bought)?;
                        self.rows += 1;
                    }
                }
                some.next
            }
            Report::Stock => {
                let some = self.store.movements_part(part).await?;
                for of in &some.rows {
                    movement(&mut sheet, of)?;
                }
                self.rows += some.rows.len() as u64;
                some.next
            }
        };
        text.append(&mut sheet.finish()?);
        self.part = next.map(|after| PartQuery { after, ..part });
        Ok(Some(text.into()))
    }
}

fn order(sheet: &mut Sheet, order: &ReportedOrder) -> csv::Result<()> {
    let sale = &order.sale;
    sheet.text(&order.key.id)?;
    sheet.text(order.status.as_str())?;
    sheet.known(order.reason.as_deref())?;
    sheet.known(sale.payment_status.as_deref())?;
    sheet.known(sale.mode.as_deref())?;
    sheet.moment(created(order))?;
    sheet.moment(Some(order.first_seen_at))?;
    sheet.moment(order.fulfilled_at)?;
    sheet.currency(sale.currency.as_deref())?;
    sheet.money(sale.amount_total, sale.currency.as_deref())?;
    let paid = sale.presentment.as_ref();
    sheet.currency(paid.map(|paid| paid.currency.as_str()))?;
    sheet.money(paid.map(|paid| paid.amount), paid.map(|paid| paid.currency.as_str()))?;
    sheet.known(sale.customer.name.as_deref())?;
    sheet.known(sale.customer.email.as_deref())?;
    sheet.known(sale.customer.phone.as_deref())?;
    sheet.known(sale.customer.id.as_deref())?;
    sheet.known(sale.client_reference_id.as_deref())?;
    sheet.known(sale.payment_intent.as_deref())?;
    sheet.known(sale.payment_link.as_deref())?;
    let shipping = sale.shipping.clone().unwrap_or_default();
    let address = shipping.address;
    for part in [
        shipping.name,
        address.line1,
        address.line2,
        address.city,
        address.state,
        address.postal_code,
        address.country,
    ] {
        sheet.known(part.as_deref())?;
    }
    let answers = sale.custom_fields.iter().map(|of| format!("{}: {}", of.label, of.answer()));
    sheet.text(&answers.collect::<Vec<_>>().join("; "))?;
    sheet.end()
}

fn line(sheet: &mut Sheet, order: &ReportedOrder, line: &Line) -> csv::Result<()> {
    sheet.text(&order.key.id)?;
    sheet.text(order.status.as_str())?;
    sheet.moment(created(order))?;
    sheet.moment(Some(order.first_seen_at))?;
    sheet.known(order.sale.customer.email.as_deref())?;
    sheet.text(&line.id)?;
    sheet.known(line.product.as_deref())?;
    sheet.known(line.price.as_deref())?;
    sheet.known(line.lookup_key.as_deref())?;
    sheet.known(line.description.as_deref())?;
    sheet.number(line.quantity)?;
    let currency = line.currency.as_deref().or(order.sale.currency.as_deref());
    sheet.currency(currency)?;
    sheet.money(line.amount_total, currency)?;
    let (mut effects, mut carrier, mut tracking) = (Vec::new(), Vec::new(), Vec::new());
    for effect in order.effects.iter().filter(|effect| effect.line == line.id) {
        let waived = effect.is_waived();
        let told = format!(
            "{} {}",
            kind(effect.kind),
            if waived { "waived" } else { status(effect.status) }
        );
        if !effects.contains(&told) {
            effects.push(told);
        }
        let shipped = effect.kind == EffectKind::Parcel && effect.status == EffectStatus::Shipped;
        if shipped {
            carrier.extend(Some(effect.subject.as_str()).filter(|name| !name.is_empty()));
            tracking.extend(effect.value.as_deref());
        }
    }
    sheet.text(&effects.join(", "))?;
    sheet.text(&carrier.join(", "))?;
    sheet.text(&tracking.join(", "))?;
    sheet.end()
}

fn movement(sheet: &mut Sheet, movement: &MovementView) -> csv::Result<()> {
    sheet.moment(Some(movement.at))?;
    sheet.text(&movement.sku)?;
    sheet.number(movement.change)?;
    sheet.number(movement.on_hand)?;
    sheet.number(movement.backordered)?;
    sheet.known(movement.session_id.as_deref())?;
    sheet.known(movement.who.as_deref())?;
    sheet.known(movement.why.as_deref())?;
    sheet.end()
}

/// When the session was made.
fn created(order: &ReportedOrder) -> Option<i64> {
    order.sale.created.map(|seconds| seconds.saturating_mul(SECOND))
}

fn kind(kind: EffectKind) -> &'static str {
    match kind {
        EffectKind::Grant => "grant",
        EffectKind::Key => "key",
        EffectKind::Stock => "stock",
        EffectKind::Parcel => "parcel",
        EffectKind::Manual => "manual",
    }
}

fn status(status: EffectStatus) -> &'static str {
    match status {
        EffectStatus::Done => "done",
        EffectStatus::Held => "held",
        EffectStatus::ToShip => "to_ship",
        EffectStatus::Shipped => "shipped",
    }
}
