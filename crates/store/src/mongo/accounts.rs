//! The inside of accounts, in MongoDB.
//!
//! Who administers the site is decided by one document of `site`, the list of administrators:
//! changed atomically, it can never become empty. What accounts themselves say about it is a copy,
//! written after it; the same call again finishes what a crash cut off.

use async_trait::async_trait;
use futures_util::TryStreamExt;
use hubbub_protocol::{Timestamp, UserId};
use mongodb::bson::{Document, doc};
use mongodb::options::ReturnDocument;

use super::users::{existing, found_under, record};
use super::{MongoStore, value};
use crate::accounts::{AccountStore, PrivateAccount};
use crate::users::STAND_IN_DISPLAY_NAME;
use crate::{StoreError, UserRecord};

/// The key of the list of administrators.
const ADMINISTRATORS: &str = "administrators";

impl MongoStore {
    /// Makes the first account ever an administrator, and tells which one that is while it may not
    /// know yet. Called after each registration: the first call decides, by the accounts there are,
    /// and a later one finishes what a crash cut off.
    pub(super) async fn appoint_founder(&self) -> Result<Option<UserId>, StoreError> {
        let list = self.site.find_one(doc! { "_id": ADMINISTRATORS }).await?;
        let list = match list {
            Some(list) => list,
            None => {
                let Some(first) = self.users.find_one(doc! {}).sort(doc! { "_id": 1 }).await?
                else {
                    return Ok(None);
                };
                let first = value::of_user(value::user(&first, "_id")?);
                let upsert = || {
                    self.site
                        .find_one_and_update(
                            doc! { "_id": ADMINISTRATORS },
                            doc! { "$setOnInsert": { "users": [&first], "founder": &first } },
                        )
                        .upsert(true)
                        .return_document(ReturnDocument::After)
                };
                let upserted = match upsert().await {
                    Err(error) if super::error::is_duplicate(&error) => upsert().await,
                    other => other,
                };
                upserted?.ok_or_else(|| {
                    StoreError::Failed("an upsert returned no document".to_owned())
                })?
            }
        };
        let Some(founder) = value::optional(&list, "founder", value::user)? else {
            return Ok(None);
        };
        // Once: somebody who takes long over it must not make a later administrator of one who no
        // longer is.
        let mut unmarked = existing(founder);
        unmarked.insert("founder", doc! { "$exists": false });
        let mark = doc! { "$set": { "admin": true, "founder": true } };
        self.users.update_one(unmarked, mark).await?;
        self.site
            .update_one(doc! { "_id": ADMINISTRATORS }, doc! { "$unset": { "founder": "" } })
            .await?;
        Ok(Some(founder))
    }

    /// Takes somebody off the list of administrators, if they are on it.
    async fn dismiss(&self, user: UserId) -> Result<(), StoreError> {
        let user = value::of_user(user);
        let among_others =
            doc! { "_id": ADMINISTRATORS, "users": &user, "users.1": { "$exists": true } };
        let taken =
            self.site.update_one(among_others, doc! { "$pull": { "users": &user } }).await?;
        let alone = doc! { "_id": ADMINISTRATORS, "users": &user };
        if taken.matched_count == 0 && self.site.find_one(alone).await?.is_some() {
            return Err(StoreError::LastAdmin);
        }
        Ok(())
    }

    /// Puts somebody on the list of administrators.
    async fn appoint(&self, user: UserId) -> Result<(), StoreError> {
        // There is a list as soon as there is an account.
        self.appoint_founder().await?;
        let add = doc! { "$addToSet": { "users": value::of_user(user) } };
        self.site.update_one(doc! { "_id": ADMINISTRATORS }, add).await?;
        Ok(())
    }

    /// Changes an account that fulfils `filter`, and returns what becomes of it.
    async fn change_account(
        &self,
        filter: Document,
        update: Document,
    ) -> Result<Option<UserRecord>, StoreError> {
        let changed = self
            .users
            .find_one_and_update(filter, update)
            .return_document(ReturnDocument::After)
            .await?;
        changed.as_ref().map(record).transpose()
    }

    async fn existing_account(&self, user: UserId) -> Result<Option<UserRecord>, StoreError> {
        self.users.find_one(existing(user)).await?.as_ref().map(record).transpose()
    }
}

#[async_trait]
impl AccountStore for MongoStore {
    async fn account(&self, user: UserId) -> Result<Option<PrivateAccount>, StoreError> {
        self.within(async {
            let Some(found) = self.users.find_one(existing(user)).await? else { return Ok(None) };
            Ok(Some(PrivateAccount {
                user: record(&found)?,
                email: value::optional(&found, "email", value::text)?.map(str::to_owned),
                password_hash: value::text(&found, "password_hash")?.to_owned(),
            }))
        })
        .await
    }

