//! What was wanted beside what was measured.

use std::fmt;

/// One line of the table.
pub(crate) struct Row {
    what: String,
    wanted: String,
    measured: String,
    ratio: String,
    verdict: &'static str,
}

impl Row {
    /// A figure that nothing was promised for.
    pub(crate) fn told(what: impl Into<String>, measured: impl Into<String>) -> Self {
        let (what, measured) = (what.into(), measured.into());
        Self { what, wanted: String::new(), measured, ratio: String::new(), verdict: "" }
    }

    /// A figure with a promise.
    pub(crate) fn judged(
        what: impl Into<String>,
        wanted: impl Into<String>,
        measured: impl Into<String>,
        met: bool,
    ) -> Self {
        let verdict = if met { "ok" } else { "MISSED" };
        Self { wanted: wanted.into(), verdict, ..Self::told(what, measured) }
    }

    /// Beside the figure: its ratio to a ceiling measured in the same run.
    pub(crate) fn ratio(mut self, ratio: f64) -> Self {
        self.ratio = format!("{ratio:.2}");
        self
    }

    /// Whether a promise was missed.
    pub(crate) fn missed(&self) -> bool {
        self.verdict == "MISSED"
    }
}

/// Rows in groups, each with what the disk did at the time.
#[derive(Default)]
pub(crate) struct Table {
    groups: Vec<(String, Vec<Row>)>,
}

impl Table {
    /// Adds a group and prints it, so that a long run tells what it knows.
    pub(crate) fn push(&mut self, title: String, rows: Vec<Row>) {
        let group = Self { groups: vec![(title, rows)] };
        eprintln!("{group}");
        self.groups.extend(group.groups);
    }

    /// Rows whose promise was missed.
    pub(crate) fn missed(&self) -> usize {
        self.groups.iter().flat_map(|(_, rows)| rows).filter(|row| row.missed()).count()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["what", "wanted", "measured", "ratio", "verdict"].map(str::to_owned);
        let mut width = head.clone().map(|text| text.len());
        let cells = |row: &Row| {
            let Row { what, wanted, measured, ratio, verdict } = row;
            [
                format!("  {what}"),
                wanted.clone(),
                measured.clone(),
                ratio.clone(),
                verdict.to_string(),
            ]
        };
        for row in self.groups.iter().flat_map(|(_, rows)| rows) {
            for (width, cell) in width.iter_mut().zip(cells(row)) {
                *width = cell.chars().count().max(*width);
            }
        }
        let mut line = |cells: [String; 5]| {
            let [a, b, c, d, e] = width;
            let [what, wanted, measured, ratio, verdict] = cells;
            let text =
                format!("{what:<a$}  {wanted:>b$}  {measured:>c$}  {ratio:>d$}  {verdict:<e$}");
            writeln!(f, "{}", text.trim_end())
        };
        line(head)?;
        for (title, rows) in &self.groups {
            line([title.clone(), String::new(), String::new(), String::new(), String::new()])?;
            for row in rows {
                line(cells(row))?;
            }
        }
        Ok(())
    }
}
