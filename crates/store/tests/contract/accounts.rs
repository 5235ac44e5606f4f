//! The inside of accounts.

use std::time::Duration;

use hubbub_protocol::http::Availability;
use hubbub_protocol::{PictureId, SessionId, Timestamp, UserId};
use hubbub_store::{NewSession, ProfileChange, StoreError, UserRecord};

use crate::making::{AnyStore, account, at_once, room_of};

async fn made(store: &AnyStore, username: &str) -> UserRecord {
    store.create_user(account(username, username)).await.unwrap()
}

async fn user(store: &AnyStore, id: UserId) -> UserRecord {
    store.users(&[id]).await.unwrap().pop().unwrap()
}

async fn admins(store: &AnyStore) -> Vec<UserId> {
    let users = store.find_accounts("", None, 100).await.unwrap();
    users.iter().filter(|user| user.admin).map(|user| user.id).collect()
}

pub(crate) async fn the_first_account_administers_the_site_however_many_are_made_at_once(
    store: AnyStore,
) {
    let made = at_once(&store, 10, |i, store| async move {
        store.create_user(account(&format!("user{i}"), "User")).await.unwrap()
    })
    .await;
    let first = admins(&store).await;
    assert_eq!(first.len(), 1);
    let told: Vec<_> = made.iter().filter(|user| user.admin).map(|user| user.id).collect();
    assert!(told.is_empty() || told == first, "{told:?}");
    assert!(!self::made(&store, "later").await.admin);
    assert_eq!(admins(&store).await, first);
}

pub(crate) async fn administrators_are_made_and_unmade_but_for_the_last_one(store: AnyStore) {
    let (ada, bob) = (made(&store, "ada").await.id, made(&store, "bob").await.id);
    assert!(matches!(store.set_admin(ada, false).await, Err(StoreError::LastAdmin)));
    assert!(matches!(store.suspend(ada, Timestamp::now()).await, Err(StoreError::LastAdmin)));
    assert!(matches!(store.begin_erasure(ada, Timestamp::now()).await, Err(StoreError::LastAdmin)));
    assert!(user(&store, ada).await.is_active());
    assert!(store.set_admin(bob, true).await.unwrap().unwrap().admin);
    assert!(store.set_admin(bob, true).await.unwrap().unwrap().admin);
    assert!(!store.set_admin(ada, false).await.unwrap().unwrap().admin);
    assert!(!store.set_admin(ada, false).await.unwrap().unwrap().admin);
    assert_eq!(admins(&store).await, [bob]);
    assert_eq!(store.set_admin(UserId::new(), true).await.unwrap(), None);
}

pub(crate) async fn of_administrators_who_dismiss_each_other_at_once_one_stays(store: AnyStore) {
    let mut all = Vec::new();
    for i in 0..6 {
        let id = made(&store, &format!("admin{i}")).await.id;
        store.set_admin(id, true).await.unwrap();
        all.push(id);
    }
    let outcomes = at_once(&store, all.len(), |i, store| {
        let id = all[i];
        async move { store.set_admin(id, false).await }
    })
    .await;
    let refused = outcomes.iter().filter(|o| matches!(o, Err(StoreError::LastAdmin))).count();
    assert_eq!(refused, 1, "{outcomes:?}");
    assert_eq!(admins(&store).await.len(), 1);
}

