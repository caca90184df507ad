//! Settings: `fulfilld.toml`, overridden by the environment. Everything is checked before anything
//! starts, and every mistake is named at once.

mod environment;
mod file;
mod folder;
mod mail;
mod mistakes;
mod shop;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    net::{SocketAddr, ToSocketAddrs as _},
    path::{Path, PathBuf},
};

use fulfill::{
    Brand,
    clock::Clock,
    rules::plan::{Catalog, Product},
    store::Location,
    stripe::{API_BASE, Client, ClientSettings, Secrets, check_api_base},
};
use secrecy::SecretString;

use self::{environment::NAMES, file::File};
pub(crate) use self::{
    environment::{Environment, unknown as unknown_variables, variables},
    folder::{make as make_folder, prepare},
    mail::{Mail, Preview, preview},
    mistakes::Mistakes,
};

/// The file that is read when none is named.
const FILE: &str = "fulfilld.toml";
/// A longer file is not a settings file.
const FILE_BYTES_MAX: u64 = 16 << 20;
/// Shorter tokens can be guessed.
const TOKEN_CHARS_MIN: usize = 16;

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
    /// How the shop shows itself.
    pub(crate) brand: Brand,
    /// The file that was read.
    pub(crate) file: Option<PathBuf>,
}

/// Reads and checks what a command needs. Nothing is made yet: [`prepare`] does that once all is right.
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
    let mut given = Given::new(file, read_from.as_deref(), environment, &mut mistakes);
    let stripe = given.stripe();
    let secrets = (need == Need::Service).then(|| given.secrets()).flatten();
    let database = (need >= Need::Store).then(|| given.database()).flatten();
    let listen = given.listen();
    let public_url = given.public_url();
    let behind_proxy = given.yes_or_no("behind_proxy", false);
    let mail = given.mail(public_url.as_deref()).0;
    let brand = given.shop(read_from.as_deref(), need);
    let api_token = given.api_token();
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
        brand,
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
    /// Where the file lies.
    folder: Option<PathBuf>,
    environment: &'a Environment,
    mistakes: &'a mut Mistakes,
}

impl<'a> Given<'a> {
    fn new(
        file: File,
        read_from: Option<&Path>,
        environment: &'a Environment,
        mistakes: &'a mut Mistakes,
    ) -> Self {
        let folder = read_from.map(|path| path.parent().unwrap_or(Path::new("")).to_owned());
        Self { file, folder, environment, mistakes }
    }

    /// A path, and how to call it in a mistake: from the working folder where the environment has it,
    /// from where the file lies where that has it.
    fn path(&mut self, name: &'static str) -> Option<(PathBuf, String)> {
        let (text, place) = self.text(name)?;
        Some((self.lead(name, &place, Path::new(&text)), place))
    }

    /// Where a relative path that `name` gave leads.
    fn lead(&self, name: &str, place: &str, path: &Path) -> PathBuf {
        let in_file = self.file.settings.get(name).is_some_and(|given| given.place == place);
        self.folder.as_deref().filter(|_| in_file).unwrap_or(Path::new("")).join(path)
    }

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
        // Looked at by itself: a mistake in the key must not hide it.
        let base = self.text("stripe_api_base").and_then(|(base, _)| {
            self.mistakes.note(check_api_base(&base))?;
            Some(base)
        });
        let base = base.unwrap_or_else(|| API_BASE.to_owned());
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

    /// The data folder.
    fn data(&mut self) -> PathBuf {
        self.path("data").map_or_else(|| PathBuf::from("./fulfilld-data"), |(data, _)| data)
    }

    fn database(&mut self) -> Option<Location> {
        let data = self.data();
        match self.text("database_url") {
            None => {
                let fits = folder::can_be_made(&data).map_err(|why| {
                    format!(
                        "the data folder {}: {why} (FULFILLD_DATA names another)",
                        data.display()
                    )
                });
                self.mistakes.note(fits)?;
                Some(Location::Sqlite(data.join("fulfilld.sqlite3")))
            }
            Some((url, place)) => {
                let location = Location::parse(&url).map_err(|mistake| {
                    format!("{place}: {mistake}, as sqlite:/var/lib/fulfilld/fulfilld.sqlite3")
                });
                let mut location = self.mistakes.note(location)?;
                if let Location::Sqlite(path) = &mut location {
                    *path = self.lead("database_url", &place, path);
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

    /// Whoever guesses it may do everything that the API can.
    fn api_token(&mut self) -> Option<SecretString> {
        let (token, place) = self.text("api_token")?;
        let count = token.chars().count();
        if count < TOKEN_CHARS_MIN {
            let signs = if count == 1 { "sign" } else { "signs" };
            self.mistakes.add(format!(
                "{place} has {count} {signs}: a token that nobody guesses has at least \
                 {TOKEN_CHARS_MIN}; `openssl rand -hex 24` makes one"
            ));
        }
        Some(token.into())
    }

    fn public_url(&mut self) -> Option<String> {
        let (url, place) = self.text("public_url")?;
        let parsed = reqwest::Url::parse(&url).ok();
        let parsed =
            parsed.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let wrong = match parsed {
            None => Some("write it as https://shop.example.com".to_owned()),
            // Paths are put behind it.
            Some(parsed) if parsed.query().is_some() || parsed.fragment().is_some() => {
                let before = url.split(['?', '#']).next().unwrap_or_default();
                Some(format!("nothing may follow the path: write {before}"))
            }
            Some(_) => None,
        };
        if let Some(wrong) = wrong {
            self.mistakes.add(format!("{place} is '{url}': {wrong}"));
            return None;
        }
        Some(url.trim_end_matches('/').to_owned())
    }

    fn yes_or_no(&mut self, name: &'static str, usual: bool) -> bool {
        match self.text(name) {
            None => usual,
            Some((text, place)) => match text.to_lowercase().as_str() {
                "true" | "yes" | "on" | "1" => true,
                "false" | "no" | "off" | "0" => false,
                _ => {
                    self.mistakes.add(format!(
                        "{place} is '{text}': write true or false (yes, no, on, off, 1 and 0 do, too)"
                    ));
                    usual
                }
            },
        }
    }
}
