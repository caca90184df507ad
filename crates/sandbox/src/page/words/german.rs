//! Deutsch.

use super::{
    BuyerWords, ClosedWords, Figures, Frame, MeansWords, OrderWords, Problem, VoucherWords, Words,
};
use crate::{checkout, page::amount::shown, state::objects::Recurring};

pub(super) static WORDS: Words = Words {
    tag: "de",
    figures: Figures { point: ',', group: '.', percent: "\u{a0}%", sign_first: false, every },
    date: |year, month, day| format!("{day}. {} {year}", MONTHS[month.clamp(1, 12) - 1]),
    countries: include_str!("countries.de"),
    problem,
    told,
    frame: Frame {
        sandbox: "Sandbox",
        nothing_charged: "Dies ist eine Übungskasse. Es wird nichts abgebucht; geben Sie nie eine echte Karte ein.",
        title_error: "Fehler",
        back: "Zurück zum Shop",
        back_to: |shop| format!("Zurück zu {shop}"),
        problems: "Bitte prüfen Sie diese Felder",
        unreadable: "Das Formular war nicht lesbar. Bitte füllen Sie es noch einmal aus.",
        not_open: "Diese Zahlung ist nicht mehr offen. Bitte versuchen Sie es noch einmal.",
        total_changed: |total| {
            format!(
                "Der Betrag ist jetzt {total}. Bitte prüfen Sie Ihre Bestellung und zahlen Sie erneut."
            )
        },
        small_print: "Dies ist eine Sandbox: Es wird keine Bank gefragt und kein Geld bewegt.",
    },
    order: OrderWords {
        pay: "Kasse",
        pay_shop: |shop| format!("Bezahlen bei {shop}"),
        give: "Spenden",
        give_shop: |shop| format!("Spenden an {shop}"),
        subscribe: "Abonnieren",
        save_method: "Zahlungsmittel speichern",
        nothing_now: "Jetzt wird nichts abgebucht. Ihr Zahlungsmittel wird für später gespeichert.",
        trial_until: |date| format!("bis {date}"),
        pay_amount: |amount| format!("{amount} bezahlen"),
        book: "Buchen",
        donate: |amount| format!("{amount} spenden"),
        complete_order: "Bestellung abschließen",
        processing: "Wird bearbeitet…",
        quantity: "Menge",
        quantity_of: |item| format!("Menge von {item}"),
        quantity_short: |quantity| format!("Menge {quantity}"),
        your_amount: "Ihr Betrag",
        each: |amount| format!("je {amount}"),
        optional: "Dazu bestellen",
        code: "Rabattcode",
        apply: "Einlösen",
        remove: "Entfernen",
        remove_code: |code| format!("{code} entfernen"),
        update: "Betrag neu berechnen",
        subtotal: "Zwischensumme",
        discount: "Rabatt",
        shipping: "Versand",
        tax: |name, percent, included| {
            let included = if included { " enthalten" } else { "" };
            format!("{name} ({percent}{included})")
        },
        total: "Gesamtbetrag",
        free: "Kostenlos",
    },
    buyer: BuyerWords {
        contact: "Kontakt",
        email: "E-Mail",
        phone: "Telefonnummer",
        business: "Firma",
        tax_number: "Steuernummer (USt-IdNr.)",
        shipping_address: "Lieferadresse",
        billing_address: "Rechnungsadresse",
        billing_same: "Rechnungsadresse wie Lieferadresse",
        full_name: "Vor- und Nachname",
        country: "Land oder Region",
        line1: "Straße und Hausnummer",
        line2: "Wohnung, Etage, Firma",
        city: "Ort",
        postcode: "Postleitzahl",
        zip: "ZIP-Code",
        state: "Bundesstaat",
        province: "Provinz",
        region: "Bundesland oder Region",
        choose: "Bitte wählen…",
        optional: "optional",
        shipping_method: "Versandart",
        estimate,
        details: "Weitere Angaben zu Ihrer Bestellung",
        agree_terms: "Ich stimme den Geschäftsbedingungen des Shops zu.",
        agree_promotions: "Ich möchte Neuigkeiten und Angebote dieses Shops erhalten.",
    },
    means: MeansWords {
        payment: "Zahlung",
        card: "Karte",
        card_number: "Kartennummer",
        expiry: "Gültig bis",
        expiry_shape: "MM / JJ",
        cvc: "Prüfnummer",
        payer: "Name",
        payer_card: "Name auf der Karte",
        payer_account: "Name der Kontoinhaberin oder des Kontoinhabers",
        sepa: "SEPA-Lastschrift",
        ach: "US-Bankkonto",
        routing_number: "Bankleitzahl (Routing Number)",
        account_number: "Kontonummer",
        debit_later: "Die Lastschrift dauert einige Tage. Der Shop erfährt, ob das Geld angekommen ist.",
        voucher_later: "Sie erhalten eine Nummer, mit der Sie bezahlen. Der Shop erfährt es, sobald Sie bezahlt haben.",
        tries: "Testnummern",
        paid: "wird bezahlt",
        declined: "wird abgelehnt",
        insufficient: "ist nicht gedeckt",
        asks: "verlangt Ihre Freigabe",
        arrives: "kommt später an",
        fails: "schlägt später fehl",
        disputed: "wird später angefochten",
        bank_title: "Zahlung bestätigen",
        bank_asks: |amount| format!("Geben Sie die Zahlung über {amount} frei?"),
        bank_keeps: (
            "Zahlungsmittel bestätigen",
            "Darf es für spätere Zahlungen gespeichert werden?",
        ),
        bank_explains: "Mit einer echten Karte würde hier Ihre Bank fragen. In der Sandbox bestimmen Sie, wie es ausgeht.",
        approve: "Freigeben",
        refuse: "Ablehnen",
    },
    closed: ClosedWords {
        welcome: (
            "Eine Sandbox für Checkout",
            "Dies ist ein nachgebildetes Stripe: Hier wird kein Geld bewegt. Geben Sie einem Stripe-Client diese Adresse, legen Sie eine Checkout Session an und öffnen Sie deren url.",
        ),
        no_page: ("Diese Seite gibt es nicht", "Unter dieser Adresse hat die Sandbox keine Seite."),
        no_session: (
            "Hier gibt es nichts zu bezahlen",
            "Diese Kassenseite gibt es nicht. Bitte prüfen Sie den Link oder gehen Sie zurück zum Shop.",
        ),
        too_large: (
            "Das ist zu viel",
            "Es wurde mehr geschickt, als diese Seite annimmt. Es wurde nichts bezahlt. Bitte gehen Sie zurück und füllen Sie weniger aus.",
        ),
        already_paid: (
            "Sie haben schon bezahlt",
            "Diese Bestellung ist abgeschlossen. Es ist nichts mehr zu bezahlen.",
        ),
        expired: (
            "Diese Seite ist abgelaufen",
            "Gehen Sie zurück zum Shop und bestellen Sie noch einmal. Es wurde nichts abgebucht.",
        ),
        start_again: "Mit derselben Bestellung neu beginnen",
        inactive: (
            "Dieser Link ist nicht aktiv",
            "Der Shop hat diesen Zahlungslink abgeschaltet. Bitten Sie ihn um einen anderen.",
        ),
        thanks: ("Vielen Dank", "Ihre Bestellung ist abgeschlossen."),
        thanks_later: "Ihre Bestellung ist eingegangen. Der Shop erfährt es, sobald die Zahlung angekommen ist.",
        paid: "Bezahlt",
        bad_landing: "Sie haben bezahlt, aber die Adresse des Shops lässt sich nicht öffnen.",
        answered: (
            "Vielen Dank",
            "Ihre Antwort wurde weitergegeben. Sie können diese Seite schließen.",
        ),
        nothing_done: (
            "Hier ist nichts",
            "Unter dieser Adresse gibt es keine abgeschlossene Bestellung.",
        ),
        receipt_to: |email| format!("Ein Beleg ginge an {email}; die Sandbox verschickt keinen."),
    },
    voucher: VoucherWords {
        title: "Mit Ihrer Nummer bezahlen",
        pay_by: |amount, date| format!("Bezahlen Sie {amount} bis zum {date}."),
        number: "Nummer",
        entity: "Empfänger (Entidade)",
        paid: (
            "Die Nummer ist bezahlt",
            "Der Shop hat erfahren, dass Ihre Zahlung angekommen ist.",
        ),
        expired: (
            "Die Nummer ist abgelaufen",
            "Sie kann nicht mehr bezahlt werden. Es wurde nichts abgebucht.",
        ),
        play: "Sandbox: Spielen Sie die Bank des Käufers",
        play_hint: "Nach einem Augenblick wird die Nummer von selbst bezahlt, außer die E-Mail-Adresse enthält fill_never. Oder entscheiden Sie jetzt.",
        pay_now: "Diese Nummer jetzt bezahlen",
        expire_now: "Jetzt verfallen lassen",
    },
};

