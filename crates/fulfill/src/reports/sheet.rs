//! Rows of a table as RFC 4180 has them. What people typed stays text: a spreadsheet must not take it
//! for a formula, whatever character it splits the file at.

use fulfill_rules::{Millis, money};
use jiff::Timestamp;

/// A spreadsheet that finds one of these first in a cell may calculate with it, the wide ones as well.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];
/// What some spreadsheets take for the end of a cell, by the language they are set to; and line ends.
const ENDS: [char; 4] = [';', '\t', '\r', '\n'];

/// Rows under construction.
pub(super) struct Sheet(csv::Writer<Vec<u8>>);

impl Sheet {
    pub(super) fn new() -> Self {
        let mut builder = csv::WriterBuilder::new();
        Self(builder.terminator(csv::Terminator::CRLF).from_writer(Vec::new()))
    }

    /// What a person may have typed.
    pub(super) fn text(&mut self, text: &str) -> csv::Result<()> {
        self.0.write_field(harmless(text))
    }

    /// The same; an empty cell where nothing is known.
    pub(super) fn known(&mut self, text: Option<&str>) -> csv::Result<()> {
        self.text(text.unwrap_or_default())
    }

    /// A number, which may begin with a minus.
    pub(super) fn number(&mut self, number: i64) -> csv::Result<()> {
        self.0.write_field(number.to_string())
    }

    /// Money as a decimal number; empty without a currency, which says where the point goes.
    pub(super) fn money(&mut self, minor: Option<i64>, currency: Option<&str>) -> csv::Result<()> {
        let number = minor.zip(currency).map(|(minor, currency)| money::decimal(minor, currency));
        self.0.write_field(number.unwrap_or_default())
    }

    /// A currency as people write it.
    pub(super) fn currency(&mut self, currency: Option<&str>) -> csv::Result<()> {
        self.text(&currency.unwrap_or_default().to_ascii_uppercase())
    }

    /// `2026-11-05T09:30:00Z`.
    pub(super) fn moment(&mut self, at: Option<Millis>) -> csv::Result<()> {
        let at = at.and_then(|at| Timestamp::from_millisecond(at).ok());
        self.0.write_field(at.map(|at| format!("{at:.0}")).unwrap_or_default())
    }

    /// Ends a row.
    pub(super) fn end(&mut self) -> csv::Result<()> {
        self.0.write_record(None::<&[u8]>)
    }

    /// The names of the columns.
    pub(super) fn head(&mut self, names: &[&str]) -> csv::Result<()> {
        self.0.write_record(names)
    }

    pub(super) fn finish(self) -> csv::Result<Vec<u8>> {
        self.0.into_inner().map_err(|error| std::io::Error::other(error.to_string()).into())
    }
}

/// The text with an apostrophe wherever a formula could begin. Other control characters become spaces:
/// the file may be shown in a terminal.
fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut begins = true;
    for (at, c) in text.char_indices() {
        if begins && formula(&text[at..]) {
            out.push('\'');
        }
        begins = ENDS.contains(&c);
        out.push(if c.is_control() && !begins { ' ' } else { c });
    }
    out
}

/// Whether a cell that begins like this may be calculated: spaces and quotes in front do not help.
fn formula(cell: &str) -> bool {
    if cell.starts_with(['\t', '\r']) {
        return true;
    }
    let bare = cell.trim_start_matches(|c: char| {
        c == '"'
            || (c.is_whitespace() && !ENDS.contains(&c))
            || (c.is_control() && !ENDS.contains(&c))
    });
    bare.starts_with(FORMULA)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{ENDS, FORMULA, Sheet, harmless};

    #[test]
    fn what_looks_like_a_formula_stays_text() {
        for (typed, kept) in [
            ("Ann", "Ann"),
            ("", ""),
            ("Ann-Marie + Bob = love@first sight", "Ann-Marie + Bob = love@first sight"),
            ("=1+1", "'=1+1"),
            ("+49 30 1234", "'+49 30 1234"),
            ("-2", "'-2"),
            ("@sum(a1)", "'@sum(a1)"),
            ("\t=1", "'\t'=1"),
            ("\r=1", "'\r'=1"),
            ("\ttab", "'\ttab"),
            ("  =1", "'  =1"),
            ("\"=1", "'\"=1"),
            ("\u{a0}=1", "'\u{a0}=1"),
            ("\0=1", "' =1"),
            ("＝1+1", "'＝1+1"),
            ("a;=1", "a;'=1"),
            ("a; \"=1", "a;' \"=1"),
            ("a\n-1", "a\n'-1"),
            ("a\u{1b}[2J", "a [2J"),
            ("'=1", "'=1"),
        ] {
            assert_eq!(harmless(typed), kept, "{typed:?}");
        }
    }

    #[test]
    fn amounts_are_numbers_with_their_currencys_point() {
        let mut sheet = Sheet::new();
        for (minor, currency) in [
            (Some(1050), Some("huf")),
            (Some(500), Some("jpy")),
            (Some(1234), Some("kwd")),
            (Some(-5), Some("eur")),
            (Some(5), None),
            (None, Some("eur")),
        ] {
            sheet.money(minor, currency).unwrap();
        }
        sheet.number(-3).unwrap();
        sheet.moment(Some(1_793_871_000_250)).unwrap();
        sheet.moment(Some(i64::MAX)).unwrap();
        sheet.end().unwrap();
        let text = String::from_utf8(sheet.finish().unwrap()).unwrap();
        assert_eq!(text, "10.50,500,1.234,-0.05,,,-3,2026-11-05T09:30:00Z,\r\n");
    }

    proptest! {
        #[test]
        fn no_cell_begins_like_a_formula_and_every_cell_comes_back(
            typed in proptest::collection::vec("[=+@;,\t\r\n\"' a-z\u{0}＝－-]{0,12}", 1..6)
        ) {
            let mut sheet = Sheet::new();
            for text in &typed {
                sheet.text(text).unwrap();
            }
            sheet.end().unwrap();
            let bytes = sheet.finish().unwrap();
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(&bytes[..]);
            let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
            prop_assert_eq!(rows.len(), 1);
            let read: Vec<&str> = rows[0].iter().collect();
            let wanted: Vec<String> = typed.iter().map(|text| harmless(text)).collect();
            prop_assert_eq!(&read, &wanted);
            for cell in read.iter().flat_map(|cell| cell.split(ENDS)) {
                let bare = cell.trim_start_matches(|c: char| c == '"' || c.is_whitespace());
                prop_assert!(!bare.starts_with(FORMULA), "{:?}", cell);
            }
        }
    }
}
