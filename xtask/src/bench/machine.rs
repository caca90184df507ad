//! What the figures were measured on.

use std::{
    fs::{self, File},
    io::Write as _,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};

/// One line: processor, cores, memory, kernel.
pub(crate) fn describe() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let model = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown processor".into());
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let memory = field("/proc/meminfo", "MemTotal").unwrap_or_default();
    format!("{model}, {cores} cores, memory {memory}, Linux {}", kernel.trim())
}

fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// Resident memory of a process, in bytes.
pub(crate) fn resident_bytes(process: u32) -> Result<u64> {
    let value = field(&format!("/proc/{process}/status"), "VmRSS").context("no VmRSS")?;
    let kib: u64 = value.trim_end_matches("kB").trim().parse()?;
    Ok(kib * 1024)
}

/// Appends of 4 KB, each synced: what one commit costs on this disk at this moment.
pub(crate) struct Disk {
    file: File,
    path: std::path::PathBuf,
}

impl Disk {
    /// A file of its own in `folder`.
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        let path = folder.join("fdatasync");
        let file = File::create(&path).with_context(|| format!("cannot write {path:?}"))?;
        Ok(Self { file, path })
    }

    /// One append and its `fdatasync`.
    pub(crate) fn append(&mut self) -> Result<Duration> {
        let begun = Instant::now();
        self.file.write_all(&[7; 4096])?;
        self.file.sync_data()?;
        Ok(begun.elapsed())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// The median of 200 appends, in milliseconds.
pub(crate) fn fdatasync_ms(folder: &Path) -> Result<f64> {
    let mut disk = Disk::open(folder)?;
    let times: Result<Vec<f64>> =
        (0..200).map(|_| Ok(disk.append()?.as_secs_f64() * 1000.0)).collect();
    Ok(median(times?))
}

/// The middle value; NaN of nothing.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
