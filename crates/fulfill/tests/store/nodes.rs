//! The installation, its replicas, and its age.

use fulfill::store::{Arrival, Location, NotADatabase, Store, StoreError};
use fulfill_rules::{DAY, HOUR, MINUTE, SECOND};

use crate::{
    bench::{arrival, key},
    both,
};

both!(replicas_that_were_heard_of_lately_are_counted, async |t| {
    assert_eq!(t.store.heartbeat("one").await.unwrap().fresh, 1);
    assert_eq!(t.another().await.heartbeat("two").await.unwrap().fresh, 2);
    assert_eq!(t.store.heartbeat("one").await.unwrap().fresh, 2, "a second beat is no new replica");
    t.advance(31 * SECOND);
    assert_eq!(t.store.heartbeat("one").await.unwrap().fresh, 1, "the other was not heard of");
    assert_eq!(t.store.heartbeat("three").await.unwrap().fresh, 2);
    t.store.leave("three").await.unwrap();
    t.store.leave("never here").await.unwrap();
    assert_eq!(t.store.heartbeat("one").await.unwrap().fresh, 1);
    t.advance(2 * DAY);
    t.store.heartbeat("one").await.unwrap();
    assert_eq!(t.sql("SELECT COUNT(*) FROM node").await, 1, "the long gone are forgotten");
});

both!(an_installation_is_as_old_as_its_first_start, async |t| {
    let installed = t.clock.now();
    t.advance(HOUR);
    let again = t.another().await;
    assert_eq!(again.installed_at().await.unwrap(), installed);
    let live = t.live().await;
    assert_eq!(live.installed_at().await.unwrap(), installed + HOUR, "each mode has its own");
    assert_eq!(t.store.listed_at().await.unwrap(), None);
    t.store.note_listed(installed + MINUTE).await.unwrap();
    t.store.note_listed(installed + HOUR).await.unwrap();
    assert_eq!(again.listed_at().await.unwrap(), Some(installed + HOUR));
    assert_eq!(live.listed_at().await.unwrap(), None);
    t.store.ping().await.unwrap();
});

both!(old_bodies_are_forgotten_and_ids_are_not, async |t| {
    for n in 0..600 {
        if n == 550 {
            t.advance(DAY);
        }
        let arrival =
            Arrival { quarantined: n % 100 == 7, ..arrival(&format!("evt_{n}"), "cs_test_a") };
        t.store.receive(arrival).await.unwrap();
        t.sort_in().await;
    }
    let before = t.clock.now() - HOUR;
    assert!(t.store.forget_bodies(before).await.unwrap(), "there may be more");
    while t.store.forget_bodies(before).await.unwrap() {}
    assert_eq!(t.sql("SELECT COUNT(*) FROM event").await, 600);
    let kept = "SELECT COUNT(*) FROM event WHERE body IS NOT NULL";
    assert_eq!(t.sql(kept).await, 50 + 6, "the young and the unreadable");
    assert!(!t.receive("evt_1", "cs_test_a").await, "it came before");
    t.advance(2 * DAY);
    while t.store.forget_bodies(t.clock.now()).await.unwrap() {}
    assert_eq!(t.sql(kept).await, 6);
});

both!(two_programs_that_start_at_once_migrate_once, async |t| {
    let (location, _folder) = t.untouched().await;
    let starts = (0..4).map(|_| {
        let (location, clock) = (location.clone(), t.clock.clone());
        tokio::spawn(async move { Store::open(&location, false, clock).await })
    });
    let mut stores = Vec::new();
    for start in starts.collect::<Vec<_>>() {
        stores.push(start.await.unwrap().unwrap());
    }
    stores[0].receive(arrival("evt_1", "cs_test_a")).await.unwrap();
    stores[3].receive(arrival("evt_1", "cs_test_a")).await.unwrap();
    let sorted = stores[1].sort_in(10).await.unwrap();
    assert_eq!((sorted.events, sorted.duplicates), (2, 1), "all work on one database");
    for store in stores {
        store.close().await;
    }
});

