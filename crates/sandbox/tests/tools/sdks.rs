//! stripe-node and stripe-python.

use std::{os::unix::fs::symlink, path::Path};

use tokio::process::Command;

use crate::stage::{Stage, said, tool};

/// node finds packages in a folder beside the script or above it.
pub(crate) fn node(stage: &Stage, script: &str) -> Command {
    let packages = tool("node_modules/stripe").parent().unwrap().canonicalize().unwrap();
    let beside = stage.home.path().join("node_modules");
    if !beside.exists() {
        symlink(packages, beside).unwrap();
    }
    run(stage, Path::new("node"), "script.mjs", script)
}

pub(crate) fn python(stage: &Stage, script: &str) -> Command {
    run(stage, &tool("python/bin/python"), "script.py", script)
}

fn run(stage: &Stage, program: &Path, name: &str, script: &str) -> Command {
    std::fs::write(stage.home.path().join(name), script).unwrap();
    let mut command = Command::new(program);
    stage.at_home(&mut command);
    command.arg(name).env("SANDBOX", stage.sandbox.url()).env("PYTHONUNBUFFERED", "1");
    command
}

#[tokio::test]
async fn stripe_node_creates_pages_expands_retries_and_verifies() {
    let stage = Stage::new().await;
    let (succeeded, text) = said(node(&stage, include_str!("sdk.mjs"))).await;
    assert!(succeeded && text.contains("all is well"), "{text}");
}

#[tokio::test]
async fn stripe_python_creates_pages_expands_retries_and_verifies() {
    let stage = Stage::new().await;
    let (succeeded, text) = said(python(&stage, include_str!("sdk.py"))).await;
    assert!(succeeded && text.contains("all is well"), "{text}");
}