const MONTHS: [&str; 12] = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
];

fn every(recurring: Recurring) -> String {
    let (per, units) = match recurring.interval {
        "day" => ("pro Tag", "Tage"),
        "week" => ("pro Woche", "Wochen"),
        "month" => ("pro Monat", "Monate"),
        _ => ("pro Jahr", "Jahre"),
    };
    match recurring.count {
        1 => per.to_owned(),
        count => format!("alle {count} {units}"),
    }
}

fn estimate(least: Option<i64>, most: Option<i64>, unit: &str) -> String {
    let (one, many) = match unit {
        "hour" => ("Stunde", "Stunden"),
        "day" => ("Tag", "Tage"),
        "week" => ("Woche", "Wochen"),
        "month" => ("Monat", "Monate"),
        _ => ("Werktag", "Werktage"),
    };
    let units = |count: i64| if count == 1 { one } else { many };
    match (least, most) {
        (Some(least), Some(most)) if least != most => format!("{least}–{most} {}", units(most)),
        (None, Some(most)) => format!("höchstens {most} {}", units(most)),
        (Some(least), None) => format!("mindestens {least} {}", units(least)),
        (Some(count), Some(_)) => format!("{count} {}", units(count)),
        (None, None) => String::new(),
    }
}

fn problem(problem: &Problem) -> String {
    let text = match problem {
        Problem::Number => "Geben Sie eine Zahl ein.",
        Problem::Amount => "Geben Sie einen Betrag ein, wie 12,50.",
        Problem::Email => "Geben Sie eine E-Mail-Adresse ein, wie sie@example.com.",
        Problem::Phone => "Geben Sie eine Telefonnummer ein.",
        Problem::Name => "Geben Sie Ihren Namen ein.",
        Problem::Recipient => "Geben Sie den Namen des Empfängers ein.",
        Problem::Street => "Geben Sie Straße und Hausnummer ein.",
        Problem::City => "Geben Sie den Ort ein.",
        Problem::Postcode => "Geben Sie die Postleitzahl ein.",
        Problem::PostcodeShape(shape) => {
            return format!("Geben Sie die Postleitzahl ein, wie {shape}.");
        }
        Problem::State => "Wählen Sie den Bundesstaat.",
        Problem::Country => "Wählen Sie eines der Länder.",
        Problem::Method => "Wählen Sie eine Zahlungsart.",
        Problem::NoButton => "Diese Schaltfläche gibt es hier nicht. Versuchen Sie es noch einmal.",
        Problem::Unprintable => "Entfernen Sie die unsichtbaren Zeichen.",
        Problem::TaxNumber => "Geben Sie die Steuernummer mit ihrem Land ein, wie DE123456789.",
        Problem::Order(order) => return about_order(order),
        Problem::Told(english) => return told(english).unwrap_or(english).to_owned(),
    };
    text.to_owned()
}

