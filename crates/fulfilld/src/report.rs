//! `report`: orders, lines or stock movements as CSV, into a file or to standard output.

use std::{
    io::{IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use fulfill::reports::{Csv, Period};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tempfile::NamedTempFile;

use crate::{cli::ReportArgs, installation::Installation, stdout};

/// Reports.
pub(crate) async fn run(config: Option<&Path>, args: ReportArgs) -> anyhow::Result<ExitCode> {
    let here = Installation::open(config).await?;
    let zone = here.fulfill.zone();
    let period = Period::between(args.from.as_deref(), args.until.as_deref(), &zone)?;
    let mut target = Target::open(args.output)?;
    let mut csv = Csv::new(here.fulfill.store().clone(), args.report, period);
    if args.bom {
        csv = csv.for_spreadsheets();
    }
    let bar = target.progress();
    let broke_off = || format!("the {} report is not whole", args.report.name());
    while let Some(part) = csv.next().await.with_context(broke_off)? {
        target.write(&part).with_context(broke_off)?;
        bar.set_position(csv.percent());
        bar.set_message(csv.rows().to_string());
    }
    bar.finish_and_clear();
    if let Some(file) = target.finish().with_context(broke_off)? {
        let plural = if csv.rows() == 1 { "" } else { "s" };
        stdout::say(format_args!("{}: {} row{plural}", file.display(), csv.rows()));
    }
    here.close().await;
    Ok(ExitCode::SUCCESS)
}

/// Where it goes. A file appears under its name once it is whole.
enum Target {
    File(NamedTempFile, PathBuf),
    StandardOutput,
}

impl Target {
    fn open(output: Option<PathBuf>) -> anyhow::Result<Self> {
        let Some(path) = output else { return Ok(Self::StandardOutput) };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let made = tempfile::Builder::new()
            .prefix(".fulfilld-report-")
            .tempfile_in(folder.unwrap_or(Path::new(".")));
        let file = made.with_context(|| format!("{} cannot be written", path.display()))?;
        Ok(Self::File(file, path))
    }

    fn write(&mut self, part: &[u8]) -> std::io::Result<()> {
        match self {
            Self::File(file, _) => file.write_all(part)?,
            Self::StandardOutput => stdout::write(part),
        }
        Ok(())
    }

    /// Gives the file its name.
    fn finish(self) -> anyhow::Result<Option<PathBuf>> {
        let Self::File(file, path) = self else { return Ok(None) };
        file.as_file().sync_all()?;
        file.persist(&path).with_context(|| format!("{} cannot be written", path.display()))?;
        Ok(Some(path))
    }

    /// Shown to whoever watches, unless the rows themselves run over the terminal.
    fn progress(&self) -> ProgressBar {
        let watched = std::io::stderr().is_terminal();
        let over_it = matches!(self, Self::StandardOutput) && std::io::stdout().is_terminal();
        if !watched || over_it {
            return ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        }
        let bar = ProgressBar::new(100);
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {percent}%, {msg} rows") {
            bar.set_style(style);
        }
        bar
    }
}
