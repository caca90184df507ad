//! Where the shop is: whose midnight a day begins with.

use fulfill_rules::Millis;
use jiff::{
    Timestamp,
    civil::{Date, Time},
    tz::{Offset, TimeZone},
};

/// A time zone, by the name that somebody gave it. UTC where nobody did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    name: String,
    zone: TimeZone,
}

impl Default for Zone {
    fn default() -> Self {
        Self { name: "UTC".to_owned(), zone: TimeZone::UTC }
    }
}

impl Zone {
    /// Reads `Europe/Vienna`, `+02:00` or `UTC`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let zone = match name.chars().next()? {
            '+' | '-' => offset(name)?,
            _ if name == "UTC" => TimeZone::UTC,
            _ => TimeZone::get(name).ok()?,
        };
        Some(Self { name: name.to_owned(), zone })
    }

    /// As it was given.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The day of the calendar at that moment.
    pub(crate) fn date(&self, at: Millis) -> Option<Date> {
        Some(Timestamp::from_millisecond(at).ok()?.to_zoned(self.zone.clone()).date())
    }

    /// When that day begins; where its midnight is left out, a little later.
    pub(crate) fn midnight(&self, date: Date) -> Option<Millis> {
        self.moment(date, Time::midnight())
    }

    /// This time on that day; where a clock that is turned forward leaves it out, a little later.
    pub(crate) fn moment(&self, date: Date, time: Time) -> Option<Millis> {
        let at = date.to_datetime(time).to_zoned(self.zone.clone()).ok()?;
        Some(at.timestamp().as_millisecond())
    }

    /// A moment as its clocks show it.
    pub(crate) fn written(&self, at: Millis, how: &str) -> String {
        let moment = Timestamp::from_millisecond(at);
        let moment = moment.map(|moment| moment.to_zoned(self.zone.clone()));
        moment.map(|moment| moment.strftime(how).to_string()).unwrap_or_default()
    }
}

/// Nowhere is the time off by less than a quarter of an hour.
fn offset(name: &str) -> Option<TimeZone> {
    let (hours, minutes) = name.get(1..)?.split_once(':')?;
    let number = |text: &str| match text.len() {
        1 | 2 if text.chars().all(|c| c.is_ascii_digit()) => text.parse::<i32>().ok(),
        _ => None,
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let fits = (0..=14).contains(&hours) && (0..60).contains(&minutes) && minutes % 15 == 0;
    let seconds = (hours * 60 + minutes) * 60 * if name.starts_with('-') { -1 } else { 1 };
    Offset::from_seconds(seconds).ok().filter(|_| fits).map(TimeZone::fixed)
}

#[cfg(test)]
mod tests {
    use fulfill_rules::HOUR;

    use super::Zone;

    #[test]
    fn zones_are_read_by_name_or_as_an_offset() {
        for good in ["UTC", "Europe/Vienna", "+02:00", "-03:30", "+14:00"] {
            assert_eq!(Zone::parse(good).unwrap().name(), good);
        }
        for bad in ["", "Mars/Base", "+25:00", "+2", "+-2:00", "2:00", "+", "+é:00", "+02:07"] {
            assert_eq!(Zone::parse(bad), None, "{bad}");
        }
        assert_eq!(Zone::default(), Zone::parse("UTC").unwrap());
    }

    #[test]
    fn a_day_begins_at_the_shops_midnight() {
        // 2024-01-01T00:30:00Z.
        let at = 1_704_069_000_000;
        for (zone, date, before, written) in [
            ("UTC", "2024-01-01", 30, "1 Jan, 00:30"),
            ("Europe/Vienna", "2024-01-01", 90, "1 Jan, 01:30"),
            ("America/New_York", "2023-12-31", 19 * 60 + 30, "31 Dec, 19:30"),
        ] {
            let zone = Zone::parse(zone).unwrap();
            let day = zone.date(at).unwrap();
            assert_eq!(day.to_string(), date);
            assert_eq!(zone.midnight(day), Some(at - before * HOUR / 60));
            assert_eq!(zone.written(at, "%-d %b, %H:%M"), written);
        }
    }
}
