//! Where mail is handed to: `smtp://user:password@host:port?tls=…`.

use std::net::IpAddr;

use secrecy::{ExposeSecret as _, SecretString};

/// Why a URL names no mail server. Never holds the URL, which may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAServer {
    /// It has another shape.
    #[error(
        "write it as smtp://host:port (or smtps://…), with user:password@ where a login is needed"
    )]
    Shape,
    /// `?tls=` has another word.
    #[error("after ? there may be tls=starttls or tls=none, nothing else")]
    Tls,
    /// One of user and password is missing.
    #[error(
        "a login needs both, as smtps://user:password@host (write @ as %40, : as %3A, / as %2F)"
    )]
    Login,
    /// It would be read by everybody in between.
    #[error("a login is not sent to another machine in the clear: leave ?tls=none away")]
    Naked,
}

/// A mail server, and how to talk to it.
#[derive(Clone)]
pub struct Server {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tls: Tls,
    pub(super) login: Option<Login>,
}

/// How the connection is kept private.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tls {
    Never,
    /// A login would be worth hiding; without one, what the server offers is taken.
    IfOffered,
    Required,
    FromTheStart,
}

#[derive(Clone)]
pub(super) struct Login {
    pub(super) user: String,
    password: SecretString,
}

impl Login {
    pub(super) fn password(&self) -> String {
        self.password.expose_secret().to_owned()
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("tls", &self.tls)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Display for Server {
    /// Host and port.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl Server {
    /// Reads a URL. `smtps://` is TLS from the start (port 465). `smtp://` is STARTTLS where there is
    /// a login (port 587), and STARTTLS if the server offers it where there is none (port 25);
    /// `?tls=starttls` insists on it, `?tls=none` goes without.
    ///
    /// # Errors
    /// [`NotAServer`] says what to write.
    pub fn parse(url: &str) -> Result<Self, NotAServer> {
        let url = reqwest::Url::parse(url).map_err(|_| NotAServer::Shape)?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(NotAServer::Shape)?;
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(NotAServer::Shape);
        }
        let login = match (decoded(url.username()), url.password().map(decoded)) {
            (Some(user), None) if user.is_empty() => None,
            (Some(user), Some(Some(password))) if !user.is_empty() && !password.is_empty() => {
                Some(Login { user, password: password.into() })
            }
            _ => return Err(NotAServer::Login),
        };
        let tls = match (url.scheme(), url.query()) {
            ("smtps", None) => Tls::FromTheStart,
            ("smtp", Some("tls=none")) => Tls::Never,
            ("smtp", Some("tls=starttls")) => Tls::Required,
            ("smtp", None) if login.is_some() => Tls::Required,
            ("smtp", None) => Tls::IfOffered,
            ("smtp" | "smtps", Some(_)) => return Err(NotAServer::Tls),
            _ => return Err(NotAServer::Shape),
        };
        let here = host == "localhost"
            || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        if tls == Tls::Never && login.is_some() && !here {
            return Err(NotAServer::Naked);
        }
        let usual = match (tls, &login) {
            (Tls::FromTheStart, _) => 465,
            (_, Some(_)) => 587,
            (_, None) => 25,
        };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Self { host, port: url.port().unwrap_or(usual), tls, login })
    }
}

/// Undoes `%40` and the like; nothing when it is not text.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || char::from(rest.next()?).to_digit(16);
            let (high, low) = (digit()?, digit()?);
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok().filter(|text| !text.chars().any(char::is_control))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read() {
        for (url, at, tls, user) in [
            ("smtp://localhost:1025", "localhost:1025", Tls::IfOffered, None),
            ("smtp://mail.example.com", "mail.example.com:25", Tls::IfOffered, None),
            ("smtp://a:b@mail.example.com/", "mail.example.com:587", Tls::Required, Some("a")),
            ("smtp://a:b@localhost?tls=none", "localhost:587", Tls::Never, Some("a")),
            ("smtp://relay?tls=starttls", "relay:25", Tls::Required, None),
            (
                "smtps://me%40x.org:b%3Ac@m.x.org",
                "m.x.org:465",
                Tls::FromTheStart,
                Some("me@x.org"),
            ),
            ("smtp://[::1]:2525", "::1:2525", Tls::IfOffered, None),
        ] {
            let server = Server::parse(url).unwrap();
            let login = server.login.as_ref().map(|login| login.user.as_str());
            assert_eq!((server.to_string().as_str(), server.tls, login), (at, tls, user), "{url}");
        }
    }

    #[test]
    fn mistakes_say_what_to_write_and_never_the_password() {
        for (url, mistake) in [
            ("mail.example.com", NotAServer::Shape),
            ("http://mail.example.com", NotAServer::Shape),
            ("smtp://", NotAServer::Shape),
            ("smtp://hush:hush@m.example.com/x", NotAServer::Shape),
            ("smtp://m.example.com?tls=maybe", NotAServer::Tls),
            ("smtps://m.example.com?tls=none", NotAServer::Tls),
            ("smtp://me@m.example.com", NotAServer::Login),
            ("smtp://me:hush@m.example.com?tls=none", NotAServer::Naked),
            ("smtp://me:a%0d%0aRCPT@m.example.com", NotAServer::Login),
            ("smtp://:hush@m.example.com", NotAServer::Login),
        ] {
            let said = Server::parse(url).unwrap_err();
            assert_eq!(said, mistake, "{url}");
            assert!(!said.to_string().contains("hush"));
        }
        let server = Server::parse("smtp://me:hush@m.example.com").unwrap();
        assert!(!format!("{server:?} {server}").contains("hush"));
    }
}
