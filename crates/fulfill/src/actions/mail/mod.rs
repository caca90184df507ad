//! Mail: what a decision queued ([`fulfill_rules::notice`]) is written in the reader's language, of
//! the order as it stands when it is sent, and handed to a mail server. One of each kind in an
//! order's life, under one Message-ID however often it is tried.

mod envelope;
mod flowed;
mod letter;
mod samples;
mod server;
mod smtp;
mod summary;
mod templates;
mod trust;
mod waits;
mod words;

use std::{path::Path, sync::Arc, time::Duration};

use fulfill_rules::{HOUR, Millis, SECOND, delivery::UNKNOWN, notice, order::Status};
use lettre::message::Mailbox;

pub(crate) use self::summary::{Daily, Day};
use self::{
    envelope::{address_of, mailbox, message},
    letter::{Letter, Shop, is_to_merchant, one_line},
    smtp::{Failure, Smtp},
    summary::At,
    templates::Templates,
    trust::Trusted,
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
    zone::Zone,
};

/// Every kind of mail about an order.
const ORDER_KINDS: [&str; 8] = [
    notice::RECEIPT,
    notice::ACCESS,
    notice::PAYMENT_PENDING,
    notice::PAYMENT_FAILED,
    notice::SHIPPED,
    notice::LINK,
    notice::NEW_ORDER,
    notice::NEEDS_ATTENTION,
];

/// Every kind of mail.
const KINDS: [&str; ORDER_KINDS.len() + 1] = {
    let mut all = [summary::KIND; ORDER_KINDS.len() + 1];
    let mut at = 0;
    while at < ORDER_KINDS.len() {
        all[at] = ORDER_KINDS[at];
        at += 1;
    }
    all
};

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
    /// Not a time of day.
    #[error(
        "write a time of day and where, as 08:00 Europe/Vienna or 08:00 +02:00 (the shop's time zone if left out)"
    )]
    Time,
    /// Not a certificate.
    #[error("this is not a certificate: write PEM, -----BEGIN CERTIFICATE----- and so on")]
    Certificate,
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
    summary: Option<At>,
    trusted: Vec<Trusted>,
}

