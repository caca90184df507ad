use std::io::Write as _;

use super::*;

const KEY: (&str, &str) = ("STRIPE_SECRET_KEY", "sk_test_abc");
const SECRET: (&str, &str) = ("STRIPE_WEBHOOK_SECRET", "whsec_abc");

fn loaded(toml: &str, values: &[(&'static str, &str)]) -> Result<Settings, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fulfilld.toml");
    std::fs::File::create(&file).unwrap().write_all(toml.as_bytes()).unwrap();
    let database = format!("sqlite:{}", folder.path().join("db").display());
    let mut all = vec![("DATABASE_URL", database.as_str())];
    all.extend_from_slice(values);
    load(Some(&file), &Environment::of(&all), Need::Service)
        .map_err(|mistakes| mistakes.to_string())
}

#[test]
fn every_mistake_is_named_at_once() {
    let said = loaded(
        r#"
listn = "127.0.0.1:1"
stripe_api_rate = "fast"

[[product]]
id = "prod_1"
grant = { access = "course", dayz = 3 }

[[product]]
id = "prod_2"

[stock]
SHIRT = -1

[mail]
smtp = "mail.example.com"
receit = true
server = "x"
"#,
        &[
            ("STRIPE_SECRET_KEY", "whsec_abc"),
            ("STRIPE_WEBHOOK_SECRET", "sk_test_abc"),
            ("FULFILLD_LISTEN", "4242"),
            ("FULFILLD_PUBLIC_URL", "shop"),
            ("DATABASE_URL", "mysql://x"),
        ],
    )
    .unwrap_err();
    for expected in [
        "line 2: there is no setting listn; did you mean listen?",
        "line 3: stripe_api_rate is 'fast'",
        "[[product]] number 1, grant.dayz: unknown: dayz; did you mean days?",
        "owes nothing",
        "line 13: [stock] SHIRT = -1",
        "there is no setting mail.server; there are mail.smtp, mail.from,",
        "there is no setting mail.receit; did you mean mail.receipt?",
        "mail.smtp: write it as smtp://",
        "STRIPE_SECRET_KEY is a webhook secret",
        "STRIPE_WEBHOOK_SECRET: webhook secret 1 is an API key",
        "FULFILLD_LISTEN is '4242'",
        "FULFILLD_PUBLIC_URL is 'shop'",
        "DATABASE_URL: a database URL starts with",
    ] {
        assert!(said.contains(expected), "{expected:?} is not in:\n{said}");
    }
    assert!(said.starts_with("13 settings"), "{said}");
}

#[test]
fn a_wrong_address_for_stripe_is_named_whatever_the_key_is() {
    for key in [None, Some(("STRIPE_SECRET_KEY", "pk_test_abc")), Some(KEY)] {
        let base = [SECRET, ("STRIPE_API_BASE", "ftp://example.com")];
        let given: Vec<_> = base.into_iter().chain(key).collect();
        let said = loaded("", &given).unwrap_err();
        assert!(said.contains("STRIPE_API_BASE 'ftp://example.com' should look like"), "{said}");
        let named = if key == Some(KEY) { "one setting" } else { "2 settings" };
        assert!(said.starts_with(named), "{said}");
    }
    let live = [SECRET, ("STRIPE_SECRET_KEY", "sk_live_a"), ("STRIPE_API_BASE", "http://x.test")];
    let said = loaded("", &live).unwrap_err();
    assert!(said.contains("a live key is sent to 'x.test' only over https"), "{said}");
}

#[test]
fn a_token_that_can_be_guessed_is_refused() {
    let short = [KEY, SECRET, ("FULFILLD_API_TOKEN", "fifteen-letters")];
    let said = loaded("", &short).unwrap_err();
    assert!(
        said.contains("FULFILLD_API_TOKEN has 15 signs") && !said.contains("fifteen"),
        "{said}"
    );
    let said = loaded("api_token = \"x\"", &[KEY, SECRET]).unwrap_err();
    assert!(said.contains("line 1: api_token has 1 sign"), "{said}");
    assert!(loaded("api_token = \"sixteen-letters-\"", &[KEY, SECRET]).is_ok());
}

#[test]
fn case_15_without_secrets_nothing_starts() {
    let said = loaded("", &[]).unwrap_err();
    assert!(said.contains("STRIPE_SECRET_KEY is not set"), "{said}");
    assert!(said.contains("STRIPE_WEBHOOK_SECRET is not set"), "{said}");
}

#[test]
fn the_environment_overrides_the_file() {
    let toml = "listen = \"127.0.0.1:1\"\nstripe_api_rate = 5\n[mail]\nreceipt = false";
    let settings = loaded(toml, &[KEY, SECRET, ("FULFILLD_LISTEN", "127.0.0.1:2")]).unwrap();
    assert_eq!(settings.listen.port(), 2);
    assert_eq!(settings.stripe.rate_per_second, 5);
    assert!(!settings.mail.receipts);
    assert!(!settings.livemode);
}

#[test]
fn yes_and_no_are_taken_in_every_usual_spelling() {
    let proxy = |text: &str| loaded("", &[KEY, SECRET, ("FULFILLD_BEHIND_PROXY", text)]);
    for (text, meant) in [("true", true), ("On", true), ("yes", true), ("1", true)]
        .into_iter()
        .chain([("false", false), ("off", false), ("no", false), ("0", false)])
    {
        assert_eq!(proxy(text).unwrap().behind_proxy, meant, "{text}");
    }
    let said = proxy("maybe").unwrap_err();
    assert!(said.contains("FULFILLD_BEHIND_PROXY is 'maybe': write true or false"), "{said}");
}

#[test]
fn an_address_of_ours_ends_with_its_path() {
    let public = |url: &str| loaded("", &[KEY, SECRET, ("FULFILLD_PUBLIC_URL", url)]);
    for url in ["https://x.example/shop?x=1", "https://x.example/shop#top"] {
        let said = public(url).unwrap_err();
        let write =
            format!("is '{url}': nothing may follow the path: write https://x.example/shop");
        assert!(said.lines().any(|line| line.ends_with(&write)), "{said}");
    }
    let url = public("https://x.example/shop/").unwrap().public_url;
    assert_eq!(url.as_deref(), Some("https://x.example/shop"));
}

#[test]
fn the_example_names_every_setting_and_has_no_mistake() {
    let example = include_str!("../../fulfilld.example.toml");
    let settings = loaded(example, &[KEY, SECRET]).unwrap();
    assert_eq!(settings.products.len(), 6);
    let whole: String = example
        .lines()
        .map(|line| line.strip_prefix("#= ").unwrap_or(line).to_owned() + "\n")
        .collect();
    for (name, variable) in NAMES {
        let bare = name.rsplit('.').next().unwrap();
        assert!(whole.lines().any(|line| line.starts_with(&format!("{bare} = "))), "{name}");
        assert!(variable.is_none_or(|variable| example.contains(variable)), "{variable:?}");
    }
    let whole = whole.replace("sk_test_...", "sk_test_abc").replace("whsec_...", "whsec_abc");
    // The folder that it names has to be there.
    let templates = tempfile::tempdir().unwrap();
    let whole = whole.replace("\"mail\"", &format!("{:?}", templates.path()));
    // The logo is a file that the example only names.
    let whole = whole.replace("logo = ", "# ");
    let whole: String =
        whole.lines().filter(|l| !l.starts_with("ca = ")).collect::<Vec<_>>().join("\n");
    loaded(&whole, &[]).unwrap();
}

#[test]
fn the_shop_shows_itself_as_it_is_told_and_every_mistake_is_named() {
    let toml = "[shop]\nname = \"Tea & Co\"\nlanguage = \"de\"\ntime_zone = \"Vienna\"\ncolor = \"#135\"\nurl = \"shop\"\n\
                support = \"help\"\nlogo = \"nowhere.svg\"\nlogoo = \"x\"";
    let said = loaded(toml, &[KEY, SECRET]).unwrap_err();
    for expected in [
        "line 4: shop.time_zone is 'Vienna': write a time zone, as Europe/Vienna or +02:00",
        "line 5: shop.color is '#135': write a color as #2f4fd0",
        "line 6: shop.url is 'shop': write it as https://",
        "line 7: shop.support is 'help': write a mail address",
        "line 8: shop.logo is 'nowhere.svg': there is no such file",
        "there is no setting shop.logoo; did you mean shop.logo?",
    ] {
        assert!(said.contains(expected), "{expected:?} is not in:\n{said}");
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("logo.svg"), "<svg xmlns='http://www.w3.org/2000/svg'/>")
        .unwrap();
    let file = folder.path().join("fulfilld.toml");
    std::fs::write(&file, "[shop]\nlogo = \"logo.svg\"\n").unwrap();
    let database = format!("sqlite:{}", folder.path().join("db").display());
    let values = [KEY, SECRET, ("DATABASE_URL", &database), ("FULFILLD_SHOP_NAME", "Tea & Co")];
    let shown = || {
        let settings = load(Some(&file), &Environment::of(&values), Need::Service).unwrap();
        format!("{:?}", settings.brand)
    };
    let beside = shown();
    assert!(beside.contains("Tea & Co") && beside.contains("image/svg+xml"), "{beside}");
    std::fs::create_dir(folder.path().join("dd")).unwrap();
    std::fs::rename(folder.path().join("logo.svg"), folder.path().join("dd/logo.svg")).unwrap();
    std::fs::write(&file, "data = \"dd\"\n[shop]\nlogo = \"logo.svg\"\n").unwrap();
    assert!(shown().contains("image/svg+xml"), "in the data folder");
}

#[test]
fn settings_never_print_a_secret() {
    let settings = loaded("api_token = \"hush-hush-hush-hush\"", &[KEY, SECRET]).unwrap();
    let shown = format!("{settings:?}");
    assert!(!shown.contains("hush") && !shown.contains("sk_test_abc"), "{shown}");
}

#[test]
fn text_that_is_not_toml_is_told_with_its_line() {
    let said = loaded("a = 1\nb = = 2\n", &[KEY, SECRET]).unwrap_err();
    assert!(said.contains("line 2: this is not TOML"), "{said}");
}

#[test]
fn mail_is_checked_and_shows_no_password() {
    let said = loaded(
        "[mail]\nsmtp = \"smtp://me:hush@m.example.com?tls=x\"\nfrom = \"shop\"\non_ambiguous = \"maybe\"",
        &[KEY, SECRET],
    )
    .unwrap_err();
    for expected in
        ["mail.smtp: after ?", "mail.from is 'shop': write a mail", "write retry or ask"]
    {
        assert!(said.contains(expected), "{expected:?} is not in:\n{said}");
    }
    assert!(!said.contains("hush"), "{said}");
    let toml = "[mail]\nfrom = \"a@b.example\"\nmerchant = \"me@b.example\\r\\nBcc: c@d.example\"\nlanguage = \"tlh\"";
    let said = loaded(toml, &[KEY, SECRET]).unwrap_err();
    assert!(said.contains("mail.merchant is") && said.contains("written in: en, de"), "{said}");
}

#[test]
fn the_environment_names_the_mail_server_and_the_sender() {
    let mail = |values: &[(&'static str, &str)]| {
        let values: Vec<_> = [KEY, SECRET].iter().chain(values).copied().collect();
        loaded("[mail]\nmerchant = \"me@b.example\"", &values).unwrap().mail
    };
    assert!(mail(&[]).sender.is_none(), "mail waits");
    let given = mail(&[
        ("FULFILLD_SMTP", "smtps://me:hush@m.example.com"),
        ("FULFILLD_MAIL_FROM", "The Shop <shop@example.com>"),
        ("FULFILLD_PUBLIC_URL", "https://shop.example.com"),
    ]);
    let shown = format!("{given:?}");
    assert!(shown.contains("m.example.com") && shown.contains("The Shop"), "{shown}");
    assert!(!shown.contains("hush") && given.missing.is_empty(), "{shown}");
    let bare = mail(&[("FULFILLD_SMTP", "smtp://localhost:1025")]);
    assert!(bare.sender.is_some() && bare.missing.len() == 2, "{bare:?}");
}

#[test]
fn mistakes_in_templates_stop_the_start_by_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("en")).unwrap();
    std::fs::write(folder.path().join("en/receipt.txt"), "Hello\n{{ nme }}").unwrap();
    let path = folder.path().display().to_string();
    let given = [KEY, SECRET, ("FULFILLD_MAIL_TEMPLATES", path.as_str())];
    let said = loaded("", &given).unwrap_err();
    assert!(said.contains("en/receipt.txt, line 2: undefined value"), "{said}");
    let said = loaded("[mail]\ntemplates = \"nowhere\"", &[KEY, SECRET]).unwrap_err();
    assert!(said.contains("there is no folder") && said.contains("/nowhere"), "{said}");
}

#[test]
fn a_relative_place_in_the_file_lies_beside_it_and_one_in_the_environment_where_we_are() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("my.toml");
    let database = |toml: &str, values: &[(&'static str, &str)]| {
        std::fs::write(&file, toml).unwrap();
        let values: Vec<_> = [KEY].iter().chain(values).copied().collect();
        load(Some(&file), &Environment::of(&values), Need::Store).unwrap().database
    };
    let beside = |name: &str| Location::Sqlite(folder.path().join(name));
    let here = |name: &str| Location::Sqlite(PathBuf::from(name));
    assert_eq!(database("data = \"dd\"", &[]), beside("dd/fulfilld.sqlite3"));
    assert_eq!(database("database_url = \"sqlite:my.db\"", &[]), beside("my.db"));
    let elsewhere = tempfile::tempdir().unwrap();
    let absolute = elsewhere.path().join("dd");
    let named = database(&format!("data = {absolute:?}"), &[]);
    assert_eq!(named, Location::Sqlite(absolute.join("fulfilld.sqlite3")));
    let given = database("data = \"dd\"", &[("FULFILLD_DATA", "ee")]);
    assert_eq!(given, here("ee/fulfilld.sqlite3"));
    let given = database("database_url = \"sqlite:my.db\"", &[("DATABASE_URL", "sqlite:e.db")]);
    assert_eq!(given, here("e.db"));
    assert_eq!(database("", &[]), here("./fulfilld-data/fulfilld.sqlite3"));
}

#[test]
fn a_folder_beside_the_settings_is_used_unasked() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fulfilld.toml");
    std::fs::write(&file, "").unwrap();
    std::fs::create_dir_all(folder.path().join("mail/en")).unwrap();
    std::fs::write(folder.path().join("mail/en/receipt.subject"), "Yours").unwrap();
    let sender = preview(Some(&file), &Environment::of(&[])).unwrap().sender;
    let samples = sender.samples().unwrap();
    assert!(samples.iter().any(|s| s.language == "en" && s.subject == "Yours"));
}

#[test]
fn the_time_of_the_summary_and_the_certificate_are_checked() {
    let said = loaded("[mail]\nsummary = \"8 o'clock\"\nca = \"nowhere.pem\"", &[KEY, SECRET]);
    let said = said.unwrap_err();
    assert!(said.contains("mail.summary is \"8 o'clock\": write a time of day"), "{said}");
    assert!(said.contains("mail.ca: ") && said.contains("nowhere.pem cannot be read"), "{said}");
    let said = loaded("[mail]\nca = \"fulfilld.toml\"", &[KEY, SECRET]).unwrap_err();
    assert!(said.contains("this is not a certificate"), "{said}");
    for good in ["off", "07:30", "07:30 Europe/Berlin", "18:00 -05:00"] {
        loaded(&format!("[mail]\nsummary = {good:?}"), &[KEY, SECRET]).unwrap();
    }
}
