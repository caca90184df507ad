//! Dates of the calendar, from seconds since 1970 and back. By Howard Hinnant's `civil_from_days` and
//! `days_from_civil`.

const DAY_S: i64 = 24 * 60 * 60;

/// Year, month, day.
pub(crate) fn date(at: i64) -> (i64, i64, i64) {
    let shifted = at.div_euclid(DAY_S) + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// Days since 1970.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let month_from_march = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// So many months later, at the same time of the day; the month's last day where it has no such day.
pub(crate) fn months_later(at: i64, months: i64) -> i64 {
    let (year, month, day) = date(at);
    let month = year * 12 + month - 1 + months;
    let (year, month) = (month.div_euclid(12), month.rem_euclid(12) + 1);
    let next = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    let last = days(next.0, next.1, 1) - days(year, month, 1);
    days(year, month, day.min(last)) * DAY_S + at.rem_euclid(DAY_S)
}

/// The end of a period that begins then.
pub(crate) fn period_end(begins: i64, interval: &str, count: i64) -> i64 {
    match interval {
        "day" => begins.saturating_add(count * DAY_S),
        "week" => begins.saturating_add(count * 7 * DAY_S),
        "year" => months_later(begins, count * 12),
        _ => months_later(begins, count),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_its_date_and_a_date_its_day() {
        for (day, expected) in [
            (0, (1970, 1, 1)),
            (11_016, (2000, 2, 29)),
            (-1, (1969, 12, 31)),
            (20_717, (2026, 9, 21)),
        ] {
            assert_eq!(date(day * DAY_S + 5), expected);
            assert_eq!(days(expected.0, expected.1, expected.2), day);
        }
    }

    #[test]
    fn a_month_later_is_the_same_day_or_the_months_last() {
        let at = |year, month, day| days(year, month, day) * DAY_S + 7;
        for (from, months, expected) in [
            (at(2026, 1, 31), 1, at(2026, 2, 28)),
            (at(2024, 1, 31), 1, at(2024, 2, 29)),
            (at(2026, 11, 30), 1, at(2026, 12, 30)),
            (at(2026, 11, 30), 3, at(2027, 2, 28)),
            (at(2024, 2, 29), 12, at(2025, 2, 28)),
        ] {
            assert_eq!(months_later(from, months), expected);
        }
        assert_eq!(period_end(at(2026, 9, 21), "week", 2), at(2026, 10, 5));
    }
}
