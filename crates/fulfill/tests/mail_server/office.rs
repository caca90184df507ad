//! The mail server as a process, and the certificate that it shows.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Office {
    pub(crate) port: u64,
    said: Lines<BufReader<tokio::process::ChildStdout>>,
    _process: tokio::process::Child,
}

impl Office {
    /// Opens on a port of its own, with these wishes.
    pub(crate) async fn open(wishes: &[&str], papers: Option<&Papers>) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mail_server/office.py");
        let mut command = tokio::process::Command::new(python());
        command.arg(script).args(wishes).stdout(Stdio::piped());
        // What it warns of is what the tests want.
        command.stderr(Stdio::null()).kill_on_drop(true);
        if let Some(papers) = papers {
            command.arg("--certificate").arg(papers.file("cert.pem"));
            command.arg("--key").arg(papers.file("key.pem"));
        }
        let mut process = command.spawn().unwrap();
        let said = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut office = Self { port: 0, said, _process: process };
        office.port = office.next().await.as_u64().unwrap();
        office
    }

    /// The next mail that it has taken.
    pub(crate) async fn taken(&mut self) -> Value {
        self.next().await
    }

    async fn next(&mut self) -> Value {
        let line = tokio::time::timeout(PATIENCE, self.said.next_line()).await.unwrap();
        serde_json::from_str(&line.unwrap().expect("the mail server has ended")).unwrap()
    }
}

fn python() -> PathBuf {
    #[expect(clippy::disallowed_methods, reason = "the tests' only setting")]
    let folder = std::env::var("FULFILLD_TEST_TOOLS").map_or_else(
        |_| PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("../tools"),
        PathBuf::from,
    );
    let python = folder.join("python/bin/python");
    assert!(python.exists(), "{} is not there; type: cargo xtask tools", python.display());
    python
}

/// A certificate for localhost, signed by an authority of its own.
pub(crate) struct Papers(tempfile::TempDir);

impl Papers {
    pub(crate) fn new() -> Self {
        let papers = Self(tempfile::tempdir().unwrap());
        std::fs::write(
            papers.file("leaf.txt"),
            "subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n",
        )
        .unwrap();
        let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
        let days = ["-days", "3650"];
        papers.openssl(
            &[&["req", "-x509"], &key[..], &days].concat(),
            &["-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=An authority of its own"],
        );
        papers.openssl(
            &[&["req"], &key[..]].concat(),
            &["-keyout", "key.pem", "-out", "leaf.csr", "-subj", "/CN=localhost"],
        );
        papers.openssl(
            &[&["x509", "-req"], &days[..]].concat(),
            &[
                "-in",
                "leaf.csr",
                "-CA",
                "ca.pem",
                "-CAkey",
                "ca.key",
                "-CAcreateserial",
                "-out",
                "cert.pem",
                "-extfile",
                "leaf.txt",
            ],
        );
        papers
    }

    /// What `openssl req -x509` makes without further wishes: an authority that signed itself.
    pub(crate) fn of_itself(wishes: &[&str]) -> Self {
        let papers = Self(tempfile::tempdir().unwrap());
        let what = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"];
        papers.openssl(&[&what[..], wishes].concat(), &["-keyout", "key.pem", "-out", "cert.pem"]);
        papers
    }

    /// The same, for localhost, and over since years.
    pub(crate) fn of_the_past() -> Self {
        let papers = Self(tempfile::tempdir().unwrap());
        let config = "[ca]\ndefault_ca=own\n[own]\ndatabase=list.txt\nnew_certs_dir=.\nserial=serial\n\
                      default_md=sha256\npolicy=any\nx509_extensions=itself\n[any]\n\
                      commonName=supplied\n[itself]\nbasicConstraints=CA:TRUE\n\
                      subjectAltName=DNS:localhost\n";
        for (name, text) in [("ca.txt", config), ("list.txt", "")] {
            std::fs::write(papers.file(name), text).unwrap();
        }
        let key = ["-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"];
        papers.openssl(&[&["req"], &key[..]].concat(), &["-keyout", "key.pem", "-out", "it.csr"]);
        papers.openssl(
            &["ca", "-batch", "-selfsign", "-notext", "-create_serial", "-config", "ca.txt"],
            &[
                &["-startdate", "20200101000000Z", "-enddate", "20210101000000Z"][..],
                &["-keyfile", "key.pem", "-in", "it.csr", "-out", "cert.pem"],
            ]
            .concat(),
        );
        papers
    }

    /// Who signed it, as PEM.
    pub(crate) fn authority(&self) -> Vec<u8> {
        std::fs::read(self.file("ca.pem")).unwrap()
    }

    /// Itself, as PEM.
    pub(crate) fn itself(&self) -> Vec<u8> {
        std::fs::read(self.file("cert.pem")).unwrap()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn openssl(&self, what: &[&str], files: &[&str]) {
        let made =
            Command::new("openssl").current_dir(self.0.path()).args(what).args(files).output();
        let made = made.expect("the tests need openssl: apt-get install openssl");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }
}
