//! The walls of the house that Cargo does not build: who may name whom, how long a file may be.

#![expect(clippy::unwrap_used, reason = "a test that cannot read the house has failed")]

use std::{
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// All Rust files below a folder, as (path from the root, text).
fn sources(below: &str) -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                if !path.ends_with("target") && !path.ends_with("node_modules") {
                    walk(&path, found);
                }
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join(below), &mut found);
    assert!(!found.is_empty(), "no Rust file below {below}");
    found.sort();
    found
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(root()).unwrap().display().to_string();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect()
}

/// The lines of a file that are code, numbered from 1.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(n, line)| (n + 1, line.split("//").next().unwrap_or_default()))
}

fn complain(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{what}:\n  {}", found.join("\n  "));
}

#[test]
fn no_file_is_over_600_lines() {
    let long = ["crates", "xtask"].into_iter().flat_map(sources).filter_map(|(name, text)| {
        let lines = text.lines().count();
        (lines > 600).then(|| format!("{name}: {lines} lines: one room, one idea"))
    });
    complain("files over 600 lines", &long.collect::<Vec<_>>());
}

#[test]
fn rooms_look_one_way() {
    let walls: [(&str, &[&str]); 9] = [
        (
            "crates/fulfill/src/store",
            &["stripe", "engine", "actions", "web", "door", "builder", "wake", "meters"],
        ),
        (
            "crates/fulfill/src/stripe",
            &["store", "engine", "actions", "web", "door", "builder", "wake", "meters"],
        ),
        ("crates/fulfill/src/actions", &["engine", "web", "door", "builder", "stripe"]),
        ("crates/fulfill/src/web", &["engine", "actions", "builder"]),
        ("crates/fulfill/src/engine", &["web", "builder", "door"]),
        (
            "crates/fulfill/src/clock.rs",
            &["store", "stripe", "engine", "actions", "web", "door", "builder"],
        ),
        (
            "crates/fulfill/src/wake.rs",
            &["store", "stripe", "engine", "actions", "web", "door", "builder"],
        ),
        (
            "crates/fulfill/src/reports",
            &["stripe", "engine", "actions", "web", "door", "builder", "wake", "meters"],
        ),
        ("crates/fulfill/src/door.rs", &["stripe", "engine", "actions", "web", "builder"]),
    ];
    let all = sources("crates/fulfill/src");
    let mut found = Vec::new();
    for (room, banned) in walls {
        let inside: Vec<_> = all.iter().filter(|(name, _)| name.starts_with(room)).collect();
        assert!(!inside.is_empty(), "there is no {room}");
        for (name, text) in inside {
            let one_line = text.replace('\n', " ");
            for word in banned {
                let direct = code(text).find(|(_, line)| line.contains(&format!("crate::{word}")));
                let grouped = one_line.split("use crate::{").skip(1).any(|rest| {
                    let group = rest.split(';').next().unwrap_or_default();
                    group.split([',', '{']).any(|part| part.trim().split("::").next() == Some(word))
                });
                if let Some((line, _)) = direct {
                    found.push(format!("{name}:{line} names crate::{word}"));
                } else if grouped {
                    found.push(format!("{name} names crate::{word}"));
                }
            }
        }
    }
    complain("a room names one it may not know", &found);
}

#[test]
fn sql_lives_in_the_store_and_axum_in_web_and_sandbox() {
    let allowed: [(&str, &[&str]); 3] = [
        (
            "sqlx",
            &[
                "crates/fulfill/src/store/",
                "crates/fulfill/tests/",
                // Makes the database that two processes share.
                "crates/fulfilld/tests/program/two_processes.rs",
                "xtask/src/bench/",
            ],
        ),
        ("rusqlite", &["crates/fulfill/src/store/", "crates/fulfill/tests/", "xtask/src/bench/"]),
        (
            "axum",
            &[
                "crates/fulfill/src/web/",
                "crates/fulfill/src/builder.rs",
                "crates/fulfill/examples/",
                "crates/fulfill/tests/",
                "crates/sandbox/",
                "crates/fulfilld/src/demo/",
                "crates/fulfilld/src/mail/preview.rs",
                "crates/fulfilld/src/serve.rs",
                "crates/fulfilld/src/server.rs",
                "crates/fulfilld/tests/",
                "xtask/src/bench/",
            ],
        ),
    ];
    let mut found = Vec::new();
    for (name, text) in ["crates", "xtask/src"].into_iter().flat_map(sources) {
        for (library, rooms) in allowed {
            let uses = format!("{library}::");
            if rooms.iter().any(|room| name.starts_with(room)) {
                continue;
            }
            if let Some((line, _)) = code(&text).find(|(_, line)| line.contains(&uses)) {
                found.push(format!("{name}:{line} uses {library}"));
            }
        }
    }
    complain("a library outside its room", &found);
}

#[test]
fn the_database_is_never_asked_the_time_in_a_statement() {
    let mut found = Vec::new();
    for (name, text) in sources("crates/fulfill/src/store") {
        for (n, line) in code(&text) {
            let lower = line.to_lowercase().replace("yield_now()", "");
            let asks = ["now()", "current_timestamp", "unixepoch", "strftime(", "datetime("];
            if asks.iter().any(|word| lower.contains(word))
                && !lower.contains("fn now(")
                && !lower.contains(".now()")
            {
                found.push(format!("{name}:{n}: {}", line.trim()));
            }
        }
    }
    complain("time comes in as an argument", &found);
}

#[test]
fn the_pure_crate_and_the_sandbox_stand_alone() {
    let names = |manifest: &str| -> Vec<String> {
        let text = fs::read_to_string(root().join(manifest)).unwrap();
        let dependencies = text.split("[dependencies]").nth(1).unwrap();
        let section = dependencies.split("\n[").next().unwrap();
        section
            .lines()
            .filter_map(|l| l.split_once('='))
            .map(|(n, _)| n.trim().to_owned())
            .collect()
    };
    assert_eq!(names("crates/rules/Cargo.toml"), ["serde", "thiserror"]);
    let sandbox = names("crates/sandbox/Cargo.toml");
    assert!(!sandbox.iter().any(|n| n == "fulfill" || n == "fulfill-rules"), "{sandbox:?}");
}

#[test]
fn files_are_named_for_what_they_hold() {
    let banned = ["utils", "util", "common", "core", "helpers", "helper", "manager", "misc"];
    let found = ["crates", "xtask"].into_iter().flat_map(sources).filter_map(|(name, _)| {
        let path = Path::new(&name);
        let words = path.iter().map(|part| part.to_string_lossy().replace(".rs", ""));
        words.clone().any(|word| banned.contains(&word.as_str())).then_some(name)
    });
    complain("a file whose name says nothing", &found.collect::<Vec<_>>());
}
