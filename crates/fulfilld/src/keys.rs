//! `keys`: license keys from a text file into a pool, and what the pools hold.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, bail};
use fulfill::store::Imported;

use crate::{
    cli::KeysCommand,
    installation::Installation,
    stdout::{say, say_table},
    stock::{release, unknown},
};

/// A longer file is imported in parts.
const FILE_BYTES_MAX: u64 = 64 << 20;
/// A longer line is not a license key.
const KEY_CHARS_MAX: usize = 1_000;

/// Imports, or lists.
pub(crate) async fn run(config: Option<&Path>, command: KeysCommand) -> anyhow::Result<ExitCode> {
    match command {
        KeysCommand::Import { pool, file } => import(config, pool, file).await,
        KeysCommand::List => list(config).await,
    }
}

async fn list(config: Option<&Path>) -> anyhow::Result<ExitCode> {
    let here = Installation::open(config).await?;
    let pools = here.fulfill.store().pools().await.context("the pools cannot be read")?;
    let rows = pools
        .into_iter()
        .map(|p| [p.pool, p.free.to_string(), p.drawn.to_string(), p.waiting.to_string()]);
    say_table(["POOL", "FREE", "DRAWN", "WAITING"], rows.collect());
    here.close().await;
    Ok(ExitCode::SUCCESS)
}

async fn import(config: Option<&Path>, pool: String, file: PathBuf) -> anyhow::Result<ExitCode> {
    let pool = pool.trim().to_owned();
    if pool.is_empty() {
        bail!("the pool needs a name, as the catalog has it: key = {{ pool = \"…\" }}");
    }
    let name =
        if file == Path::new("-") { "standard input".into() } else { file.display().to_string() };
    let keys = parse(&read(&file).with_context(|| format!("{name} cannot be read"))?)
        .with_context(|| name.clone())?;
    if keys.is_empty() {
        bail!("{name} holds no keys: write one a line");
    }
    let here = Installation::open(config).await?;
    let imported = here.fulfill.store().import_keys(&pool, &keys).await.with_context(|| {
        format!("pool {pool}: not everything was imported; import the same file again")
    })?;
    let Imported { new, known, repeated, free } = imported;
    let repeated = match repeated {
        0 => String::new(),
        count => format!("; {count} stood in the list before"),
    };
    say(format_args!("pool {pool}: {new} new, {known} known already, {free} free{repeated}"));
    let pools = here.settings.products.iter().filter_map(|p| Some(p.key.as_ref()?.pool.as_str()));
    if let Some(note) = unknown(&here, &pool, "draws", pools) {
        say(note);
    }
    release(&here).await?;
    here.close().await;
    Ok(ExitCode::SUCCESS)
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let source: Box<dyn std::io::Read> = if file == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(std::fs::File::open(file)?)
    };
    source.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        bail!("it is longer than {} MiB: import it in parts", FILE_BYTES_MAX >> 20);
    }
    Ok(bytes)
}

/// One key a line; spaces around it, blank lines, CRLF and a byte order mark do not count.
fn parse(bytes: &[u8]) -> anyhow::Result<Vec<String>> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let mut keys = Vec::new();
    for (at, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let Ok(line) = std::str::from_utf8(line) else {
            bail!("line {}: not UTF-8; save the file as UTF-8 text", at + 1);
        };
        let key = line.trim();
        if key.chars().count() > KEY_CHARS_MAX {
            bail!("line {}: longer than {KEY_CHARS_MAX} characters; is it one key a line?", at + 1);
        }
        if key.contains(char::is_control) {
            bail!("line {}: has characters that no key has; is this a text file?", at + 1);
        }
        if !key.is_empty() {
            keys.push(key.to_owned());
        }
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn keys_are_read_as_people_save_them() {
        let read = |text: &[u8]| parse(text).map_err(|error| error.to_string());
        assert_eq!(read(b"\xEF\xBB\xBFA-1\r\n\r\n  B-2 \nC-3").unwrap(), ["A-1", "B-2", "C-3"]);
        assert_eq!(read(b"\n \r\n").unwrap(), [""; 0]);
        assert!(read(b"A\nB\xFF").unwrap_err().starts_with("line 2: not UTF-8"));
        assert!(read(b"A\nB\0C").unwrap_err().starts_with("line 2: has characters"));
        assert!(read(&[b'x'; 2_000]).unwrap_err().starts_with("line 1: longer"));
    }
}
