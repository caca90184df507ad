//! One order in plain words.

use std::fmt::Write as _;

use fulfill::{
    address_rows,
    rules::{
        Millis, money,
        place::{Effect, EffectKind, EffectStatus, Held},
    },
    store::{DeliveryView, OrderView, SessionView},
};

/// `2026-11-25 16:53:45 UTC`.
pub(super) fn time(at: Millis) -> String {
    jiff::Timestamp::from_millisecond(at)
        .map_or_else(|_| at.to_string(), |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

/// Everything that is known of a session.
pub(super) fn text(view: &SessionView) -> String {
    let mut out = String::new();
    match &view.order {
        Some(order) => write_order(&mut out, order),
        None if view.missing => {
            line(&mut out, &format!("{}: Stripe does not know it, so there is no order", view.key));
        }
        None => line(&mut out, &format!("{}: there is no order (yet)", view.key)),
    }
    if let Some(trouble) = &view.trouble {
        line(&mut out, &format!("the last look failed: {trouble}"));
    }
    let settled = view.order.as_ref().is_some_and(|order| order.placed);
    if let (false, Some(at)) = (settled, view.look_again_at) {
        line(&mut out, &format!("it is looked at again at {}", time(at)));
    }
    out
}

fn write_order(out: &mut String, order: &OrderView) {
    let (sale, status) = (&order.sale, order.status.as_str());
    match order.reason.as_deref() {
        Some(reason) => line(out, &format!("{}: {status}: {reason}", order.key)),
        None => line(out, &format!("{}: {status}", order.key)),
    }
    let money = sale.amount_total.zip(sale.currency.as_deref());
    let paid = sale.payment_status.as_deref().unwrap_or("payment unknown");
    line(
        out,
        &match money {
            Some((amount, currency)) => format!("{} ({paid})", money::plain(amount, currency)),
            None => paid.to_owned(),
        },
    );
    let customer = [&sale.customer.name, &sale.customer.email, &sale.customer.phone];
    let customer: Vec<&str> = customer.into_iter().flatten().map(String::as_str).collect();
    if !customer.is_empty() {
        line(out, &format!("for {}", customer.join(", ")));
    }
    if let Some(shipping) = &sale.shipping {
        line(out, &format!("to {}", address_rows(shipping).join(", ")));
    }
    for field in &sale.custom_fields {
        line(out, &format!("{}: {}", field.label, field.answer()));
    }
    for bought in &sale.lines {
        let what = bought.description.as_deref().or(bought.product.as_deref()).unwrap_or("?");
        line(out, &format!("\n{} × {what}  ({})", bought.quantity, bought.id));
        for effect in order.effects.iter().filter(|effect| effect.line == bought.id) {
            line(out, &format!("  {}", told(effect)));
        }
    }
    for effect in order.effects.iter().filter(|effect| effect.line.is_empty()) {
        line(out, &format!("\n  {}", told(effect)));
    }
    if !order.deliveries.is_empty() {
        line(out, "\ndeliveries");
        order.deliveries.iter().for_each(|delivery| line(out, &format!("  {}", sent(delivery))));
    }
    line(out, "\nwhat happened");
    for entry in &order.timeline {
        line(out, &format!("  {}  {}", time(entry.at), entry.what));
    }
    for event in &order.events {
        line(out, &format!("  {}  event {} ({})", time(event.received_at), event.kind, event.id));
    }
}

fn told(effect: &Effect) -> String {
    let kind = match effect.kind {
        EffectKind::Grant => "access",
        EffectKind::Key => "key",
        EffectKind::Stock => "from stock",
        EffectKind::Parcel => "parcel",
        EffectKind::Manual => "by hand",
    };
    let state = match (effect.status, effect.held) {
        (EffectStatus::Done, _) => "done",
        (EffectStatus::ToShip, _) => "on the packing list",
        (EffectStatus::Shipped, _) => "shipped",
        (EffectStatus::Held, Some(Held::Stock)) => "HELD: not enough stock (`fulfilld stock add`)",
        (EffectStatus::Held, Some(Held::Keys)) => "HELD: the pool is dry (`fulfilld keys import`)",
        (EffectStatus::Held, Some(Held::Address)) => "HELD: there is no address",
        (EffectStatus::Held, Some(Held::Unmatched)) if effect.unreadable().is_some() => {
            "HELD: its metadata at Stripe has a mistake (correct it for orders to come; for this one \
             add it to the catalog, or `fulfilld orders waive` / `fulfill-by-hand`)"
        }
        (EffectStatus::Held, Some(Held::Unmatched)) => {
            "HELD: not in the catalog (add it, or `fulfilld orders waive` / `fulfill-by-hand`)"
        }
        (EffectStatus::Held, Some(Held::Manual) | None) => {
            "HELD: waits for a person (`fulfilld orders fulfill-by-hand`)"
        }
    };
    let what = effect.value.as_deref().unwrap_or(&effect.subject);
    let what = if what.is_empty() { String::new() } else { format!(" {what}") };
    let times =
        if effect.quantity == 1 { String::new() } else { format!(" ×{}", effect.quantity) };
    let until = effect.expires_at.map(|at| format!(", until {}", time(at))).unwrap_or_default();
    let note = effect.note.as_deref().filter(|_| !effect.is_held());
    let note = note.map(|note| format!(" ({note})")).unwrap_or_default();
    format!("{kind}{what}{times}: {state}{until}{note}")
}

fn sent(delivery: &DeliveryView) -> String {
    let status = match serde_json::to_value(delivery.status) {
        Ok(serde_json::Value::String(word)) => word,
        _ => format!("{:?}", delivery.status).to_lowercase(),
    };
    let mut said = format!("{}: {status}, {} attempts", delivery.kind, delivery.attempts);
    if !delivery.line.is_empty() {
        let _ = write!(said, ", line {}", delivery.line);
    }
    if let Some(what) = &delivery.said {
        let _ = write!(said, ", {what}");
    }
    if delivery.attempts == 0 && delivery.kind.starts_with("mail.") {
        said.push_str(", waits for a mail server");
    }
    said
}

/// One line; what strangers typed must not move the terminal's cursor.
fn line(out: &mut String, text: &str) {
    let (start, text) = text.strip_prefix('\n').map_or(("", text), |text| ("\n", text));
    out.push_str(start);
    out.extend(text.chars().map(|c| if c.is_control() { ' ' } else { c }));
    out.push('\n');
}