fn about_order(problem: &checkout::Problem) -> String {
    use checkout::Problem as About;
    let amount = |amount: i64, currency: &str| shown(&WORDS, amount, currency);
    let text = match problem {
        About::NoSuchItem => "Diesen Artikel gibt es nicht.",
        About::FixedQuantity => "Die Menge dieses Artikels ist fest.",
        About::Quantity(least, most) => return format!("Wählen Sie zwischen {least} und {most}."),
        About::NothingChosen => "Wählen Sie mindestens einen Artikel.",
        About::AmountBelow(least, currency) => {
            return format!("Wählen Sie mindestens {}.", amount(*least, currency));
        }
        About::CodeLeavesTooLittle(least, currency) => {
            return format!(
                "Mit diesem Code liegt der Betrag unter {}. So wenig kann nicht bezahlt werden.",
                amount(*least, currency)
            );
        }
        About::AmountAbove(most, currency) => {
            return format!("Wählen Sie höchstens {}.", amount(*most, currency));
        }
        About::NoSuchShipping => "Wählen Sie eine der Versandarten.",
        About::CodesNotTaken => "Für diese Bestellung gibt es keine Rabattcodes.",
        About::CodeUnknown => "Dieser Code ist nicht gültig.",
        About::CodeExpired => "Dieser Code ist abgelaufen.",
        About::CodeUsedUp => "Dieser Code ist aufgebraucht.",
        About::CodeForOthers => "Dieser Code ist für jemand anderen bestimmt.",
        About::CodeForNewCustomers => "Dieser Code gilt nur für die erste Bestellung.",
        About::CodeNeeds(least, currency) => {
            return format!("Dieser Code gilt für Bestellungen ab {}.", amount(*least, currency));
        }
        About::CodeForOtherItems => "Dieser Code gilt nicht für diese Artikel.",
        About::TotalTooMuch(most, currency) => {
            return format!(
                "Der Betrag liegt über {}. So viel kann nicht bezahlt werden.",
                amount(*most, currency)
            );
        }
        About::TotalTooLittle(least, currency) => {
            return format!(
                "Der Betrag liegt unter {}. So wenig kann nicht bezahlt werden.",
                amount(*least, currency)
            );
        }
        About::Missing => "Füllen Sie dieses Feld aus.",
        About::TooShort(least) => return format!("Geben Sie mindestens {least} Zeichen ein."),
        About::TooLong(most) => return format!("Geben Sie höchstens {most} Zeichen ein."),
        About::NotANumber => "Geben Sie nur Ziffern ein.",
        About::NotAnOption => "Wählen Sie eine der Möglichkeiten.",
        About::NotAccepted => "Bitte stimmen Sie zu, bevor Sie fortfahren.",
    };
    text.to_owned()
}

