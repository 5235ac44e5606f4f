//! Logins in MongoDB.
//!
//! `sessions` holds each session with the hash of its present token, and `session_tokens` every
//! hash it has had, until the token itself runs out: until then its reuse is noticed, afterwards it
//! is unknown. A session that was ended stays for as long, for the same reason. TTL indexes sweep.

use async_trait::async_trait;
use futures_util::TryStreamExt;
use hubbub_protocol::{SessionId, Timestamp, UserId};
use mongodb::bson::{Bson, Document, doc};
use mongodb::options::ReturnDocument;

use super::error::is_duplicate;
use super::{MongoStore, value};
use crate::StoreError;
use crate::sessions::{NewSession, Rotation, SessionRecord, SessionStore, TokenHash};

fn record(document: &Document) -> Result<SessionRecord, StoreError> {
    let created_at = value::time(document, "created_at")?;
    Ok(SessionRecord {
        id: value::session(document, "_id")?,
        user: value::user(document, "user")?,
        created_at,
        renewed_at: value::optional(document, "renewed_at", value::time)?.unwrap_or(created_at),
        expires_at: value::time(document, "expires_at")?,
        access_expires_at: value::time(document, "access_expires_at")?,
        client: value::optional(document, "client", value::text)?.map(str::to_owned),
    })
}

/// The filter of live sessions among `id`, which is an id or a condition.
fn live(id: impl Into<Bson>, now: Timestamp) -> Document {
    doc! { "_id": id.into(), "ended": false, "expires_at": { "$gt": value::of_time(now) } }
}

