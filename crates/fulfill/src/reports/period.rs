//! From when until when, as people say it.

use fulfill_rules::Millis;
use jiff::{Timestamp, civil::Date};

use crate::zone::Zone;

/// A time from a moment on and before another; without one of them it has no such end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Period {
    /// Not before this moment.
    pub from: Option<Millis>,
    /// Before this moment.
    pub until: Option<Millis>,
}

/// What was given is not a time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAPeriod {
    /// One end cannot be read.
    #[error(
        "{end}: '{text}' is neither a day (2026-11-05) nor a moment with its time zone (2026-11-05T09:30:00+01:00)"
    )]
    Unread {
        /// Which.
        end: &'static str,
        /// What was given.
        text: String,
    },
    /// It ends before it begins.
    #[error("until is before from: nothing would be in it")]
    Backwards,
}

impl Period {
    /// Reads both ends: days of that time zone, the last one included, or moments (RFC 3339), the last one
    /// not.
    ///
    /// # Errors
    /// [`NotAPeriod`] says what is wrong.
    pub fn between(
        from: Option<&str>,
        until: Option<&str>,
        zone: &Zone,
    ) -> Result<Self, NotAPeriod> {
        let read = |end: &'static str, text: Option<&str>| {
            text.map(|text| {
                let text = text.trim();
                let moment = match text.parse::<Timestamp>() {
                    Ok(moment) => Some(moment.as_millisecond()),
                    // Nothing but a day: 2026-11-05T09:30 would be read as one, too.
                    Err(_) if text.len() == "2026-11-05".len() => {
                        text.parse::<Date>().ok().map(|date| edge(end, date, zone))
                    }
                    Err(_) => None,
                };
                let unread = || NotAPeriod::Unread { end, text: text.to_owned() };
                moment.ok_or_else(unread)
            })
            .transpose()
        };
        let period = Self { from: read("from", from)?, until: read("until", until)? };
        match (period.from, period.until) {
            (Some(from), Some(until)) if from >= until => Err(NotAPeriod::Backwards),
            _ => Ok(period),
        }
    }
}

/// When a day begins, or is over. Days end with the year 9999: nothing comes after, so who asks for all
/// until then gets all.
fn edge(end: &str, date: Date, zone: &Zone) -> Millis {
    let day = if end == "until" { date.tomorrow().ok() } else { Some(date) };
    day.and_then(|day| zone.midnight(day)).unwrap_or_else(|| Timestamp::MAX.as_millisecond())
}

#[cfg(test)]
mod tests {
    use fulfill_rules::{DAY, HOUR};

    use super::{NotAPeriod, Period};
    use crate::zone::Zone;

    /// 2024-01-01T00:00:00Z.
    const NEW_YEAR: i64 = 1_704_067_200_000;

    #[test]
    fn a_last_day_is_included_and_a_last_moment_is_not() {
        for (from, until, wanted) in [
            (None, None, (None, None)),
            (Some("2024-01-01"), None, (Some(NEW_YEAR), None)),
            (Some(" 2024-01-01 "), Some("2024-01-01"), (Some(NEW_YEAR), Some(NEW_YEAR + DAY))),
            (None, Some("2024-01-01T00:00:00Z"), (None, Some(NEW_YEAR))),
            (None, Some("2024-01-01T01:00:00.5+01:00"), (None, Some(NEW_YEAR + 500))),
        ] {
            let period = Period::between(from, until, &Zone::default()).unwrap();
            assert_eq!((period.from, period.until), wanted, "{from:?} {until:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for bad in ["", "today", "2024-02-30", "2024-01-01T09:30", "2024-1-1", "20240101"] {
            let why = Period::between(None, Some(bad), &Zone::default()).unwrap_err();
            assert_eq!(why, NotAPeriod::Unread { end: "until", text: bad.to_owned() });
            assert!(why.to_string().starts_with(&format!("until: '{bad}'")));
        }
        let between = |from, until| Period::between(Some(from), Some(until), &Zone::default());
        let backwards = between("2024-01-02", "2024-01-01");
        assert_eq!(backwards, Err(NotAPeriod::Backwards));
        assert!(between("2024-01-01", "2024-01-01").is_ok());
    }

    #[test]
    fn until_the_end_of_days_is_a_time() {
        for zone in ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"] {
            let zone = Zone::parse(zone).unwrap();
            for last in ["9999-12-29", "9999-12-30", "9999-12-31"] {
                let until = Period::between(Some("2024-01-01"), Some(last), &zone).unwrap().until;
                assert!(until > Some(253_000_000_000_000), "{zone:?} {last} {until:?}");
            }
            assert!(Period::between(Some("9999-12-31"), None, &zone).is_ok());
        }
    }

    #[test]
    fn days_are_the_shops_and_moments_everybodys() {
        // Turned forward on 31 March 2024: the day has 23 hours.
        const EASTER: i64 = 1_711_839_600_000;
        let vienna = Zone::parse("Europe/Vienna").unwrap();
        let day = Period::between(Some("2024-03-31"), Some("2024-03-31"), &vienna).unwrap();
        assert_eq!((day.from, day.until), (Some(EASTER), Some(EASTER + 23 * HOUR)));
        let moment = Period::between(Some("2024-01-01T00:00:00Z"), None, &vienna).unwrap();
        assert_eq!(moment.from, Some(NEW_YEAR));
    }
}
