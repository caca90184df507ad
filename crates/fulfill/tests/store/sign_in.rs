//! Who may sign in.

use fulfill::store::{Accepted, Made};
use fulfill_rules::{DAY, HOUR, MINUTE};

use crate::both;

both!(an_invitation_is_good_once_and_for_a_day, async |t| {
    let store = &t.store;
    store.invite("digest-1", Some("ann")).await.unwrap();
    let invitation = store.invitation("digest-1").await.unwrap().unwrap();
    assert_eq!(invitation.invited_by.as_deref(), Some("ann"));
    assert_eq!(store.accept("digest-2", "bob", "hash").await.unwrap(), Accepted::Gone);
    let accepted = store.accept("digest-1", "bob", "hash").await.unwrap();
    assert!(matches!(accepted, Accepted::Person(_)));
    assert_eq!(store.accept("digest-1", "eve", "hash").await.unwrap(), Accepted::Gone);
    store.invite("digest-3", Some("ann")).await.unwrap();
    assert_eq!(store.accept("digest-3", "bob", "other").await.unwrap(), Accepted::Taken);
    assert_eq!(store.password("bob").await.unwrap().unwrap().1, "hash");
    t.advance(DAY);
    assert_eq!(store.accept("digest-3", "eve", "hash").await.unwrap(), Accepted::Gone);
    store.invite("digest-4", None).await.unwrap();
    assert_eq!(t.sql("SELECT COUNT(*) FROM invitation").await, 1, "old ones are swept out");
});

both!(of_two_who_come_with_one_invitation_one_gets_in, async |t| {
    let other = t.another().await;
    t.store.invite("digest", None).await.unwrap();
    let (one, two) = tokio::join!(
        t.store.accept("digest", "ann", "hash"),
        other.accept("digest", "eve", "hash")
    );
    let accepted = [one.unwrap(), two.unwrap()];
    assert_eq!(accepted.iter().filter(|a| matches!(a, Accepted::Person(_))).count(), 1);
    assert_eq!(t.store.people().await.unwrap().len(), 1);
    other.close().await;
});

both!(a_link_of_the_program_gives_somebody_a_new_password, async |t| {
    let store = &t.store;
    assert_eq!(store.add_person("ann", "old").await.unwrap(), Made::Done);
    assert_eq!(store.add_person("ann", "other").await.unwrap(), Made::Taken);
    let (seq, _) = store.password("ann").await.unwrap().unwrap();
    store.sign_in(seq, "login").await.unwrap();
    store.invite("digest", None).await.unwrap();
    store.invite("another", None).await.unwrap();
    store.invite("of bob", Some("bob")).await.unwrap();
    assert_eq!(store.accept("digest", "ann", "new").await.unwrap(), Accepted::Person(seq));
    assert_eq!(store.password("ann").await.unwrap(), Some((seq, "new".to_owned())));
    assert_eq!(store.login("login").await.unwrap(), None);
    assert!(store.invitation("another").await.unwrap().is_none());
    assert!(store.invitation("of bob").await.unwrap().is_some());
});

both!(a_login_goes_on_while_it_is_used, async |t| {
    let store = &t.store;
    store.add_person("ann", "hash").await.unwrap();
    let (seq, _) = store.password("ann").await.unwrap().unwrap();
    for login in ["one", "two"] {
        store.sign_in(seq, login).await.unwrap();
    }
    for _ in 0..4 {
        t.advance(10 * DAY);
        assert_eq!(store.login("one").await.unwrap().unwrap().name, "ann");
    }
    assert_eq!(store.login("two").await.unwrap(), None);
    let written = t.commits("seen_login");
    t.advance(HOUR - 1);
    store.login("one").await.unwrap();
    assert_eq!(t.commits("seen_login"), written, "at most once an hour");
    store.sign_in(seq, "three").await.unwrap();
    assert_eq!(t.sql("SELECT COUNT(*) FROM login").await, 2, "those that are over are swept out");
    store.change_password(seq, "new", "three").await.unwrap();
    assert_eq!(store.login("one").await.unwrap(), None);
    assert!(store.login("three").await.unwrap().is_some());
    store.sign_out("three").await.unwrap();
    assert_eq!(store.login("three").await.unwrap(), None);
});

both!(one_person_has_so_many_logins_and_no_more, async |t| {
    t.store.add_person("ann", "hash").await.unwrap();
    let (seq, _) = t.store.password("ann").await.unwrap().unwrap();
    for n in 0..60 {
        t.advance(1);
        t.store.sign_in(seq, &format!("login {n}")).await.unwrap();
    }
    assert_eq!(t.sql("SELECT COUNT(*) FROM login").await, 50);
    assert_eq!(t.store.login("login 9").await.unwrap(), None);
    assert!(t.store.login("login 10").await.unwrap().is_some());
});

both!(who_is_removed_is_out_at_once_and_the_last_one_stays, async |t| {
    let store = &t.store;
    for name in ["ann", "bob"] {
        store.add_person(name, "hash").await.unwrap();
    }
    let (ann, _) = store.password("ann").await.unwrap().unwrap();
    let (bob, _) = store.password("bob").await.unwrap().unwrap();
    store.sign_in(ann, "login").await.unwrap();
    store.invite("by ann", Some("ann")).await.unwrap();
    let (one, two) = tokio::join!(store.remove_person(ann), store.remove_person(bob));
    let removed = [one.unwrap(), two.unwrap()];
    assert_eq!(removed.iter().filter(|yes| **yes).count(), 1);
    assert_eq!(store.people().await.unwrap().len(), 1);
    assert_eq!(store.login("login").await.unwrap().is_none(), removed[0]);
    let link = store.invitation("by ann").await.unwrap();
    assert_eq!(link.is_none(), removed[0], "a link of their own lets them in again");
});

both!(a_token_works_in_its_mode_until_it_is_revoked, async |t| {
    let (store, live) = (&t.store, t.live().await);
    assert_eq!(store.add_api_token("warehouse", "d1", "ann").await.unwrap(), Made::Done);
    assert_eq!(store.add_api_token("warehouse", "d2", "ann").await.unwrap(), Made::Taken);
    assert_eq!(live.add_api_token("warehouse", "d3", "ann").await.unwrap(), Made::Done);
    assert_eq!(store.api_token("d1").await.unwrap().as_deref(), Some("warehouse"));
    assert_eq!(live.api_token("d1").await.unwrap(), None, "test and live never touch");
    let token = store.api_tokens().await.unwrap().remove(0);
    assert_eq!((token.created_by.as_str(), token.revoked_at), ("ann", None));
    let written = t.commits("used_api_token");
    t.advance(MINUTE - 1);
    store.api_token("d1").await.unwrap();
    assert_eq!(t.commits("used_api_token"), written);
    assert!(!live.revoke_api_token(token.seq).await.unwrap());
    assert!(store.revoke_api_token(token.seq).await.unwrap());
    assert!(!store.revoke_api_token(token.seq).await.unwrap());
    assert_eq!(store.api_token("d1").await.unwrap(), None);
    assert_eq!(store.add_api_token("warehouse", "d4", "ann").await.unwrap(), Made::Done);
    live.close().await;
});
