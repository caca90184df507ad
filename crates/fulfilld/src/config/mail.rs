//! `[mail]`: how mail is sent, and what it is written from.

use std::path::Path;

use fulfill::{
    Builder,
    actions::mail::{Mail as Sender, MailMistake, OnAmbiguous, Server},
};

use super::{Environment, Given, Mistakes, Need, open};

/// Templates are looked for here, beside the settings file, where no folder is named.
const TEMPLATES: &str = "mail";
/// When the day before is summed up for the merchant, unless it is said.
const SUMMARY: &str = "08:00";

/// How mail is sent.
#[derive(Debug, Clone, Default)]
pub(crate) struct Mail {
    /// Nothing where no server was given: mail waits.
    pub(crate) sender: Option<Sender>,
    /// What was not set and matters, for whoever starts the service.
    pub(crate) missing: Vec<&'static str>,
    /// Queue a receipt for each order.
    pub(crate) receipts: bool,
    /// Somebody wants to be told what is sold and what needs a person.
    pub(crate) to_merchant: bool,
}

impl Mail {
    /// Sends mails; or queues them where there is no server, unless they are not wanted.
    pub(crate) fn add_to(&self, builder: Builder) -> Builder {
        let builder = builder.receipts(self.receipts);
        match &self.sender {
            Some(sender) => builder.mail(sender.clone()),
            None if self.receipts => builder.mail_later(self.to_merchant),
            None => builder,
        }
    }
}

/// What is needed to look at mails.
#[derive(Debug)]
pub(crate) struct Preview {
    pub(crate) sender: Sender,
    /// Whether there is a server to hand mails to.
    pub(crate) has_server: bool,
}

/// Reads what is needed to look at mails: no keys, no mail server.
///
/// # Errors
/// Every [`Mistakes`] about mail, templates included.
pub(crate) fn preview(file: Option<&Path>, environment: &Environment) -> Result<Preview, Mistakes> {
    let mut mistakes = Mistakes::default();
    let (file, read_from) = open(file, &mut mistakes);
    let mut given = Given::new(file, read_from.as_deref(), environment, &mut mistakes);
    let public_url = given.public_url();
    let public_url = public_url.as_deref().unwrap_or("https://shop.example.com");
    let brand = given.shop(read_from.as_deref(), Need::Stripe);
    let (mail, sender) = given.mail(Some(public_url));
    match sender {
        Some(sender) if mistakes.is_empty() => {
            Ok(Preview { sender: sender.brand(brand), has_server: mail.sender.is_some() })
        }
        _ => Err(mistakes),
    }
}

impl Given<'_> {
    /// How mail is sent; and the sender, though there may be no server to hand anything to.
    pub(super) fn mail(&mut self, public_url: Option<&str>) -> (Mail, Option<Sender>) {
        let mut missing = Vec::new();
        let receipts = self.yes_or_no("mail.receipt", true);
        let server = self.text("mail.smtp").map(|(url, place)| {
            // The mistake never repeats the URL: it may hold a password.
            Server::parse(&url).map_err(|mistake| format!("{place}: {mistake}"))
        });
        let (from, place) = self.text("mail.from").unwrap_or_else(|| {
            missing.push("FULFILLD_MAIL_FROM is not set: buyers see a sender they cannot answer");
            let url = public_url.and_then(|url| reqwest::Url::parse(url).ok());
            let host = url.as_ref().and_then(|url| url.domain()).unwrap_or("localhost");
            (format!("fulfilld@{host}"), "mail.from".to_owned())
        });
        // Without a server nothing is sent, but what is written about it is checked all the same.
        let checked =
            server.clone().and_then(Result::ok).or_else(|| Server::parse("smtp://x").ok());
        let sender = checked.map(|server| {
            Sender::new(server, &from).map_err(|mistake| format!("{place} is '{from}': {mistake}"))
        });
        let server = server.and_then(|server| self.mistakes.note(server));
        let mut sender = sender.and_then(|sender| self.mistakes.note(sender));
        let merchant = self.text("mail.merchant");
        let to_merchant = merchant.is_some();
        match merchant {
            None => missing.push("[mail] merchant is not set: nobody is told what needs a person"),
            Some((to, place)) => {
                sender = self.wish(sender, |sender| sender.merchant(&to), &place, &to);
            }
        }
        let (at, place) = self.text("mail.summary").unwrap_or_else(|| (SUMMARY.into(), "".into()));
        if at != "off" {
            sender = self.wish(sender, |sender| sender.summary(&at), &place, &at);
        }
        if let Some((file, place)) = self.path("mail.ca") {
            match std::fs::read(&file) {
                Ok(pem) => {
                    let shown = file.display().to_string();
                    sender = self.wish(sender, |sender| sender.trust(&pem), &place, &shown);
                }
                Err(error) => {
                    self.mistakes
                        .add(format!("{place}: {} cannot be read: {error}", file.display()));
                }
            }
        }
        if let Some((name, place)) = self.text("mail.language") {
            sender = self.wish(sender, |sender| sender.language(&name), &place, &name);
        }
        if let Some((word, place)) = self.text("mail.on_ambiguous") {
            match word.as_str() {
                "retry" => {}
                "ask" => sender = sender.map(|s| s.on_ambiguous(OnAmbiguous::Ask)),
                _ => self.mistakes.add(format!("{place} is '{word}': write retry or ask")),
            }
        }
        if let Some(url) = public_url {
            sender = sender.map(|sender| sender.public_url(url));
        } else {
            missing.push("FULFILLD_PUBLIC_URL is not set: mails do not link to their order's page");
        }
        let sender = self.templates(sender);
        let usable = sender.clone().filter(|_| server.is_some());
        (Mail { sender: usable, missing, receipts, to_merchant }, sender)
    }

    /// Templates of the merchant's own: a folder that is named has to be there, the usual one may.
    fn templates(&mut self, sender: Option<Sender>) -> Option<Sender> {
        let named = self.path("mail.templates");
        let usual = self.folder.as_ref().map(|folder| folder.join(TEMPLATES));
        let folder = match &named {
            Some((folder, place)) if !folder.is_dir() => {
                self.mistakes.add(format!(
                    "{place}: there is no folder {}; `fulfilld mail templates {}` makes one",
                    folder.display(),
                    folder.display()
                ));
                return sender;
            }
            Some((folder, _)) => folder.clone(),
            None => match usual.filter(|folder| folder.is_dir()) {
                Some(folder) => folder,
                None => return sender,
            },
        };
        match sender?.templates(&folder) {
            Ok(sender) => Some(sender),
            Err(wrong) => {
                wrong.iter().for_each(|mistake| self.mistakes.add(mistake));
                None
            }
        }
    }

    /// A wish with a mistake is named and left out, so that the next one is still looked at.
    fn wish(
        &mut self,
        sender: Option<Sender>,
        wish: impl FnOnce(Sender) -> Result<Sender, MailMistake>,
        place: &str,
        text: &str,
    ) -> Option<Sender> {
        let sender = sender?;
        match wish(sender.clone()) {
            Ok(wished) => Some(wished),
            Err(mistake) => {
                self.mistakes.add(format!("{place} is {text:?}: {mistake}"));
                Some(sender)
            }
        }
    }
}
