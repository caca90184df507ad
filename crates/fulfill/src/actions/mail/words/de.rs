//! German, with „Sie“.

use super::{Held, Say, Words};
use crate::language::GERMAN;

pub(super) const WORDS: Words = Words {
    lang: "de",
    language: &GERMAN,
    receipt: Say {
        subject: "Vielen Dank für Ihre Bestellung\
                  {% if shop.name %} bei {{ shop.name }}{% endif %}",
        title: "Vielen Dank für Ihre Bestellung",
        text: "{% if free %}Ihre Bestellung ist bei uns eingegangen. Das haben Sie bestellt:\
               {% else %}Ihre Zahlung ist bei uns eingegangen. Das haben Sie gekauft:{% endif %}",
    },
    access: Say {
        subject: "Ihre Zugänge und Schlüssel{% if shop.name %} von {{ shop.name }}{% endif %}",
        title: "Ihre Zugänge und Schlüssel",
        text: "Das steht Ihnen ab sofort zur Verfügung. Bitte bewahren Sie diese E-Mail auf.",
    },
    payment_pending: Say {
        subject: "{% if shop.name %}{{ shop.name }}: {% endif %}Ihre Zahlung ist unterwegs",
        title: "Ihre Zahlung ist unterwegs",
        text: "Vielen Dank für Ihre Bestellung. Manche Zahlungsarten brauchen einige Tage; bitte \
               zahlen Sie nicht noch einmal. Falls Sie einen Zahlschein oder Bankdaten erhalten \
               haben, verwenden Sie sie bitte wie angegeben; sonst müssen Sie nichts weiter tun. \
               Sobald die Zahlung eingegangen ist, schreiben wir Ihnen.",
    },
    payment_failed: Say {
        subject: "{% if shop.name %}{{ shop.name }}: {% endif %}\
                  Ihre Zahlung war leider nicht erfolgreich",
        title: "Ihre Zahlung war leider nicht erfolgreich",
        text: "Es tut uns leid: Ihre Bank oder Ihr Zahlungsdienst hat die Zahlung nicht durchgeführt, \
               daher konnten wir Ihre Bestellung nicht ausführen. Wenn Sie sie weiterhin wünschen, \
               bestellen Sie bitte im Shop noch einmal, vielleicht mit einer anderen Zahlungsart.",
    },
    shipped: Say {
        subject: "{% if part %}{% if shop.name %}{{ shop.name }}: {% endif %}Ihr Paket ist unterwegs\
                  {% elif shop.name %}{{ shop.name }} hat Ihre Bestellung versandt\
                  {% else %}Ihre Bestellung wurde versandt{% endif %}",
        title: "Ihr Paket ist unterwegs",
        text: "{% if part %}Diese Artikel Ihrer Bestellung sind unterwegs.\
               {% else %}Wir haben Ihre Bestellung versandt.{% endif %}",
    },
    link: Say {
        subject: "Der Link zu Ihren Bestellungen{% if shop.name %} bei {{ shop.name }}{% endif %}",
        title: "Hier ist der Link zu Ihren Bestellungen",
        text: "Dieser Link wurde mit Ihrer E-Mail-Adresse angefordert. Er gilt eine Stunde und zeigt Ihre \
               Bestellungen mit allem, was dazugehört; bitte geben Sie ihn nicht weiter. Falls Sie ihn nicht \
               angefordert haben, müssen Sie nichts tun.",
    },
    new_order: Say {
        subject: "{% if shop.name %}{{ shop.name }}: neue Bestellung\
                  {% else %}Neue Bestellung{% endif %}{% if total %} ({{ total }}){% endif %}",
        title: "Neue Bestellung",
        text: "In Ihrem Shop ist eine neue Bestellung eingegangen.",
    },
    needs_attention: Say {
        subject: "{% if shop.name %}{{ shop.name }}: {% endif %}\
                  Eine Bestellung wartet auf Sie{% if total %} ({{ total }}){% endif %}",
        title: "Eine Bestellung wartet auf Sie",
        text: "Diese Bestellung kommt ohne Sie nicht weiter.",
    },
    summary: Say {
        subject: "{% if shop.name %}{{ shop.name }}\
                  {% else %}Ihr Shop{% endif %} am {{ summary.day }}",
        title: "Ihr Shop am {{ summary.day }}",
        text: "Das hat der Tag gebracht, und das wartet jetzt auf Sie.",
    },
    hello: "Guten Tag",
    hello_nobody: "Guten Tag,",
    item: "Artikel",
    total: "Summe",
    paid: "Vom Käufer bezahlt",
    free: "Kostenlos",
    date: "Datum",
    open: "Öffnen:",
    access_to: "Ihr Zugang:",
    until: "bis",
    key: "Ihr Lizenzschlüssel",
    keys: "Ihre Lizenzschlüssel",
    seats: "Plätze",
    filled_in: "Angaben des Käufers",
    goes_to: "Lieferadresse",
    carrier: "Versand durch",
    tracking: "Sendungsnummer",
    track: "Sendung verfolgen",
    buyer: "Käufer",
    reason: "Worauf sie wartet",
    held: Held {
        stock: "zu wenig Bestand von {}",
        keys: "der Schlüsselvorrat „{}“ ist leer",
        address: "für ein Paket fehlt die Adresse",
        nothing_listed: "bezahlt, aber Stripe zeigt keine Artikel",
        unmatched: "„{}“ steht nicht im Katalog",
        unreadable: "„{}“: Die Metadaten des Produkts bei Stripe enthalten einen Fehler",
        by_hand: "„{}“ liefern Sie selbst aus",
        stuck: "die Zustellung {} steckt fest",
    },
    see_order: "Ihre Bestellung ansehen",
    open_order: "Bestellung in der Übersicht öffnen",
    my_orders: "Meine Bestellungen ansehen",
    reference: "Bestellung",
    test: "Testmodus: Es wurde kein Geld bewegt.",
    automatic: "Diese E-Mail wurde automatisch versandt.",
    sold: "Verkauft",
    nothing_sold: "Es wurde nichts verkauft.",
    order: "Bestellung",
    orders: "Bestellungen",
    waits: "Was wartet",
    nothing_waits: "Nichts wartet auf Sie.",
    waits_attention: "Bestellungen, um die Sie sich kümmern müssen",
    waits_stuck: "Zustellungen, die feststecken",
    waits_parcels: "Bestellungen, für die ein Paket zu packen ist",
    waits_payment: "Zahlungen, die unterwegs sind",
    low_keys: "Nur noch wenige Lizenzschlüssel",
    low_stock: "Wenig im Lager",
    owed: "noch zu liefern",
    dashboard: "Zur Übersicht",
};