/// The first migration as this kind of database reads it.
fn first_migration(location: &Location) -> String {
    let words = [
        ("{text}", "TEXT", "TEXT COLLATE \"C\""),
        ("{blob}", "BLOB", "BYTEA"),
        ("{serial}", "INTEGER PRIMARY KEY", "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"),
        ("{number_key}", "INTEGER PRIMARY KEY", "BIGINT PRIMARY KEY"),
        ("{compact}", "WITHOUT ROWID", ""),
    ];
    let mut sql = include_str!("../../src/store/migrations/0001_first.sql").to_owned();
    for (mark, sqlite, postgres) in words {
        let is_file = matches!(location, Location::Sqlite(_));
        sql = sql.replace(mark, if is_file { sqlite } else { postgres });
    }
    sql + "CREATE TABLE migration (n BIGINT PRIMARY KEY); INSERT INTO migration VALUES (1);"
}

/// What the first program left behind: two events of a session it has looked at, and one of none.
const OLD: &str = "INSERT INTO session (account, livemode, id, first_rung_at, visitor, guess, told_succeeded, \
      told_failed, rung, seen) VALUES ('', FALSE, 'cs_test_a', 7, FALSE, FALSE, FALSE, FALSE, 2, 2); \
    INSERT INTO event (session, id, account, livemode, type, object_id, received_at, disposition) VALUES \
      (1, 'evt_1', '', FALSE, 'checkout.session.completed', NULL, 7, 'rang'), \
      (1, 'evt_2', '', FALSE, 'checkout.session.completed', NULL, 8, 'rang'), \
      (0, 'evt_3', '', FALSE, 'invoice.paid', 'in_1', 9, 'noted');";

both!(a_database_of_the_first_program_is_taken_over, async |t| {
    let (location, _folder) = t.untouched().await;
    let old = format!("{} {OLD}", first_migration(&location));
    match &location {
        Location::Sqlite(path) => {
            rusqlite::Connection::open(path).unwrap().execute_batch(&old).unwrap();
        }
        Location::Postgres(url) => {
            use sqlx::Connection as _;
            let mut conn = sqlx::PgConnection::connect(url).await.unwrap();
            sqlx::raw_sql(sqlx::AssertSqlSafe(old)).execute(&mut conn).await.unwrap();
            conn.close().await.unwrap();
        }
    }
    let store = Store::open(&location, false, t.clock.clone()).await.unwrap();
    for event in ["evt_1", "evt_3", "evt_4"] {
        store.receive(arrival(event, "cs_test_a")).await.unwrap();
    }
    let sorted = store.sort_in(10).await.unwrap();
    assert_eq!((sorted.events, sorted.duplicates), (3, 1), "evt_3 was about no session of ours");
    let view = store.session_view(&key("cs_test_a")).await.unwrap().unwrap();
    assert_eq!((view.rung, view.seen), (4, 2));
    store.close().await;
});

both!(a_database_of_a_newer_program_is_refused, async |t| {
    t.sql("INSERT INTO migration (n) VALUES (99)").await;
    let refused = Store::open(&t.location, false, t.clock.clone()).await;
    let Err(StoreError::Unusable(why)) = refused else { panic!("{refused:?}") };
    assert!(why.contains("migration 99") && why.contains("newer program"), "{why}");
});

both!(what_was_written_is_there_after_a_restart, async |t| {
    t.pay("cs_test_a", &[("course", 1), ("invite", 1)]).await;
    t.ring("cs_test_b").await;
    t.store.close().await;
    let again = t.another().await;
    let view = again.session_view(&crate::bench::key("cs_test_a")).await.unwrap().unwrap();
    assert_eq!(view.order.unwrap().effects.len(), 1);
    assert_eq!(again.claim(10, 5).await.unwrap().len(), 1);
    assert_eq!(again.claim_deliveries(&["invite"], 5).await.unwrap().len(), 1);
    again.close().await;
});

both!(a_store_tells_its_mode_and_no_secrets, async |t| {
    assert!(!t.store.livemode());
    let shown = format!("{:?}", t.store);
    assert!(shown.contains("livemode: false") && !shown.contains("postgres://"), "{shown}");
});

#[test]
fn a_database_url_says_which_database_it_means() {
    let path = |path: &str| Ok(Location::Sqlite(path.into()));
    assert_eq!(Location::parse("sqlite:data/a.db"), path("data/a.db"));
    assert_eq!(Location::parse("sqlite:///var/a.db?mode=rwc"), path("/var/a.db"));
    let postgres = "postgres://user:secret@host/db?sslmode=require";
    assert_eq!(Location::parse(postgres), Ok(Location::Postgres(postgres.to_owned())));
    for bad in ["", "sqlite:", "sqlite::memory:", "mysql://host/db", "data/a.db", "postgres:"] {
        assert_eq!(Location::parse(bad), Err(NotADatabase), "{bad:?}");
    }
}
