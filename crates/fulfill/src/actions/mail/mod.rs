//! Mail: what a decision queued ([`fulfill_rules::notice`]) is written in the reader's language, of
//! the order as it stands when it is sent, and handed to a mail server. One of each kind in an
//! order's life, under one Message-ID however often it is tried.

mod letter;
mod samples;
mod server;
mod smtp;
mod templates;
mod words;

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use fulfill_rules::{HOUR, Millis, SECOND, notice, order::Status};
use lettre::{
    Address, Message,
    message::{
        Mailbox, MultiPart, MultiPartKind, SinglePart,
        header::{HeaderName, HeaderValue},
    },
};
use sha2::{Digest as _, Sha256};

use self::{
    letter::{Letter, Shop, is_to_merchant, one_line},
    smtp::{Failure, Smtp},
    templates::Templates,
};
pub use self::{
    samples::Sample,
    server::{NotAServer, Server},
    templates::{TemplateMistake, write_templates},
};
use super::{Actions, Fault, Receipt};
use crate::{
    brand::Brand,
    clock::Clock,
    links::Links,
    store::{self, OrderView, Store},
};

/// Every kind of mail.
const KINDS: [&str; 8] = [
    notice::RECEIPT,
    notice::ACCESS,
    notice::PAYMENT_PENDING,
    notice::PAYMENT_FAILED,
    notice::SHIPPED,
    notice::LINK,
    notice::NEW_ORDER,
    notice::NEEDS_ATTENTION,
];

/// A conversation with a mail server may take so long: less than an attempt may.
const PATIENCE: Duration = Duration::from_secs(40);
/// The first retry; each later one waits twice as long. Greylisting wants a minute or more.
const FIRST_RETRY: Millis = 90 * SECOND;
/// The longest wait: all retries together last longer than a weekend's outage.
const LAST_RETRY: Millis = 6 * HOUR;

/// What is done when a mail was handed over and the connection was cut before the server's answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnAmbiguous {
    /// It is sent again, with the same Message-ID: better twice than never.
    #[default]
    Retry,
    /// A person is asked: better never than twice.
    Ask,
}

/// Why mail cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum MailMistake {
    /// Not an address.
    #[error("write a mail address, as shop@example.com or The Shop <shop@example.com>")]
    Address,
    /// Not a language that mails are written in.
    #[error("mails are written in: en, de")]
    Language,
}

/// How a shop sends its mail.
#[derive(Debug, Clone)]
pub struct Mail {
    server: Server,
    from: Mailbox,
    merchant: Option<Mailbox>,
    shop: Shop,
    on_ambiguous: OnAmbiguous,
    patience: Duration,
}

impl Mail {
    /// Sends through this server as `from`: `shop@example.com` or `The Shop <shop@example.com>`.
    ///
    /// # Errors
    /// When `from` is not a mail address.
    pub fn new(server: Server, from: &str) -> Result<Self, MailMistake> {
        Ok(Self {
            server,
            from: mailbox(from)?,
            merchant: None,
            shop: Shop::default(),
            on_ambiguous: OnAmbiguous::default(),
            patience: PATIENCE,
        })
    }

    /// Where the merchant hears of new orders and of those that need attention, and where answers go.
    ///
    /// # Errors
    /// When it is not a mail address.
    pub fn merchant(mut self, to: &str) -> Result<Self, MailMistake> {
        self.merchant = Some(mailbox(to)?);
        Ok(self)
    }

    /// What the merchant reads, and buyers whose language is not known: `en` or `de`.
    ///
    /// # Errors
    /// When no mail is written in it.
    pub fn language(mut self, name: &str) -> Result<Self, MailMistake> {
        self.shop.language = Some(words::named(name).ok_or(MailMistake::Language)?);
        Ok(self)
    }

    /// Where buyers reach the landing page, without a slash at the end: mails link to it.
    #[must_use]
    pub fn public_url(mut self, url: impl Into<String>) -> Self {
        self.shop.public_url = Some(url.into());
        self
    }

    /// Templates that take the place of the built-in ones: `de/receipt.html`, `layout.txt` and so on, as
    /// [`write_templates`] writes them. Every mail is written once with sample orders.
    ///
    /// # Errors
    /// Every mistake in them, by file and line.
    pub fn templates(mut self, folder: &Path) -> Result<Self, Vec<TemplateMistake>> {
        self.shop.templates = Templates::of_folder(folder)?;
        samples::all(&self.shop)?;
        Ok(self)
    }

    /// Every mail in every language, about orders that never were.
    ///
    /// # Errors
    /// What cannot be written.
    pub fn samples(&self) -> Result<Vec<Sample>, Vec<TemplateMistake>> {
        samples::all(&self.shop)
    }

