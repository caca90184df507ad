//! A mail server that speaks SMTP over TCP and is as moody as the story wants.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};

/// How the next mails are met, one mood for each; after that all are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// The connection is closed before a word is said.
    Down,
    /// Come again later: 450.
    Greylist,
    /// There is nobody of that name: 550.
    Refuse,
    /// The mail is taken and the connection cut before that is said.
    Cut,
    /// Nothing is answered.
    Silent,
}

/// A mail that was taken.
#[derive(Debug, Clone)]
pub(crate) struct Mail {
    pub(crate) to: String,
    /// Headers and parts as they were sent.
    pub(crate) raw: String,
}

impl Mail {
    /// A header's value, folded lines joined.
    pub(crate) fn header(&self, name: &str) -> String {
        let headers = self.raw.split("\r\n\r\n").next().unwrap().replace("\r\n ", " ");
        let prefix = format!("{name}: ");
        let found = headers.lines().find_map(|line| line.strip_prefix(&prefix));
        found.unwrap_or_else(|| panic!("no {name} in {headers}")).to_owned()
    }

    /// What it says, soft and flowed line breaks taken out.
    pub(crate) fn text(&self) -> String {
        self.raw.replace("=20\r\n", " ").replace("=\r\n", "").replace(" \r\n", " ")
    }
}

/// Cheap to clone; clones are one office.
#[derive(Clone, Default)]
pub(crate) struct PostOffice(Arc<Inside>);

#[derive(Default)]
struct Inside {
    moods: Mutex<VecDeque<Mood>>,
    taken: Mutex<Vec<Mail>>,
    visits: Mutex<usize>,
}

impl PostOffice {
    /// Opens on a port of its own; the URL to reach it by.
    pub(crate) fn open(&self) -> String {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let listener = TcpListener::from_std(listener).unwrap();
        let office = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(office.clone().talk(stream));
            }
        });
        url
    }

    /// How the next mails are met.
    pub(crate) fn moods(&self, moods: &[Mood]) {
        self.0.moods.lock().unwrap().extend(moods);
    }

    /// What was taken, in the order of who it was for and what it says.
    pub(crate) fn taken(&self) -> Vec<Mail> {
        let mut taken = self.0.taken.lock().unwrap().clone();
        taken.sort_by_key(|mail| (mail.to.clone(), mail.header("Subject")));
        taken
    }

    /// Connections so far.
    pub(crate) fn visits(&self) -> usize {
        *self.0.visits.lock().unwrap()
    }

    /// The subjects of what this address got.
    pub(crate) fn subjects(&self, to: &str) -> Vec<String> {
        self.taken().iter().filter(|m| m.to == to).map(|m| m.header("Subject")).collect()
    }

    fn mood(&self, fits: impl Fn(Mood) -> bool) -> Option<Mood> {
        let mut moods = self.0.moods.lock().unwrap();
        moods.front().copied().filter(|mood| fits(*mood))?;
        moods.pop_front()
    }

    async fn talk(self, stream: TcpStream) -> Option<()> {
        *self.0.visits.lock().unwrap() += 1;
        if self.mood(|mood| mood == Mood::Down).is_some() {
            return None;
        }
        let mut stream = BufReader::new(stream);
        say(&mut stream, "220 office.example ESMTP").await?;
        let mut to = String::new();
        loop {
            let line = hear(&mut stream).await?;
            let word = line.split([' ', ':']).next().unwrap_or_default().to_uppercase();
            match word.as_str() {
                "EHLO" => say(&mut stream, "250-office.example\r\n250 8BITMIME").await?,
                "RCPT" => {
                    to = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                    match self.mood(|mood| !matches!(mood, Mood::Down | Mood::Cut)) {
                        Some(Mood::Greylist) => say(&mut stream, "450 4.7.1 greylisted").await?,
                        // As Postfix says it.
                        Some(Mood::Refuse) => {
                            let shouted = to.to_uppercase();
                            let said = format!("550 5.1.1 <{shouted}>: Recipient address rejected");
                            say(&mut stream, &said).await?;
                        }
                        Some(Mood::Silent) => std::future::pending().await,
                        _ => say(&mut stream, "250 ok").await?,
                    }
                }
                "DATA" => {
                    say(&mut stream, "354 go on").await?;
                    let raw = body(&mut stream).await?;
                    self.0.taken.lock().unwrap().push(Mail { to: to.clone(), raw });
                    if self.mood(|mood| mood == Mood::Cut).is_some() {
                        return None;
                    }
                    say(&mut stream, "250 2.0.0 queued").await?;
                }
                "QUIT" => return say(&mut stream, "221 bye").await,
                _ => say(&mut stream, "250 ok").await?,
            }
        }
    }
}

async fn say(stream: &mut BufReader<TcpStream>, what: &str) -> Option<()> {
    stream.get_mut().write_all(format!("{what}\r\n").as_bytes()).await.ok()
}

async fn hear(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    match stream.read_line(&mut line).await {
        Ok(1..) => Some(line.trim_end().to_owned()),
        _ => None,
    }
}

async fn body(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut raw = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        if line == ".\r\n" {
            return Some(raw);
        }
        raw.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}
