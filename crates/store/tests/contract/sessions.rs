//! Logins.

use std::time::Duration;

use hubbub_protocol::{SessionId, Timestamp, UserId};
use hubbub_store::sessions::TokenHash;
use hubbub_store::{NewSession, Rotation};

use crate::making::{AnyStore, at_once};

const HOUR: Duration = Duration::from_secs(3600);

/// The hash of the `n`th token.
const fn token(n: u8) -> TokenHash {
    [n; 32]
}

/// A session of an hour with token 1, and the moment it began.
async fn begun(store: &AnyStore) -> (NewSession, Timestamp) {
    let now = Timestamp::now();
    let session = NewSession {
        id: SessionId::new(),
        user: UserId::new(),
        token: token(1),
        created_at: now,
        expires_at: now.after(HOUR),
        access_expires_at: now.after(HOUR / 4),
        client: None,
    };
    store.create_session(session.clone()).await.unwrap();
    (session, now)
}

/// Rotates at `now` to a token that lasts an hour.
async fn rotate(store: &AnyStore, from: u8, to: u8, now: Timestamp) -> Rotation {
    let (expires, access_expires) = (now.after(HOUR), now.after(HOUR / 4));
    store.rotate_session(&token(from), &token(to), now, expires, access_expires).await.unwrap()
}

async fn rotated(store: &AnyStore, from: u8, to: u8, now: Timestamp) {
    let outcome = rotate(store, from, to, now).await;
    assert!(matches!(outcome, Rotation::Rotated(_)), "{outcome:?}");
}

pub(crate) async fn a_session_lives_until_it_runs_out(store: AnyStore) {
    let (session, now) = begun(&store).await;
    let live = store.session(session.id, now).await.unwrap().unwrap();
    assert_eq!((live.id, live.user), (session.id, session.user));
    assert_eq!(live.expires_at, session.expires_at);
    assert_eq!(live.access_expires_at, session.access_expires_at);
    assert_eq!(live.created_at, now);
    assert_eq!(store.session(session.id, now.after(2 * HOUR)).await.unwrap(), None);
    assert_eq!(store.session(SessionId::new(), now).await.unwrap(), None);
}

pub(crate) async fn a_rotated_token_replaces_the_one_before(store: AnyStore) {
    let (session, now) = begun(&store).await;
    let later = now.after(HOUR / 2);
    let Rotation::Rotated(record) = rotate(&store, 1, 2, later).await else {
        panic!("the first use of a token rotates it");
    };
    assert_eq!((record.id, record.user, record.created_at), (session.id, session.user, now));
    assert_eq!(record.expires_at, later.after(HOUR));
    assert_eq!(record.access_expires_at, later.after(HOUR / 4));
    assert_eq!(store.session(session.id, later).await.unwrap(), Some(record));
    rotated(&store, 2, 3, later).await;
}

pub(crate) async fn using_a_token_twice_ends_its_session(store: AnyStore) {
    let (session, now) = begun(&store).await;
    rotated(&store, 1, 2, now).await;
    assert_eq!(rotate(&store, 1, 3, now).await, Rotation::Reused(session.id));
    assert_eq!(store.session(session.id, now).await.unwrap(), None);
    assert_eq!(rotate(&store, 2, 4, now).await, Rotation::Unknown);
    assert_eq!(rotate(&store, 1, 5, now).await, Rotation::Reused(session.id));
}

pub(crate) async fn reuse_of_any_earlier_token_ends_the_session(store: AnyStore) {
    let (session, now) = begun(&store).await;
    for n in 1..50 {
        rotated(&store, n, n + 1, now).await;
    }
    assert_eq!(rotate(&store, 1, 100, now).await, Rotation::Reused(session.id));
    assert_eq!(store.session(session.id, now).await.unwrap(), None);
}

pub(crate) async fn of_many_rotations_of_one_token_one_wins(store: AnyStore) {
    let (session, now) = begun(&store).await;
    let outcomes = at_once(&store, 20, |i, store| async move {
        rotate(&store, 1, 100 + u8::try_from(i).unwrap(), now).await
    })
    .await;
    let won = outcomes.iter().filter(|o| matches!(o, Rotation::Rotated(_))).count();
    let reused = outcomes.iter().filter(|o| **o == Rotation::Reused(session.id)).count();
    assert_eq!((won, reused), (1, 19), "{outcomes:?}");
    assert_eq!(store.session(session.id, now).await.unwrap(), None);
}