    /// What is done when nobody knows whether a mail was taken.
    #[must_use]
    pub fn on_ambiguous(mut self, on_ambiguous: OnAmbiguous) -> Self {
        self.on_ambiguous = on_ambiguous;
        self
    }

    /// How long a conversation with the server may take; 40 seconds by default, and at most.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience.min(PATIENCE);
        self
    }

    /// The server it goes through.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Whether there is a merchant to write to.
    pub(crate) fn has_merchant(&self) -> bool {
        self.merchant.is_some()
    }

    /// Makes every kind of mail an action.
    ///
    /// # Errors
    /// When TLS cannot be set up on this machine.
    pub(crate) fn add_to(
        mut self,
        actions: &mut Actions,
        store: &Store,
        clock: &Clock,
        brand: &Arc<Brand>,
        links: &Links,
    ) -> Result<(), String> {
        self.shop.brand = Arc::clone(brand);
        let smtp = Smtp::new(self.server.clone(), self.from.email.domain(), self.patience)
            .map_err(|error| error.to_string())?;
        let post = Arc::new(Post {
            mail: self,
            smtp,
            store: store.clone(),
            clock: clock.clone(),
            links: links.clone(),
        });
        for kind in KINDS {
            let post = Arc::clone(&post);
            actions.put(kind, move |job| {
                let post = Arc::clone(&post);
                Box::pin(async move { post.run(kind, job).await })
            });
        }
        Ok(())
    }
}

/// `shop@example.com` or `The Shop <shop@example.com>`, without line breaks or other tricks.
fn mailbox(text: &str) -> Result<Mailbox, MailMistake> {
    if text.chars().any(char::is_control) {
        return Err(MailMistake::Address);
    }
    let (name, address) = match text.rsplit_once('<') {
        Some((name, rest)) => (name, rest.strip_suffix('>').ok_or(MailMistake::Address)?),
        None => ("", text),
    };
    let name = one_line(name.trim().trim_matches('"'));
    let address = address_of(address).ok_or(MailMistake::Address)?;
    Ok(Mailbox::new((!name.is_empty()).then_some(name), address))
}

/// An address that can be written to; its domain in ASCII, as name servers know it.
fn address_of(text: &str) -> Option<Address> {
    let (user, domain) = text.trim().rsplit_once('@')?;
    if domain.is_ascii() {
        return Address::new(user, domain).ok();
    }
    let host = reqwest::Url::parse(&format!("http://{domain}")).ok()?;
    Address::new(user, host.host_str()?).ok()
}

struct Post {
    mail: Mail,
    smtp: Smtp,
    store: Store,
    clock: Clock,
    links: Links,
}

impl Post {
    async fn run(&self, kind: &'static str, job: store::Job) -> Result<Receipt, Fault> {
        let order = match self.store.session_view(&job.key).await {
            Ok(view) => view.and_then(|view| view.order),
            Err(error) => {
                tracing::error!(session = %job.key, kind, %error, "the order of a mail cannot be read");
                return Err(Fault::retry("the order could not be read"));
            }
        };
        let order = order.ok_or_else(|| Fault::refuse("order", "there is no such order"))?;
        if is_over(kind, order.status) {
            return Ok(Receipt::said("not sent: what it would have said is over"));
        }
        let Some(to) = self.to(kind, &order)? else {
            return Ok(Receipt::said("not sent: there is nobody to write to"));
        };
        if job.unheard_of && self.mail.on_ambiguous == OnAmbiguous::Ask {
            let why = "the attempt before ended without a word: it may have arrived or not";
            return Err(Fault::refuse("unknown", why));
        }
        let message = self.message(kind, &order, &job, to.clone())?;
        match self.smtp.send(&self.mail.from.email, &to.email, &message.formatted()).await {
            Ok(said) => {
                // What is told goes to the log, too, where addresses do not belong.
                let whom = if is_to_merchant(kind) { "merchant" } else { "buyer" };
                Ok(Receipt::said(format!("to the {whom}: {said}")))
            }
            Err(failure) => Err(self.fault(failure, job.attempt - job.forgiven)),
        }
    }

    fn to(&self, kind: &str, order: &OrderView) -> Result<Option<Mailbox>, Fault> {
        if is_to_merchant(kind) {
            return Ok(self.mail.merchant.clone());
        }
        let customer = &order.sale.customer;
        let Some(email) = &customer.email else { return Ok(None) };
        let address = address_of(email)
            .ok_or_else(|| Fault::refuse("address", "the buyer's mail address is not one"))?;
        let name = customer.name.as_deref().map(one_line).filter(|name| !name.is_empty());
        Ok(Some(Mailbox::new(name, address)))
    }

