//! A parcel leaves: who carries it, under which number, and where it can be followed.

use std::collections::BTreeMap;

use crate::{
    notice::SHIPPED,
    order::{Decision, NewDelivery, Order, changed, named},
    place::{Effect, EffectKind, EffectStatus, web_address},
};

/// Longest carrier and tracking number, in characters.
const WORDS_MAX: usize = 100;
/// Longest address.
const URL_MAX: usize = 1_000;

/// In the input of the mail about a shipment: the ids of its lines, with spaces between.
pub const LINES: &str = "lines";

/// How a parcel travels. What is empty is unknown; what was not said stays as it was known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shipment {
    carrier: Option<String>,
    tracking: Option<String>,
    url: Option<String>,
    /// Of what has left already nothing is corrected.
    first: bool,
}

/// What is wrong with a shipment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ShipmentMistake {
    /// A text that no label bears.
    #[error("the {0} is too long (at most 100 characters), or not plain text")]
    Text(&'static str),
    /// An address that a browser cannot follow.
    #[error(
        "the url is not one: write a web address that begins with https:// or http:// (at most 1000 characters)"
    )]
    Url,
}

/// Why nothing was shipped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotShipped {
    /// There is nothing to send.
    #[error("no parcel of this order waits to be sent")]
    Nothing,
    /// A line that has no parcel, or none yet.
    #[error("line {0} has no parcel that could be sent")]
    Line(String),
    /// It was to leave for the first time ([`Shipment::first`]), and has left, another way.
    #[error("line {line} has left already{}", way(carrier, tracking))]
    Left {
        /// Which line.
        line: String,
        /// Who carries it, where that is known.
        carrier: String,
        /// Its tracking number, where that is known.
        tracking: String,
    },
}

