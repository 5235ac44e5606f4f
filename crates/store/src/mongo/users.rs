//! Accounts in MongoDB. `search` holds the keys a person is found under.

use async_trait::async_trait;
use futures_util::TryStreamExt;
use hubbub_protocol::{Timestamp, UserId};
use mongodb::bson::{Document, doc};

use super::error::is_duplicate;
use super::{MongoStore, value};
use crate::users::{NewUser, UserRecord, UserStore};
use crate::{StoreError, fold};

fn record(document: &Document) -> Result<UserRecord, StoreError> {
    Ok(UserRecord {
        id: value::user(document, "_id")?,
        username: value::text(document, "username")?.to_owned(),
        display_name: value::text(document, "display_name")?.to_owned(),
        created_at: value::time(document, "created_at")?,
        last_seen: value::optional(document, "last_seen", value::time)?,
    })
}

/// What lists of accounts have no use for.
fn without_secrets() -> Document {
    doc! { "password_hash": 0, "email": 0, "search": 0 }
}

impl MongoStore {
    async fn find_accounts(
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
                Ok(_) => record(&document),
                // Repeated by a caller that never saw the first answer, it is no conflict.
                Err(error) if is_duplicate(&error) => {
                    let same = doc! { "_id": value::of_user(user.id), "username": &user.username };
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
            let found = self.users.find_one(doc! { "username": username }).await?;
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
        self.within(self.find_accounts(doc! { "_id": { "$in": keys } }, ids.len())).await
    }

    async fn find_users(
        &self,
        prefix: &str,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<UserRecord>, StoreError> {
        let query = fold::query(prefix);
        let mut filter = Document::new();
        if let Some(after) = after {
            filter.insert("_id", doc! { "$gt": value::of_user(after) });
        }
        if !query.is_empty() {
            // Every key that starts with the query lies between it and it with the last character
            // there is. `$elemMatch` holds both bounds to one key, so that the index serves both.
            let end = format!("{query}{}", char::MAX);
            filter.insert("search", doc! { "$elemMatch": { "$gte": query, "$lt": end } });
        }
        self.within(self.find_accounts(filter, limit)).await
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
