//! Mail is handed to a mail server of others (aiosmtpd): hidden by TLS, behind a login, and in its
//! moods.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod office;

use fulfill::{
    actions::{
        Fault,
        mail::{Mail, Server},
    },
    clock::Clock,
};

use office::{Office, Papers};

const ANN: &str = "ann@example.com";

fn mail(url: &str) -> Mail {
    Mail::new(Server::parse(url).unwrap(), "The Shop <shop@shop.example>").unwrap()
}

async fn try_out(mail: &Mail, to: &str) -> Result<String, Fault> {
    mail.try_out(to, &Clock::manual(1_800_000_000_000)).await
}

fn said(outcome: Result<String, Fault>) -> String {
    match outcome {
        Ok(said) => panic!("it was taken: {said}"),
        Err(Fault::Retry { why, .. }) => format!("retry: {why}"),
        Err(Fault::Refuse { code, why }) => format!("refuse {code}: {why}"),
    }
}

#[tokio::test]
async fn starttls_and_tls_from_the_start_hide_login_and_mail() {
    let papers = Papers::new();
    for (tls, login) in
        [("starttls", "PLAIN"), ("starttls", "LOGIN"), ("always", "PLAIN"), ("always", "LOGIN")]
    {
        let mut office = Office::open(&["--tls", tls, "--login", login], Some(&papers)).await;
        let scheme = if tls == "always" { "smtps" } else { "smtp" };
        let url = format!("{scheme}://shop:let%40me%3Ain@localhost:{}", office.port);
        let mail = mail(&url).trust(&papers.authority()).unwrap();
        mail.check().await.unwrap();
        assert_eq!(try_out(&mail, ANN).await.unwrap(), "2.0.0 queued", "{tls} {login}");
        let taken = office.taken().await;
        assert_eq!(taken["tls"], true, "{taken}");
        assert_eq!(taken["login"], true, "{taken}");
        assert_eq!(taken["to"][0], ANN);
        assert!(taken["body"].as_str().unwrap().contains("Subject: Thank you for your order"));
    }
}

