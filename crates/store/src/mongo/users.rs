//! Accounts in MongoDB. `search` holds the keys a person is found under.

use async_trait::async_trait;
use futures_util::TryStreamExt;
use hubbub_protocol::{PictureId, Timestamp, UserId};
use mongodb::bson::{Document, doc};
use mongodb::options::ReturnDocument;

use super::error::is_duplicate;
use super::{MongoStore, value};
use crate::users::{self, NewUser, ProfileChange, UserRecord, UserStore};
use crate::{StoreError, fold};

pub(super) fn record(document: &Document) -> Result<UserRecord, StoreError> {
    let id = value::user(document, "_id")?;
    let deleted_at = value::optional(document, "deleted_at", value::time)?;
    let text = |field| document.get_str(field).unwrap_or_default().to_owned();
    // What accounts of earlier versions do not say is as for new ones.
    let flag = |field, otherwise| document.get_bool(field).unwrap_or(otherwise);
    Ok(UserRecord {
        id,
        username: match deleted_at {
            Some(_) => users::stand_in_name(id),
            None => value::text(document, "username")?.to_owned(),
        },
        display_name: value::text(document, "display_name")?.to_owned(),
        created_at: value::time(document, "created_at")?,
        last_seen: value::optional(document, "last_seen", value::time)?,
        bio: text("bio"),
        status_text: text("status_text"),
        avatar: value::optional(document, "avatar", value::picture)?,
        send_receipts: flag("send_receipts", true),
        send_typing: flag("send_typing", true),
        availability: users::availability_of(document.get_i32("availability").unwrap_or_default()),
        admin: flag("admin", false),
        suspended_at: value::optional(document, "suspended_at", value::time)?,
        deleted_at,
    })
}

/// The filter of an account that is not deleted.
pub(super) fn existing(user: UserId) -> Document {
    doc! { "_id": value::of_user(user), "deleted_at": { "$exists": false } }
}

/// The filter of an account that somebody can use.
pub(super) fn active(user: UserId) -> Document {
    let mut filter = existing(user);
    filter.insert("suspended_at", doc! { "$exists": false });
    filter
}

/// The filter of accounts that are found under a name that starts with `prefix`; with an empty one
/// of all accounts. Deleted ones are left out.
pub(super) fn found_under(prefix: &str, after: Option<UserId>) -> Document {
    let query = fold::query(prefix);
    let mut filter = doc! { "deleted_at": { "$exists": false } };
    if let Some(after) = after {
        filter.insert("_id", doc! { "$gt": value::of_user(after) });
    }
    if !query.is_empty() {
        filter.insert("search", some_key(query));
    }
    filter
}

/// That a key starts with a folded query. `$elemMatch` holds both bounds to one key, so that the index
/// serves both.
pub(super) fn some_key(query: String) -> Document {
    let (query, end) = fold::key_range(query);
    doc! { "$elemMatch": { "$gte": query, "$lt": end } }
}

/// What lists of accounts have no use for.
fn without_secrets() -> Document {
    doc! { "password_hash": 0, "email": 0, "search": 0 }
}

impl MongoStore {
    pub(super) async fn find_users_by(
        &self,
        filter: Document,
        limit: usize,
    ) -> Result<Vec<UserRecord>, StoreError> {
        let Some(limit) = value::limit(limit) else { return Ok(Vec::new()) };
        let found = self
            .users
            .find(filter)
            .projection(without_secrets())
            .sort(doc! { "_id": 1 })
            .limit(limit)
            .await?;
        found.err_into().and_then(async |document| record(&document)).try_collect().await
    }
}

