//! Accounts.

use hubbub_protocol::http::Availability;
use hubbub_protocol::{Timestamp, UserId};
use hubbub_store::{StoreError, UserRecord};

use crate::making::{AnyStore, account, at_once};

pub(crate) async fn a_made_account_is_found_by_id_and_by_user_name(store: AnyStore) {
    let new = account("ada", "Ada Lovelace");
    let made = store.create_user(new.clone()).await.unwrap();
    let expected = UserRecord {
        id: new.id,
        username: "ada".to_owned(),
        display_name: "Ada Lovelace".to_owned(),
        created_at: new.created_at,
        last_seen: None,
        bio: String::new(),
        status_text: String::new(),
        avatar: None,
        send_receipts: true,
        send_typing: true,
        availability: Availability::Auto,
        admin: true,
        suspended_at: None,
        deleted_at: None,
    };
    assert_eq!(made, expected);
    assert_eq!(store.users(&[UserId::new(), new.id]).await.unwrap(), [made]);
    let credentials = store.credentials("ada").await.unwrap();
    assert_eq!(credentials, Some((expected, new.password_hash)));
    assert_eq!(store.credentials("bob").await.unwrap(), None);
    assert_eq!(store.users(&[]).await.unwrap(), []);
}

pub(crate) async fn a_user_name_is_given_once(store: AnyStore) {
    let first = store.create_user(account("ada", "Ada")).await.unwrap();
    let second = store.create_user(account("ada", "Another")).await;
    assert!(matches!(second, Err(StoreError::UsernameTaken)), "{second:?}");
    assert_eq!(store.credentials("ada").await.unwrap().unwrap().0, first);
}

pub(crate) async fn of_many_who_want_a_name_at_once_one_gets_it(store: AnyStore) {
    let outcomes =
        at_once(
            &store,
            8,
            |_, store| async move { store.create_user(account("ada", "Ada")).await },
        )
        .await;
    let (made, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!(made.len(), 1);
    assert!(refused.iter().all(|r| matches!(r, Err(StoreError::UsernameTaken))), "{refused:?}");
}

pub(crate) async fn making_the_same_account_again_is_no_conflict(store: AnyStore) {
    let new = account("ada", "Ada");
    let first = store.create_user(new.clone()).await.unwrap();
    assert_eq!(store.create_user(new).await.unwrap(), first);
}

async fn found(store: &AnyStore, prefix: &str) -> Vec<String> {
    let users = store.find_users(prefix, None, 50).await.unwrap();
    users.into_iter().map(|user| user.username).collect()
}

pub(crate) async fn people_are_found_by_the_start_of_any_name_without_case_or_diacritics(
    store: AnyStore,
) {
    for (username, display_name) in [
        ("zoe", "Zoë Åkerström"),
        ("jan", "Jan van der Bérg"),
        ("mei", "李 美"),
        ("odos", "ΟΔΟΣ-Straße"),
    ] {
        store.create_user(account(username, display_name)).await.unwrap();
    }
    for (prefix, username) in [
        ("ZO", "zoe"),
        ("zoë", "zoe"),
        ("akers", "zoe"),
        ("Zoe ake", "zoe"),
        ("ÅKER", "zoe"),
        ("jAn", "jan"),
        ("van d", "jan"),
        ("berg", "jan"),
        (" jan ", "jan"),
        ("美", "mei"),
        ("οδος", "odos"),
        ("STRASS", "odos"),
    ] {
        assert_eq!(found(&store, prefix).await, [username], "{prefix}");
    }
    for prefix in ["an", "oe", "rstrom", "x", "jan b"] {
        assert_eq!(found(&store, prefix).await, [""; 0], "{prefix}");
    }
}

pub(crate) async fn characters_of_patterns_mean_themselves(store: AnyStore) {
    store.create_user(account("ada", "100% $ada (x_y)")).await.unwrap();
    for prefix in ["100%", "$ada", "(x_"] {
        let expected: &[&str] = if prefix == "100%" { &["ada"] } else { &[] };
        assert_eq!(found(&store, prefix).await, expected, "{prefix}");
    }
    for prefix in ["%", "_", ".*", "^", "\\", "\0", "a\0", "["] {
        let expected: &[&str] =
            if prefix.trim_matches('\0').is_empty() || prefix == "a\0" { &["ada"] } else { &[] };
        assert_eq!(found(&store, prefix).await, expected, "{prefix:?}");
    }
}

pub(crate) async fn lists_of_people_are_paged_by_id(store: AnyStore) {
    let mut ids = Vec::new();
    for i in 0..7 {
        let user = account(&format!("ada{i}"), "Ada Ada");
        ids.push(user.id);
        store.create_user(user).await.unwrap();
    }
    ids.sort_unstable();
    for prefix in ["", "ada"] {
        let mut seen = Vec::new();
        loop {
            let page = store.find_users(prefix, seen.last().copied(), 3).await.unwrap();
            if page.is_empty() {
                break;
            }
            assert!(page.len() <= 3);
            seen.extend(page.iter().map(|user| user.id));
        }
        assert_eq!(seen, ids, "{prefix:?}");
        assert!(store.find_users(prefix, None, 0).await.unwrap().is_empty(), "{prefix:?}");
    }
}

pub(crate) async fn last_seen_never_goes_back(store: AnyStore) {
    let user = store.create_user(account("ada", "Ada")).await.unwrap().id;
    for (at, then) in [(2_000, 2_000), (1_000, 2_000), (3_000, 3_000)] {
        let at = Timestamp::from_millis(at);
        store.set_last_seen(&[user, UserId::new()], at).await.unwrap();
        let seen = store.users(&[user]).await.unwrap()[0].last_seen;
        assert_eq!(seen, Some(Timestamp::from_millis(then)));
    }
    store.set_last_seen(&[], Timestamp::now()).await.unwrap();
}

pub(crate) async fn accounts_are_found_by_their_names_all_at_once(store: AnyStore) {
    let ada = store.create_user(account("ada", "Ada")).await.unwrap();
    let bob = store.create_user(account("bob", "ada")).await.unwrap();
    store.create_user(account("adam", "Adam")).await.unwrap();
    let names = ["bob", "nobody", "ada", "Ada"].map(str::to_owned);
    let mut found = store.users_by_name(&names).await.unwrap();
    found.sort_unstable_by_key(|user| user.id);
    assert_eq!(found.iter().map(|user| user.id).collect::<Vec<_>>(), [ada.id, bob.id]);
    assert_eq!(store.users_by_name(&[]).await.unwrap(), []);
}