    async fn set_password(&self, user: UserId, hash: String) -> Result<bool, StoreError> {
        self.within(async {
            let update = doc! { "$set": { "password_hash": hash } };
            Ok(self.users.update_one(existing(user), update).await?.matched_count > 0)
        })
        .await
    }

    async fn find_accounts(
        &self,
        prefix: &str,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<UserRecord>, StoreError> {
        self.within(self.find_users_by(found_under(prefix, after), limit)).await
    }

    async fn set_admin(&self, user: UserId, on: bool) -> Result<Option<UserRecord>, StoreError> {
        self.within(async {
            if !on {
                self.dismiss(user).await?;
                return self
                    .change_account(existing(user), doc! { "$set": { "admin": false } })
                    .await;
            }
            let mut active = existing(user);
            active.insert("suspended_at", doc! { "$exists": false });
            if self.users.find_one(active.clone()).await?.is_none() {
                return self.existing_account(user).await;
            }
            self.appoint(user).await?;
            let changed = self.change_account(active, doc! { "$set": { "admin": true } }).await?;
            if changed.is_none() {
                // Suspended or deleted at the same moment.
                self.dismiss(user).await?;
                return self.existing_account(user).await;
            }
            Ok(changed)
        })
        .await
    }

    async fn suspend(&self, user: UserId, at: Timestamp) -> Result<Option<UserRecord>, StoreError> {
        self.within(async {
            if self.existing_account(user).await?.is_none() {
                return Ok(None);
            }
            self.dismiss(user).await?;
            let update =
                doc! { "$min": { "suspended_at": value::of_time(at) }, "$set": { "admin": false } };
            self.change_account(existing(user), update).await
        })
        .await
    }

    async fn reinstate(&self, user: UserId) -> Result<Option<UserRecord>, StoreError> {
        let update = doc! { "$unset": { "suspended_at": "" } };
        self.within(self.change_account(existing(user), update)).await
    }

    async fn begin_erasure(&self, user: UserId, at: Timestamp) -> Result<bool, StoreError> {
        let id = value::of_user(user);
        self.within(async {
            let Some(found) = self.users.find_one(doc! { "_id": &id }).await? else {
                return Ok(false);
            };
            if found.contains_key("deleted_at") {
                return Ok(true);
            }
            self.dismiss(user).await?;
            // Before the account is marked: what is marked must be finished by somebody.
            let job = doc! { "$setOnInsert": { "begun_at": value::of_time(at) } };
            self.erasures.update_one(doc! { "_id": &id }, job).upsert(true).await?;
            let mark = doc! {
                "$set": {
                    "deleted_at": value::of_time(at),
                    "display_name": STAND_IN_DISPLAY_NAME,
                    "password_hash": "",
                    "search": [],
                },
                "$unset": {
                    "email": "", "bio": "", "status_text": "", "last_seen": "", "admin": "",
                    "suspended_at": "", "send_receipts": "", "send_typing": "",
                    "availability": "",
                },
            };
            self.users.update_one(existing(user), mark).await?;
            Ok(true)
        })
        .await
    }

    async fn erasures(&self, limit: usize) -> Result<Vec<UserId>, StoreError> {
        let Some(limit) = value::limit(limit) else { return Ok(Vec::new()) };
        self.within(async {
            let waiting =
                self.erasures.find(doc! {}).sort(doc! { "begun_at": 1, "_id": 1 }).limit(limit);
            let waiting = waiting.await?;
            waiting.err_into().and_then(async |job| value::user(&job, "_id")).try_collect().await
        })
        .await
    }

    async fn finish_erasure(&self, user: UserId) -> Result<(), StoreError> {
        let id = value::of_user(user);
        self.within(async {
            if self.erasures.find_one(doc! { "_id": &id }).await?.is_none() {
                return Ok(());
            }
            if self.existing_account(user).await?.is_some() {
                // Its deletion was cut off before the account was marked; its owner can repeat it.
                self.erasures.delete_one(doc! { "_id": &id }).await?;
                return Ok(());
            }
            let own = doc! { "user": &id };
            let sessions: Vec<Document> = self
                .sessions
                .find(own.clone())
                .projection(doc! { "_id": 1 })
                .await?
                .try_collect()
                .await?;
            let sessions: Vec<_> =
                sessions.iter().filter_map(|session| session.get("_id").cloned()).collect();
            let of_sessions = doc! { "session": { "$in": sessions } };
            self.session_tokens.delete_many(of_sessions).await?;
            let kept =
                [&self.sessions, &self.blocks, &self.memberships, &self.positions, &self.inbox];
            for traces in kept {
                traces.delete_many(own.clone()).await?;
            }
            self.blocks.delete_many(doc! { "blocked": &id }).await?;
            let rest = doc! { "$unset": { "avatar": "", "last_seen": "" } };
            self.users.update_one(doc! { "_id": &id }, rest).await?;
            // Last: until here the same call removes whatever is left.
            self.erasures.delete_one(doc! { "_id": &id }).await?;
            Ok(())
        })
        .await
    }
}
