//! What the tests drive the sandbox with, installed below `target/tools`: Stripe's CLI and SDKs,
//! a browser's driver. The versions are pinned in `xtask/tools/`.
//!
//! - `node_modules/stripe-cli/bin/stripe`: Stripe's CLI, the binary inside npm's `@stripe/cli`
//! - `node_modules/stripe-cli-1.50/bin/stripe`: the last one that takes the guide's literal line
//! - `node_modules/{stripe,puppeteer-core,axe-core}`: for scripts run in this folder
//! - `python/bin/python`: a Python that has stripe-python and a mail server, aiosmtpd

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use crate::commands::{install, run, which};

const PINNED: [&str; 3] = ["package.json", "package-lock.json", "requirements.txt"];

/// Where everything is for the tests. Nothing is done when the pinned versions are there already.
pub(crate) fn ready(root: &Path) -> Result<PathBuf> {
    let pins = root.join("xtask/tools");
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let tools = target.join("tools");
    debian()?;
    let mut wanted = String::new();
    for name in PINNED {
        wanted.push_str(
            &fs::read_to_string(pins.join(name)).with_context(|| format!("xtask/tools/{name}"))?,
        );
    }
    let stamp = tools.join("installed");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(tools);
    }
    fs::create_dir_all(&tools)?;
    let _ = fs::remove_file(&stamp);
    for name in PINNED {
        fs::copy(pins.join(name), tools.join(name))?;
    }
    node(&tools).context(
        "the tests need Stripe's CLI and stripe-node from npm's registry; with the network back, type: cargo xtask test",
    )?;
    python(&tools).context(
        "the tests need stripe-python and aiosmtpd from PyPI; with the network back, type: cargo xtask test",
    )?;
    fs::write(&stamp, wanted)?;
    Ok(tools)
}

fn debian() -> Result<()> {
    let mut missing = Vec::new();
    for (program, package) in [
        ("node", "nodejs"),
        ("npm", "npm"),
        ("chromium", "chromium"),
        ("python3", "python3"),
        ("openssl", "openssl"),
    ] {
        if which(program).is_none() {
            missing.push(package);
        }
    }
    let venv = Command::new("python3").args(["-c", "import ensurepip, venv"]).output();
    if !venv.is_ok_and(|venv| venv.status.success()) {
        missing.push("python3-venv");
    }
    if missing.is_empty() { Ok(()) } else { install(&missing) }
}

/// Scripts of packages stay unrun: one would download what its package holds already.
fn node(tools: &Path) -> Result<()> {
    println!("== tools: npm ci (Stripe's CLI and stripe-node)");
    run(Command::new("npm")
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(tools))
}

fn python(tools: &Path) -> Result<()> {
    println!("== tools: pip install (stripe-python, aiosmtpd)");
    let venv = tools.join("python");
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))?;
    let pip =
        ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:"];
    run(Command::new(venv.join("bin/python"))
        .args(pip)
        .arg("--requirement")
        .arg(tools.join("requirements.txt")))
}
