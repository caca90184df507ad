//! A private PostgreSQL on a socket, as a user that is not root; gone when dropped.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result};

use crate::commands::{install, is_root, run};

/// A running cluster.
pub(crate) struct Cluster {
    folder: tempfile::TempDir,
    binaries: PathBuf,
    /// Run as this user, when we are root.
    user: Option<&'static str>,
}

impl Cluster {
    /// Finds or installs PostgreSQL and starts a cluster in a temporary folder.
    pub(crate) fn start(durable: bool) -> Result<Self> {
        let binaries = match binaries() {
            Some(found) => found,
            None => {
                install(&["postgresql"])?;
                binaries().context(
                    "PostgreSQL was installed, but /usr/lib/postgresql/*/bin/initdb is not there",
                )?
            }
        };
        let user = is_root()?.then(|| if has_user("postgres") { "postgres" } else { "nobody" });
        let folder = tempfile::Builder::new().prefix("fulfilld-pg-").tempdir_in("/tmp")?;
        if let Some(user) = user {
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700))?;
            run(Command::new("chown").arg(user).arg(folder.path()))?;
        }
        let cluster = Self { folder, binaries, user };
        let data = cluster.data();
        cluster.tool(
            "initdb",
            &["-D", &data, "-U", "fulfilld", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"],
        )?;
        let mut options = format!(
            "-c listen_addresses='' -c unix_socket_directories='{}' -c max_connections=200",
            cluster.folder.path().display()
        );
        if !durable {
            options.push_str(" -c fsync=off -c synchronous_commit=off -c full_page_writes=off");
        }
        let log = cluster.folder.path().join("log").display().to_string();
        cluster.tool(
            "pg_ctl",
            &["-D", &data, "-l", &log, "-w", "-t", "60", "-o", &options, "start"],
        )?;
        Ok(cluster)
    }

    /// What sqlx and libpq connect with.
    pub(crate) fn url(&self) -> String {
        let socket = self.folder.path().display().to_string().replace('/', "%2F");
        format!("postgres://fulfilld@{socket}/postgres")
    }

    fn data(&self) -> String {
        self.folder.path().join("data").display().to_string()
    }

    fn tool(&self, name: &str, args: &[&str]) -> Result<()> {
        let binary = self.binaries.join(name);
        let mut command = match self.user {
            Some(user) => {
                let mut command = Command::new("runuser");
                command.args(["-u", user, "--"]).arg(binary);
                command
            }
            None => Command::new(binary),
        };
        run(command.args(args).current_dir("/tmp"))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let data = self.data();
        if let Err(error) = self.tool("pg_ctl", &["-D", &data, "-m", "immediate", "-w", "stop"]) {
            eprintln!("PostgreSQL in {data} did not stop: {error:#}");
        }
    }
}

fn binaries() -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|bin| bin.join("initdb").exists() && bin.join("postgres").exists())
        .collect();
    found.sort_by_key(|bin| version(bin));
    found.pop()
}

fn version(bin: &Path) -> u32 {
    let name = bin.parent().and_then(Path::file_name).and_then(|n| n.to_str());
    name.and_then(|n| n.parse().ok()).unwrap_or(0)
}

fn has_user(name: &str) -> bool {
    let id = Command::new("id").arg(name).stdout(Stdio::null()).stderr(Stdio::null()).status();
    id.is_ok_and(|status| status.success())
}
