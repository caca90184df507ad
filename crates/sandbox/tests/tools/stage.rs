//! A sandbox, an endpoint, and Stripe's tools as child processes. Everything waits on what is said,
//! with a bound; nothing sleeps.

use std::{
    path::PathBuf,
    process::Stdio,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, extract::State, http::HeaderMap};
use fulfill_sandbox::{Builder, Sandbox};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, BufReader},
    process::{Child, Command},
    sync::watch,
    time::timeout,
};

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) const KEY: &str = "sk_test_12345678";

/// Something of Stripe's tools, below the folder that they were installed to.
pub(crate) fn tool(path: &str) -> PathBuf {
    #[expect(clippy::disallowed_methods, reason = "the tests' only setting")]
    let folder = std::env::var("FULFILLD_TEST_TOOLS").map_or_else(
        |_| PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("../tools"),
        PathBuf::from,
    );
    let tool = folder.join(path);
    assert!(tool.exists(), "{} is not there; type: cargo xtask tools", tool.display());
    tool
}

/// The CLI as npm's `@stripe/cli` has it now, and the last one that takes the guide's literal line.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cli {
    New,
    Old,
}

/// How the CLI reaches the sandbox.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Over {
    Tcp,
    Socket,
}

pub(crate) struct Stage {
    pub(crate) sandbox: Sandbox,
    pub(crate) home: tempfile::TempDir,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        Self::of(Sandbox::builder().port(0)).await
    }

    pub(crate) async fn of(builder: Builder) -> Self {
        let home = tempfile::tempdir().unwrap();
        let builder = builder.socket(home.path().join("stripe.sock")).settle(Duration::ZERO);
        Self { sandbox: builder.start().await.unwrap(), home }
    }

    fn command(&self, cli: Cli, over: Over, args: &[&str]) -> Command {
        let mut command = Command::new(tool(match cli {
            Cli::New => "node_modules/stripe-cli/bin/stripe",
            Cli::Old => "node_modules/stripe-cli-1.50/bin/stripe",
        }));
        command.args(args);
        match over {
            Over::Tcp => {
                command.args(["--api-base", self.sandbox.url()]);
            }
            Over::Socket => {
                command.env("STRIPE_CLI_UNIX_SOCKET", self.home.path().join("stripe.sock"));
            }
        }
        self.at_home(&mut command);
        command
    }

    /// A home of its own, nothing to stdin, and gone with the test.
    pub(crate) fn at_home(&self, command: &mut Command) {
        command
            .env("HOME", self.home.path())
            .env("XDG_CONFIG_HOME", self.home.path().join("config"))
            .env("STRIPE_API_KEY", KEY)
            .env("STRIPE_CLI_TELEMETRY_OPTOUT", "1")
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .kill_on_drop(true);
    }

    /// Runs the CLI to its end: whether it succeeded, and all that it said.
    pub(crate) async fn run(&self, cli: Cli, over: Over, args: &[&str]) -> (bool, String) {
        said(self.command(cli, over, args)).await
    }

    /// Runs the CLI over the socket; it must succeed. What it printed.
    pub(crate) async fn stripe(&self, args: &[&str]) -> String {
        let (succeeded, text) = self.run(Cli::New, Over::Socket, args).await;
        assert!(succeeded, "stripe {}: {text}", args.join(" "));
        text
    }

    /// As [`Stage::stripe`]; the JSON it printed.
    pub(crate) async fn json(&self, args: &[&str]) -> Value {
        let text = self.stripe(args).await;
        let begin = text.find('{').unwrap_or_else(|| panic!("no JSON: {text}"));
        let mut values = serde_json::Deserializer::from_str(&text[begin..]).into_iter();
        values.next().unwrap().unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// Starts the CLI and lets it run.
    pub(crate) fn start(&self, cli: Cli, over: Over, args: &[&str]) -> Running {
        Running::new(self.command(cli, over, args))
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let request = reqwest::Client::new().get(format!("{}{path}", self.sandbox.url()));
        let text = request.bearer_auth(KEY).send().await.unwrap().text().await.unwrap();
        serde_json::from_str(&text).unwrap()
    }

    pub(crate) async fn control(&self, path: &str) {
        let request =
            reqwest::Client::new().post(format!("{}/_sandbox/{path}", self.sandbox.url()));
        assert!(request.body("{}").send().await.unwrap().status().is_success());
    }

    /// The types of all events, newest first.
    pub(crate) async fn event_types(&self) -> Vec<String> {
        let (mut types, mut after) = (Vec::new(), String::new());
        loop {
            let page = self.get(&format!("/v1/events?limit=100&starting_after={after}")).await;
            for event in page["data"].as_array().unwrap() {
                types.push(event["type"].as_str().unwrap().to_owned());
                event["id"].as_str().unwrap().clone_into(&mut after);
            }
            if page["has_more"] != true {
                return types;
            }
        }
    }
}

