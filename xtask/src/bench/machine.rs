//! What the figures were measured on.

use std::{
    fs::{self, File},
    io::Write as _,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};

/// What else was running before the first figure; a busy machine measures itself.
pub(crate) fn busy() -> Result<String> {
    let before = cpu_ticks()?;
    std::thread::sleep(Duration::from_secs(1));
    let after = cpu_ticks()?;
    let ticks = |n: usize| after[n].saturating_sub(before[n]);
    let all: u64 = (0..8).map(ticks).sum();
    let busy = all.saturating_sub(ticks(3) + ticks(4));
    Ok(format!("{}% of the cores taken by others at the start", busy * 100 / all.max(1)))
}

/// user, nice, system, idle, iowait, irq, softirq, steal.
fn cpu_ticks() -> Result<[u64; 8]> {
    let text = fs::read_to_string("/proc/stat")?;
    let line = text.lines().next().context("/proc/stat is empty")?;
    let mut ticks = [0; 8];
    for (tick, word) in ticks.iter_mut().zip(line.split_whitespace().skip(1)) {
        *tick = word.parse()?;
    }
    Ok(ticks)
}

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
