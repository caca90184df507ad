use proptest::prelude::*;

use crate::stripe::{Asker::Visitor, Asker::Work, Permits, Rate};

/// What a caller who always wants everything gets in so many milliseconds.
fn sent(rate: &mut Rate, asker: crate::stripe::Asker, from: i64, to: i64) -> u32 {
    (from..to).map(|now| rate.take(now, asker, u32::MAX)).sum()
}

#[test]
fn twenty_a_second_stay_below_stripes_twenty_five_in_any_second() {
    let mut rate = Rate::new(20, 0);
    assert_eq!(sent(&mut rate, Work, 0, 1_000), 24);
    assert_eq!(sent(&mut rate, Work, 1_000, 11_000), 200);
    assert_eq!(sent(&mut rate, Work, 60_000, 61_000), 24, "idle time is not saved up");
}

#[test]
fn visitors_get_at_most_half_and_work_may_take_all_of_it() {
    let mut rate = Rate::new(20, 0);
    sent(&mut rate, Visitor, 0, 1_000);
    assert_eq!(sent(&mut rate, Visitor, 1_000, 11_000), 100);
    let mut rate = Rate::new(20, 0);
    let (mut visitors, mut work) = (0, 0);
    for now in 0..20_000 {
        visitors += rate.take(now, Visitor, u32::MAX);
        work += rate.take(now, Work, u32::MAX);
    }
    assert!((195..=206).contains(&visitors), "{visitors}");
    assert!((195..=210).contains(&work), "{work}");
}

#[test]
fn the_next_permit_is_due_when_it_says() {
    for asker in [Work, Visitor] {
        let mut rate = Rate::new(20, 0);
        rate.take(0, asker, u32::MAX);
        let Permits { now: 0, next_at: Some(at) } = rate.permits(0, asker) else { panic!() };
        assert_eq!(rate.permits(at - 1, asker).now, 0);
        assert!(rate.permits(at, asker).now > 0, "{asker:?}");
    }
}

#[test]
fn replicas_share_the_rate() {
    let mut rate = Rate::new(20, 0);
    rate.set_share(4);
    assert_eq!(sent(&mut rate, Work, 0, 10_000), 51);
    rate.set_share(1);
    assert_eq!(sent(&mut rate, Work, 10_000, 20_000), 200);
}

#[test]
fn an_answer_429_halves_the_rate_once_and_it_comes_back_slowly() {
    let mut rate = Rate::new(100, 0);
    for _ in 0..50 {
        rate.too_many(0, None);
    }
    let first = sent(&mut rate, Work, 0, 1_000);
    assert!((48..=55).contains(&first), "{first}");
    let tenth = sent(&mut rate, Work, 9_000, 10_000);
    assert!(tenth > first && tenth < 100, "{tenth}");
    assert_eq!(sent(&mut rate, Work, 31_000, 32_000), 124, "with the burst that idling saved");
}

#[test]
fn retry_after_is_waited_for_also_without_a_limit() {
    for per_second in [20, 0] {
        let mut rate = Rate::new(per_second, 0);
        rate.too_many(0, Some(2_000));
        assert_eq!(rate.permits(1_999, Work), Permits { now: 0, next_at: Some(2_000) });
        assert!(rate.permits(2_000, Work).now > 0);
        rate.too_many(2_000, Some(i64::MAX));
        assert!(rate.permits(62_000, Work).now > 0, "a minute is the longest");
    }
}

#[test]
fn no_limit_means_none() {
    let mut rate = Rate::new(0, 0);
    assert_eq!(rate.take(0, Visitor, 5_000), 5_000);
    rate.debit(0);
    assert_eq!(rate.permits(0, Work), Permits { now: u32::MAX, next_at: None });
}

#[test]
fn further_pages_make_later_requests_wait() {
    let mut rate = Rate::new(20, 0);
    for _ in 0..15 {
        rate.debit(0);
    }
    assert_eq!(rate.permits(0, Work), Permits { now: 0, next_at: Some(550) });
}

proptest! {
    #[test]
    fn any_order_of_calls_keeps_the_rate_and_never_panics(
        per_second in 0_u32..2_000,
        steps in prop::collection::vec((0_u8..5, any::<u32>(), -1_000_i64..5_000), 0..60),
    ) {
        let (mut rate, mut now, mut latest, mut granted) = (Rate::new(per_second, 0), 0_i64, 0_i64, 0_u64);
        for (step, n, by) in steps {
            now += by;
            latest = latest.max(now);
            match step {
                0 => granted += u64::from(rate.take(now, Work, n)),
                1 => granted += u64::from(rate.take(now, Visitor, n)),
                2 => rate.set_share(n),
                3 => {
                    rate.too_many(now, Some(i64::from(n)));
                }
                _ => rate.debit(now),
            }
        }
        let most = u64::from(per_second) * (latest.unsigned_abs() + 1_000) / 1_000 + 1;
        let floor = 2 + latest.unsigned_abs() / 1_000;
        prop_assert!(per_second == 0 || granted <= most + floor, "{granted} > {most}");
    }
}