    fn message(
        &self,
        kind: &str,
        order: &OrderView,
        job: &store::Job,
        to: Mailbox,
    ) -> Result<Message, Fault> {
        let mut input = job.input.clone();
        if kind == notice::LINK {
            // Made when it is sent: it works from now on, however long the mail has waited.
            input.insert("link".to_owned(), self.links.orders(job.id.session, self.clock.now()));
        }
        let letter = Letter::write(kind, order, &input, &self.mail.shop)
            .map_err(|error| Fault::retry(format!("the mail could not be written: {error}")))?;
        let now = Duration::from_millis(self.clock.now().unsigned_abs());
        // Of links there may be several, each asked for.
        let which = if kind == notice::LINK { job.id.line.as_str() } else { "" };
        let id = id(&format!("{}.{kind}{which}", job.key.id));
        let mut builder = Message::builder()
            .from(self.mail.from.clone())
            .to(to)
            .subject(letter.subject)
            .date(SystemTime::UNIX_EPOCH + now)
            .message_id(Some(format!("<{id}@{}>", self.mail.from.email.domain())))
            // Nobody's holiday greeting has to answer it.
            .raw_header(HeaderValue::new(
                HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".to_owned(),
            ));
        if let Some(merchant) = self.mail.merchant.as_ref().filter(|_| !is_to_merchant(kind)) {
            builder = builder.reply_to(merchant.clone());
        }
        let parts = MultiPart::builder()
            .kind(MultiPartKind::Alternative)
            .boundary(format!("part-{id}"))
            .singlepart(SinglePart::plain(letter.text))
            .singlepart(SinglePart::html(letter.html));
        builder
            .multipart(parts)
            .map_err(|error| Fault::refuse("mail", format!("the mail cannot be made: {error}")))
    }

    fn fault(&self, failure: Failure, tries: i64) -> Fault {
        let later = |why| Fault::Retry { after: Some(wait(tries)), why };
        match (failure, self.mail.on_ambiguous) {
            (Failure::NotNow(why), _) => later(why),
            (Failure::Never(code, why), _) => Fault::refuse(code, why),
            (Failure::Unknown(why), OnAmbiguous::Retry) => later(format!(
                "handed over, but unanswered ({why}): it may have arrived, and is sent again as the same mail"
            )),
            (Failure::Unknown(why), OnAmbiguous::Ask) => Fault::refuse(
                "unknown",
                format!("handed over, but unanswered ({why}): it may have arrived or not"),
            ),
        }
    }
}

/// A mail that waited for long may tell what is not true any more.
fn is_over(kind: &str, status: Status) -> bool {
    match kind {
        notice::PAYMENT_PENDING => status != Status::AwaitingPayment,
        notice::PAYMENT_FAILED => status != Status::PaymentFailed,
        notice::NEEDS_ATTENTION => status != Status::NeedsAttention,
        _ => false,
    }
}

fn wait(tries: i64) -> Duration {
    let doublings = u32::try_from(tries.clamp(1, 16) - 1).unwrap_or(0);
    let wait = (FIRST_RETRY << doublings).min(LAST_RETRY);
    Duration::from_millis(wait.unsigned_abs())
}

/// The same for the same key, and tells nobody the session's id.
fn id(key: &str) -> String {
    let digest = Sha256::digest(key);
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_and_carries_no_header() {
        for (text, shown) in [
            ("shop@example.com", "shop@example.com"),
            ("The Shop <shop@example.com>", "\"The Shop\" <shop@example.com>"),
            ("shop@пример.рф", "shop@xn--e1afmkfd.xn--p1ai"),
        ] {
            let shown_here = mailbox(text).unwrap().to_string();
            assert_eq!(shown_here.replace('"', ""), shown.replace('"', ""));
        }
        for bad in [
            "shop",
            "@example.com",
            "shop@",
            "Shop <shop>",
            "a@b.example\r\nBcc: c@d.example",
            "a b@c.example",
            "a@b.example, c@d.example",
            "<a@b.example> SIZE=1",
        ] {
            assert!(mailbox(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn retries_last_longer_than_a_weekend() {
        let waits: Vec<u64> = (1..16).map(|tries| wait(tries).as_secs()).collect();
        assert_eq!(waits[..3], [90, 180, 360]);
        assert_eq!(wait(i64::MAX), Duration::from_hours(6));
        assert!(waits.iter().sum::<u64>() > 48 * 3_600, "{waits:?}");
    }
}
