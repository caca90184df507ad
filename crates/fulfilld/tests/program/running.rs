//! Runs the program: to its end, or until it has said something. Nothing here outlives its test.

use std::{
    cell::RefCell,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    time::Duration,
};

/// A program that says nothing for so long hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program, in a folder of its own and without the settings of whoever runs the tests.
pub(crate) fn fulfilld(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fulfilld"));
    command.args(args).current_dir(folder).stdin(Stdio::null());
    for name in [
        "STRIPE_SECRET_KEY",
        "STRIPE_WEBHOOK_SECRET",
        "STRIPE_API_BASE",
        "STRIPE_API_RATE",
        "DATABASE_URL",
        "FULFILLD_DATA",
        "FULFILLD_LISTEN",
        "FULFILLD_API_TOKEN",
        "FULFILLD_PUBLIC_URL",
        "FULFILLD_BEHIND_PROXY",
        "FULFILLD_SMTP",
        "FULFILLD_MAIL_FROM",
        "RUST_LOG",
    ] {
        command.env_remove(name);
    }
    command
}

/// What a finished program has said.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

/// Runs it to its end.
pub(crate) fn run(mut command: Command) -> Said {
    command.output().unwrap().into()
}

/// The same with something on standard input.
pub(crate) fn run_with(mut command: Command, input: &[u8]) -> Said {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap().into()
}

/// A program that runs on; killed when dropped.
pub(crate) struct Running {
    child: Child,
    lines: Receiver<String>,
    /// Lines that nobody has waited for yet: the two streams overtake each other.
    passed: RefCell<Vec<String>>,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let (say, lines) = channel();
        let told = say.clone();
        std::thread::spawn(move || {
            BufReader::new(out).lines().map_while(Result::ok).try_for_each(|line| told.send(line))
        });
        std::thread::spawn(move || {
            BufReader::new(err).lines().map_while(Result::ok).try_for_each(|line| say.send(line))
        });
        Self { child, lines, passed: RefCell::default() }
    }

    /// Waits for a line with this in it, on either stream, and returns what stands behind. Each line is
    /// heard once.
    pub(crate) fn heard(&self, expected: &str) -> String {
        let mut all = self.passed.borrow_mut();
        if let Some(at) = all.iter().position(|line| line.contains(expected)) {
            let line = all.remove(at);
            return line.split_once(expected).unwrap().1.to_owned();
        }
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => {
                    if let Some((_, rest)) = line.split_once(expected) {
                        return rest.to_owned();
                    }
                    all.push(line);
                }
                Err(RecvTimeoutError::Timeout) => {
                    panic!("{expected:?} was not said in time: {all:#?}")
                }
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("it ended without {expected:?}: {all:#?}")
                }
            }
        }
    }

    /// Asks it to stop as an init system does, and returns its exit code and what it still said.
    pub(crate) fn terminate(mut self) -> (Option<i32>, Vec<String>) {
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(asked.unwrap().success());
        let mut said = Vec::new();
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => said.push(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("it does not stop: {said:#?}"),
            }
        }
        (self.child.wait().unwrap().code(), said)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One HTTP request; the status and the body.
pub(crate) fn http(base: &str, head: &str, headers: &str, body: &str) -> (u16, String) {
    let answer = exchange(base, head, headers, body).unwrap();
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    (status.unwrap_or_else(|| panic!("not HTTP: {answer}")), body.to_owned())
}

/// The whole body that a 200 came with; none when the server went away before.
pub(crate) fn try_http(base: &str, head: &str, headers: &str, body: &str) -> Option<String> {
    let answer = exchange(base, head, headers, body).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let whole = head.to_lowercase().contains(&format!("content-length: {}", body.len()));
    (head.contains(" 200 ") && whole).then(|| body.to_owned())
}

fn exchange(base: &str, head: &str, headers: &str, body: &str) -> std::io::Result<String> {
    let host = base.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let length = body.len();
    let request = format!(
        "{head} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    );
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
