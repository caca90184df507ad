//! Settings: `fulfilld.toml`, overridden by the environment. Everything is checked before anything
//! starts, and every mistake is named at once.

mod environment;
mod file;
mod folder;
mod mistakes;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    net::{SocketAddr, ToSocketAddrs as _},
    path::{Path, PathBuf},
};

use fulfill::{
    actions::mail::{Mail as Sender, MailMistake, OnAmbiguous, Server},
    clock::Clock,
    rules::plan::{Catalog, Product},
    store::Location,
    stripe::{API_BASE, Client, ClientSettings, Secrets},
};
use secrecy::SecretString;

pub(crate) use self::{
    environment::Environment,
    folder::{make as make_folder, prepare},
    mistakes::Mistakes,
};
use self::{environment::NAMES, file::File};

/// The file that is read when none is named.
const FILE: &str = "fulfilld.toml";
/// A longer file is not a settings file.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// How much of the settings a command needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Need {
    /// Only to talk to Stripe.
    Stripe,
    /// The database and the catalog, too.
    Store,
    /// Everything, webhook secrets included.
    Service,
}

/// Settings that were checked.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) stripe: ClientSettings,
    pub(crate) livemode: bool,
    /// Always there for [`Need::Service`].
    pub(crate) secrets: Option<Secrets>,
    pub(crate) database: Location,
    pub(crate) listen: SocketAddr,
    pub(crate) api_token: Option<SecretString>,
    pub(crate) public_url: Option<String>,
    pub(crate) behind_proxy: bool,
    pub(crate) products: Vec<Product>,
    pub(crate) stock: BTreeMap<String, i64>,
    pub(crate) mail: Mail,
    /// The file that was read.
    pub(crate) file: Option<PathBuf>,
}

/// How mail is sent.
#[derive(Debug, Clone, Default)]
pub(crate) struct Mail {
    /// Nothing where no server was given: mail waits.
    pub(crate) sender: Option<Sender>,
    /// What was not set and matters, for whoever starts the service.
    pub(crate) missing: Vec<&'static str>,
    /// Queue a receipt for each order.
    pub(crate) receipts: bool,
}

/// Reads and checks what a command needs; makes the data folder where it is needed.
///
/// # Errors
/// Every [`Mistakes`] there is.
pub(crate) fn load(
    file: Option<&Path>,
    environment: &Environment,
    need: Need,
) -> Result<Settings, Mistakes> {
    let mut mistakes = Mistakes::default();
    let (file, read_from) = open(file, &mut mistakes);
    let mut given = Given { file, environment, mistakes: &mut mistakes };
    let stripe = given.stripe();
    let secrets = (need == Need::Service).then(|| given.secrets()).flatten();
    let database = (need >= Need::Store).then(|| given.database()).flatten();
    let listen = given.listen();
    let public_url = given.public_url();
    let behind_proxy = given.yes_or_no("behind_proxy", false);
    let mail = given.mail(public_url.as_deref());
    let api_token = given.text("api_token").map(|(token, _)| token.into());
    let File { products, stock, .. } = given.file;
    if need >= Need::Store
        && let Err(wrong) = Catalog::new(products.clone())
    {
        wrong.iter().for_each(|mistake| mistakes.add(mistake));
    }
    let (Some((stripe, livemode)), Some(listen), true) = (stripe, listen, mistakes.is_empty())
    else {
        return Err(mistakes);
    };
    let database = database.unwrap_or_else(|| Location::Sqlite(PathBuf::new()));
    Ok(Settings {
        stripe,
        livemode,
        secrets,
        database,
        listen,
        api_token,
        public_url,
        behind_proxy,
        products,
        stock,
        mail,
        file: read_from,
    })
}

fn open(asked: Option<&Path>, mistakes: &mut Mistakes) -> (File, Option<PathBuf>) {
    let path = asked.unwrap_or(Path::new(FILE));
    let name = path.display();
    match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && asked.is_none() => {
            return (File::default(), None);
        }
        Ok(about) if about.len() > FILE_BYTES_MAX => {
            mistakes.add(format!("{name} is too long for a settings file"));
            return (File::default(), None);
        }
        _ => {}
    }
    match std::fs::read_to_string(path) {
        Ok(text) => (file::read(&text, &name.to_string(), mistakes), Some(path.to_owned())),
        Err(error) => {
            mistakes.add(format!("{name} cannot be read: {error}"));
            (File::default(), None)
        }
    }
}

/// What was given, the environment before the file.
struct Given<'a> {
    file: File,
    environment: &'a Environment,
    mistakes: &'a mut Mistakes,
}