fn told(english: &str) -> Option<&'static str> {
    Some(match english {
        "Your card number is incomplete." => "Ihre Kartennummer ist unvollständig.",
        "Your card number is invalid." => "Ihre Kartennummer ist ungültig.",
        "Your card's expiration date is incomplete." => {
            "Das Ablaufdatum Ihrer Karte ist unvollständig."
        }
        "Your card's expiration date is in the past." => {
            "Das Ablaufdatum Ihrer Karte liegt in der Vergangenheit."
        }
        "Your card's expiration year is invalid." => "Das Ablaufjahr Ihrer Karte ist ungültig.",
        "Your card's security code is incomplete." => {
            "Die Prüfnummer Ihrer Karte ist unvollständig."
        }
        "Your card's security code is incorrect." => "Die Prüfnummer Ihrer Karte ist falsch.",
        "Your card was declined." => "Ihre Karte wurde abgelehnt.",
        "Your card has insufficient funds." => "Ihre Karte ist nicht ausreichend gedeckt.",
        "Your card has expired." => "Ihre Karte ist abgelaufen.",
        "An error occurred while processing your card. Try again in a little bit." => {
            "Bei der Bearbeitung Ihrer Karte ist ein Fehler aufgetreten. Versuchen Sie es gleich noch einmal."
        }
        "We are unable to authenticate your payment method. Please choose a different payment method and try again." => {
            "Ihre Bank hat die Zahlung nicht bestätigt. Wählen Sie ein anderes Zahlungsmittel und versuchen Sie es noch einmal."
        }
        "The payment failed." => "Die Zahlung ist fehlgeschlagen.",
        "The IBAN is incomplete." => "Die IBAN ist unvollständig.",
        "The IBAN is invalid." => "Die IBAN ist ungültig.",
        "The routing number has 9 digits (110000000 in the sandbox)." => {
            "Die Bankleitzahl hat 9 Ziffern (110000000 in der Sandbox)."
        }
        "The routing number is invalid." => "Die Bankleitzahl ist ungültig.",
        "The account number is incomplete." => "Die Kontonummer ist unvollständig.",
        _ => return None,
    })
}