#[tokio::test]
async fn without_a_login_starttls_is_taken_where_it_is_offered() {
    let papers = Papers::new();
    let mut office = Office::open(&["--tls", "starttls"], Some(&papers)).await;
    let url = format!("smtp://localhost:{}", office.port);
    let mail = mail(&url).trust(&papers.authority()).unwrap();
    try_out(&mail, ANN).await.unwrap();
    assert_eq!(office.taken().await["tls"], true);
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused_in_words() {
    let papers = Papers::new();
    for (tls, scheme) in [("starttls", "smtp"), ("always", "smtps")] {
        let office = Office::open(&["--tls", tls, "--login", "PLAIN"], Some(&papers)).await;
        let url = format!("{scheme}://shop:let%40me%3Ain@localhost:{}", office.port);
        let said = mail(&url).check().await.unwrap_err();
        assert!(said.contains("the certificate of localhost is not trusted"), "{tls}: {said}");
        assert!(said.contains("[mail] ca"), "{tls}: {said}");
        // The same certificate, under another name.
        let elsewhere = url.replace("localhost", "127.0.0.1");
        let other = mail(&elsewhere).trust(&papers.authority()).unwrap();
        let said = other.check().await.unwrap_err();
        assert!(said.contains("the certificate of 127.0.0.1 is not made for"), "{tls}: {said}");
    }
}

/// Wishes for a certificate that has the server's name.
const NAMED: [&str; 4] = ["-addext", "subjectAltName=DNS:localhost", "-days", "30"];

#[tokio::test]
async fn a_server_that_shows_a_certificate_of_our_file_is_trusted() {
    let (papers, others) = (Papers::of_itself(&NAMED), Papers::of_itself(&NAMED));
    for (tls, scheme) in [("starttls", "smtp"), ("always", "smtps")] {
        let mut office = Office::open(&["--tls", tls, "--login", "PLAIN"], Some(&papers)).await;
        let url = format!("{scheme}://shop:let%40me%3Ain@localhost:{}", office.port);
        // One of several in the file.
        let file = [others.itself(), papers.itself()].concat();
        let trusting = mail(&url).trust(&file).unwrap();
        trusting.check().await.unwrap();
        assert_eq!(try_out(&trusting, ANN).await.unwrap(), "2.0.0 queued", "{tls}");
        let taken = office.taken().await;
        assert_eq!((&taken["tls"], &taken["login"]), (&true.into(), &true.into()), "{taken}");
        // Another one with the same name, and the name of the same server in other words.
        for (mail, why) in [
            (
                mail(&url).trust(&others.itself()).unwrap(),
                "localhost is not trusted: [mail] ca can",
            ),
            (mail(&url), "localhost is not trusted: [mail] ca can name a file with it"),
            (
                mail(&url.replace("localhost", "127.0.0.1")).trust(&papers.itself()).unwrap(),
                "127.0.0.1 is not made for this name",
            ),
        ] {
            let said = mail.check().await.unwrap_err();
            assert!(said.contains(&format!("the certificate of {why}")), "{tls}: {said}");
        }
    }
}

#[tokio::test]
async fn a_certificate_of_our_file_has_to_have_the_name_and_to_be_valid_today() {
    for (papers, why) in [
        (Papers::of_itself(&[]), "is not made for this name: [mail] smtp has to name the server"),
        (Papers::of_the_past(), "is not valid today"),
    ] {
        let office = Office::open(&["--tls", "always", "--login", "PLAIN"], Some(&papers)).await;
        let url = format!("smtps://shop:let%40me%3Ain@localhost:{}", office.port);
        let said = mail(&url).trust(&papers.itself()).unwrap().check().await.unwrap_err();
        assert!(said.contains(&format!("the certificate of localhost {why}")), "{said}");
    }
}

#[tokio::test]
async fn a_wrong_password_is_told_in_words_and_never_shown() {
    let papers = Papers::new();
    let office = Office::open(&["--tls", "starttls", "--login", "PLAIN"], Some(&papers)).await;
    let url = format!("smtp://shop:hush@localhost:{}", office.port);
    let mail = mail(&url).trust(&papers.authority()).unwrap();
    let (checked, tried) = (mail.check().await.unwrap_err(), said(try_out(&mail, ANN).await));
    for said in [&checked, &tried] {
        assert!(said.contains("the mail server does not let us in"), "{said}");
        assert!(said.contains("535") && !said.contains("hush"), "{said}");
    }
    assert!(tried.starts_with("retry"), "it is about us, not about the mail: {tried}");
    assert!(!format!("{mail:?}").contains("hush"));
}

#[tokio::test]
async fn a_login_is_not_sent_to_a_server_that_hides_nothing() {
    let office = Office::open(&["--login", "PLAIN"], None).await;
    let said = mail(&format!("smtp://shop:hush@localhost:{}", office.port)).check().await;
    assert!(said.unwrap_err().contains("the mail server offers no STARTTLS"));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_in_words() {
    let said = mail("smtp://localhost:1").check().await.unwrap_err();
    assert!(said.contains("localhost:1"), "{said}");
}

#[tokio::test]
async fn case_38_greylisted_mail_comes_again_refused_mail_asks_and_cut_off_mail_may_have_arrived() {
    let mut office = Office::open(&[], None).await;
    let mail = mail(&format!("smtp://localhost:{}", office.port));
    let grey = said(try_out(&mail, "grey@example.com").await);
    assert!(grey.starts_with("retry: ") && grey.contains("450"), "{grey}");
    let nobody = said(try_out(&mail, "nobody@example.com").await);
    assert!(nobody.starts_with("refuse 550: "), "{nobody}");
    assert!(nobody.contains("<the address>: no such mailbox"), "{nobody}");
    let cut = said(try_out(&mail, "cut@example.com").await);
    assert!(cut.starts_with("retry: handed over, but unanswered"), "{cut}");
    assert_eq!(office.taken().await["to"][0], "cut@example.com");
}

#[tokio::test]
async fn an_address_whose_name_is_quoted_is_written_to() {
    let mut office = Office::open(&[], None).await;
    let mail = mail(&format!("smtp://localhost:{}", office.port));
    for quoted in
        [r#""john doe"@example.com"#, r#""john@home"@example.com"#, r#""a\"b"@example.com"#]
    {
        assert_eq!(try_out(&mail, quoted).await.unwrap(), "2.0.0 queued", "{quoted}");
        let taken = office.taken().await;
        assert_eq!(taken["to"][0], quoted);
        assert!(taken["body"].as_str().unwrap().contains(&format!("To: {quoted}")), "{taken}");
    }
}
