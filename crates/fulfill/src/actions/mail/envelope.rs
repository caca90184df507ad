//! From a letter to the message that is handed over: headers, and the words in two forms.

use std::time::{Duration, SystemTime};

use fulfill_rules::Millis;
use lettre::{
    Address, Message,
    address::Envelope,
    message::{
        Mailbox, MultiPart, MultiPartKind, SinglePart,
        header::{ContentType, HeaderName, HeaderValue},
    },
};
use sha2::{Digest as _, Sha256};

use super::{
    Mail, MailMistake,
    flowed::flowed,
    letter::{Letter, one_line},
};
use crate::actions::Fault;

/// Of the plain text.
const PLAIN: &str = "text/plain; charset=utf-8; format=flowed";

/// `shop@example.com` or `The Shop <shop@example.com>`, without line breaks or other tricks.
pub(super) fn mailbox(text: &str) -> Result<Mailbox, MailMistake> {
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
pub(super) fn address_of(text: &str) -> Option<Address> {
    let (user, domain) = text.trim().rsplit_once('@')?;
    if domain.is_ascii() {
        return Address::new(user, domain).ok();
    }
    let host = reqwest::Url::parse(&format!("http://{domain}")).ok()?;
    Address::new(user, host.host_str()?).ok()
}

/// The message that carries a letter. `key` is the same on every try, and so is its Message-ID.
pub(super) fn message(
    mail: &Mail,
    key: &str,
    now: Millis,
    letter: Letter,
    to: Mailbox,
    to_merchant: bool,
) -> Result<Message, Fault> {
    let now = Duration::from_millis(now.unsigned_abs());
    let id = id(key);
    // Said, and not read back from the header: lettre reads no quoted name there ("ann lee"@example.com).
    let whom = vec![to.email.clone()];
    let envelope = Envelope::new(Some(mail.from.email.clone()), whom)
        .map_err(|error| Fault::refuse("mail", format!("the mail cannot be made: {error}")))?;
    let mut builder = Message::builder()
        .envelope(envelope)
        .from(mail.from.clone())
        .to(to)
        .subject(letter.subject)
        .date(SystemTime::UNIX_EPOCH + now)
        .message_id(Some(format!("<{id}@{}>", mail.from.email.domain())))
        // Nobody's holiday greeting has to answer it.
        .raw_header(HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".to_owned(),
        ));
    if let Some(merchant) = mail.merchant.as_ref().filter(|_| !to_merchant) {
        builder = builder.reply_to(merchant.clone());
    }
    let plain = ContentType::parse(PLAIN).unwrap_or(ContentType::TEXT_PLAIN);
    let parts = MultiPart::builder()
        .kind(MultiPartKind::Alternative)
        .boundary(format!("part-{id}"))
        .singlepart(SinglePart::builder().header(plain).body(flowed(&letter.text)))
        .singlepart(SinglePart::html(letter.html));
    builder
        .multipart(parts)
        .map_err(|error| Fault::refuse("mail", format!("the mail cannot be made: {error}")))
}

/// The same for the same key, and tells nobody the session's id.
fn id(key: &str) -> String {
    let digest = Sha256::digest(key);
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
