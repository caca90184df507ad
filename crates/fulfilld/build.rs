//! Makes the program smaller where the linker can: equal functions are kept once (generic code leaves
//! many), and the table of addresses is packed. Tried out first, for not every linker knows it.

#![allow(
    clippy::disallowed_methods,
    reason = "cargo speaks to build scripts through the environment"
)]

use std::{env, path::Path, process::Command};

const SMALLER: [&str; 2] = ["-Wl,--icf=all", "-Wl,-z,pack-relative-relocs"];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=RUSTFLAGS");
    let release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let at_home = env::var("HOST").ok() == env::var("TARGET").ok();
    if !release || !at_home {
        return;
    }
    for flag in SMALLER {
        if runs_with(flag).is_some() {
            println!("cargo:rustc-link-arg-bins={flag}");
        }
    }
}

/// Builds a program with `flag` and runs it.
fn runs_with(flag: &str) -> Option<()> {
    let out = env::var_os("OUT_DIR")?;
    let (source, program) = (Path::new(&out).join("tried.rs"), Path::new(&out).join("tried"));
    std::fs::write(&source, "fn main() {}").ok()?;
    let mut build = Command::new(env::var_os("RUSTC")?);
    if let Ok(flags) = env::var("CARGO_ENCODED_RUSTFLAGS") {
        build.args(flags.split('\u{1f}').filter(|flag| !flag.is_empty()));
    }
    build.arg("-Clink-arg=".to_owned() + flag).arg("-o").args([&program, &source]);
    let built = build.output().ok()?.status.success();
    (built && Command::new(&program).status().ok()?.success()).then_some(())
}