impl Mail {
    /// Sends through this server as `from`: `shop@example.com` or `The Shop <shop@example.com>`.
    ///
    /// # Errors
    /// When `from` is not a mail address.
    pub fn new(server: Server, from: &str) -> Result<Self, MailMistake> {
        let from = mailbox(from)?;
        // A quoted name is an address, but lettre makes no mail that comes from it.
        if from.email.user().starts_with('"') {
            return Err(MailMistake::Address);
        }
        Ok(Self {
            server,
            from,
            merchant: None,
            shop: Shop::default(),
            on_ambiguous: OnAmbiguous::default(),
            patience: PATIENCE,
            summary: None,
            trusted: Vec::new(),
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

    /// How the shop shows itself in its mails. Whoever opens a shop gives it its brand; this is for
    /// looking at [`Mail::samples`].
    #[must_use]
    pub fn brand(mut self, brand: Brand) -> Self {
        self.shop.brand = Arc::new(brand);
        self
    }

    /// Sums each day up for the merchant, at this time of the next one: `08:00 Europe/Vienna`, or `08:00`
    /// by the shop's clock.
    ///
    /// # Errors
    /// When it is not a time.
    pub fn summary(mut self, at: &str) -> Result<Self, MailMistake> {
        self.summary = Some(At::parse(at).ok_or(MailMistake::Time)?);
        Ok(self)
    }

    /// The time zone of the summary, where one was said.
    pub(crate) fn time_zone(&self) -> Option<&Zone> {
        self.summary.as_ref().and_then(At::zone)
    }

    /// Trusts mail servers that show one of these certificates (PEM), or one that they have signed, too.
    ///
    /// # Errors
    /// When there is none.
    pub fn trust(mut self, pem: &[u8]) -> Result<Self, MailMistake> {
        self.trusted.extend(Trusted::read(pem).ok_or(MailMistake::Certificate)?);
        Ok(self)
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

    /// Asks the server whether it would take mail from us: connects, hides what is said, logs in.
    ///
    /// # Errors
    /// Why it would not.
    pub async fn check(&self) -> Result<(), String> {
        let smtp = self.smtp()?;
        smtp.check().await.map_err(|failure| failure.to_string())
    }

    /// Hands over a receipt of an order that never was; what the server said to it.
    ///
    /// # Errors
    /// Why it was not taken.
    pub async fn try_out(&self, to: &str, clock: &Clock) -> Result<String, Fault> {
        let to = mailbox(to).map_err(|mistake| Fault::refuse("address", mistake.to_string()))?;
        let smtp = self.smtp().map_err(Fault::retry)?;
        let letter =
            Letter::write(notice::RECEIPT, &samples::order(), &Default::default(), &self.shop)
                .map_err(|mistake| Fault::refuse("template", mistake.to_string()))?;
        let (now, email) = (clock.now(), to.email.clone());
        let mail = message(self, &format!("try_out.{now}"), now, letter, to, false)?;
        let sent = smtp.send(&self.from.email, &email, &mail.formatted()).await;
        sent.map_err(|failure| fault(failure, self.on_ambiguous, 1))
    }

    fn smtp(&self) -> Result<Smtp, String> {
        Smtp::new(self.server.clone(), self.from.email.domain(), self.patience, &self.trusted)
            .map_err(|error| error.to_string())
    }

    /// Makes every kind of mail about an order an action. What sums the days up is given back, where
    /// there is a merchant who wants it.
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
    ) -> Result<Option<Daily>, String> {
        self.shop.brand = Arc::clone(brand);
        if self.from.name.is_none() {
            self.from.name.clone_from(&brand.name);
        }
        let smtp = self.smtp()?;
        let at = self.summary.clone().filter(|_| self.has_merchant());
        let post = Arc::new(Post {
            mail: self,
            smtp,
            store: store.clone(),
            clock: clock.clone(),
            links: links.clone(),
        });
        for kind in ORDER_KINDS {
            let post = Arc::clone(&post);
            actions.put(kind, move |job| {
                let post = Arc::clone(&post);
                Box::pin(async move { post.run(kind, job).await })
            });
        }
        let zone = brand.zone();
        Ok(at.map(|at| Daily::new(post, at, &zone)))
    }
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
            return Err(Fault::refuse(UNKNOWN, why));
        }
        let mut input = job.input.clone();
        if kind == notice::LINK {
            // Made when it is sent: it works from now on, however long the mail has waited.
            input.insert("link".to_owned(), self.links.orders(job.id.session, self.clock.now()));
        }
        let letter = Letter::write(kind, &order, &input, &self.mail.shop)
            .map_err(|error| Fault::retry(format!("the mail could not be written: {error}")))?;
        // Of links there may be several, each asked for, and of parcels. And what a person asks for again
        // is another mail: a reader's program would hide the same one.
        let several = matches!(kind, notice::LINK | notice::SHIPPED);
        let which = if several { job.id.line.as_str() } else { "" };
        let again = match job.resent {
            0 => String::new(),
            resent => format!(".{resent}"),
        };
        let key = format!("{}.{kind}{which}{again}", job.key.id);
        self.hand_over(&key, letter, to, is_to_merchant(kind), job.attempt - job.forgiven).await
    }

    /// `key` is the same on every try.
    async fn hand_over(
        &self,
        key: &str,
        letter: Letter,
        to: Mailbox,
        to_merchant: bool,
        tries: i64,
    ) -> Result<Receipt, Fault> {
        let email = to.email.clone();
        let mail = message(&self.mail, key, self.clock.now(), letter, to, to_merchant)?;
        match self.smtp.send(&self.mail.from.email, &email, &mail.formatted()).await {
            Ok(said) => {
                // What is told goes to the log, too, where addresses do not belong.
                let whom = if to_merchant { "merchant" } else { "buyer" };
                Ok(Receipt::said(format!("to the {whom}: {said}")))
            }
            Err(failure) => Err(fault(failure, self.mail.on_ambiguous, tries)),
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
}

fn fault(failure: Failure, on_ambiguous: OnAmbiguous, tries: i64) -> Fault {
    let later = |why| Fault::Retry { after: Some(wait(tries)), why };
    match (failure, on_ambiguous) {
        (Failure::NotNow(why), _) => later(why),
        (Failure::Never(code, why), _) => Fault::refuse(code, why),
        (Failure::Unknown(why), OnAmbiguous::Retry) => later(format!(
            "handed over, but unanswered ({why}): it may have arrived, and is sent again as the same mail"
        )),
        (Failure::Unknown(why), OnAmbiguous::Ask) => Fault::refuse(
            UNKNOWN,
            format!("handed over, but unanswered ({why}): it may have arrived or not"),
        ),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_last_longer_than_a_weekend() {
        let waits: Vec<u64> = (1..16).map(|tries| wait(tries).as_secs()).collect();
        assert_eq!(waits[..3], [90, 180, 360]);
        assert_eq!(wait(i64::MAX), Duration::from_hours(6));
        assert!(waits.iter().sum::<u64>() > 48 * 3_600, "{waits:?}");
    }
}