#[async_trait]
impl UserStore for MongoStore {
    async fn create_user(&self, user: NewUser) -> Result<UserRecord, StoreError> {
        let mut document = doc! {
            "_id": value::of_user(user.id),
            "username": &user.username,
            "display_name": &user.display_name,
            "password_hash": &user.password_hash,
            "created_at": value::of_time(user.created_at),
            "search": fold::user_keys(&user.username, &user.display_name),
        };
        if let Some(email) = &user.email {
            document.insert("email", email);
        }
        self.within(async {
            match self.users.insert_one(&document).await {
                Ok(_) => {
                    if self.appoint_founder().await? == Some(user.id) {
                        document.insert("admin", true);
                    }
                    record(&document)
                }
                // Repeated by a caller that never saw the first answer, it is no conflict.
                Err(error) if is_duplicate(&error) => {
                    let same = doc! { "_id": value::of_user(user.id), "username": &user.username };
                    self.appoint_founder().await?;
                    let found = self.users.find_one(same).await?;
                    found.as_ref().map(record).transpose()?.ok_or(StoreError::UsernameTaken)
                }
                Err(error) => Err(error.into()),
            }
        })
        .await
    }

    async fn credentials(
        &self,
        username: &str,
    ) -> Result<Option<(UserRecord, String)>, StoreError> {
        self.within(async {
            let found = self
                .users
                .find_one(doc! { "username": username, "deleted_at": { "$exists": false } })
                .await?;
            let credentials = found.map(|document| {
                let hash = value::text(&document, "password_hash")?.to_owned();
                Ok((record(&document)?, hash))
            });
            credentials.transpose()
        })
        .await
    }

    async fn users(&self, ids: &[UserId]) -> Result<Vec<UserRecord>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<_> = ids.iter().copied().map(value::of_user).collect();
        self.within(self.find_users_by(doc! { "_id": { "$in": keys } }, ids.len())).await
    }

    async fn users_by_name(&self, names: &[String]) -> Result<Vec<UserRecord>, StoreError> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let filter = doc! { "username": { "$in": names } };
        self.within(self.find_users_by(filter, names.len())).await
    }

    async fn find_users(
        &self,
        prefix: &str,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<UserRecord>, StoreError> {
        let mut filter = found_under(prefix, after);
        filter.insert("suspended_at", doc! { "$exists": false });
        self.within(self.find_users_by(filter, limit)).await
    }

    async fn update_profile(
        &self,
        user: UserId,
        change: ProfileChange,
    ) -> Result<Option<UserRecord>, StoreError> {
        let mut set = Document::new();
        let texts = [("bio", change.bio), ("status_text", change.status_text)];
        set.extend(
            texts.into_iter().filter_map(|(field, text)| Some((field.to_owned(), text?.into()))),
        );
        let flags = [("send_receipts", change.send_receipts), ("send_typing", change.send_typing)];
        set.extend(
            flags.into_iter().filter_map(|(field, on)| Some((field.to_owned(), on?.into()))),
        );
        if let Some(availability) = change.availability {
            set.insert("availability", users::availability_code(availability));
        }
        self.within(async {
            if let Some(name) = change.display_name {
                // A user name never changes while the account exists.
                let Some(found) = self.users.find_one(existing(user)).await? else {
                    return Ok(None);
                };
                set.insert("search", fold::user_keys(value::text(&found, "username")?, &name));
                set.insert("display_name", name);
            }
            let updated = if set.is_empty() {
                self.users.find_one(existing(user)).await?
            } else {
                self.users
                    .find_one_and_update(existing(user), doc! { "$set": set })
                    .return_document(ReturnDocument::After)
                    .await?
            };
            updated.as_ref().map(record).transpose()
        })
        .await
    }

    async fn set_avatar(
        &self,
        user: UserId,
        avatar: Option<PictureId>,
    ) -> Result<Option<Option<PictureId>>, StoreError> {
        let update = match avatar {
            Some(avatar) => doc! { "$set": { "avatar": value::of_picture(avatar) } },
            None => doc! { "$unset": { "avatar": "" } },
        };
        self.within(async {
            let before = self.users.find_one_and_update(existing(user), update).await?;
            before.map(|before| value::optional(&before, "avatar", value::picture)).transpose()
        })
        .await
    }

    async fn set_last_seen(&self, users: &[UserId], at: Timestamp) -> Result<(), StoreError> {
        if users.is_empty() {
            return Ok(());
        }
        let keys: Vec<_> = users.iter().copied().map(value::of_user).collect();
        self.within(async {
            self.users
                .update_many(
                    doc! { "_id": { "$in": keys } },
                    doc! { "$max": { "last_seen": value::of_time(at) } },
                )
                .await?;
            Ok(())
        })
        .await
    }
}