/// ` (DHL, 111)`, of what is known.
fn way(carrier: &str, tracking: &str) -> String {
    let parts: Vec<&str> =
        [carrier, tracking].into_iter().filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

impl Shipment {
    /// Checks what a person typed, or left out.
    ///
    /// # Errors
    /// [`ShipmentMistake`] names the first that is wrong.
    pub fn new(
        carrier: Option<&str>,
        tracking: Option<&str>,
        url: Option<&str>,
    ) -> Result<Self, ShipmentMistake> {
        let word = |name, text: Option<&str>| {
            let text = text.map(str::trim);
            let fits = text.is_none_or(|text| {
                text.chars().count() <= WORDS_MAX && !text.chars().any(char::is_control)
            });
            if fits { Ok(text.map(str::to_owned)) } else { Err(ShipmentMistake::Text(name)) }
        };
        let url = match url.map(str::trim) {
            None | Some("") => url.map(|_| String::new()),
            Some(url) if url.len() <= URL_MAX && web_address(url).is_some() => Some(url.to_owned()),
            Some(_) => return Err(ShipmentMistake::Url),
        };
        let (carrier, tracking) = (word("carrier", carrier)?, word("tracking", tracking)?);
        Ok(Self { carrier, tracking, url, first: false })
    }

    /// The same for parcels that wait: whoever says so has not seen that one has left meanwhile, and
    /// must not overwrite how.
    #[must_use]
    pub fn first(self) -> Self {
        Self { first: true, ..self }
    }

    /// What the mail to the buyer is told.
    #[must_use]
    pub fn input(&self) -> BTreeMap<String, String> {
        let known = [("carrier", &self.carrier), ("tracking", &self.tracking), ("url", &self.url)];
        let known = known.into_iter().filter_map(|(name, text)| Some((name, told(text)?)));
        known.map(|(name, text)| (name.to_owned(), text.to_owned())).collect()
    }

    /// The same, with the lines that left.
    fn input_of(&self, lines: &[String]) -> BTreeMap<String, String> {
        let mut input = self.input();
        input.insert(LINES.to_owned(), lines.join(" "));
        input
    }

    /// Puts down how a parcel travels.
    fn put(&self, parcel: &mut Effect) {
        if let Some(carrier) = &self.carrier {
            parcel.subject.clone_from(carrier);
        }
        for (said, known) in [(&self.tracking, &mut parcel.value), (&self.url, &mut parcel.url)] {
            if said.is_some() {
                *known = told(said).map(str::to_owned);
            }
        }
    }

    /// Whether that is known of a parcel already.
    fn is_of(&self, parcel: &Effect) -> bool {
        let mut same = parcel.clone();
        self.put(&mut same);
        same == *parcel
    }

    fn said(&self) -> String {
        let [carrier, tracking] =
            [&self.carrier, &self.tracking].map(|part| told(part).unwrap_or_default());
        way(carrier, tracking)
    }
}

fn told(said: &Option<String>) -> Option<&str> {
    said.as_deref().filter(|text| !text.is_empty())
}

/// Parcels leave: those of `lines`, or all that wait when it is empty. Lines that were named may have
/// left before: then what is known of their way is corrected. With `mail` the buyer is told, once for
/// each shipment. The same shipment said twice changes nothing the second time.
///
/// # Errors
/// [`NotShipped`] when there is nothing to send, or when what should leave first has left.
pub fn ship(
    order: &Order,
    lines: &[String],
    shipment: &Shipment,
    mail: bool,
    who: &str,
) -> Result<Decision, NotShipped> {
    let parcel = |status| move |e: &&Effect| e.kind == EffectKind::Parcel && e.status == status;
    for line in lines {
        let mut of_line = order.effects.iter().filter(|e| e.line == *line);
        let ready =
            of_line.any(|e| parcel(EffectStatus::ToShip)(&e) || parcel(EffectStatus::Shipped)(&e));
        if !ready {
            return Err(NotShipped::Line(line.clone()));
        }
    }
    let leaves = |e: &Effect| {
        parcel(EffectStatus::ToShip)(&e) && lines.is_empty() || {
            e.kind == EffectKind::Parcel
                && lines.contains(&e.line)
                && matches!(e.status, EffectStatus::ToShip | EffectStatus::Shipped)
        }
    };
    let known = |e: &Effect| parcel(EffectStatus::Shipped)(&e) && shipment.is_of(e);
    let gone = |e: &&Effect| parcel(EffectStatus::Shipped)(e) && !shipment.is_of(e);
    let mut named_ones = order.effects.iter().filter(|e| lines.contains(&e.line));
    if shipment.first
        && let Some(gone) = named_ones.find(gone)
    {
        return Err(left_already(gone));
    }
    let mut after = order.effects.clone();
    let (mut left, mut corrected) = (Vec::new(), Vec::new());
    for effect in after.iter_mut().filter(|e| leaves(e) && !known(e)) {
        let told = if effect.status == EffectStatus::Shipped { &mut corrected } else { &mut left };
        told.push(effect.line.clone());
        effect.status = EffectStatus::Shipped;
        shipment.put(effect);
    }
    if left.is_empty() && corrected.is_empty() {
        let gone = order.effects.iter().find(gone);
        return match gone.filter(|_| shipment.first) {
            _ if order.effects.iter().any(known) => Ok(Decision::default()),
            Some(gone) => Err(left_already(gone)),
            None => Err(NotShipped::Nothing),
        };
    }
    let said = [("shipped", &left), ("tracking corrected", &corrected)]
        .into_iter()
        .filter(|(_, lines)| !lines.is_empty())
        .map(|(word, lines)| format!("{word} by {who}: {}", named(lines, &order.names)))
        .collect::<Vec<_>>()
        .join("; ");
    let said = format!("{said}{}", shipment.said());
    let news = mail && !left.is_empty();
    let deliveries = news.then(|| NewDelivery {
        kind: SHIPPED.to_owned(),
        line: next_shipment(order),
        owed: false,
        input: shipment.input_of(&left),
    });
    Ok(changed(order, after, Vec::from_iter(deliveries), Some(said)))
}

fn left_already(gone: &Effect) -> NotShipped {
    NotShipped::Left {
        line: gone.line.clone(),
        carrier: gone.subject.clone(),
        tracking: gone.value.clone().unwrap_or_default(),
    }
}

/// The first shipment's mail is about the whole order, the next ones have numbers.
fn next_shipment(order: &Order) -> String {
    match order.deliveries.iter().filter(|d| d.kind == SHIPPED).count() {
        0 => String::new(),
        before => format!("shipment {}", before + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        delivery::DeliveryStatus,
        id::SessionKey,
        order::{Owed, Status},
    };

    fn parcel(line: &str, status: EffectStatus) -> Effect {
        Effect {
            line: line.to_owned(),
            kind: EffectKind::Parcel,
            unit: 1,
            quantity: 1,
            status,
            subject: String::new(),
            value: None,
            url: None,
            days: None,
            expires_at: None,
            held: None,
            backorder: false,
            note: None,
        }
    }

    fn order(effects: Vec<Effect>) -> Order {
        Order {
            key: SessionKey::parse("cs_test_a").unwrap(),
            status: Status::Fulfilled,
            reason: None,
            first_seen_at: 0,
            placed: true,
            has_address: true,
            effects,
            deliveries: Vec::new(),
            names: [("li_2".to_owned(), "'T-shirt'".to_owned())].into(),
        }
    }

    fn post() -> Shipment {
        Shipment::new(Some("Post"), Some(" RR1 "), Some("https://post.example/RR1")).unwrap()
    }

    #[test]
    fn all_that_waits_leaves_and_the_buyer_is_told_once_for_each_shipment() {
        use EffectStatus::{Held, Shipped, ToShip};
        let mut before =
            order(vec![parcel("li_1", ToShip), parcel("li_2", Held), parcel("li_3", Shipped)]);
        let decision = ship(&before, &[], &post(), true, "Ann").unwrap();
        let [gone] = &decision.effects[..] else { panic!("{decision:#?}") };
        assert_eq!((gone.line.as_str(), gone.status), ("li_1", Shipped));
        assert_eq!(gone.subject, "Post");
        assert_eq!(gone.value.as_deref(), Some("RR1"));
        assert_eq!(decision.timeline, ["shipped by Ann: li_1 (Post, RR1)"]);
        let [mail] = &decision.deliveries[..] else { panic!("{decision:#?}") };
        assert_eq!((mail.kind.as_str(), mail.line.as_str()), (SHIPPED, ""));
        assert_eq!(mail.input["tracking"], "RR1");
        assert_eq!(mail.input[LINES], "li_1", "only what left");

        before.deliveries =
            vec![Owed { kind: SHIPPED.into(), owed: false, status: DeliveryStatus::Done }];
        let decision = ship(&before, &["li_1".into()], &post(), true, "Ann").unwrap();
        assert_eq!(decision.deliveries[0].line, "shipment 2");
        let decision = ship(&before, &["li_1".into()], &post(), false, "Ann").unwrap();
        assert!(decision.deliveries.is_empty(), "the shop sends no mail");
    }

    #[test]
    fn people_read_what_a_line_is_called() {
        let before = order(vec![parcel("li_2", EffectStatus::ToShip)]);
        let decision = ship(&before, &[], &post(), true, "Ann").unwrap();
        assert_eq!(decision.timeline, ["shipped by Ann: 'T-shirt' (Post, RR1)"]);
        assert_eq!(decision.deliveries[0].input[LINES], "li_2");
    }

    #[test]
    fn tracking_can_be_corrected_without_another_mail() {
        let before = order(vec![parcel("li_1", EffectStatus::Shipped)]);
        let decision = ship(&before, &["li_1".into()], &post(), true, "Ann").unwrap();
        assert_eq!(decision.timeline, ["tracking corrected by Ann: li_1 (Post, RR1)"]);
        assert!(decision.deliveries.is_empty());
    }

    #[test]
    fn a_correction_leaves_alone_what_it_does_not_say() {
        let mut gone = parcel("li_1", EffectStatus::Shipped);
        (gone.subject, gone.value) = ("UPS".into(), Some("1Z1".into()));
        let before = order(vec![gone.clone()]);
        let way = |carrier, tracking| {
            let shipment = Shipment::new(carrier, tracking, None).unwrap();
            let decision = ship(&before, &["li_1".into()], &shipment, true, "Ann").unwrap();
            let after = decision.effects.into_iter().next().unwrap_or_else(|| gone.clone());
            (after.subject, after.value)
        };
        assert_eq!(way(None, Some("1Z2")), ("UPS".to_owned(), Some("1Z2".to_owned())));
        assert_eq!(way(Some(""), Some("1Z2")), (String::new(), Some("1Z2".to_owned())));
        assert_eq!(way(None, Some("")), ("UPS".to_owned(), None));
        assert_eq!(way(None, None), ("UPS".to_owned(), Some("1Z1".to_owned())));
    }

    #[test]
    fn what_leaves_and_what_is_corrected_are_both_told() {
        use EffectStatus::{Shipped, ToShip};
        let before = order(vec![parcel("li_1", Shipped), parcel("li_2", ToShip)]);
        let both = ["li_1".to_owned(), "li_2".to_owned()];
        let decision = ship(&before, &both, &post(), true, "Ann").unwrap();
        let told = "shipped by Ann: 'T-shirt'; tracking corrected by Ann: li_1 (Post, RR1)";
        assert_eq!(decision.timeline, [told]);
        assert_eq!(decision.deliveries[0].input[LINES], "li_2", "the mail is about what leaves");
    }

    #[test]
    fn the_same_shipment_twice_changes_nothing_the_second_time() {
        let mut gone = parcel("li_1", EffectStatus::Shipped);
        (gone.subject, gone.value) = ("Post".into(), Some("RR1".into()));
        gone.url = Some("https://post.example/RR1".into());
        gone.url = Some("https://post.example/RR1".into());
        let before = order(vec![gone]);
        for lines in [&[][..], &["li_1".to_owned()]] {
            assert_eq!(ship(&before, lines, &post(), true, "Ann").unwrap(), Decision::default());
        }
        let other = Shipment::new(Some("Post"), Some("RR2"), None).unwrap();
        assert_eq!(ship(&before, &[], &other, true, "Ann").unwrap_err(), NotShipped::Nothing);
    }

    #[test]
    fn what_should_leave_first_and_has_left_another_way_is_left_alone() {
        use EffectStatus::{Shipped, ToShip};
        let mut gone = parcel("li_1", Shipped);
        (gone.subject, gone.value) = ("DHL".into(), Some("111".into()));
        let left =
            NotShipped::Left { line: "li_1".into(), carrier: "DHL".into(), tracking: "111".into() };
        assert_eq!(left.to_string(), "line li_1 has left already (DHL, 111)");
        let both = ["li_1".to_owned(), "li_2".to_owned()];
        let whole = order(vec![gone.clone()]);
        let half = order(vec![gone.clone(), parcel("li_2", ToShip)]);
        let dhl = Shipment::new(Some("DHL"), Some("111"), None).unwrap().first();
        for (before, lines, shipment, is_left) in [
            (&whole, &both[..1], post().first(), true),
            (&whole, &[], post().first(), true),
            (&half, &both, post().first(), true),
            (&half, &both[1..], post().first(), false),
            (&half, &[], post().first(), false),
            (&whole, &both[..1], dhl.clone(), false),
            (&whole, &[], dhl, false),
            (&whole, &both[..1], post(), false),
        ] {
            let shipped = ship(before, lines, &shipment, true, "Ann");
            assert_eq!(shipped.clone().err(), is_left.then(|| left.clone()), "{lines:?}");
            let changed = shipped.map(|decision| decision.effects).unwrap_or_default();
            let corrected = changed.iter().any(|effect| effect.line == "li_1");
            assert!(!(corrected && shipment.first), "{lines:?}");
        }
    }

    #[test]
    fn what_cannot_leave_is_refused() {
        let before = order(vec![parcel("li_1", EffectStatus::Held)]);
        let refused = |lines: &[String]| ship(&before, lines, &post(), true, "Ann").unwrap_err();
        assert_eq!(refused(&[]), NotShipped::Nothing);
        assert_eq!(refused(&["li_1".into()]), NotShipped::Line("li_1".into()));
        assert_eq!(refused(&["li_9".into()]), NotShipped::Line("li_9".into()));
    }

    #[test]
    fn what_is_typed_is_checked() {
        let empty = Shipment::new(Some("  "), None, None).unwrap();
        assert_eq!((empty.carrier.as_deref(), empty.input()), (Some(""), BTreeMap::new()));
        let long = "x".repeat(101);
        for (carrier, tracking, url, why) in [
            (Some("a\nb"), None, None, "carrier"),
            (None, Some(long.as_str()), None, "tracking"),
            (None, None, Some("javascript:alert(1)"), "url"),
        ] {
            let mistake = Shipment::new(carrier, tracking, url).unwrap_err().to_string();
            assert!(mistake.starts_with(&format!("the {why} ")), "{mistake}");
        }
    }
}