impl Given<'_> {
    /// A setting's text, and how to call it in a mistake.
    fn text(&mut self, name: &'static str) -> Option<(String, String)> {
        let variable = NAMES.iter().find(|(known, _)| *known == name).and_then(|(_, name)| *name);
        match variable.and_then(|variable| Some((variable, self.environment.get(variable)?))) {
            Some((variable, Ok(text))) => Some((text.trim().to_owned(), variable.to_owned())),
            Some((variable, Err(_))) => {
                self.mistakes.add(format!("{variable} is not readable text: set it again"));
                None
            }
            None => {
                let given = self.file.settings.get(name)?;
                Some((given.text.trim().to_owned(), given.place.clone()))
            }
        }
    }

    /// How Stripe is asked, and whether for real money.
    fn stripe(&mut self) -> Option<(ClientSettings, bool)> {
        let rate = self.text("stripe_api_rate").map(|(text, place)| {
            text.parse::<u32>().map_err(|_| {
                format!(
                    "{place} is '{text}': write requests a second as a whole number, 0 for no limit"
                )
            })
        });
        let rate = rate.and_then(|rate| self.mistakes.note(rate)).unwrap_or(20);
        let base =
            self.text("stripe_api_base").map_or_else(|| API_BASE.to_owned(), |(base, _)| base);
        let Some((key, _)) = self.text("stripe_secret_key") else {
            self.mistakes.add(
                "STRIPE_SECRET_KEY is not set: take a secret (sk_…) or restricted (rk_…) key from \
                 https://dashboard.stripe.com/apikeys",
            );
            return None;
        };
        let settings = ClientSettings {
            api_base: base,
            rate_per_second: rate,
            ..ClientSettings::new(key.into(), Clock::system())
        };
        let client = self.mistakes.note(Client::new(settings.clone()))?;
        Some((settings, client.livemode()))
    }

    fn secrets(&mut self) -> Option<Secrets> {
        let Some((list, place)) = self.text("stripe_webhook_secret") else {
            self.mistakes.add(
                "STRIPE_WEBHOOK_SECRET is not set: unsigned events are never accepted; \
                 `fulfilld endpoint create --url …` makes an endpoint and prints its secret (whsec_…)",
            );
            return None;
        };
        let secrets = Secrets::parse(&list).map_err(|mistake| format!("{place}: {mistake}"));
        self.mistakes.note(secrets)
    }

    fn database(&mut self) -> Option<Location> {
        let data = self.text("data").map_or_else(|| "./fulfilld-data".to_owned(), |(data, _)| data);
        let data = PathBuf::from(data);
        match self.text("database_url") {
            None => {
                let made = folder::make(&data).map_err(|why| {
                    format!(
                        "the data folder {}: {why} (FULFILLD_DATA names another)",
                        data.display()
                    )
                });
                self.mistakes.note(made)?;
                Some(Location::Sqlite(data.join("fulfilld.sqlite3")))
            }
            Some((url, place)) => {
                let location = Location::parse(&url).map_err(|mistake| {
                    format!("{place}: {mistake}, as sqlite:/var/lib/fulfilld/fulfilld.sqlite3")
                });
                let location = self.mistakes.note(location)?;
                if let Location::Sqlite(path) = &location {
                    let made = folder::of_file(path).map_err(|why| format!("{place}: {why}"));
                    self.mistakes.note(made)?;
                }
                Some(location)
            }
        }
    }

    fn listen(&mut self) -> Option<SocketAddr> {
        let Some((text, place)) = self.text("listen") else {
            return Some(SocketAddr::from(([127, 0, 0, 1], 4242)));
        };
        let found: Vec<SocketAddr> =
            text.to_socket_addrs().map(Iterator::collect).unwrap_or_default();
        let address = found.iter().find(|address| address.is_ipv4()).or(found.first()).copied();
        if address.is_none() {
            self.mistakes.add(format!(
                "{place} is '{text}': write an address and a port, as 127.0.0.1:4242 or 0.0.0.0:80"
            ));
        }
        address
    }

    fn public_url(&mut self) -> Option<String> {
        let (url, place) = self.text("public_url")?;
        let fits = reqwest::Url::parse(&url)
            .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if !fits {
            self.mistakes.add(format!("{place} is '{url}': write it as https://shop.example.com"));
        }
        fits.then(|| url.trim_end_matches('/').to_owned())
    }

    fn yes_or_no(&mut self, name: &'static str, usual: bool) -> bool {
        match self.text(name) {
            None => usual,
            Some((text, place)) => match text.to_lowercase().as_str() {
                "true" | "1" | "yes" => true,
                "false" | "0" | "no" => false,
                _ => {
                    self.mistakes.add(format!("{place} is '{text}': write true or false"));
                    usual
                }
            },
        }
    }

    fn mail(&mut self, public_url: Option<&str>) -> Mail {
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
        match self.text("mail.merchant") {
            None => missing.push("[mail] merchant is not set: nobody is told what needs a person"),
            Some((to, place)) => {
                sender = self.wish(sender, |sender| sender.merchant(&to), &place, &to);
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
        Mail { sender: sender.filter(|_| server.is_some()), missing, receipts }
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
