//! Pushes requests over many kept connections from one thread, as cheaply as it can: every
//! microsecond spent here is taken from the server that shares the cores.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use mio::{Events, Interest, Poll, Token, net::TcpStream};

use super::http;

/// How long the last answers may take once nothing is sent any more.
const DRAIN: Duration = Duration::from_secs(20);
/// The open loop's look at the clock: also how late it may be.
const TICK: Duration = Duration::from_micros(100);

/// What is sent.
pub(crate) trait Load {
    /// How many requests.
    fn total(&self) -> usize;
    /// Writes request `number`, counted from 0, over `out`; it goes out on this connection.
    fn render(&mut self, number: usize, connection: usize, out: &mut Vec<u8>);
    /// The answer that came on a connection, whole.
    fn answered(&mut self, _connection: usize, _answer: &[u8]) {}
}

/// When a request is sent.
#[derive(Clone, Copy)]
pub(crate) enum Pace {
    /// As soon as a connection has its answer.
    Closed,
    /// So many a second, whatever the server does; measured from the intended time.
    Open(f64),
}

/// What a run saw.
pub(crate) struct Report {
    /// Answers with 200 within the time.
    pub(crate) acked: u64,
    /// Answers with another status.
    pub(crate) refused: u64,
    /// When the first delivery was sent.
    pub(crate) begun: Instant,
    /// The time in which `acked` were counted.
    pub(crate) took: Duration,
    /// Microseconds from (intended) sending to the whole answer, in order of size.
    pub(crate) latencies_us: Vec<u32>,
}

impl Report {
    pub(crate) fn per_second(&self) -> f64 {
        let acked = self.acked as f64;
        acked / self.took.as_secs_f64()
    }

    /// The latency that this share of the deliveries did not exceed, in milliseconds.
    pub(crate) fn quantile_ms(&self, share: f64) -> f64 {
        let last = self.latencies_us.len().saturating_sub(1);
        let at = (last as f64 * share).round() as usize;
        self.latencies_us.get(at).map_or(f64::NAN, |&us| f64::from(us) / 1000.0)
    }
}

/// Sends the load in order until they or `limit` run out, then waits for the answers.
pub(crate) fn drive(
    server: SocketAddr,
    connections: usize,
    pace: Pace,
    load: impl Load,
    limit: Duration,
) -> Result<Report> {
    let poll = Poll::new()?;
    let mut open = Vec::with_capacity(connections);
    for token in 0..connections {
        let stream = std::net::TcpStream::connect_timeout(&server, Duration::from_secs(5))
            .with_context(|| format!("connection {token} to {server}"))?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        let both = Interest::READABLE | Interest::WRITABLE;
        poll.registry().register(&mut stream, Token(token), both)?;
        open.push(Connection::new(stream));
    }
    let idle = (0..connections).rev().collect();
    let begun = Instant::now();
    let run = Run { poll, open, idle, pace, load, begun, limit, sent: 0, answered: 0 };
    run.go()
}

struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    written: usize,
    intended: Instant,
    /// The beginning of an answer that came in parts.
    carry: Vec<u8>,
}

impl Connection {
    fn new(stream: TcpStream) -> Self {
        let intended = Instant::now();
        Self { stream, request: Vec::new(), written: 0, intended, carry: Vec::new() }
    }

    fn write(&mut self) -> Result<()> {
        while self.written < self.request.len() {
            match self.stream.write(&self.request[self.written..]) {
                Ok(count) => self.written += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// The answer's status, once it is whole.
    fn read(&mut self, buffer: &mut [u8], told: impl FnOnce(&[u8])) -> Result<Option<u16>> {
        let read = match self.stream.read(buffer) {
            Ok(0) => bail!("the server closed a connection"),
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if self.carry.is_empty()
            && let Some((status, _)) = http::answer(&buffer[..read])?
        {
            told(&buffer[..read]);
            return Ok(Some(status));
        }
        self.carry.extend_from_slice(&buffer[..read]);
        let whole = http::answer(&self.carry)?;
        if whole.is_some() {
            told(&self.carry);
            self.carry.clear();
        }
        Ok(whole.map(|(status, _)| status))
    }
}

struct Run<L> {
    poll: Poll,
    open: Vec<Connection>,
    idle: Vec<usize>,
    pace: Pace,
    load: L,
    begun: Instant,
    limit: Duration,
    sent: usize,
    answered: usize,
}

impl<L: Load> Run<L> {
    fn go(mut self) -> Result<Report> {
        let mut events = Events::with_capacity(self.open.len().max(16));
        let mut buffer = vec![0; 16 << 10];
        let mut report = Report {
            acked: 0,
            refused: 0,
            begun: self.begun,
            took: self.limit,
            latencies_us: Vec::with_capacity(self.load.total()),
        };
        loop {
            let more = self.send_what_is_due()?;
            if !more && self.answered == self.sent {
                break;
            }
            if self.begun.elapsed() > self.limit + DRAIN {
                let open = self.sent - self.answered;
                bail!("{open} of {} deliveries had no answer after {DRAIN:?}", self.sent);
            }
            self.wait(&mut events)?;
            for event in &events {
                let at = event.token().0;
                let connection = &mut self.open[at];
                if event.is_writable() && connection.written < connection.request.len() {
                    connection.write()?;
                }
                if !event.is_readable() {
                    continue;
                }
                let load = &mut self.load;
                if let Some(status) =
                    connection.read(&mut buffer, |answer| load.answered(at, answer))?
                {
                    let now = Instant::now();
                    let latency = now.saturating_duration_since(connection.intended).as_micros();
                    report.latencies_us.push(u32::try_from(latency).unwrap_or(u32::MAX));
                    let in_time = now.duration_since(self.begun) <= self.limit;
                    report.acked += u64::from(status == 200 && in_time);
                    report.refused += u64::from(status != 200);
                    self.answered += 1;
                    self.idle.push(at);
                }
            }
        }
        report.took = self.begun.elapsed().min(self.limit);
        report.latencies_us.sort_unstable();
        Ok(report)
    }

    /// Says whether there is, or will be, more to send.
    fn send_what_is_due(&mut self) -> Result<bool> {
        loop {
            let Some(intended) = self.next_due() else { return Ok(false) };
            if intended > Instant::now() {
                return Ok(true);
            }
            let Some(at) = self.idle.pop() else { return Ok(true) };
            let connection = &mut self.open[at];
            self.load.render(self.sent, at, &mut connection.request);
            connection.written = 0;
            connection.intended = intended;
            connection.write()?;
            self.sent += 1;
        }
    }

    /// When the next delivery is to be sent; none when it was the last.
    fn next_due(&self) -> Option<Instant> {
        if self.sent == self.load.total() {
            return None;
        }
        let due = match self.pace {
            Pace::Closed => Instant::now(),
            Pace::Open(per_second) => {
                let sent = self.sent as f64;
                self.begun + Duration::from_secs_f64(sent / per_second)
            }
        };
        (due < self.begun + self.limit).then_some(due)
    }

    fn wait(&mut self, events: &mut Events) -> Result<()> {
        let timeout = match self.pace {
            Pace::Closed => Duration::from_millis(100),
            Pace::Open(_) => Duration::ZERO,
        };
        match self.poll.poll(events, Some(timeout)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => events.clear(),
            other => other?,
        }
        // epoll waits whole milliseconds: too coarse for a schedule.
        if matches!(self.pace, Pace::Open(_)) && events.is_empty() {
            std::thread::sleep(TICK);
        }
        Ok(())
    }
}