pub(crate) async fn a_suspended_account_is_found_by_administrators_only(store: AnyStore) {
    made(&store, "root").await;
    let ada = made(&store, "ada").await.id;
    store.set_admin(ada, true).await.unwrap();
    let at = Timestamp::from_millis(5_000);
    let suspended = store.suspend(ada, at).await.unwrap().unwrap();
    assert_eq!((suspended.suspended_at, suspended.admin), (Some(at), false));
    let again = store.suspend(ada, Timestamp::from_millis(9_000)).await.unwrap().unwrap();
    assert_eq!(again.suspended_at, Some(at));
    assert!(!store.set_admin(ada, true).await.unwrap().unwrap().admin);
    assert!(store.find_users("ada", None, 9).await.unwrap().is_empty());
    assert_eq!(store.find_users("", None, 9).await.unwrap().len(), 1);
    assert_eq!(store.find_accounts("ada", None, 9).await.unwrap().len(), 1);
    // Who logs in is told why not, so the account is found.
    assert!(store.credentials("ada").await.unwrap().is_some());
    let back = store.reinstate(ada).await.unwrap().unwrap();
    assert_eq!((back.suspended_at, back.admin), (None, false));
    assert_eq!(store.find_users("ada", None, 9).await.unwrap().len(), 1);
    assert_eq!(store.suspend(UserId::new(), at).await.unwrap(), None);
    assert_eq!(store.reinstate(UserId::new()).await.unwrap(), None);
}

pub(crate) async fn a_password_is_replaced_and_secrets_are_kept(store: AnyStore) {
    let ada = made(&store, "ada").await;
    assert!(store.set_password(ada.id, "new hash".to_owned()).await.unwrap());
    let kept = store.account(ada.id).await.unwrap().unwrap();
    assert_eq!((kept.user, kept.password_hash), (ada, "new hash".to_owned()));
    assert_eq!(kept.email.as_deref(), Some("ada@example.org"));
    assert!(!store.set_password(UserId::new(), String::new()).await.unwrap());
    assert!(store.account(UserId::new()).await.unwrap().is_none());
}

pub(crate) async fn a_profile_changes_field_by_field(store: AnyStore) {
    let ada = made(&store, "ada").await.id;
    let change = |change| store.update_profile(ada, change);
    let status = ProfileChange { status_text: Some("away".to_owned()), ..ProfileChange::default() };
    let changed = change(status).await.unwrap().unwrap();
    assert_eq!((changed.status_text.as_str(), changed.bio.as_str()), ("away", ""));
    let rest = ProfileChange {
        display_name: Some("Augusta King".to_owned()),
        bio: Some("Notes".to_owned()),
        status_text: None,
        send_receipts: Some(false),
        send_typing: Some(false),
        availability: Some(Availability::Invisible),
    };
    let changed = change(rest).await.unwrap().unwrap();
    assert_eq!((changed.status_text.as_str(), changed.bio.as_str()), ("away", "Notes"));
    assert!(!changed.send_receipts && !changed.send_typing);
    assert_eq!(changed.availability, Availability::Invisible);
    let unchanged = change(ProfileChange::default()).await.unwrap();
    assert_eq!(unchanged, Some(changed.clone()));
    assert_eq!(user(&store, ada).await, changed);
    let nobody = store.update_profile(UserId::new(), ProfileChange::default()).await.unwrap();
    assert_eq!(nobody, None);
}

pub(crate) async fn a_new_name_is_found_and_the_old_one_is_not(store: AnyStore) {
    let ada = store.create_user(account("ada", "Lovelace")).await.unwrap().id;
    let name = ProfileChange { display_name: Some("King".to_owned()), ..ProfileChange::default() };
    store.update_profile(ada, name).await.unwrap();
    for (prefix, found) in [("king", 1), ("ada", 1), ("love", 0)] {
        assert_eq!(store.find_users(prefix, None, 9).await.unwrap().len(), found, "{prefix}");
    }
}

pub(crate) async fn a_new_picture_tells_which_one_it_replaces(store: AnyStore) {
    let ada = made(&store, "ada").await.id;
    let (first, second) = (PictureId::new(), PictureId::new());
    assert_eq!(store.set_avatar(ada, Some(first)).await.unwrap(), Some(None));
    assert_eq!(store.set_avatar(ada, Some(second)).await.unwrap(), Some(Some(first)));
    assert_eq!(user(&store, ada).await.avatar, Some(second));
    assert_eq!(store.set_avatar(ada, None).await.unwrap(), Some(Some(second)));
    assert_eq!(user(&store, ada).await.avatar, None);
    assert_eq!(store.set_avatar(UserId::new(), Some(first)).await.unwrap(), None);
}