impl MongoStore {
    /// Notes a token's hash. Before the session itself takes the token: a hash without its session
    /// harms nobody, a session whose token is not known could not be continued.
    async fn keep_token(
        &self,
        hash: &TokenHash,
        session: SessionId,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let token = doc! {
            "_id": value::of_bytes(hash),
            "session": value::of_session(session),
            "expires_at": value::of_time(expires_at),
        };
        match self.session_tokens.insert_one(token).await {
            Err(error) if !is_duplicate(&error) => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// What to answer when a session did not have `presented` as its present token.
    async fn not_rotated(
        &self,
        session: SessionId,
        presented: &TokenHash,
        next: &TokenHash,
        now: Timestamp,
    ) -> Result<Rotation, StoreError> {
        let kept = doc! {
            "_id": value::of_session(session),
            "expires_at": { "$gt": value::of_time(now) },
        };
        let Some(found) = self.sessions.find_one(kept).await? else { return Ok(Rotation::Unknown) };
        let current = value::bytes(&found, "token")?;
        if current == presented {
            // It was ended with this token as its present one.
            return Ok(Rotation::Unknown);
        }
        if current == next && found.get_bool("ended").is_ok_and(|ended| !ended) {
            // The same call again, by a caller that never saw the first answer.
            return Ok(Rotation::Rotated(record(&found)?));
        }
        self.end(session).await?;
        Ok(Rotation::Reused(session))
    }

    async fn end(&self, session: SessionId) -> Result<bool, StoreError> {
        let ended = self
            .sessions
            .update_one(
                doc! { "_id": value::of_session(session), "ended": false },
                doc! { "$set": { "ended": true } },
            )
            .await?;
        Ok(ended.modified_count > 0)
    }
}

#[async_trait]
impl SessionStore for MongoStore {
    async fn create_session(&self, session: NewSession) -> Result<SessionRecord, StoreError> {
        let mut document = doc! {
            "_id": value::of_session(session.id),
            "user": value::of_user(session.user),
            "token": value::of_bytes(&session.token),
            "ended": false,
            "created_at": value::of_time(session.created_at),
            "expires_at": value::of_time(session.expires_at),
            "access_expires_at": value::of_time(session.access_expires_at),
        };
        if let Some(client) = session.client {
            document.insert("client", client);
        }
        self.within(async {
            self.keep_token(&session.token, session.id, session.expires_at).await?;
            match self.sessions.insert_one(&document).await {
                Err(error) if !is_duplicate(&error) => Err(error.into()),
                _ => record(&document),
            }
        })
        .await
    }

    async fn rotate_session(
        &self,
        presented: &TokenHash,
        next: &TokenHash,
        now: Timestamp,
        expires_at: Timestamp,
        access_expires_at: Timestamp,
    ) -> Result<Rotation, StoreError> {
        self.within(async {
            let unexpired = doc! {
                "_id": value::of_bytes(presented),
                "expires_at": { "$gt": value::of_time(now) },
            };
            let Some(token) = self.session_tokens.find_one(unexpired).await? else {
                return Ok(Rotation::Unknown);
            };
            let session = value::session(&token, "session")?;
            let mut having_it = live(value::of_session(session), now);
            having_it.insert("token", value::of_bytes(presented));
            // A used token adds no hash, however often it is tried.
            if self.sessions.find_one(having_it.clone()).await?.is_none() {
                return self.not_rotated(session, presented, next, now).await;
            }
            self.keep_token(next, session, expires_at).await?;
            // The one atomic step: of all who present the token, one finds it the present one.
            let taken = doc! { "$set": {
                "token": value::of_bytes(next),
                "expires_at": value::of_time(expires_at),
                "access_expires_at": value::of_time(access_expires_at),
                "renewed_at": value::of_time(now),
            } };
            let rotated = self
                .sessions
                .find_one_and_update(having_it, taken)
                .return_document(ReturnDocument::After)
                .await?;
            match rotated {
                Some(session) => Ok(Rotation::Rotated(record(&session)?)),
                None => self.not_rotated(session, presented, next, now).await,
            }
        })
        .await
    }

    async fn session(
        &self,
        id: SessionId,
        now: Timestamp,
    ) -> Result<Option<SessionRecord>, StoreError> {
        self.within(async {
            let found = self.sessions.find_one(live(value::of_session(id), now)).await?;
            found.as_ref().map(record).transpose()
        })
        .await
    }

    async fn live_sessions(
        &self,
        ids: &[SessionId],
        now: Timestamp,
    ) -> Result<Vec<SessionId>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<_> = ids.iter().copied().map(value::of_session).collect();
        self.within(async {
            let found = self
                .sessions
                .find(live(doc! { "$in": keys }, now))
                .projection(doc! { "_id": 1 })
                .await?;
            found
                .err_into()
                .and_then(async |document| value::session(&document, "_id"))
                .try_collect()
                .await
        })
        .await
    }

    async fn sessions_of(
        &self,
        user: UserId,
        now: Timestamp,
    ) -> Result<Vec<SessionRecord>, StoreError> {
        self.within(async {
            let live = self
                .sessions
                .find(doc! {
                    "user": value::of_user(user),
                    "ended": false,
                    "expires_at": { "$gt": value::of_time(now) },
                })
                .sort(doc! { "created_at": -1, "_id": -1 })
                .await?;
            live.err_into().and_then(async |document| record(&document)).try_collect().await
        })
        .await
    }

    async fn end_sessions(
        &self,
        user: UserId,
        but: Option<SessionId>,
        now: Timestamp,
    ) -> Result<Vec<SessionId>, StoreError> {
        let mut others = doc! { "user": value::of_user(user) };
        if let Some(but) = but {
            others.insert("_id", doc! { "$ne": value::of_session(but) });
        }
        self.within(async {
            self.sessions.update_many(others.clone(), doc! { "$set": { "ended": true } }).await?;
            others.insert("access_expires_at", doc! { "$gt": value::of_time(now) });
            let ended = self.sessions.find(others).projection(doc! { "_id": 1 }).await?;
            ended
                .err_into()
                .and_then(async |document| value::session(&document, "_id"))
                .try_collect()
                .await
        })
        .await
    }

    async fn end_session(&self, id: SessionId) -> Result<bool, StoreError> {
        self.within(self.end(id)).await
    }
}