pub(crate) async fn a_token_that_ran_out_is_unknown(store: AnyStore) {
    let (session, now) = begun(&store).await;
    assert_eq!(rotate(&store, 1, 2, now.after(2 * HOUR)).await, Rotation::Unknown);
    // A used one as well, while its session lives on.
    let late = now.after(HOUR - Duration::from_secs(1));
    rotated(&store, 1, 2, late).await;
    let later = now.after(HOUR + Duration::from_secs(1));
    assert_eq!(rotate(&store, 1, 3, later).await, Rotation::Unknown);
    assert!(store.session(session.id, later).await.unwrap().is_some());
}

pub(crate) async fn a_token_nobody_was_given_is_unknown(store: AnyStore) {
    let (session, now) = begun(&store).await;
    assert_eq!(rotate(&store, 9, 10, now).await, Rotation::Unknown);
    assert!(store.session(session.id, now).await.unwrap().is_some());
}

pub(crate) async fn an_ended_session_can_not_be_continued(store: AnyStore) {
    let (session, now) = begun(&store).await;
    assert!(store.end_session(session.id).await.unwrap());
    assert!(!store.end_session(session.id).await.unwrap());
    assert!(!store.end_session(SessionId::new()).await.unwrap());
    assert_eq!(store.session(session.id, now).await.unwrap(), None);
    assert_eq!(rotate(&store, 1, 2, now).await, Rotation::Unknown);
}

pub(crate) async fn the_same_rotation_again_gives_the_same_answer(store: AnyStore) {
    let (session, now) = begun(&store).await;
    let first = rotate(&store, 1, 2, now).await;
    assert_eq!(rotate(&store, 1, 2, now).await, first);
    assert!(store.session(session.id, now).await.unwrap().is_some());
}

pub(crate) async fn live_sessions_are_told_from_others(store: AnyStore) {
    let (live, now) = begun(&store).await;
    let ended = NewSession { id: SessionId::new(), token: token(7), ..live.clone() };
    let expired = NewSession {
        id: SessionId::new(),
        token: token(8),
        expires_at: now.after(HOUR / 2),
        ..live.clone()
    };
    for session in [&ended, &expired] {
        store.create_session(session.clone()).await.unwrap();
    }
    store.end_session(ended.id).await.unwrap();
    let asked = [SessionId::new(), ended.id, live.id, expired.id];
    let later = now.after(HOUR / 2 + Duration::from_secs(1));
    assert_eq!(store.live_sessions(&asked, later).await.unwrap(), [live.id]);
    assert_eq!(store.live_sessions(&[], now).await.unwrap(), []);
}

pub(crate) async fn one_s_own_sessions_are_listed_the_newest_first(store: AnyStore) {
    let (first, now) = begun(&store).await;
    let later = now.after(HOUR / 4);
    let second = NewSession {
        id: SessionId::new(),
        token: token(2),
        created_at: later,
        client: Some("curl/8".to_owned()),
        ..first.clone()
    };
    store.create_session(second.clone()).await.unwrap();
    begun(&store).await;
    rotated(&store, 1, 9, later).await;
    let listed = store.sessions_of(first.user, later).await.unwrap();
    let ids: Vec<_> = listed.iter().map(|session| session.id).collect();
    assert_eq!(ids, [second.id, first.id]);
    assert_eq!(listed[0].client.as_deref(), Some("curl/8"));
    assert_eq!((listed[0].renewed_at, listed[1].renewed_at), (later, later));
    assert_eq!((listed[1].created_at, listed[1].client.as_deref()), (now, None));
    store.end_session(second.id).await.unwrap();
    assert_eq!(store.sessions_of(first.user, later).await.unwrap().len(), 1);
    assert!(store.sessions_of(first.user, now.after(3 * HOUR)).await.unwrap().is_empty());
}

pub(crate) async fn all_sessions_but_one_end_and_are_named_until_their_tokens_run_out(
    store: AnyStore,
) {
    let (kept, now) = begun(&store).await;
    let others = [SessionId::new(), SessionId::new()];
    for (n, id) in (2..).zip(others) {
        store.create_session(NewSession { id, token: token(n), ..kept.clone() }).await.unwrap();
    }
    for _ in 0..2 {
        let mut ended = store.end_sessions(kept.user, Some(kept.id), now).await.unwrap();
        ended.sort_unstable();
        assert_eq!(ended, others);
    }
    assert_eq!(store.live_sessions(&[kept.id, others[0]], now).await.unwrap(), [kept.id]);
    let later = now.after(HOUR / 2);
    assert!(store.end_sessions(kept.user, Some(kept.id), later).await.unwrap().is_empty());
    assert_eq!(store.end_sessions(kept.user, None, now).await.unwrap().len(), 3);
    assert!(store.sessions_of(kept.user, now).await.unwrap().is_empty());
}
