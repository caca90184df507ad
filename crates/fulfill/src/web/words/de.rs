//! German, with „Sie“.

use super::{Find, Say, Takes, Words};
use crate::language::GERMAN;

pub(super) const WORDS: Words = Words {
    language: &GERMAN,
    ready: Say {
        title: "Ihre Bestellung ist bereit",
        text: "Vielen Dank! Ihre Zahlung ist eingegangen. Das haben Sie gekauft:",
    },
    preparing: Say {
        title: "Ihre Bestellung wird vorbereitet",
        text: "Vielen Dank! Ihre Zahlung ist eingegangen, und wir stellen gerade alles bereit. Sie \
               müssen nichts weiter tun.",
    },
    partly: Say {
        title: "Ihre Bestellung wird vorbereitet",
        text: "Vielen Dank! Ihre Zahlung ist eingegangen. Was schon bereit ist, sehen Sie hier; um \
               den Rest kümmern wir uns. Sie müssen nichts weiter tun.",
    },
    ready_free: Say {
        title: "Ihre Bestellung ist bereit",
        text: "Vielen Dank! Das haben Sie bestellt:",
    },
    preparing_free: Say {
        title: "Ihre Bestellung wird vorbereitet",
        text: "Vielen Dank! Wir stellen gerade alles bereit. Sie müssen nichts weiter tun.",
    },
    partly_free: Say {
        title: "Ihre Bestellung wird vorbereitet",
        text: "Vielen Dank! Was schon bereit ist, sehen Sie hier; um den Rest kümmern wir uns. Sie \
               müssen nichts weiter tun.",
    },
    checking: Say {
        title: "Wir kümmern uns um Ihre Bestellung",
        text: "Wir sehen sie uns persönlich an. Sie müssen nichts weiter tun; bitte zahlen Sie \
               nicht noch einmal.",
    },
    awaiting: Say {
        title: "Ihre Zahlung ist unterwegs",
        text: "Ihre Bestellung ist bei uns eingegangen. Wir führen sie aus, sobald das Geld da ist. \
               Bitte zahlen Sie nicht noch einmal.",
    },
    failed: Say {
        title: "Die Zahlung war nicht erfolgreich",
        text: "Ihre Bank oder Ihr Zahlungsdienst hat die Zahlung nicht durchgeführt, daher konnten wir \
               diese Bestellung nicht ausführen. Wenn Sie sie weiterhin wünschen, bestellen Sie bitte \
               im Shop noch einmal, vielleicht mit einer anderen Zahlungsart.",
    },
    expired: Say {
        title: "Dieser Bezahlvorgang ist abgelaufen",
        text: "Er endete, bevor bezahlt wurde. Wenn Sie weiterhin bestellen möchten, beginnen Sie \
               bitte im Shop noch einmal.",
    },
    nothing: Say {
        title: "Alles erledigt",
        text: "Zu diesem Bezahlvorgang gibt es nichts zu liefern.",
    },
    unpaid: Say {
        title: "Dieser Bezahlvorgang ist noch nicht abgeschlossen",
        text: "Von einer Zahlung wissen wir bisher nichts. Wenn Sie gerade bezahlt haben, sehen Sie es \
               gleich auf dieser Seite. Andernfalls kehren Sie bitte zum Bezahlvorgang zurück und \
               schließen ihn dort ab.",
    },
    looking: Say {
        title: "Wir sehen noch nach",
        text: "Das dauert etwas länger als sonst. Es geht nichts verloren: Wenn Sie bezahlt haben, \
               kümmern wir uns um Ihre Bestellung; bitte zahlen Sie nicht noch einmal.",
    },
    missing: Say {
        title: "Wir kennen diese Bestellung nicht",
        text: "Die Adresse dieser Seite führt zu keiner Bestellung bei uns. Bitte verwenden Sie den \
               Link, zu dem Sie nach dem Bezahlen geleitet wurden, vollständig und unverändert.",
    },
    no_id: Say {
        title: "Wir kennen diese Bestellung nicht",
        text: "Die Adresse dieser Seite ist nicht vollständig. Bitte verwenden Sie den Link, zu dem \
               Sie nach dem Bezahlen geleitet wurden, vollständig und unverändert.",
    },
    placeholder: Say {
        title: "Der Bezahlvorgang dieses Shops ist noch nicht ganz eingerichtet",
        text: "Wenn Sie bezahlt haben, kümmern wir uns trotzdem um Ihre Bestellung. Für den Shop: Die \
               success_url muss {CHECKOUT_SESSION_ID} mit unveränderten geschweiften Klammern \
               enthalten, damit Stripe dort die Nummer des Bezahlvorgangs einsetzt.",
    },
    too_many: Say {
        title: "Einen Moment, bitte",
        text: "Aus Ihrem Netzwerk wurden gerade sehr viele Bestellungen abgefragt. Diese Seite \
               versucht es von selbst noch einmal. Wenn Sie bezahlt haben, kümmern wir uns um Ihre Bestellung.",
    },
    trouble: Say {
        title: "Einen Moment, bitte",
        text: "Wir können Ihre Bestellung gerade nicht nachsehen. Wenn Sie bezahlt haben, geht nichts \
               verloren; bitte zahlen Sie nicht noch einmal. Diese Seite versucht es von selbst noch \
               einmal.",
    },
    refreshes: "Diese Seite aktualisiert sich von selbst, sobald sich etwas ändert.",
    takes: Takes {
        sepa_debit: "Eine SEPA-Lastschrift dauert in der Regel bis zu 6 Werktage.",
        us_bank_account: "Eine ACH-Lastschrift dauert in der Regel bis zu 4 Werktage.",
        bacs_debit: "Eine Bacs-Lastschrift dauert in der Regel bis zu 6 Werktage.",
        au_becs_debit: "Eine BECS-Lastschrift dauert in der Regel bis zu 3 Werktage.",
        acss_debit: "Eine vorautorisierte Lastschrift dauert in der Regel bis zu 5 Werktage.",
        customer_balance: "Bitte überweisen Sie den Betrag mit den Bankdaten, die Sie erhalten haben; \
                           eine Überweisung dauert bis zu 5 Werktage.",
        voucher: "Bitte bezahlen Sie den Zahlschein, den Sie erhalten haben. Danach dauert es in der \
                  Regel einen Werktag, bis wir davon erfahren.",
        unknown: "Manche Zahlungsarten, etwa Lastschriften, Überweisungen und Zahlscheine, brauchen \
                  einige Tage. Falls Sie einen Zahlschein oder Bankdaten erhalten haben, verwenden \
                  Sie sie bitte wie angegeben; sonst müssen Sie nichts tun.",
    },
    will_write: "Sobald wir Bescheid wissen, schreiben wir an",
    keep_address: "Auch diese Seite zeigt, wie es steht; bewahren Sie ihre Adresse daher bitte auf.",
    test: "Testmodus: Es wurde kein Geld bewegt.",
    order: "Ihre Bestellung",
    date: "Datum",
    total: "Summe",
    paid: "Sie haben bezahlt",
    free: "Kostenlos",
    item: "Artikel",
    open: "Öffnen:",
    access: "Ihr Zugang:",
    until: "bis",
    key: "Ihr Lizenzschlüssel",
    keys: "Ihre Lizenzschlüssel",
    seats: "Plätze",
    copy: "Kopieren",
    copied: "Kopiert",
    to_ship: "Wird versandt an",
    shipped: "Wurde versandt an",
    carrier: "Versand durch",
    tracking: "Sendungsnummer",
    track: "Sendung verfolgen",
    waits: "Wird vorbereitet",
    mailed: ["Eine E-Mail mit allen Angaben haben wir an", " gesendet."],
    print: "Diese Seite drucken",
    reference: "Bestellnummer",
    masked: Say {
        title: "Schlüssel und Links sind hier verborgen",
        text: "Diese Bestellung liegt schon etwas zurück, und wer die Adresse dieser Seite hat, \
               könnte sie lesen. Gern senden wir einen Link, der alles zeigt, per E-Mail an",
    },
    send_link: "Link per E-Mail senden",
    support: "Fragen? Schreiben Sie an",
    back: "Zurück zum Shop",
    find: Find {
        link: "Meine Bestellungen finden",
        ask: Say {
            title: "Meine Bestellungen finden",
            text: "Geben Sie die E-Mail-Adresse ein, die Sie beim Bezahlen verwendet haben. Wir \
                   senden einen Link dorthin, der Ihre Bestellungen zeigt, mit Schlüsseln, Zugängen \
                   und Paketen.",
        },
        email: "E-Mail-Adresse",
        send: "Link senden",
        no_address: "Bitte geben Sie eine E-Mail-Adresse ein, wie name@example.com.",
        asked: Say {
            title: "Bitte sehen Sie in Ihrem Postfach nach",
            text: "Wenn wir diese Adresse kennen, ist eine E-Mail mit einem Link unterwegs. Der Link \
                   gilt eine Stunde. Falls in den nächsten Minuten nichts ankommt, sehen Sie bitte im \
                   Spam-Ordner nach, oder versuchen Sie es mit der Adresse, die Sie beim Bezahlen \
                   verwendet haben. An eine Adresse senden wir höchstens drei Links in der Stunde.",
        },
        no_mail: Say {
            title: "Meine Bestellungen finden",
            text: "Dieser Shop versendet selbst keine E-Mails und kann Ihnen daher keinen Link \
                   senden. Bitte fragen Sie den Shop.",
        },
        too_many: Say {
            title: "Einen Moment, bitte",
            text: "Das wurde gerade mehrmals angefordert. Bitte versuchen Sie es in einer Minute \
                   noch einmal.",
        },
        again_later: Say {
            title: "Diese E-Mails wurden schon mehrmals gesendet",
            text: "Mehr als dreimal in der Stunde senden wir die E-Mails einer Bestellung nicht. \
                   Bitte sehen Sie auch im Spam-Ordner nach, oder versuchen Sie es in einer Stunde \
                   noch einmal.",
        },
        over: Say {
            title: "Dieser Link gilt nicht mehr",
            text: "Er galt eine Stunde, oder er ist nicht vollständig. Bitte fordern Sie einen neuen \
                   an.",
        },
        mine: Say {
            title: "Ihre Bestellungen",
            text: "Die neuesten stehen oben. Diese Seite lässt sich eine Stunde lang mit dem Link aus \
                   der E-Mail öffnen; bitte geben Sie ihn nicht weiter.",
        },
        again: "E-Mails noch einmal senden",
        again_sent: Say {
            title: "Die E-Mails sind noch einmal unterwegs",
            text: "Sie gehen an die Adresse der Bestellung. Falls in den nächsten Minuten nichts \
                   ankommt, sehen Sie bitte im Spam-Ordner nach.",
        },
        back: "Zurück zu Ihren Bestellungen",
    },
};