pub(crate) async fn a_deleted_account_is_a_stand_in_whose_name_stays_taken(store: AnyStore) {
    made(&store, "root").await;
    let ada = store.create_user(account("ada", "Ada Lovelace")).await.unwrap().id;
    let change = ProfileChange {
        bio: Some("Notes".to_owned()),
        status_text: Some("here".to_owned()),
        ..ProfileChange::default()
    };
    store.update_profile(ada, change).await.unwrap();
    let at = Timestamp::from_millis(5_000);
    assert!(store.begin_erasure(ada, at).await.unwrap());
    assert!(store.begin_erasure(ada, Timestamp::now()).await.unwrap(), "again");
    assert!(!store.begin_erasure(UserId::new(), at).await.unwrap(), "nobody");

    let left = user(&store, ada).await;
    assert_eq!((left.display_name.as_str(), left.deleted_at), ("Deleted user", Some(at)));
    assert!(left.username.starts_with("deleted:"), "{}", left.username);
    assert_eq!((left.bio.as_str(), left.status_text.as_str()), ("", ""));
    assert!(store.credentials("ada").await.unwrap().is_none());
    assert!(store.account(ada).await.unwrap().is_none());
    for prefix in ["ada", "love", "deleted"] {
        assert!(store.find_accounts(prefix, None, 9).await.unwrap().is_empty(), "{prefix}");
    }
    assert_eq!(store.find_accounts("", None, 9).await.unwrap().len(), 1);
    let again = store.create_user(account("ada", "Impostor")).await;
    assert!(matches!(again, Err(StoreError::UsernameTaken)), "{again:?}");
    let change = ProfileChange { bio: Some("back".to_owned()), ..ProfileChange::default() };
    assert_eq!(store.update_profile(ada, change).await.unwrap(), None);
    assert_eq!(store.set_avatar(ada, Some(PictureId::new())).await.unwrap(), None);
    assert_eq!(store.set_admin(ada, true).await.unwrap(), None);
    assert!(!store.set_password(ada, "x".to_owned()).await.unwrap());
}

pub(crate) async fn what_a_deleted_account_leaves_is_removed_and_then_forgotten(store: AnyStore) {
    let root = made(&store, "root").await.id;
    let ada = made(&store, "ada").await.id;
    let picture = PictureId::new();
    store.set_avatar(ada, Some(picture)).await.unwrap();
    let room = store.create_room(room_of(root)).await.unwrap().id;
    let now = Timestamp::now();
    store.join(room, ada, hubbub_protocol::Seq(0), now).await.unwrap();
    store.block(ada, root).await.unwrap();
    store.block(root, ada).await.unwrap();
    let session = NewSession {
        id: SessionId::new(),
        user: ada,
        token: [1; 32],
        created_at: now,
        expires_at: now.after(Duration::from_secs(60)),
        access_expires_at: now.after(Duration::from_secs(60)),
        client: None,
    };
    let session = store.create_session(session).await.unwrap();

    store.finish_erasure(ada).await.unwrap();
    assert!(store.session(session.id, now).await.unwrap().is_some(), "not deleted yet");

    store.begin_erasure(ada, now).await.unwrap();
    assert_eq!(store.erasures(9).await.unwrap(), [ada]);
    // Whoever removes its files still finds where they are.
    assert_eq!(user(&store, ada).await.avatar, Some(picture));
    for _ in 0..2 {
        store.finish_erasure(ada).await.unwrap();
        assert!(store.erasures(9).await.unwrap().is_empty());
        assert_eq!(user(&store, ada).await.avatar, None);
        assert_eq!(store.session(session.id, now).await.unwrap(), None);
        assert!(store.room_ids_of(ada).await.unwrap().is_empty());
        assert!(store.blocked_between(root, &[ada]).await.unwrap().is_empty());
    }
    assert_eq!(store.membership(room, root).await.unwrap().unwrap().user, root);
}