/// Runs a command to its end: whether it succeeded, and all that it said.
pub(crate) async fn said(mut command: Command) -> (bool, String) {
    let output = timeout(PATIENCE, command.output()).await;
    let output = output.unwrap_or_else(|_| panic!("{command:?} does not end")).unwrap();
    let mut text = String::from_utf8(output.stdout).unwrap();
    text.push_str(&String::from_utf8(output.stderr).unwrap());
    (output.status.success(), text)
}

/// A program that runs; killed when dropped.
pub(crate) struct Running {
    _child: Child,
    text: watch::Receiver<String>,
}

impl Running {
    pub(crate) fn new(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (to, text) = watch::channel(String::new());
        let to = Arc::new(to);
        tokio::spawn(read(child.stdout.take().unwrap(), Arc::clone(&to)));
        tokio::spawn(read(child.stderr.take().unwrap(), to));
        Self { _child: child, text }
    }

    /// Waits until it has said that; all that it has said.
    pub(crate) async fn until(&mut self, part: &str) -> String {
        self.times(1, part).await
    }

    /// Waits until it has said that so many times.
    pub(crate) async fn times(&mut self, times: usize, part: &str) -> String {
        let said = self.text.wait_for(|text| text.matches(part).count() >= times);
        if let Ok(Ok(text)) = timeout(PATIENCE, said).await {
            return text.clone();
        }
        panic!("it did not say {part:?} {times} times: {}", self.text.borrow().as_str());
    }

    /// The secret that `stripe listen` shows when it is ready.
    pub(crate) async fn secret(&mut self) -> String {
        let text = self.until("whsec_").await;
        let text = &text[text.find("whsec_").unwrap()..];
        text.split(|char: char| !char.is_alphanumeric() && char != '_').next().unwrap().to_owned()
    }
}

async fn read(from: impl AsyncRead + Unpin, to: Arc<watch::Sender<String>>) {
    let mut lines = BufReader::new(from).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        to.send_modify(|text| {
            text.push_str(&line);
            text.push('\n');
        });
    }
}

/// What came to an endpoint.
#[derive(Debug, Clone)]
pub(crate) struct Came {
    pub(crate) path: String,
    signature: String,
    body: String,
}

impl Came {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn kind(&self) -> String {
        self.json()["type"].as_str().unwrap().to_owned()
    }

    pub(crate) fn id(&self) -> String {
        self.json()["id"].as_str().unwrap().to_owned()
    }

    /// Whether this secret signed it.
    pub(crate) fn is_signed_with(&self, secret: &str) -> bool {
        let (at, hex) = self.signature.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
        let signature: Vec<u8> = (0..hex.len() / 2)
            .map(|n| u8::from_str_radix(&hex[2 * n..2 * n + 2], 16).unwrap())
            .collect();
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(format!("{at}.{}", self.body).as_bytes());
        mac.verify_slice(&signature).is_ok()
    }
}

/// An endpoint that takes everything.
pub(crate) struct Endpoint {
    /// As the guide writes it: `localhost:PORT`.
    pub(crate) address: String,
    came: watch::Receiver<Vec<Came>>,
}

type Inbox = Arc<Mutex<watch::Sender<Vec<Came>>>>;

impl Endpoint {
    pub(crate) async fn new() -> Self {
        let (to, came) = watch::channel(Vec::new());
        let inbox: Inbox = Arc::new(Mutex::new(to));
        let app = Router::new().fallback(take).with_state(inbox);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("localhost:{}", listener.local_addr().unwrap().port());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { address, came }
    }

    /// Waits for so many, and returns all.
    pub(crate) async fn came(&mut self, count: usize) -> Vec<Came> {
        let enough = self.came.wait_for(|came| came.len() >= count);
        let came = timeout(PATIENCE, enough).await.map(|came| came.unwrap().clone());
        came.unwrap_or_else(|_| panic!("{count} did not come: {:?}", *self.came.borrow()))
    }
}

async fn take(
    State(inbox): State<Inbox>,
    uri: axum::http::Uri,
    headers: HeaderMap,
    body: String,
) -> &'static str {
    let signature = headers["stripe-signature"].to_str().unwrap().to_owned();
    let came = Came { path: uri.path().to_owned(), signature, body };
    inbox.lock().unwrap().send_modify(|all| all.push(came));
    "thanks"
}
